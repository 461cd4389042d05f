//! The limits that must agree with each other. Pure.
//!
//! A limit is declared beside what it limits; this file compares it with the limits that it must agree with. The service
//! works with any of these settings, so a pair that disagrees is a line in the log at start, which names both and says what
//! follows. Pairs of constants are checked when this is compiled.
//!
//! Three agreements can't be checked here. `CACHE_KEY_PREFIX` must be the consumer's. An organization's id is as long as
//! the consumer allows (`request/token/claims.rs`). `Store::fallback_versions` looks back further than the consumer's
//! `LEDGER_RETENTION_DAYS`.
//!
//! An organization's share of loads, a quarter of `LOADS_MAX`, counts those that wait, too. How many of them use connections is
//! limited by `DATABASE_POOL_SHARE`.

use crate::answer::{problem, workflow_health};
use crate::request::listing::workflows::WORKFLOWS_MAX;
use crate::request::rate_limit;
use crate::serve::server::connection;
use crate::serve::{exchange, watch};
use crate::settings::Settings;
use crate::{cache, store, streams};
use std::fmt;
use std::time::Duration;

/// A stream ends by itself, with a comment that says so, before its connection is closed for its age.
const _: () = assert!(streams::AGE_MAX.as_secs() < connection::AGE_MAX.as_secs());

/// A client that tries again after a 503 comes when the pause after a failed load is over.
const _: () = assert!(problem::RETRY_UNAVAILABLE.as_secs() >= cache::PAUSE.as_secs());

/// Workflows that are sorted after reading fill a page.
const _: () = assert!(workflow_health::WORKFLOWS_SORTED_MAX >= WORKFLOWS_MAX as usize);

/// The probe's connection counts as silent at each probe, and so must reply before it is used: a dead one is replaced at once.
const _: () = assert!(store::SILENT_FOR.as_secs() < watch::POSTGRESQL_EVERY.as_secs());

/// Instances that share rates learn several times, within the time of a burst, what the others have granted.
const _: () = assert!(exchange::RATE_SYNC.as_millis() * 4 < rate_limit::PERIOD.as_millis());

/// Two limits that disagree: a sentence that names both, what follows from it, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement(String);

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The pairs that disagree.
#[must_use]
pub fn disagreements(settings: &Settings) -> Vec<Disagreement> {
    let pairs = [connections(settings), loads(settings), answers(settings), messages(settings)];
    pairs.into_iter().flatten().filter_map(|pair| pair.disagreement()).collect()
}

/// Who may be connected, and for how long.
fn connections(settings: &Settings) -> Vec<Pair> {
    let Settings { server, streams, routes, .. } = settings;
    let connections = Limit::count("CONNECTIONS_MAX", server.connections_max);
    let of_address = Limit::count("CONNECTIONS_PER_ADDRESS_MAX", server.connections_per_address_max);
    let head = Limit::time("HEADER_TIMEOUT", server.header_timeout);
    let idle = Limit::time("IDLE_TIMEOUT", server.idle_timeout);
    let streams_max = Limit::count("STREAMS_MAX", streams.streams_max);
    let own_streams = Limit::count("STREAMS_PER_ORGANIZATION_MAX", streams.streams_per_organization_max);
    let request = Limit::time("REQUEST_TIMEOUT", routes.request_timeout);
    let shutdown = Limit::time("SHUTDOWN_TIMEOUT", server.shutdown_timeout);
    let last_answer = Limit::time("the last answer of an ending connection", connection::LAST_ANSWER_MAX);
    vec![
        own_streams.at_most(streams_max, "one organization may have more streams than there are"),
        of_address.below(connections, "one address without a token can hold every connection"),
        head.at_most(idle, "a client may take longer for a request than for deciding to make one"),
        streams_max.below(connections, "streams can hold every connection, and no other request is served"),
        request.at_most(shutdown, "requests under way at SIGTERM may be cut off"),
        request.at_most(last_answer, "a slow answer on an old connection may be cut off"),
    ]
}

/// How long a load takes, and PostgreSQL for it.
fn loads(settings: &Settings) -> Vec<Pair> {
    let Settings { store, loads, routes, .. } = settings;
    let request = Limit::time("REQUEST_TIMEOUT", routes.request_timeout);
    let load = Limit::time("LOAD_TIMEOUT", loads.load_timeout);
    let loads_max = Limit::count("LOADS_MAX", loads.loads_max);
    let statement = Limit::time("DATABASE_STATEMENT_TIMEOUT", store.database_statement_timeout);
    let wait = Limit::time("DATABASE_WAIT_TIMEOUT", store.database_wait_timeout);
    let together = Limit::time(
        "DATABASE_WAIT_TIMEOUT and DATABASE_STATEMENT_TIMEOUT together",
        store.database_wait_timeout.saturating_add(store.database_statement_timeout),
    );
    let connect = Limit::time("DATABASE_CONNECT_TIMEOUT", store.database_connect_timeout);
    let pool = Limit::count("DATABASE_POOL_SIZE", store.database_pool_size);
    let share = Limit::count("DATABASE_POOL_SHARE", store.database_pool_share);
    let probe = Limit::time("the probe of PostgreSQL", watch::POSTGRESQL_REPLIES_WITHIN);
    vec![
        load.at_most(request, "requests get 503 while their load may still succeed"),
        statement.at_most(load, "PostgreSQL works on for a load that is given up, and holds its connection"),
        wait.at_most(load, "a load times out before it has waited that long for a connection"),
        together.at_most(
            load,
            "a load that has waited for its turn is given up while PostgreSQL may still work for it",
        ),
        connect.at_most(load, "a load times out before its connection is made"),
        connect.at_most(probe, "PostgreSQL is reported as unreachable before it is connected to"),
        pool.at_most(loads_max, "connections beyond LOADS_MAX are never used"),
        share.below(pool, "one organization may use all connections, and others wait for them"),
    ]
}

/// How old an answer may be, and when an old one is served.
fn answers(settings: &Settings) -> Vec<Pair> {
    let Settings { loads, cache, shared, routes, .. } = settings;
    let request = Limit::time("REQUEST_TIMEOUT", routes.request_timeout);
    let load = Limit::time("LOAD_TIMEOUT", loads.load_timeout);
    let mut pairs = Vec::new();
    if shared.redis.are_set() {
        let redis = Limit::time("REDIS_TIMEOUT", shared.redis_timeout);
        pairs.push(
            redis.below(request, "requests get 503 when Redis hangs, though they could go on without it"),
        );
    }
    // 0 means that no stale answer is served.
    if !cache.stale_max_age.is_zero() {
        let local_ttl = Limit::time("LOCAL_CACHE_TTL", cache.local_cache_ttl);
        let stale_max = Limit::time("STALE_MAX_AGE", cache.stale_max_age);
        let stale_after = Limit::time("STALE_AFTER", cache.stale_after);
        let too_old = "without Redis an answer counts as fresh at an age at which it is too old to be stale";
        pairs.push(local_ttl.at_most(stale_max, too_old));
        pairs
            .push(stale_after.at_most(load, "a load times out before a stale answer is served in its place"));
        pairs.push(stale_after.below(request, "requests get 503 where a stale answer could be served"));
    }
    pairs
}

/// How webhooks are told.
fn messages(settings: &Settings) -> Vec<Pair> {
    let Settings { server, webhooks, .. } = settings;
    if !webhooks.are_on() {
        return Vec::new();
    }
    let attempt = Limit::time("WEBHOOK_TIMEOUT", webhooks.webhook_timeout);
    let shutdown = Limit::time("SHUTDOWN_TIMEOUT", server.shutdown_timeout);
    let least = Limit::time("WEBHOOK_EVALUATION_MIN_INTERVAL", webhooks.webhook_evaluation_min_interval);
    let interval = Limit::time("WEBHOOK_EVALUATION_INTERVAL", webhooks.webhook_evaluation_interval);
    vec![
        attempt.at_most(shutdown, "attempts under way at SIGTERM may be made again by another instance"),
        least.at_most(interval, "alerts are evaluated less often than WEBHOOK_EVALUATION_INTERVAL says"),
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
    fn a_pair_that_disagrees_is_named() {
        let check = |agree: &str, disagree: &str, pair: [&str; 2]| {
            let about = |flags: &str| {
                let sentences = disagreements(&settings(flags));
                sentences.iter().any(|sentence| names(&sentence.to_string(), pair))
            };
            assert!(!about(agree), "{agree}");
            assert!(about(disagree), "{disagree}: {:?}", disagreements(&settings(disagree)));
        };
        let (load, request, stale_max) = ("LOAD_TIMEOUT", "REQUEST_TIMEOUT", "STALE_MAX_AGE");
        let redis = "--redis-url redis://localhost";
        check(
            "--streams-per-organization-max 500",
            "--streams-per-organization-max 501",
            ["STREAMS_PER_ORGANIZATION_MAX", "STREAMS_MAX"],
        );
        check("--connections-max 501", "--connections-max 500", ["STREAMS_MAX", "CONNECTIONS_MAX"]);
        let share = "--connections-per-address-max";
        check(
            &format!("{share} 999"),
            &format!("{share} 1000"),
            ["CONNECTIONS_PER_ADDRESS_MAX", "CONNECTIONS_MAX"],
        );
        check("--header-timeout 75s", "--header-timeout 76s", ["HEADER_TIMEOUT", "IDLE_TIMEOUT"]);
        check("--shutdown-timeout 10s", "--shutdown-timeout 9s", [request, "SHUTDOWN_TIMEOUT"]);
        check(
            "--request-timeout 30s",
            "--request-timeout 31s",
            [request, "the last answer of an ending connection"],
        );
        check("--load-timeout 10s", "--load-timeout 10001ms", [load, request]);
        check(
            "--database-statement-timeout 8s",
            "--database-statement-timeout 8001ms",
            ["DATABASE_STATEMENT_TIMEOUT", load],
        );
        check("--database-wait-timeout 8s", "--database-wait-timeout 9s", ["DATABASE_WAIT_TIMEOUT", load]);
        let together = "DATABASE_WAIT_TIMEOUT and DATABASE_STATEMENT_TIMEOUT together";
        check("--load-timeout 8s", "--load-timeout 7999ms", [together, load]);
        check("--load-timeout 3s", "--load-timeout 2s", ["DATABASE_CONNECT_TIMEOUT", load]);
        check(
            "--database-connect-timeout 5s",
            "--database-connect-timeout 6s",
            ["DATABASE_CONNECT_TIMEOUT", "the probe of PostgreSQL"],
        );
        check("--loads-max 16", "--loads-max 15", ["DATABASE_POOL_SIZE", "LOADS_MAX"]);
        check(
            "--database-pool-share 15",
            "--database-pool-share 16",
            ["DATABASE_POOL_SHARE", "DATABASE_POOL_SIZE"],
        );
        check(
            &format!("{redis} --redis-timeout 9999ms"),
            &format!("{redis} --redis-timeout 10s"),
            ["REDIS_TIMEOUT", request],
        );
        check("--redis-timeout 10s", &format!("{redis} --redis-timeout 10s"), ["REDIS_TIMEOUT", request]);
        check("--local-cache-ttl 10m", "--local-cache-ttl 601s", ["LOCAL_CACHE_TTL", stale_max]);
        check("--stale-max-age 0s", "--stale-max-age 999ms", ["LOCAL_CACHE_TTL", stale_max]);
        check("--stale-after 8s", "--stale-after 9s", ["STALE_AFTER", load]);
        check("--stale-after 10s --stale-max-age 0s", "--stale-after 10s", ["STALE_AFTER", request]);
    }

    #[test]
    fn pairs_of_webhooks_matter_where_webhooks_are_on() {
        let check = |agree: &str, disagree: &str, pair: [&str; 2]| {
            assert_eq!(disagreements(&settings(&format!("--webhooks on {agree}"))), []);
            assert_eq!(disagreements(&settings(disagree)), [], "they are off");
            let sentences = disagreements(&settings(&format!("--webhooks on {disagree}")));
            assert!(sentences.len() == 1 && names(&sentences[0].to_string(), pair), "{sentences:?}");
        };
        check("--webhook-timeout 10s", "--webhook-timeout 11s", ["WEBHOOK_TIMEOUT", "SHUTDOWN_TIMEOUT"]);
        check(
            "--webhook-evaluation-min-interval 1m",
            "--webhook-evaluation-min-interval 61s",
            ["WEBHOOK_EVALUATION_MIN_INTERVAL", "WEBHOOK_EVALUATION_INTERVAL"],
        );
    }

    #[test]
    fn the_defaults_agree() {
        assert_eq!(disagreements(&settings("")), []);
    }
}
