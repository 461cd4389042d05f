//! Times that must agree: how long a process may take to stop, and when whoever stops it kills it.

use super::{deployed, yaml};
use crate::source;

/// Seconds of query-api's `SHUTDOWN_DELAY` and `SHUTDOWN_TIMEOUT` by default.
const API_STOP: u64 = 5 + 10;

#[test]
fn whoever_stops_a_process_waits_for_longer_than_it_may_take() {
    let limits = source::read("consumer/src/limits.rs");
    let member = after(&limits, "pub const GRACE: Duration = Duration::from_secs(");
    let (compose, values) = (yaml("compose.yaml"), yaml("helm/business-metrics/values.yaml"));
    let schema = deployed("helm/business-metrics/values.schema.json");
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    let grace = |service: &str| {
        let text = compose["services"][service]["stop_grace_period"].as_str().unwrap_or_default();
        text.trim_end_matches('s').parse::<u64>().expect("seconds")
    };
    let unit = |name: &str| after(&deployed(&format!("systemd/{name}.service")), "\nTimeoutStopSec=");
    let pod = &values["consumer"]["terminationGracePeriodSeconds"];
    let least = &schema["properties"]["consumer"]["properties"]["terminationGracePeriodSeconds"]["minimum"];
    let waits = [
        ("compose.yaml, consumer", grace("consumer"), member),
        ("compose.yaml, query-api", grace("query-api"), API_STOP),
        ("business-metrics-consumer@.service", unit("business-metrics-consumer@"), member),
        ("business-metrics-query-api.service", unit("business-metrics-query-api"), API_STOP),
        ("values.yaml, consumer", pod.as_u64().expect("seconds"), member),
        ("values.schema.json, consumer", least.as_u64().expect("seconds"), member),
    ];
    for (place, waits, takes) in waits {
        assert!(waits > takes, "{place} waits for {waits} s, and a stop takes up to {takes} s");
    }
    let settings = source::read("query-api/src/serve/server/settings.rs");
    for default in ["default_value = \"5s\"", "default_value = \"10s\""] {
        assert!(settings.contains(default), "API_STOP is not what query-api's settings say");
    }
}

#[test]
fn a_member_has_the_memory_that_its_ledger_needs() {
    let (values, compose) = (yaml("helm/business-metrics/values.yaml"), deployed(".env.example"));
    let ledger = values["consumer"]["ledgerMemoryMb"].as_u64().expect("MiB");
    assert_eq!(ledger, after(&compose, "\nLEDGER_MEMORY_MB="));
    assert_eq!(ledger + 512, after(&compose, "\nCONSUMER_MEMORY="));
    let unit = deployed("systemd/business-metrics-consumer@.service");
    assert_eq!(ledger + 512, after(&unit, "\nMemoryMax="));
    assert_eq!(ledger, after(&deployed("systemd/consumer.env"), "\nLEDGER_MEMORY_MB="));
}

/// The number that follows this text.
fn after(text: &str, before: &str) -> u64 {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("there is no {before:?}")).1;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().unwrap_or_else(|_| panic!("{before:?} is followed by no number"))
}
