//! An insight: one thing that stands out, and what to do about it. Pure.

use crate::answer::decimal::Tenths;
use crate::request::interval::Interval;
use serde::Serialize;
use std::collections::BTreeMap;

/// How grave an insight is; the greater, the graver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look.
    Warning,
    /// Somebody should act.
    Critical,
}

/// A workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Which {
    /// Its id.
    pub workflow_id: String,
    /// What it is called.
    pub workflow_name: String,
}

/// Something that stands out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Insight {
    /// Its stable name.
    pub key: String,
    /// The KPI it is about, if it is about one.
    pub kpi: Option<&'static str>,
    /// How grave it is.
    pub severity: Severity,
    /// Its headline.
    pub title: String,
    /// What stands out, with the numbers that matter.
    pub sentence: String,
    /// When.
    pub period: Interval,
    /// What it is compared with, if that is an interval.
    #[serde(rename = "comparedWith", skip_serializing_if = "Option::is_none")]
    pub compared_with: Option<Interval>,
    /// The workflow it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Which>,
    /// The numbers it rests on, by name; percentages are of a hundred.
    pub numbers: BTreeMap<&'static str, Tenths>,
    /// What to look at next.
    pub next: &'static str,
}
