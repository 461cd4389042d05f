//! A load: reads the rows that a query needs, and composes the answer from them, in the organization's turn.

use crate::answer::Answer;
use crate::answer::delivery_health::DeliveryHealth;
use crate::answer::failure_groups::{FAILURES_GROUPED_MAX, FailureGroups};
use crate::answer::failures::Failures;
use crate::answer::insights::{Insights, Window};
use crate::answer::refusals::Refusals;
use crate::answer::registry::Alert;
use crate::answer::summary::Summary;
use crate::answer::trends::Trends;
use crate::answer::workflow_health::WorkflowHealth;
use crate::answer::workflow_trends::WorkflowTrends;
use crate::request::cells::Cells;
use crate::request::compare::Compare;
use crate::request::listing::failures::Which;
use crate::request::query::Query;
use crate::request::range::Range;
use crate::request::raw_range::{self, RawRange};
use crate::store::{Error, Read, Reading, Store};
use chrono::{DateTime, Utc};
use domain::BucketSize;
use std::sync::Arc;

/// The answer to a query about the organization.
///
/// # Errors
/// When the rows can't be read.
pub async fn load(
    store: &Store,
    organization: &Arc<str>,
    query: &Query,
    now: DateTime<Utc>,
) -> Result<Answer, Error> {
    let turn = traces::span("turn").around(store.turn(organization)).await?;
    let reading = traces::span("connection").around(store.reading(&turn)).await?;
    let read = read(&reading, organization, query, now).await;
    let answer = reading.give_back(read)?;
    // Composing takes a processor, too, so it keeps the turn.
    Ok(composed(vec![answer], turn).await.remove(0))
}

/// The answers to several queries about the organization, all from one state of the database.
///
/// # Errors
/// When the rows can't be read.
pub async fn load_together(
    store: &Store,
    organization: &Arc<str>,
    queries: &[Query],
    now: DateTime<Utc>,
) -> Result<Vec<Answer>, Error> {
    let turn = traces::span("turn").around(store.turn(organization)).await?;
    let snapshot = traces::span("connection").around(store.snapshot(&turn)).await?;
    let all = async {
        let mut all = Vec::with_capacity(queries.len());
        for query in queries {
            all.push(read(&snapshot, organization, query, now).await?);
        }
        Ok(all)
    };
    let all = all.await;
    let all = snapshot.end(all).await?;
    Ok(composed(all, turn).await)
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
    let reading = store.reading(&turn).await?;
    let read = reading.summary(&range).await;
    let Read { known, rows } = reading.give_back(read)?;
    Ok(Summary::new(organization, range, known, rows, now).into_alerts())
}

/// Rows that were read, and how an answer is composed from them.
struct Composition {
    compose: Box<dyn FnOnce() -> Answer + Send>,
    /// Whether that takes so long that other requests would notice.
    is_long: bool,
}

/// Composes answers. Long work is done on a thread for such: requests that take little must not wait for it.
async fn composed(all: Vec<Composition>, turn: impl Send + 'static) -> Vec<Answer> {
    let is_long = all.iter().any(|composition| composition.is_long);
    let span = traces::span("compose");
    let compose = move || {
        let answers = all.into_iter().map(|composition| (composition.compose)()).collect();
        drop((turn, span));
        answers
    };
    if !is_long {
        return compose();
    }
    let composed = tokio::task::spawn_blocking(compose).await;
    composed.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))
}

/// Reads the rows of a query.
async fn read(
    reading: &Reading,
    organization: &Arc<str>,
    query: &Query,
    now: DateTime<Utc>,
) -> Result<Composition, Error> {
    let (name, is_long) = (Arc::clone(organization), is_long(query));
    let compose: Box<dyn FnOnce() -> Answer + Send> = match query.clone() {
        Query::Summary(range) => {
            let Read { known, rows } = reading.summary(&range).await?;
            Box::new(move || Answer::of(&Summary::new(&name, range, known, rows, now)))
        }
        Query::Trends(range) => {
            let Read { known, rows } = reading.trends(&range).await?;
            Box::new(move || Answer::of(&Trends::new(&name, range, known, &rows, now)))
        }
        Query::WorkflowTrends(range, workflow) => {
            let Read { known, rows } = reading.workflow_trends(&range, &workflow).await?;
            Box::new(move || Answer::of(&WorkflowTrends::new(&name, &workflow, range, known, &rows, now)))
        }
        Query::WorkflowHealth(range, listing) => {
            let Read { known, rows } = reading.workflow_health(&range, &listing).await?;
            Box::new(move || Answer::of(&WorkflowHealth::new(&name, range, known, rows, &listing, now)))
        }
        Query::Failures(range, which, page) => {
            let Read { known, rows } = reading.failures(&range, &which, &page).await?;
            Box::new(move || Answer::of(&Failures::new(&name, range, known, rows, page.limit, now)))
        }
        Query::FailureGroups(range, workflow, page) => {
            let Read { known, rows } = reading.failure_groups(&range, workflow.as_deref()).await?;
            Box::new(move || Answer::of(&FailureGroups::new(&name, range, known, rows, &page, now)))
        }
        Query::DeliveryHealth(range, channel) => {
            let Read { known, rows } = reading.delivery_health(&range, channel.as_deref()).await?;
            Box::new(move || {
                Answer::of(&DeliveryHealth::new(&name, range, known, rows, channel.as_deref(), now))
            })
        }
        Query::Refusals(range) => {
            let Read { known, rows } = reading.refusals(&range).await?;
            Box::new(move || Answer::of(&Refusals::new(&name, range, known, rows, now)))
        }
        Query::Insights(range) => {
            let window = Window::of(&range);
            let Read { known, rows } = reading.insights(&window).await?;
            Box::new(move || Answer::of(&Insights::new(&name, range, known, &window, &rows, now)))
        }
    };
    Ok(Composition { compose, is_long })
}

/// Whether composing the answer takes long: there are many buckets, or many messages to compare.
const fn is_long(query: &Query) -> bool {
    match query {
        Query::Trends(_) | Query::WorkflowTrends(..) | Query::FailureGroups(..) => true,
        Query::Summary(_)
        | Query::WorkflowHealth(..)
        | Query::Failures(..)
        | Query::DeliveryHealth(..)
        | Query::Refusals(_)
        | Query::Insights(_) => false,
    }
}

/// How many buckets of an organization are read for the query at most, however many of them have rows: what a load costs,
/// as far as it can be told before. Workflows and channels have rows of their own, as many as there are; they count once. A failure
/// counts as a bucket.
#[must_use]
pub fn rows(query: &Query) -> u32 {
    let compared = |range: &Range| if range.comparison().is_some() { 2 } else { 1 };
    match query {
        Query::Summary(range) | Query::Trends(range) | Query::WorkflowTrends(range, _) => {
            buckets(&range.cells()).saturating_mul(compared(range))
        }
        Query::Failures(_, Which { group: None, .. }, page) => page.limit.into(),
        // Which failures are of a group is only known once they are read.
        Query::Failures(_, Which { group: Some(_), .. }, _) | Query::FailureGroups(..) => {
            FAILURES_GROUPED_MAX.into()
        }
        Query::WorkflowHealth(range, _) | Query::DeliveryHealth(range, _) => buckets(&range.cells()),
        Query::Insights(range) => buckets(Window::of(range).hours()),
        // Its rows are quarters of an hour, whatever its buckets are.
        Query::Refusals(range) => rows_between(range.from(), range.to(), BucketSize::Quarter),
    }
}

fn buckets(cells: &Cells) -> u32 {
    cells.extent().map_or(0, |(from, to)| rows_between(from, to, cells.rows()))
}

fn rows_between(from: DateTime<Utc>, to: DateTime<Utc>, size: BucketSize) -> u32 {
    u32::try_from((to - from).num_seconds() / size.seconds()).unwrap_or(u32::MAX)
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
        check(Scope::Trends, &[("workflow", "w1")], 48);
        check(Scope::Failures, &[("limit", "7")], 7);
        check(Scope::Failures, &[("limit", "7"), ("group", "51fdf7a3c0dd6a1e")], 10_000);
        check(Scope::FailureGroups, &[], 10_000);
        check(Scope::DeliveryHealth, &[], 24);
        check(Scope::Refusals, &[], 96);
        check(Scope::Insights, &long, 12 * 7 * 24);
    }
}
