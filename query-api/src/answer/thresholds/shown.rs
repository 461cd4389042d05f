//! What a client gets that asks for the thresholds: all alerts, with what applies, and why. Pure.

use crate::answer::registry::{Better, KPIS, Kpi, Unit};
use crate::answer::thresholds::{Limits, Own, Source, Thresholds};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// The thresholds of all alerts, as JSON shows them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown<'a> {
    organization_id: &'a str,
    alerts: Vec<ShownAlert<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownAlert<'a> {
    key: &'static str,
    kpi: &'static str,
    title: &'static str,
    unit: Unit,
    better: Better,
    /// The least that a threshold may be.
    minimum: i64,
    /// The most that it may be.
    maximum: i64,
    default: Limits,
    own: Own,
    applies: Limits,
    threshold_source: Source,
    #[serde(serialize_with = "crate::request::timestamp::time_or_null")]
    updated_at: Option<DateTime<Utc>>,
    updated_by: Option<&'a str>,
}

impl<'a> Shown<'a> {
    /// The thresholds of an organization that has these of its own.
    #[must_use]
    pub fn new(organization_id: &'a str, thresholds: &'a Thresholds) -> Self {
        let shown = |kpi: &'static Kpi| {
            let [minimum, maximum] = kpi.unit.range();
            kpi.rules.iter().map(move |rule| {
                let (set, own, default) =
                    (thresholds.set(rule.key), thresholds.own(rule.key), rule.defaults());
                ShownAlert {
                    key: rule.key,
                    kpi: kpi.key,
                    title: rule.title,
                    unit: kpi.unit,
                    better: kpi.better,
                    minimum,
                    maximum,
                    default,
                    own,
                    applies: own.or(default),
                    threshold_source: own.source(),
                    updated_at: set.map(|set| set.at),
                    updated_by: set.and_then(|set| set.by.as_deref()),
                }
            })
        };
        Self { organization_id, alerts: KPIS.iter().flat_map(shown).collect() }
    }
}
