//! How many requests an organization may make: a rate, with bursts of one second's worth. Pure but for its lock.
//!
//! The generic cell rate algorithm (ITU-T I.371): of each organization only its theoretical arrival time is kept, the
//! instant at which its requests so far would have arrived at the full rate. Once that instant has passed, the
//! organization is as if it had never asked, and can be forgotten.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An organization that has been quiet may make this long's worth of requests at once.
const BURST: Duration = Duration::from_secs(1);

/// Up to this many organizations are kept before any are swept.
const SWEEP_MIN: usize = 10_000;

/// How many requests an organization may make.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Limits")]
pub struct Settings {
    /// Requests a second that one organization may make, and the most it may make at once; 0 for no limit. Lower it to
    /// protect a small database, raise it when a large customer's dashboards get 429
    #[arg(long, env, default_value_t = 200)]
    pub rate_limit_per_second: u32,
}

/// Whether a request may be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Granted,
    /// Not before this has passed.
    Wait(Duration),
}

/// Limits the rate of each organization's requests.
pub struct RateLimit {
    /// The time between two requests at the full rate; `None` without a limit.
    spacing: Option<Duration>,
    arrivals: Mutex<Arrivals>,
}

/// Each organization's theoretical arrival time. The map is swept when it has grown to `sweep_at`, which is then set to
/// twice the number left, so that the cost of sweeping per request is constant, however many organizations there are.
struct Arrivals {
    by_organization: HashMap<String, Instant>,
    sweep_at: usize,
}

impl RateLimit {
    /// A limit that has admitted nothing yet.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let rate = settings.rate_limit_per_second;
        let spacing = (rate > 0).then(|| BURST / rate);
        let arrivals = Arrivals { by_organization: HashMap::new(), sweep_at: SWEEP_MIN };
        Self { spacing, arrivals: Mutex::new(arrivals) }
    }

    /// Admits a request of `organization`, if its rate allows.
    pub fn admit(&self, organization: &str, now: Instant) -> Admission {
        let Some(spacing) = self.spacing else { return Admission::Granted };
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let last = arrivals.by_organization.get(organization).copied().unwrap_or(now);
        let arrival = last.max(now) + spacing;
        let wait = arrival.saturating_duration_since(now + BURST);
        if wait > Duration::ZERO {
            return Admission::Wait(wait);
        }
        arrivals.keep(organization, arrival, now);
        Admission::Granted
    }
}

impl Arrivals {
    fn keep(&mut self, organization: &str, arrival: Instant, now: Instant) {
        if let Some(kept) = self.by_organization.get_mut(organization) {
            *kept = arrival;
            return;
        }
        if self.by_organization.len() >= self.sweep_at {
            self.by_organization.retain(|_, arrival| *arrival > now);
            self.sweep_at = SWEEP_MIN.max(2 * self.by_organization.len());
        }
        self.by_organization.insert(organization.to_owned(), arrival);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A limit, and the instant the test begins.
    struct Case(RateLimit, Instant);

    fn limit(rate_limit_per_second: u32) -> Case {
        Case(RateLimit::new(&Settings { rate_limit_per_second }), Instant::now())
    }

    fn admit(Case(limit, start): &Case, organization: &str, ms: u64) -> Admission {
        limit.admit(organization, *start + Duration::from_millis(ms))
    }

    fn granted(case: &Case, organization: &str, ms: u64) -> bool {
        admit(case, organization, ms) == Admission::Granted
    }

    #[test]
    fn a_burst_of_a_second_then_the_rate() {
        let limit = limit(10);
        assert!((0..10).all(|_| granted(&limit, "acme", 0)));
        assert_eq!(admit(&limit, "acme", 0), Admission::Wait(Duration::from_millis(100)));
        assert!(granted(&limit, "acme", 100));
        assert!(!granted(&limit, "acme", 150));
        assert!((0..10).all(|_| granted(&limit, "acme", 2_000)), "a pause earns a burst, never more");
        assert!(!granted(&limit, "acme", 2_000));
    }

    #[test]
    fn organizations_do_not_feel_each_other() {
        let limit = limit(1);
        assert!(granted(&limit, "loud", 0));
        assert!(!granted(&limit, "loud", 1));
        assert!(granted(&limit, "quiet", 1));
    }

    #[test]
    fn zero_is_no_limit() {
        let limit = limit(0);
        assert!((0..100_000).all(|_| granted(&limit, "acme", 0)));
    }

    #[test]
    fn the_past_is_forgotten() {
        let limit = limit(1);
        for organization in 0..SWEEP_MIN {
            assert!(granted(&limit, &organization.to_string(), 0));
        }
        assert!(granted(&limit, "late", 5_000));
        assert_eq!(limit.0.arrivals.lock().unwrap().by_organization.len(), 1);
    }
}
