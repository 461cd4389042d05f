//! What a request asks, canonically: the kind of answer, the range, and how it is listed. Pure.

use crate::request::listing::Listing;
use crate::request::range::{BadParameter, Range, RawRange, Settings};
use crate::request::scope::Scope;
use chrono::{DateTime, Utc};

/// A question about an organization.
#[derive(Clone, Debug)]
pub enum Asked {
    /// KPIs against what they are compared with.
    Summary(Range),
    /// The buckets as series.
    Trends(Range),
    /// Workflow outcomes and recent failures.
    WorkflowHealth(Range, Listing),
    /// What stands out.
    Insights(Range),
}

impl Asked {
    /// The question that a query string's pairs ask.
    ///
    /// # Errors
    /// When a parameter can't be understood.
    pub fn of(
        scope: Scope,
        pairs: &[(String, String)],
        now: DateTime<Utc>,
        settings: &Settings,
    ) -> Result<Self, BadParameter> {
        let range = RawRange::from_pairs(pairs.iter().cloned())?.normalise(now, settings)?;
        Ok(match scope {
            Scope::Summary => Self::Summary(range),
            Scope::Trends => Self::Trends(range),
            // Workflows are counted by the hour of UTC.
            Scope::WorkflowHealth => Self::WorkflowHealth(range.in_utc_hours(), Listing::from_pairs(pairs)?),
            Scope::Insights => Self::Insights(range),
        })
    }

    /// Its part of a cache key.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Summary(range) | Self::Trends(range) | Self::Insights(range) => range.key(),
            Self::WorkflowHealth(range, listing) => format!("{}/{}", range.key(), listing.key()),
        }
    }
}
