//! From a question to its answer: which rows are read, and what is made of them.

use crate::answer::Answer;
use crate::answer::insights::{Insights, Scene};
use crate::answer::summary::Summary;
use crate::answer::trends::Trends;
use crate::answer::workflow_health::WorkflowHealth;
use crate::request::asked::Asked;
use crate::store::{Error, Read, Store};
use chrono::{DateTime, Utc};

/// The answer to what is asked about the organization.
///
/// # Errors
/// When the rows can't be read.
pub async fn answer(
    store: &Store,
    organization: &str,
    asked: &Asked,
    now: DateTime<Utc>,
) -> Result<Answer, Error> {
    Ok(match asked {
        Asked::Summary(range) => {
            let Read { complete_through, rows } = store.summary(organization, range).await?;
            Answer::of(&Summary::new(organization, *range, complete_through, rows, now))
        }
        Asked::Trends(range) => {
            let Read { complete_through, rows } = store.trends(organization, range).await?;
            Answer::of(&Trends::new(organization, *range, complete_through, &rows, now))
        }
        Asked::WorkflowHealth(range, listing) => {
            let Read { complete_through, rows } = store.workflow_health(organization, range, listing).await?;
            Answer::of(&WorkflowHealth::new(organization, *range, complete_through, rows, listing, now))
        }
        Asked::Insights(range) => {
            let scene = Scene::of(range);
            let Read { complete_through, rows } = store.insights(organization, &scene).await?;
            Answer::of(&Insights::new(organization, *range, complete_through, &scene, &rows, now))
        }
    })
}
