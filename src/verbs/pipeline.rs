//! Fetches one thing while the one before it is delivered.
//!
//! Order is kept; one fetch and one delivery go on at a time. A fetch does not wait for a delivery until two
//! parcels do: one between the two, one in the fetch's hand. A delivery that fails ends everything at once,
//! also a fetch in the middle of its wait. A fetch that breaks is the last, and its parcel is delivered, too.
//! It knows neither time nor threads: what blocks is for `deliver` to put aside.

use std::ops::ControlFlow::{self, Break, Continue};

use tokio::sync::mpsc;

/// Fetches a parcel for each item and delivers it; `courier` goes from delivery to delivery and comes back.
pub async fn run<Item, Parcel, Courier, E>(
    items: impl IntoIterator<Item = Item>,
    fetch: impl AsyncFn(Item) -> ControlFlow<Parcel, Parcel>,
    mut courier: Courier,
    deliver: impl AsyncFn(Courier, Parcel) -> Result<Courier, E>,
) -> Result<Courier, E> {
    let (send, mut receive) = mpsc::channel(1);
    let fetching = async move {
        for item in items {
            let fetched = fetch(item).await;
            let is_last = fetched.is_break();
            let (Continue(parcel) | Break(parcel)) = fetched;
            if send.send(parcel).await.is_err() || is_last {
                break;
            }
        }
        Ok(())
    };
    let delivering = async {
        while let Some(parcel) = receive.recv().await {
            courier = deliver(courier, parcel).await?;
        }
        Ok(courier)
    };
    tokio::try_join!(fetching, delivering).map(|((), courier)| courier)
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
