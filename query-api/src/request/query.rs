//! What a request asks, in canonical form: the scope, the range, and what of it or how it is listed. Pure.

use crate::request::listing::failures::{FailuresPage, Which};
use crate::request::listing::groups::GroupsPage;
use crate::request::listing::{Listing, failures_page, groups_page, which_failures};
use crate::request::parameter::{self, BadParameter, ID_BYTES_MAX};
use crate::request::range::Range;
use crate::request::raw_range::{RawRange, Settings};
use crate::request::scope::Scope;
use chrono::{DateTime, Utc};
use domain::channels::CHANNEL_BYTES_MAX;

/// A query about an organization.
#[derive(Clone, Debug)]
pub enum Query {
    /// KPIs and what they are compared with.
    Summary(Range),
    /// The buckets as series.
    Trends(Range),
    /// The buckets of one workflow as series.
    WorkflowTrends(Range, String),
    /// Workflow outcomes and recent failures.
    WorkflowHealth(Range, Listing),
    /// Failures, of one workflow or of all, of one group or of all.
    Failures(Range, Which, FailuresPage),
    /// Failures by what their messages have in common, of one workflow or of all.
    FailureGroups(Range, Option<String>, GroupsPage),
    /// Messages by channel, and the buckets of one channel or of all.
    DeliveryHealth(Range, Option<String>),
    /// What stands out.
    Insights(Range),
    /// What was refused.
    Refusals(Range),
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
        parameter::only(pairs, &scope.parameters())?;
        let range = RawRange::from_pairs(pairs.iter().cloned())?.normalise(now, settings)?;
        let workflow = || parameter::text(pairs, "workflow", ID_BYTES_MAX);
        Ok(match scope {
            Scope::Summary => Self::Summary(range),
            Scope::Trends => match workflow()? {
                None => Self::Trends(range),
                Some(workflow) => Self::WorkflowTrends(range.compared_in_hours(), workflow),
            },
            // Workflows are counted in hours of UTC. Their failures have times of their own, and are listed for the same hours.
            Scope::WorkflowHealth => Self::WorkflowHealth(range.in_utc_hours(), Listing::from_pairs(pairs)?),
            Scope::Failures => {
                Self::Failures(range.in_utc_hours(), which_failures(pairs)?, failures_page(pairs)?)
            }
            Scope::FailureGroups => {
                Self::FailureGroups(range.in_utc_hours(), workflow()?, groups_page(pairs)?)
            }
            Scope::DeliveryHealth => {
                Self::DeliveryHealth(range, parameter::text(pairs, "channel", CHANNEL_BYTES_MAX)?)
            }
            Scope::Insights => Self::Insights(range),
            Scope::Refusals => Self::Refusals(range),
        })
    }

    /// Its part of a cache key.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Summary(range) | Self::Trends(range) | Self::Insights(range) | Self::Refusals(range) => {
                range.key()
            }
            Self::WorkflowTrends(range, workflow) => {
                format!("{}/workflow/{}", range.key(), parameter::in_key(Some(workflow)))
            }
            Self::WorkflowHealth(range, listing) => format!("{}/{}", range.key(), listing.key()),
            Self::Failures(range, which, page) => {
                format!("{}/{}/{}", range.key(), which.key(), page.key())
            }
            Self::FailureGroups(range, workflow, page) => {
                format!("{}/{}/{}", range.key(), parameter::in_key(workflow.as_deref()), page.key())
            }
            Self::DeliveryHealth(range, channel) => {
                format!("{}/{}", range.key(), parameter::in_key(channel.as_deref()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::listing::failures::FailureCursor;
    use proptest::prelude::*;

    fn delivery_health(channel: Option<&str>) -> Result<Query, BadParameter> {
        let pairs: Vec<_> = channel.iter().map(|name| ("channel".to_owned(), (*name).to_owned())).collect();
        let now = "2026-02-25T10:30:00Z".parse().unwrap();
        Query::from_pairs(Scope::DeliveryHealth, &pairs, now, &Settings { max_range_days: 90 })
    }

    #[test]
    fn channels_are_questions_of_their_own() {
        let mut keys = [None, Some("email"), Some("Email"), Some("other"), Some("a/b"), Some("a:b")]
            .map(|channel| delivery_health(channel).unwrap().key())
            .to_vec();
        assert!(keys.iter().all(|key| !key.contains(':')), "{keys:?}");
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }

    #[test]
    fn a_channel_that_nobody_can_have_is_refused() {
        for channel in ["", "a\tb", &"x".repeat(65)] {
            assert_eq!(delivery_health(Some(channel)).unwrap_err().name, "channel", "{channel:?}");
        }
        assert!(delivery_health(Some(&"x".repeat(64))).is_ok());
    }

    #[test]
    fn workflows_and_pages_are_questions_of_their_own() {
        let cursor = FailureCursor { finished_at: DateTime::UNIX_EPOCH, execution_id: "e1".into() };
        let after = format!("cursor={}", cursor.to_text());
        for (scope, queries) in [
            (Scope::Trends, ["", "workflow=w1", "workflow=W1", "workflow=w/1", "compare=none"]),
            (Scope::Failures, ["", "workflow=w1", "group=51fdf7a3c0dd6a1e", "limit=21", &after]),
            (Scope::FailureGroups, ["", "workflow=w1", "workflow=W1", "limit=21", "limit=22"]),
        ] {
            let mut keys = queries.map(|query| {
                let pairs = query.split_once('=').map(|(name, text)| (name.to_owned(), text.to_owned()));
                let now = "2026-02-25T10:30:00Z".parse().unwrap();
                let pairs: Vec<_> = pairs.into_iter().collect();
                Query::from_pairs(scope, &pairs, now, &Settings { max_range_days: 90 }).unwrap().key()
            });
            assert!(keys.iter().all(|key| !key.contains(':')), "{keys:?}");
            keys.sort_unstable();
            assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "{keys:?}");
        }
    }

    proptest! {
        #[test]
        fn two_channels_never_share_a_key(a in "[^\\p{Cc}]{1,16}", b in "[^\\p{Cc}]{1,16}") {
            let key = |channel: &str| delivery_health(Some(channel)).unwrap().key();
            prop_assert_eq!(key(&a) == key(&b), a == b);
        }
    }
}
