//! A shutdown after a signal: one [`Shutdown`], and a [`Stop`] for each part of the work that must react to it.
//!
//! [`Shutdown::stop`] asks every part to end; [`Shutdown::finished`] resolves when each part has dropped its [`Stop`].
//! It handles no signals and has no timeout: see `process`.

use rustix::process::Signal;
use tokio::sync::watch;

/// Asks the work to end, and waits until it has ended. It has the signals that were received so far.
#[derive(Debug)]
pub struct Shutdown(watch::Sender<Vec<Signal>>);

/// A part of the work holds this until its last write.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<Vec<Signal>>);

impl Shutdown {
    /// A shutdown and its first [`Stop`]; further ones are clones of it.
    #[must_use]
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(Vec::new());
        (Self(sender), Stop(receiver))
    }

    /// Asks every holder of a [`Stop`] to end, because of this signal.
    pub fn stop(&self, signal: Signal) {
        self.0.send_modify(|signals| signals.push(signal));
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

    /// Resolves when the process is to end, with the signal that asks for it.
    pub async fn stopped(&self) -> Signal {
        self.signal(0).await
    }

    /// Resolves at the second signal: the process is to end without waiting for anything.
    pub async fn stopped_twice(&self) {
        self.signal(1).await;
    }

    /// The signal of this position. A dropped [`Shutdown`] counts as SIGTERM.
    async fn signal(&self, position: usize) -> Signal {
        let mut signals = self.0.clone();
        match signals.wait_for(|signals| signals.len() > position).await {
            Ok(signals) => signals[position],
            Err(_) => Signal::TERM,
        }
    }
}

/// The exit code of a process that this signal ended.
#[must_use]
pub fn exit_code(signal: Signal) -> u8 {
    u8::try_from(128 + signal.as_raw()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn shutdown_is_finished_when_every_stop_was_dropped() {
        let (shutdown, stop) = Shutdown::new();
        let delivery = stop.clone();
        assert!(!stop.is_stopped() && !delivery.is_stopped());
        shutdown.stop(Signal::HUP);
        assert!(stop.is_stopped() && delivery.is_stopped() && delivery.clone().is_stopped());
        assert_eq!(stop.stopped().await, Signal::HUP);
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

    #[tokio::test]
    async fn stop_tells_the_first_signal_from_the_second() {
        let (shutdown, stop) = Shutdown::new();
        shutdown.stop(Signal::INT);
        let is_second = async {
            tokio::select! {
                biased;
                () = stop.stopped_twice() => true,
                () = std::future::ready(()) => false,
            }
        };
        assert!(!is_second.await);
        shutdown.stop(Signal::TERM);
        stop.stopped_twice().await;
        assert_eq!(stop.stopped().await, Signal::INT);
    }

    #[test]
    fn stop_without_a_shutdown_is_stopped() {
        let (shutdown, stop) = Shutdown::new();
        drop(shutdown);
        assert!(stop.is_stopped());
    }
}
