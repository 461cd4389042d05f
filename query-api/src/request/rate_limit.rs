//! How much an organization may ask: a rate of requests, with bursts of one second's worth. Pure but for its lock.
//!
//! A request counts as one. If its answer has to be loaded, the load counts as a fifth of a request, and as one more for every
//! thousand buckets that it reads. Who asks what is kept, or waits for a load that another request began, pays for no more
//! than the request.

use crate::request::rates::{Admission, Rates, Taken};
use std::time::{Duration, Instant};

/// What a request costs. All costs are in tenths of a request.
const REQUEST: u32 = 10;

/// What a load costs, whatever it reads.
const LOAD: u32 = 2;

/// A load costs a tenth more for as many buckets.
const BUCKETS_PER_TENTH: u32 = 100;

/// The rate is requests in this time.
pub(crate) const PERIOD: Duration = Duration::from_secs(1);

/// How often an organization may change its settings in an hour, and at once: each change is kept in the audit for good.
const CHANGES_PER_HOUR: u32 = 120;

/// How many requests an organization may make.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Limits")]
pub struct Settings {
    /// Requests a second that one organization may make, and the most it may make at once, over all instances that share a
    /// Redis; 0 for no limit. A request whose
    /// answer isn't kept counts as 1.2, and as one more for every 1,000 buckets it reads. Lower it to protect a small
    /// database, raise it when a large customer's dashboards get 429
    #[arg(long, env, default_value_t = 200)]
    pub rate_limit_per_second: u32,
}

/// Limits the rate of each organization's requests.
pub struct RateLimit {
    rates: Rates,
    per_second: u32,
    changes: Rates,
}

/// What an organization may do at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// How many requests it may make in a second.
    pub per_second: u32,
    /// How many are left.
    pub requests: u32,
    /// If none is: how long until one is. Otherwise the second over which they are counted.
    pub wait: Duration,
}

impl RateLimit {
    /// A limit that has admitted nothing yet.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let per_second = settings.rate_limit_per_second;
        let rates = Rates::new(per_second.saturating_mul(REQUEST), REQUEST, PERIOD);
        Self { rates, per_second, changes: Rates::new(CHANGES_PER_HOUR, 1, Duration::from_secs(3_600)) }
    }

    /// The same, shared with other instances: what organizations took must be told ([`RateLimit::untold`]).
    #[must_use]
    pub fn shared(self) -> Self {
        Self { rates: self.rates.shared(), ..self }
    }

    /// Admits a request of `organization`, if its rate allows.
    pub fn admit(&self, organization: &str, now: Instant) -> Admission {
        self.rates.take(organization, REQUEST, now)
    }

    /// Admits a load that reads so many buckets, if a request is left. No load costs more than a second's worth.
    pub fn admit_load(&self, organization: &str, rows: u32, now: Instant) -> Admission {
        self.admit_loads(organization, &[rows], now)
    }

    /// Admits loads that read so many buckets each, all or none of them, if a request is left. They cost as much as one by one.
    pub fn admit_loads(&self, organization: &str, rows: &[u32], now: Instant) -> Admission {
        let most = self.per_second.saturating_mul(REQUEST);
        let tenths = rows.iter().map(|rows| (LOAD + rows / BUCKETS_PER_TENTH).min(most));
        self.rates.take(organization, tenths.fold(0, u32::saturating_add), now)
    }

    /// Admits a change of the organization's settings, whatever its rate of requests.
    pub fn admit_change(&self, organization: &str, now: Instant) -> Admission {
        self.changes.take(organization, 1, now)
    }

    /// What organizations took and no other instance was told of, of so many organizations at most ([`Rates::untold`]).
    pub fn untold(&self, organizations_max: usize) -> Vec<Taken> {
        self.rates.untold(organizations_max)
    }

    /// Takes over what the organization took of all instances ([`Rates::learn`]).
    pub fn learn(&self, organization: &str, ahead: Duration, now: Instant) {
        self.rates.learn(organization, ahead, now);
    }

    /// What is left for `organization`, as far as this instance knows; `None` without a limit.
    pub fn left(&self, organization: &str, now: Instant) -> Option<Left> {
        let (tenths, wait) = self.rates.left(organization, now)?;
        let requests = tenths / REQUEST;
        let wait = if requests == 0 { wait } else { PERIOD };
        Some(Left { per_second: self.per_second, requests, wait })
    }
}

/// `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-10.
impl Left {
    /// The policy: a quota of so many requests in a window of a second.
    #[must_use]
    pub fn policy(&self) -> String {
        format!(r#""organization";q={};w=1"#, self.per_second)
    }

    /// The limit as it is now: how many requests remain, and in how many seconds there are more.
    #[must_use]
    pub fn limit(&self) -> String {
        let seconds = self.wait.as_millis().div_ceil(1_000).max(1);
        format!(r#""organization";r={};t={seconds}"#, self.requests)
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
            assert_eq!(limit.left("acme", now).unwrap().requests, left, "{rows}");
        };
        check(0, 18);
        check(799, 18);
        check(900, 17);
        check(4_320, 14);
        check(u32::MAX, 0);
        let limit = RateLimit::new(&Settings { rate_limit_per_second: 20 });
        let now = Instant::now();
        assert_eq!(limit.admit_loads("acme", &[900, 800, 2_000], now), Admission::Granted);
        assert_eq!(limit.left("acme", now).unwrap().requests, 15, "1.1, 1 and 2.2");
        let limit = RateLimit::new(&Settings { rate_limit_per_second: 20 });
        let now = Instant::now();
        assert_eq!(limit.admit_load("acme", u32::MAX, now), Admission::Granted);
        let wait = Duration::from_millis(50);
        assert_eq!(limit.admit("acme", now), Admission::Wait(wait));
        assert_eq!(limit.left("acme", now), Some(Left { per_second: 20, requests: 0, wait }));
        assert_eq!(limit.left("other", now), Some(Left { per_second: 20, requests: 20, wait: PERIOD }));
    }

    #[test]
    fn settings_are_changed_so_often_an_hour_whatever_else_is_asked() {
        let limit = RateLimit::new(&Settings { rate_limit_per_second: 0 });
        let now = Instant::now();
        assert!((0..CHANGES_PER_HOUR).all(|_| limit.admit_change("acme", now) == Admission::Granted));
        assert_eq!(limit.admit_change("acme", now), Admission::Wait(Duration::from_secs(30)));
        assert_eq!(limit.admit("acme", now), Admission::Granted);
        assert_eq!(limit.admit_change("other", now), Admission::Granted);
    }

    #[test]
    fn what_is_left_reads_like_the_draft() {
        let left = Left { per_second: 200, requests: 7, wait: Duration::from_millis(1_001) };
        assert_eq!(left.policy(), r#""organization";q=200;w=1"#);
        assert_eq!(left.limit(), r#""organization";r=7;t=2"#);
    }
}
