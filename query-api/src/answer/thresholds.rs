//! Thresholds: those of the registry, and those that an organization has set itself. Pure.
//!
//! ```text
//! thresholds  which numbers an alert is judged by
//!   document  what a client sends to set them
//!   shown     what a client gets that asks for them
//!   setting   all of this as a setting
//! ```

pub mod document;
mod setting;
pub mod shown;

use crate::answer::decimal::Tenths;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The numbers that an alert is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Beyond it the alert is a warning, in the KPI's unit.
    pub warning: Tenths,
    /// Beyond it the alert is critical, in the KPI's unit.
    pub critical: Tenths,
    /// With a smaller sample there is no alert.
    pub least_sample: i64,
}

/// Those of them that are an organization's own; where there is none, the registry's applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Own {
    /// In place of the registry's.
    pub warning: Option<Tenths>,
    /// In place of the registry's.
    pub critical: Option<Tenths>,
    /// In place of the registry's.
    pub least_sample: Option<i64>,
}

/// Who has set a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The registry.
    Default,
    /// The organization.
    Organization,
}

/// An alert's own thresholds, and who has set them when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// The numbers.
    pub own: Own,
    /// When they were last changed.
    pub at: DateTime<Utc>,
    /// By whom, as the token names them.
    pub by: Option<String>,
}

/// All of an organization's own thresholds, by alert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thresholds(BTreeMap<String, Set>);

impl Source {
    /// The organization, if it has a number of its own.
    pub fn of<T>(own: Option<T>) -> Self {
        if own.is_some() { Self::Organization } else { Self::Default }
    }
}

impl Own {
    /// What applies where these are the registry's.
    #[must_use]
    pub fn or(self, default: Limits) -> Limits {
        Limits {
            warning: self.warning.unwrap_or(default.warning),
            critical: self.critical.unwrap_or(default.critical),
            least_sample: self.least_sample.unwrap_or(default.least_sample),
        }
    }

    /// Who has set these: the organization, if one of them is its own.
    #[must_use]
    pub fn source(self) -> Source {
        if self == Self::default() { Source::Default } else { Source::Organization }
    }
}

impl Thresholds {
    /// The alert's own ones.
    #[must_use]
    pub fn own(&self, alert: &str) -> Own {
        self.set(alert).map(|set| set.own).unwrap_or_default()
    }

    /// The alert's own ones, and who has set them when; `None` if there are none.
    #[must_use]
    pub fn set(&self, alert: &str) -> Option<&Set> {
        self.0.get(alert)
    }

    /// These own ones in place of all, set now by this subject. What stays the same keeps when it was set, and by whom.
    #[must_use]
    pub fn replaced<'a>(
        &self,
        all: impl IntoIterator<Item = (&'a str, Own)>,
        at: DateTime<Utc>,
        by: Option<&str>,
    ) -> Self {
        let all = all.into_iter().filter(|(_, own)| *own != Own::default());
        let set = |(alert, own): (&str, Own)| {
            let kept = self.set(alert).filter(|set| set.own == own).cloned();
            let set = kept.unwrap_or_else(|| Set { own, at, by: by.map(str::to_owned) });
            (alert.to_owned(), set)
        };
        Self(all.map(set).collect())
    }

    /// As they are stored.
    #[must_use]
    pub fn to_stored(&self) -> Value {
        let stored = |(alert, Set { own, at, by }): (&String, &Set)| {
            let mut stored = json!(own);
            stored["updatedAt"] = json!(at.to_rfc3339_opts(SecondsFormat::Millis, true));
            stored["updatedBy"] = json!(by);
            (alert.clone(), stored)
        };
        Value::Object(self.0.iter().map(stored).collect::<Map<_, _>>())
    }

    /// What is stored. A member that this version doesn't know, or of a form that it doesn't write, is passed over: the default
    /// applies in its place.
    #[must_use]
    pub fn from_stored(stored: &Value) -> Self {
        let tenths = |value: &Value| value.as_f64().map(Tenths::near);
        let set = |(alert, stored): (&String, &Value)| {
            let own = Own {
                warning: tenths(&stored["warning"]),
                critical: tenths(&stored["critical"]),
                least_sample: stored["leastSample"].as_i64(),
            };
            let at = stored["updatedAt"].as_str().and_then(|at| at.parse().ok()).unwrap_or_default();
            (alert.clone(), Set { own, at, by: stored["updatedBy"].as_str().map(str::to_owned) })
        };
        Self(stored.as_object().into_iter().flatten().map(set).collect())
    }
}

#[cfg(test)]
mod tests;
