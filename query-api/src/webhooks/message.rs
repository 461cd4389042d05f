//! The body of a message. Pure.

use crate::answer::registry::Severity;
use crate::request::range::Range;
use crate::webhooks::told::{Change, Event};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// The type of a message that says nothing but that it arrives.
pub const TEST: &str = "webhook.test";

impl Change {
    /// The type of a message that tells it.
    #[must_use]
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::Opened => "alert.opened",
            Self::Changed => "alert.changed",
            Self::Ended => "alert.ended",
        }
    }
}

/// A message, as Standard Webhooks recommends it.
#[derive(Serialize)]
struct Message<'a, T> {
    #[serde(rename = "type")]
    event_type: &'a str,
    #[serde(serialize_with = "crate::request::timestamp::time")]
    timestamp: DateTime<Utc>,
    data: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    organization_id: &'a str,
    alert: &'a Value,
    severity: Severity,
    previous_severity: Severity,
    #[serde(serialize_with = "crate::request::timestamp::time")]
    opened_at: DateTime<Utc>,
    range: Range,
    url: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tested<'a> {
    organization_id: &'a str,
    webhook_id: &'a str,
}

/// The body that tells an organization of this; `range` is what its alerts were judged by, and `page` where people see more.
#[must_use]
pub fn told(
    organization: &str,
    event: &Event,
    range: Range,
    page: Option<&str>,
    now: DateTime<Utc>,
) -> String {
    let Event { change, alert, severity, previous, opened_at } = event;
    let data = Told {
        organization_id: organization,
        alert,
        severity: *severity,
        previous_severity: *previous,
        opened_at: *opened_at,
        range,
        url: page,
    };
    text(&Message { event_type: change.event_type(), timestamp: now, data })
}

/// The body of a test of this endpoint.
#[must_use]
pub fn test(organization: &str, endpoint: &str, now: DateTime<Utc>) -> String {
    let data = Tested { organization_id: organization, webhook_id: endpoint };
    text(&Message { event_type: TEST, timestamp: now, data })
}

fn text(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("messages are structs, numbers and strings")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::raw_range::{RawRange, Settings};
    use serde_json::json;

    #[test]
    fn a_message_says_what_has_become_of_the_alert() {
        let now = "2026-02-25T10:30:00Z".parse().unwrap();
        let range = RawRange::default().normalise(now, &Settings { max_range_days: 90 }).unwrap();
        let event = Event {
            change: Change::Changed,
            alert: json!({"key": "payment_success_low"}),
            severity: Severity::Critical,
            previous: Severity::Warning,
            opened_at: "2026-02-25T09:00:00Z".parse().unwrap(),
        };
        let body = told("acme", &event, range, Some("https://m.example/overview"), now);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            (&body["type"], &body["timestamp"]),
            (&json!("alert.changed"), &json!("2026-02-25T10:30:00.000Z"))
        );
        let data = &body["data"];
        assert_eq!((&data["severity"], &data["previousSeverity"]), (&json!("critical"), &json!("warning")));
        assert_eq!(data["range"]["to"], "2026-02-25T11:00:00.000Z");
        assert_eq!(
            (&data["organizationId"], &data["url"]),
            (&json!("acme"), &json!("https://m.example/overview"))
        );
    }
}
