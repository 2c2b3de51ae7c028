//! A shutdown after a signal: one [`Shutdown`], and a [`Stop`] for each part of the work that must react to it.
//!
//! [`Shutdown::stop`] asks every part to end; [`Shutdown::finished`] resolves when each part has dropped its [`Stop`].
//! It handles no signals and has no timeout: see `process`.

use tokio::sync::watch;

/// Asks the work to end, and waits until it has ended.
#[derive(Debug)]
pub struct Shutdown(watch::Sender<()>);

/// A part of the work holds this until its last write.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<()>);

impl Shutdown {
    /// A shutdown and its first [`Stop`]; further ones are clones of it.
    #[must_use]
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(());
        (Self(sender), Stop(receiver))
    }

    /// Asks every holder of a [`Stop`] to end.
    pub fn stop(&self) {
        self.0.send_replace(());
    }

    /// Resolves when every [`Stop`] was dropped.
    pub async fn finished(&self) {
        self.0.closed().await;
    }
}

impl Stop {
    /// Whether the process is to end. One atomic load, so it can be asked for each row.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.has_changed().unwrap_or(true)
    }

    /// Resolves when the process is to end.
    pub async fn stopped(&self) {
        let _ = self.0.clone().changed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn shutdown_is_finished_when_every_stop_was_dropped() {
        let (shutdown, stop) = Shutdown::new();
        let delivery = stop.clone();
        assert!(!stop.is_stopped() && !delivery.is_stopped());
        shutdown.stop();
        assert!(stop.is_stopped() && delivery.is_stopped() && delivery.clone().is_stopped());
        stop.stopped().await;
        drop(stop);
        let waiting = async {
            tokio::select! {
                biased;
                () = shutdown.finished() => false,
                () = std::future::ready(()) => true,
            }
        };
        assert!(waiting.await, "the delivery still holds its `Stop`");
        drop(delivery);
        shutdown.finished().await;
    }

    #[test]
    fn stop_without_a_shutdown_is_stopped() {
        let (shutdown, stop) = Shutdown::new();
        drop(shutdown);
        assert!(stop.is_stopped());
    }
}
