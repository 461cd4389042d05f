//! A system that is well: nothing fires, and whatever is asked about it has an answer.

use super::{Watch, runbooks, shipped};
use crate::telling::{orders_in, text, yesterday};
use crate::webhooks::{endpoint, send, telling};
use chrono::Duration;
use load::murmur2::partition_of;
use stack::wait;
use std::collections::BTreeSet;
use std::time::{Duration as StdDuration, Instant};
use tests::{Api, Receiver, Stack, Token};

/// For how long nothing may fire: longer than any condition of the rules has to hold, and its window before that.
const WATCHED_FOR: StdDuration = StdDuration::from_secs(35);

/// How far apart the system is used.
const USED_APART: StdDuration = StdDuration::from_millis(300);

/// Says how fast this machine is, which has other stories to tell at the same time.
const OF_THE_MACHINE: &str = "QueryApiSlow";

/// How names of metrics begin.
const OURS: [&str; 3] = ["consumer_", "query_api_", "process_"];

/// What a dashboard's variables stand for.
const VARIABLES: [(&str, &str); 4] =
    [("$__rate_interval", "10s"), ("$__range", "1m"), ("$job", ".+"), ("$instance", ".+")];

/// Records are counted, and people ask.
async fn use_it(stack: &Stack, api: &Api, round: usize) {
    let partition = partition_of(b"acme", stack.partitions());
    stack.produce(orders_in(partition, "acme", round..round + 1)).await;
    let (from, to) = (yesterday() - Duration::hours(1), yesterday() + Duration::hours(1));
    let path = format!("/metrics/summary?from={}&to={}", text(from), text(to));
    let authorization = format!("Bearer {}", Token::of("acme").sign());
    let headers = [("authorization", &*authorization), ("accept-encoding", "gzip")];
    assert_eq!(api.get_with(&path, &headers).await.status, 200);
}

#[tokio::test]
async fn a_system_that_is_well_fires_nothing_and_has_every_metric_that_is_asked_for() {
    let (stack, receiver) = (Stack::start().await, Receiver::start().await);
    if stack.redis().is_none() {
        return;
    }
    let (one, other) = (stack.consumer().start().await, stack.consumer().start().await);
    let api = telling(&stack).serve().await;
    let (webhook, _) = endpoint(&api, "acme", &receiver.url()).await;
    send(&api, "POST", &format!("{webhook}/test"), "acme", None).await;
    let Some(watch) = Watch::over(&stack, &[&one, &other], &[&api]).await else { return };
    use_it(&stack, &api, 0).await;
    watch.until_all_is_seen().await;
    let since = Instant::now();
    for round in 1.. {
        use_it(&stack, &api, round).await;
        let firing = watch.look().await.expect("an answer of Prometheus");
        let others: Vec<_> = firing.iter().filter(|alert| alert.name() != OF_THE_MACHINE).collect();
        assert!(others.is_empty(), "after {:?}: {others:#?}", since.elapsed());
        if since.elapsed() >= WATCHED_FOR {
            break;
        }
        wait::pass(USED_APART).await;
    }
    every_metric_exists(&watch);
    assert_eq!(one.stop().await, Some(0));
    assert_eq!(other.stop().await, Some(0));
}

/// Each expression of the rules, the dashboards and the alerts' pages is valid, and asks for metrics that were scraped.
fn every_metric_exists(watch: &Watch) {
    let names = watch.prometheus.names().expect("the names of metrics");
    let rules = watch.prometheus.expressions().expect("the rules").into_iter();
    let pages = runbooks::blocks_in("promql").into_iter();
    let all = rules
        .chain(pages.map(|block| (block.to_string(), block.text)))
        .chain(shipped::panels().into_iter().map(|panel| (panel.title, with_values(&panel.expression))));
    let mut wrong = Vec::new();
    for (place, expression) in all {
        if let Err(error) = watch.prometheus.series(&expression) {
            wrong.push(format!("{place}: {error:#}"));
        }
        let unknown = asked_for(&expression).into_iter().filter(|name| !names.contains(name));
        wrong.extend(unknown.map(|name| format!("{place}: there is no metric {name}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn with_values(expression: &str) -> String {
    VARIABLES.iter().fold(expression.to_owned(), |text, (variable, value)| text.replace(variable, value))
}

/// The names of metrics in an expression.
fn asked_for(expression: &str) -> BTreeSet<String> {
    // Every other part is the value of a label.
    let outside = expression.split('"').step_by(2);
    let words = outside.flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    let is_ours = |word: &&str| *word == "up" || OURS.iter().any(|ours| word.starts_with(ours));
    words.filter(is_ours).map(str::to_owned).collect()
}

#[test]
fn names_of_metrics_are_found_outside_of_labels() {
    let found = asked_for("sum by (le) (rate(query_api_a_bucket{job=\"consumer_x\"}[5m])) / up > process_b");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["process_b", "query_api_a_bucket", "up"]);
}
