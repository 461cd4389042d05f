//! A load: reads the rows that a query needs, and composes the answer from them, in the organization's turn.

use crate::answer::Answer;
use crate::answer::delivery_health::DeliveryHealth;
use crate::answer::insights::{Insights, Window};
use crate::answer::summary::Summary;
use crate::answer::trends::Trends;
use crate::answer::workflow_health::WorkflowHealth;
use crate::request::query::Query;
use crate::store::{Error, Read, Store};
use chrono::{DateTime, Utc};

/// The answer to a query about the organization.
///
/// # Errors
/// When the rows can't be read.
pub async fn load(
    store: &Store,
    organization: &str,
    query: &Query,
    now: DateTime<Utc>,
) -> Result<Answer, Error> {
    let turn = store.turn(organization).await?;
    Ok(match query {
        Query::Summary(range) => {
            let Read { known, rows } = store.summary(&turn, range).await?;
            Answer::of(&Summary::new(organization, *range, known, rows, now))
        }
        Query::Trends(range) => {
            let Read { known, rows } = store.trends(&turn, range).await?;
            let range = *range;
            let compose = move || Answer::of(&Trends::new(turn.organization(), range, known, &rows, now));
            of_many_rows(compose).await
        }
        Query::WorkflowHealth(range, listing) => {
            let Read { known, rows } = store.workflow_health(&turn, range, listing).await?;
            Answer::of(&WorkflowHealth::new(organization, *range, known, rows, listing, now))
        }
        Query::DeliveryHealth(range, channel) => {
            let channel = channel.as_deref();
            let Read { known, rows } = store.delivery_health(&turn, range, channel).await?;
            Answer::of(&DeliveryHealth::new(organization, *range, known, rows, channel, now))
        }
        Query::Insights(range) => {
            let window = Window::of(range);
            let Read { known, rows } = store.insights(&turn, &window).await?;
            Answer::of(&Insights::new(organization, *range, known, &window, &rows, now))
        }
    })
}

/// Composes an answer of many rows on a thread for such work: requests that take little must not wait for it.
async fn of_many_rows(compose: impl FnOnce() -> Answer + Send + 'static) -> Answer {
    let composed = tokio::task::spawn_blocking(compose).await;
    composed.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))
}
