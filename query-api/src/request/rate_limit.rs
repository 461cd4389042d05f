//! How much an organization may ask: a rate of units, with bursts of one second's worth. Pure but for its lock.
//!
//! A request takes one unit. If its answer has to be loaded, the load takes one more for every [`ROWS_PER_UNIT`] buckets
//! that it reads or begins to. Who asks what is kept, or waits for a load that another request began, takes no more than
//! the one.

use crate::request::rates::{Admission, Rates};
use std::time::{Duration, Instant};

/// A load takes a unit for as many buckets.
pub const ROWS_PER_UNIT: u32 = 250;

/// The rate is units in this time.
const PERIOD: Duration = Duration::from_secs(1);

/// How many requests an organization may make.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Limits")]
pub struct Settings {
    /// Requests a second that one organization may make, and the most it may make at once; 0 for no limit. A request whose
    /// answer isn't kept counts as one more for every 250 buckets it reads. Lower it to protect a small database, raise it
    /// when a large customer's dashboards get 429
    #[arg(long, env, default_value_t = 200)]
    pub rate_limit_per_second: u32,
}

/// Limits the rate of each organization's requests.
pub struct RateLimit {
    rates: Rates,
    per_second: u32,
}

/// What an organization may do at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// How many units it may take in a second.
    pub per_second: u32,
    /// How many are left.
    pub units: u32,
    /// If none is: how long until one is. Otherwise the second over which they are counted.
    pub wait: Duration,
}

impl RateLimit {
    /// A limit that has admitted nothing yet.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let per_second = settings.rate_limit_per_second;
        Self { rates: Rates::new(per_second, PERIOD), per_second }
    }

    /// Admits a request of `organization`, if its rate allows.
    pub fn admit(&self, organization: &str, now: Instant) -> Admission {
        self.rates.take(organization, 1, now)
    }

    /// Admits a load that reads so many buckets, if anything is left. No load takes more than a second's worth.
    pub fn admit_load(&self, organization: &str, rows: u32, now: Instant) -> Admission {
        let units = rows.div_ceil(ROWS_PER_UNIT).clamp(1, self.per_second.max(1));
        self.rates.take(organization, units, now)
    }

    /// What is left for `organization`; `None` without a limit.
    pub fn left(&self, organization: &str, now: Instant) -> Option<Left> {
        let (units, wait) = self.rates.left(organization, now)?;
        let wait = if units == 0 { wait } else { PERIOD };
        Some(Left { per_second: self.per_second, units, wait })
    }
}

/// `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-10.
impl Left {
    /// The policy: a quota of so many units in a window of a second.
    #[must_use]
    pub fn policy(&self) -> String {
        format!(r#""organization";q={};w=1"#, self.per_second)
    }

    /// The limit as it is now: how many units remain, and in how many seconds there are more.
    #[must_use]
    pub fn limit(&self) -> String {
        let seconds = self.wait.as_millis().div_ceil(1_000).max(1);
        format!(r#""organization";r={};t={seconds}"#, self.units)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_takes_more_the_more_it_reads_and_never_more_than_a_second() {
        let check = |rows: u32, left: u32| {
            let limit = RateLimit::new(&Settings { rate_limit_per_second: 20 });
            let now = Instant::now();
            assert_eq!(limit.admit("acme", now), Admission::Granted);
            assert_eq!(limit.admit_load("acme", rows, now), Admission::Granted);
            assert_eq!(limit.left("acme", now).unwrap().units, left, "{rows}");
        };
        check(0, 18);
        check(250, 18);
        check(251, 17);
        check(4_320, 1);
        check(u32::MAX, 0);
        let limit = RateLimit::new(&Settings { rate_limit_per_second: 20 });
        let now = Instant::now();
        assert_eq!(limit.admit_load("acme", u32::MAX, now), Admission::Granted);
        let wait = Duration::from_millis(50);
        assert_eq!(limit.admit("acme", now), Admission::Wait(wait));
        assert_eq!(limit.left("acme", now), Some(Left { per_second: 20, units: 0, wait }));
        assert_eq!(limit.left("other", now), Some(Left { per_second: 20, units: 20, wait: PERIOD }));
    }

    #[test]
    fn what_is_left_reads_like_the_draft() {
        let left = Left { per_second: 200, units: 7, wait: Duration::from_millis(1_001) };
        assert_eq!(left.policy(), r#""organization";q=200;w=1"#);
        assert_eq!(left.limit(), r#""organization";r=7;t=2"#);
    }
}
