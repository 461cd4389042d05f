//! A load: reads the rows that a query needs, and composes the answer from them.

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
    Ok(match query {
        Query::Summary(range) => {
            let Read { known, rows } = store.summary(organization, range).await?;
            Answer::of(&Summary::new(organization, *range, known, rows, now))
        }
        Query::Trends(range) => {
            let Read { known, rows } = store.trends(organization, range).await?;
            Answer::of(&Trends::new(organization, *range, known, &rows, now))
        }
        Query::WorkflowHealth(range, listing) => {
            let Read { known, rows } = store.workflow_health(organization, range, listing).await?;
            Answer::of(&WorkflowHealth::new(organization, *range, known, rows, listing, now))
        }
        Query::DeliveryHealth(range, channel) => {
            let channel = channel.as_deref();
            let Read { known, rows } = store.delivery_health(organization, range, channel).await?;
            Answer::of(&DeliveryHealth::new(organization, *range, known, rows, channel, now))
        }
        Query::Insights(range) => {
            let window = Window::of(range);
            let Read { known, rows } = store.insights(organization, &window).await?;
            Answer::of(&Insights::new(organization, *range, known, &window, &rows, now))
        }
    })
}
