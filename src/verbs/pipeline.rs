//! Fetches one thing while the one before it is delivered.
//!
//! Order is kept; one fetch and one delivery go on at a time. A fetch does not wait for a delivery until two
//! reports do: one between the two, one in the fetch's hand. A delivery that fails ends everything at once,
//! also a fetch in the middle of its wait. A fetch that breaks is the last, and its fetched is delivered, too.
//! It knows neither time nor threads: what blocks is for `deliver` to move to another thread.

use std::ops::ControlFlow::{self, Break, Continue};

use tokio::sync::mpsc;

/// Fetches a fetched for each item and delivers it; `progress` goes from delivery to delivery and comes back.
pub async fn run<Item, Fetched, SyncProgress, E>(
    items: impl IntoIterator<Item = Item>,
    fetch: impl AsyncFn(Item) -> ControlFlow<Fetched, Fetched>,
    mut progress: SyncProgress,
    deliver: impl AsyncFn(SyncProgress, Fetched) -> Result<SyncProgress, E>,
) -> Result<SyncProgress, E> {
    let (send, mut receive) = mpsc::channel(1);
    let fetching = async move {
        for item in items {
            let fetched = fetch(item).await;
            let is_last = fetched.is_break();
            let (Continue(fetched) | Break(fetched)) = fetched;
            if send.send(fetched).await.is_err() || is_last {
                break;
            }
        }
        Ok(())
    };
    let delivering = async {
        while let Some(fetched) = receive.recv().await {
            progress = deliver(progress, fetched).await?;
        }
        Ok(progress)
    };
    tokio::try_join!(fetching, delivering).map(|((), progress)| progress)
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
