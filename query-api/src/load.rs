//! A load: reads the rows that a query needs, and composes the answer from them, in the organization's turn.

use crate::answer::Answer;
use crate::answer::delivery_health::DeliveryHealth;
use crate::answer::insights::{Insights, Window};
use crate::answer::registry::Alert;
use crate::answer::summary::Summary;
use crate::answer::trends::Trends;
use crate::answer::workflow_health::WorkflowHealth;
use crate::request::cells::Cells;
use crate::request::compare::Compare;
use crate::request::query::Query;
use crate::request::range::Range;
use crate::request::raw_range::{self, RawRange};
use crate::store::{Error, Read, Store, Turn};
use chrono::{DateTime, Utc};
use std::sync::Arc;

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
        Query::Summary(range) => Answer::of(&summary(store, &turn, *range, now).await?),
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

async fn summary<'a>(
    store: &Store,
    turn: &'a Arc<Turn>,
    range: Range,
    now: DateTime<Utc>,
) -> Result<Summary<'a>, Error> {
    let Read { known, rows } = store.summary(turn, &range).await?;
    Ok(Summary::new(turn.organization(), range, known, rows, now))
}

/// The alerts of a summary that is asked for without parameters, and its range.
///
/// # Errors
/// When the rows can't be read.
pub async fn alerts(
    store: &Store,
    organization: &str,
    ranges: &raw_range::Settings,
    now: DateTime<Utc>,
) -> Result<(Range, Vec<Alert>), Error> {
    // Alerts compare nothing.
    let asked = RawRange { compare: Some(Compare::None.name().into()), ..RawRange::default() };
    let range = asked.normalise(now, ranges).expect("a known comparison, and defaults");
    let turn = store.turn(organization).await?;
    Ok(summary(store, &turn, range, now).await?.into_alerts())
}

/// Composes an answer of many rows on a thread for such work: requests that take little must not wait for it.
async fn of_many_rows(compose: impl FnOnce() -> Answer + Send + 'static) -> Answer {
    let composed = tokio::task::spawn_blocking(compose).await;
    composed.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))
}

/// How many buckets of an organization are read for the query at most, however many of them have rows: what a load costs,
/// as far as it can be told before. Workflows and channels have rows of their own, as many as there are; they count once.
#[must_use]
pub fn rows(query: &Query) -> u32 {
    let compared = |range: &Range| if range.comparison().is_some() { 2 } else { 1 };
    match query {
        Query::Summary(range) | Query::Trends(range) => {
            buckets(&range.cells()).saturating_mul(compared(range))
        }
        Query::WorkflowHealth(range, _) | Query::DeliveryHealth(range, _) => buckets(&range.cells()),
        Query::Insights(range) => buckets(Window::of(range).hours()),
    }
}

fn buckets(cells: &Cells) -> u32 {
    let Some((from, to)) = cells.extent() else { return 0 };
    u32::try_from((to - from).num_seconds() / cells.rows().seconds()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::raw_range::Settings;
    use crate::request::scope::Scope;

    #[test]
    fn a_query_costs_what_it_reads() {
        let check = |scope: Scope, pairs: &[(&str, &str)], expected: u32| {
            let now = "2026-02-25T10:00:00Z".parse().unwrap();
            let pairs: Vec<_> = pairs.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
            let query = Query::from_pairs(scope, &pairs, now, &Settings { max_range_days: 90 }).unwrap();
            assert_eq!(rows(&query), expected, "{scope:?} {pairs:?}");
        };
        check(Scope::Summary, &[], 48);
        check(Scope::Summary, &[("compare", "none")], 24);
        let long = [("from", "2025-12-01T00:00:00Z"), ("to", "2026-02-01T00:00:00Z")];
        check(Scope::Trends, &[long[0], long[1], ("granularity", "hour")], 2 * 62 * 24);
        check(Scope::Trends, &long, 2 * 62);
        check(Scope::DeliveryHealth, &[], 24);
        check(Scope::Insights, &long, 12 * 7 * 24);
    }
}
