//! What a request asks, in canonical form: the scope, the range, and how it is listed. Pure.

use crate::request::listing::Listing;
use crate::request::parameter::BadParameter;
use crate::request::range::Range;
use crate::request::raw_range::{RawRange, Settings};
use crate::request::scope::Scope;
use chrono::{DateTime, Utc};

/// A query about an organization.
#[derive(Clone, Debug)]
pub enum Query {
    /// KPIs and what they are compared with.
    Summary(Range),
    /// The buckets as series.
    Trends(Range),
    /// Workflow outcomes and recent failures.
    WorkflowHealth(Range, Listing),
    /// What stands out.
    Insights(Range),
}

impl Query {
    /// Reads the pairs of a query string.
    ///
    /// # Errors
    /// When a parameter can't be used.
    pub fn from_pairs(
        scope: Scope,
        pairs: &[(String, String)],
        now: DateTime<Utc>,
        settings: &Settings,
    ) -> Result<Self, BadParameter> {
        let range = RawRange::from_pairs(pairs.iter().cloned())?.normalise(now, settings)?;
        Ok(match scope {
            Scope::Summary => Self::Summary(range),
            Scope::Trends => Self::Trends(range),
            // Workflows are counted in hours of UTC.
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
