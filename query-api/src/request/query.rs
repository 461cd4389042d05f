//! What a request asks, in canonical form: the scope, the range, and what of it or how it is listed. Pure.

use crate::request::listing::Listing;
use crate::request::parameter::{self, BadParameter};
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
    /// Workflow outcomes and recent failures.
    WorkflowHealth(Range, Listing),
    /// Messages by channel, and the buckets of one channel or of all.
    DeliveryHealth(Range, Option<String>),
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
        parameter::only(pairs, &scope.parameters())?;
        let range = RawRange::from_pairs(pairs.iter().cloned())?.normalise(now, settings)?;
        Ok(match scope {
            Scope::Summary => Self::Summary(range),
            Scope::Trends => Self::Trends(range),
            // Workflows are counted in hours of UTC.
            Scope::WorkflowHealth => Self::WorkflowHealth(range.in_utc_hours(), Listing::from_pairs(pairs)?),
            Scope::DeliveryHealth => {
                Self::DeliveryHealth(range, parameter::text(pairs, "channel", CHANNEL_BYTES_MAX)?)
            }
            Scope::Insights => Self::Insights(range),
        })
    }

    /// Its part of a cache key.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Summary(range) | Self::Trends(range) | Self::Insights(range) => range.key(),
            Self::WorkflowHealth(range, listing) => format!("{}/{}", range.key(), listing.key()),
            Self::DeliveryHealth(range, channel) => {
                format!("{}/{}", range.key(), parameter::in_key(channel.as_deref()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    proptest! {
        #[test]
        fn two_channels_never_share_a_key(a in "[^\\p{Cc}]{1,16}", b in "[^\\p{Cc}]{1,16}") {
            let key = |channel: &str| delivery_health(Some(channel)).unwrap().key();
            prop_assert_eq!(key(&a) == key(&b), a == b);
        }
    }
}
