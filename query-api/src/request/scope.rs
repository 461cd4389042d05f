//! The scopes: which kinds of answers exist. Pure.

use crate::request::token::Permission;
use std::str::FromStr;

/// A kind of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// KPIs against the period before, alerts, health.
    Summary,
    /// The buckets as series.
    Trends,
    /// Workflow outcomes, per workflow, and the recent failures.
    WorkflowHealth,
    /// Failed runs.
    Failures,
    /// Failed runs by what their messages have in common.
    FailureGroups,
    /// Messages sent and delivered, by channel.
    DeliveryHealth,
    /// What stands out, in sentences.
    Insights,
    /// Records that were refused, by topic and reason.
    Refusals,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Summary,
        Self::Trends,
        Self::WorkflowHealth,
        Self::Failures,
        Self::FailureGroups,
        Self::DeliveryHealth,
        Self::Insights,
        Self::Refusals,
    ];

    /// Its name: the last part of the path, and a part of the cache key.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Trends => "trends",
            Self::WorkflowHealth => "workflow-health",
            Self::Failures => "failures",
            Self::FailureGroups => "failure-groups",
            Self::DeliveryHealth => "delivery-health",
            Self::Insights => "insights",
            Self::Refusals => "refusals",
        }
    }
}

/// The query parameters that every scope knows.
const RANGE: [&str; 4] = ["from", "to", "granularity", "timezone"];

impl Scope {
    /// The query parameters it knows.
    #[must_use]
    pub fn parameters(self) -> Vec<&'static str> {
        let more: &[&str] = match self {
            Self::Summary => &["compare", "list"],
            Self::Trends => &["compare", "workflow", "list"],
            Self::WorkflowHealth => {
                &["workflow", "sort", "workflowsCursor", "workflowsLimit", "cursor", "limit", "list"]
            }
            Self::Failures => &["workflow", "group", "cursor", "limit"],
            Self::FailureGroups => &["workflow", "cursor", "limit"],
            Self::DeliveryHealth => &["channel", "list"],
            Self::Insights => &[],
            Self::Refusals => &["list"],
        };
        [&RANGE, more].concat()
    }

    /// What a token must allow.
    #[must_use]
    pub const fn needs(self) -> Permission {
        match self {
            Self::Refusals => Permission::RefusalsRead,
            Self::Summary
            | Self::Trends
            | Self::WorkflowHealth
            | Self::Failures
            | Self::FailureGroups
            | Self::DeliveryHealth
            | Self::Insights => Permission::MetricsRead,
        }
    }
}

/// No scope has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchScope;

impl FromStr for Scope {
    type Err = NoSuchScope;

    fn from_str(name: &str) -> Result<Self, NoSuchScope> {
        Self::ALL.into_iter().find(|scope| scope.name() == name).ok_or(NoSuchScope)
    }
}
