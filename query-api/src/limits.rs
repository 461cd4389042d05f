//! The limits that must agree with each other. Pure.
//!
//! A limit is declared beside what it limits; this file compares it with the limits it must agree with. A pair is *refused*
//! at start if one limit would take away what the other promises, and *doubted*, with a line in the log, if the service
//! works but one limit has no effect or costs more than it must. Pairs of constants are checked when this is compiled.
//!
//! Three agreements can't be checked here. `CACHE_KEY_PREFIX` must be the consumer's. An organization's id is as long as
//! the consumer allows (`request/token/claims.rs`). `Store::fallback_versions` looks back further than the consumer's
//! `LEDGER_RETENTION_DAYS`.
//!
//! One pair deliberately does not agree: a quarter of `LOADS_MAX`, an organization's share of loads, exceeds
//! `DATABASE_POOL_SIZE` by default (32 and 16). The share bounds how many loads of one organization wait or run, not how
//! many connections they hold.

use crate::answer::{problem, workflow_health};
use crate::serve::server::connection;
use crate::serve::watch;
use crate::settings::Settings;
use crate::{cache, streams};
use std::fmt;
use std::time::Duration;

/// A stream ends by itself, with a comment that says so, before its connection is closed for its age.
const _: () = assert!(streams::AGE_MAX.as_secs() < connection::AGE_MAX.as_secs());

/// A client that tries again after a 503 comes when the pause after a failed load is over.
const _: () = assert!(problem::RETRY_UNAVAILABLE.as_secs() >= cache::PAUSE.as_secs());

/// Workflows that are sorted after reading fill the list.
const _: () = assert!(workflow_health::WORKFLOWS_SORTED_MAX >= workflow_health::WORKFLOWS_MAX);

/// Two limits that disagree: a sentence that names both, what follows from it, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Disagreement(String);

/// Checks the pairs that must agree.
///
/// # Errors
/// When one of them doesn't.
pub fn check(settings: &Settings) -> Result<(), Disagreement> {
    refused(settings).into_iter().find_map(|pair| pair.disagreement()).map_or(Ok(()), Err)
}

/// The pairs that had better agree, and don't.
#[must_use]
pub fn doubts(settings: &Settings) -> Vec<Disagreement> {
    doubted(settings).into_iter().filter_map(|pair| pair.disagreement()).collect()
}

fn refused(settings: &Settings) -> Vec<Pair> {
    let Settings { server, streams, loads, cache, shared, routes, .. } = settings;
    let connections = Limit::count("CONNECTIONS_MAX", server.connections_max);
    let streams_max = Limit::count("STREAMS_MAX", streams.streams_max);
    let own_streams = Limit::count("STREAMS_PER_ORGANIZATION_MAX", streams.streams_per_organization_max);
    let request = Limit::time("REQUEST_TIMEOUT", routes.request_timeout);
    let load = Limit::time("LOAD_TIMEOUT", loads.load_timeout);
    let redis = Limit::time("REDIS_TIMEOUT", shared.redis_timeout);
    let stale_after = Limit::time("STALE_AFTER", cache.stale_after);
    let local_ttl = Limit::time("LOCAL_CACHE_TTL", cache.local_cache_ttl);
    let mut pairs = vec![
        own_streams.at_most(streams_max, "one organization may have more streams than there are"),
        streams_max.below(connections, "streams can hold every connection, and no other request is served"),
        load.at_most(request, "requests get 503 while their load may still succeed"),
        stale_after.below(request, "requests get 503 where a stale answer could be served"),
        redis.below(request, "requests get 503 when Redis hangs, though they could go on without it"),
    ];
    // 0 means that no stale answer is served.
    if !cache.stale_max_age.is_zero() {
        let stale_max = Limit::time("STALE_MAX_AGE", cache.stale_max_age);
        let then = "without Redis an answer counts as fresh at an age at which it is too old to be stale";
        pairs.push(local_ttl.at_most(stale_max, then));
    }
    pairs
}

fn doubted(settings: &Settings) -> Vec<Pair> {
    let Settings { server, store, loads, cache, routes, .. } = settings;
    let request = Limit::time("REQUEST_TIMEOUT", routes.request_timeout);
    let load = Limit::time("LOAD_TIMEOUT", loads.load_timeout);
    let loads_max = Limit::count("LOADS_MAX", loads.loads_max);
    let stale_after = Limit::time("STALE_AFTER", cache.stale_after);
    let statement = Limit::time("DATABASE_STATEMENT_TIMEOUT", store.database_statement_timeout);
    let wait = Limit::time("DATABASE_WAIT_TIMEOUT", store.database_wait_timeout);
    let connect = Limit::time("DATABASE_CONNECT_TIMEOUT", store.database_connect_timeout);
    let pool = Limit::count("DATABASE_POOL_SIZE", store.database_pool_size);
    let shutdown = Limit::time("SHUTDOWN_TIMEOUT", server.shutdown_timeout);
    let last_answer = Limit::time("the last answer of an ending connection", connection::LAST_ANSWER_MAX);
    let probe = Limit::time("the probe of PostgreSQL", watch::POSTGRESQL_REPLIES_WITHIN);
    vec![
        statement.at_most(load, "PostgreSQL works on for a load that is given up, and holds its connection"),
        wait.at_most(load, "a load times out before it has waited that long for a connection"),
        connect.at_most(load, "a load times out before its connection is made"),
        connect.at_most(probe, "/readyz reports PostgreSQL as unreachable before it is connected to"),
        pool.at_most(loads_max, "connections beyond LOADS_MAX are never used"),
        stale_after.at_most(load, "a load times out before a stale answer is served in its place"),
        request.at_most(shutdown, "requests under way at SIGTERM may be cut off"),
        request.at_most(last_answer, "a slow answer on an old connection may be cut off"),
    ]
}

/// A limit and its value.
#[derive(Clone, Copy)]
struct Limit {
    name: &'static str,
    value: Value,
}

/// A limit's value; only values of one kind are compared.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Value {
    Count(u32),
    Time(Duration),
}

/// A limit that must not exceed another one, and what follows if it does.
struct Pair {
    lower: Limit,
    upper: Limit,
    /// Whether the two may be equal.
    may_be_equal: bool,
    then: &'static str,
}

impl Limit {
    fn count(name: &'static str, value: impl Into<u32>) -> Self {
        Self { name, value: Value::Count(value.into()) }
    }

    const fn time(name: &'static str, value: Duration) -> Self {
        Self { name, value: Value::Time(value) }
    }

    const fn at_most(self, upper: Self, then: &'static str) -> Pair {
        Pair { lower: self, upper, may_be_equal: true, then }
    }

    const fn below(self, upper: Self, then: &'static str) -> Pair {
        Pair { lower: self, upper, may_be_equal: false, then }
    }
}

impl Pair {
    fn disagreement(&self) -> Option<Disagreement> {
        let Self { lower, upper, may_be_equal, then } = self;
        let (agree, must) = if *may_be_equal {
            (lower.value <= upper.value, "must not exceed")
        } else {
            (lower.value < upper.value, "must be below")
        };
        let sentence =
            || format!("{lower} {must} {upper}: otherwise {then}; lower the one or raise the other");
        (!agree).then(|| Disagreement(sentence()))
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Value::Count(count) => write!(f, "{} ({count})", self.name),
            Value::Time(time) => write!(f, "{} ({})", self.name, humantime::format_duration(time)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn settings(flags: &str) -> Settings {
        Settings::parse_from(["query-api"].into_iter().chain(flags.split_whitespace()))
    }

    fn names(sentence: &str, pair: [&str; 2]) -> bool {
        pair.iter().all(|name| sentence.contains(&format!("{name} (")))
    }

    #[test]
    fn pairs_that_disagree_are_refused() {
        let check = |agree: &str, disagree: &str, pair: [&str; 2]| {
            assert_eq!(check(&settings(agree)), Ok(()), "{agree}");
            let sentence = check(&settings(disagree)).unwrap_err().to_string();
            assert!(names(&sentence, pair) && sentence.contains("lower the one"), "{disagree}: {sentence}");
        };
        check(
            "--streams-per-organization-max 500",
            "--streams-per-organization-max 501",
            ["STREAMS_PER_ORGANIZATION_MAX", "STREAMS_MAX"],
        );
        check("--connections-max 501", "--connections-max 500", ["STREAMS_MAX", "CONNECTIONS_MAX"]);
        check("--load-timeout 10s", "--load-timeout 10001ms", ["LOAD_TIMEOUT", "REQUEST_TIMEOUT"]);
        check("--stale-after 9999ms", "--stale-after 10s", ["STALE_AFTER", "REQUEST_TIMEOUT"]);
        check("--redis-timeout 9999ms", "--redis-timeout 10s", ["REDIS_TIMEOUT", "REQUEST_TIMEOUT"]);
        check("--local-cache-ttl 10m", "--local-cache-ttl 601s", ["LOCAL_CACHE_TTL", "STALE_MAX_AGE"]);
        check("--stale-max-age 0s", "--stale-max-age 999ms", ["LOCAL_CACHE_TTL", "STALE_MAX_AGE"]);
    }

    #[test]
    fn pairs_that_had_better_agree_are_doubted() {
        let check = |agree: &str, disagree: &str, pair: [&str; 2]| {
            let doubts = |flags: &str| doubts(&settings(flags));
            let about = |flags: &str| doubts(flags).iter().any(|doubt| names(&doubt.to_string(), pair));
            assert!(!about(agree) && about(disagree), "{disagree}: {:?}", doubts(disagree));
            assert_eq!(super::check(&settings(disagree)), Ok(()), "{disagree} is not refused");
        };
        let load = "LOAD_TIMEOUT";
        check(
            "--database-statement-timeout 5s",
            "--database-statement-timeout 5001ms",
            ["DATABASE_STATEMENT_TIMEOUT", load],
        );
        check("--database-wait-timeout 5s", "--database-wait-timeout 6s", ["DATABASE_WAIT_TIMEOUT", load]);
        check("--load-timeout 3s", "--load-timeout 2s", ["DATABASE_CONNECT_TIMEOUT", load]);
        check(
            "--database-connect-timeout 5s",
            "--database-connect-timeout 6s",
            ["DATABASE_CONNECT_TIMEOUT", "the probe of PostgreSQL"],
        );
        check("--loads-max 16", "--loads-max 15", ["DATABASE_POOL_SIZE", "LOADS_MAX"]);
        check("--stale-after 5s", "--stale-after 6s", ["STALE_AFTER", load]);
        check("--shutdown-timeout 10s", "--shutdown-timeout 9s", ["REQUEST_TIMEOUT", "SHUTDOWN_TIMEOUT"]);
        check(
            "--request-timeout 30s",
            "--request-timeout 31s",
            ["REQUEST_TIMEOUT", "the last answer of an ending connection"],
        );
    }

    #[test]
    fn the_defaults_agree() {
        assert_eq!((check(&settings("")), doubts(&settings(""))), (Ok(()), vec![]));
    }

    #[test]
    fn settings_that_make_sense_together_are_not_refused() {
        let sensible = [
            // Answers with a version may be kept for longer than stale ones are served.
            "--business-metrics-cache-ttl-sec 3600",
            "--local-cache-ttl 0s",
            "--stale-max-age 0s",
            "--business-metrics-cache-ttl-sec 1 --local-cache-ttl 1s --stale-max-age 4s",
            "--loads-max 8 --load-timeout 2s --rate-limit-per-second 0",
            "--streams-per-organization-max 1",
        ];
        for flags in sensible {
            assert_eq!(check(&settings(flags)), Ok(()), "{flags}");
        }
    }
}
