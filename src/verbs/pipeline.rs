//! Fetches one item while the previous one is delivered.
//!
//! Order is kept; one fetch and one delivery run at a time. Backpressure: a fetch waits for the delivery when two
//! fetched items wait, one in the channel and one behind it. A failed delivery ends everything at once, also a fetch
//! that waits. A fetch that breaks is the last, and its item is delivered. The pipeline knows neither clocks nor
//! threads: `deliver` moves blocking work to another thread.

use std::ops::ControlFlow::{self, Break, Continue};

use tokio::sync::mpsc;

/// Fetches and delivers each item; every delivery takes `progress` and returns it for the next one.
pub async fn run<Item, Fetched, Progress, E>(
    items: impl IntoIterator<Item = Item>,
    fetch: impl AsyncFn(Item) -> ControlFlow<Fetched, Fetched>,
    mut progress: Progress,
    deliver: impl AsyncFn(Progress, Fetched) -> Result<Progress, E>,
) -> Result<Progress, E> {
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
