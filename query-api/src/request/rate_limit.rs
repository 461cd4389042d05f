//! How many requests an organization may make: a rate with bursts of one second's worth. Pure but for its lock.
//!
//! The generic cell rate algorithm (ITU-T I.371): all that is kept of an organization is the instant at which its
//! requests so far are used up; once that has passed it is as if it had never asked, so it can be forgotten.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An organization that has been quiet may ask this long's worth of requests at once.
const BURST: Duration = Duration::from_secs(1);

/// Up to this many organizations are remembered without looking whether some could be forgotten.
const REMEMBERED_MIN: usize = 10_000;

/// How much an organization may ask.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Limits")]
pub struct Settings {
    /// Requests a second that one organization may make (in bursts of as many); 0 for no limit. Lower it to protect a
    /// small database, raise it when a large customer's dashboards get 429
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

/// Remembers what organizations have asked.
pub struct Limit {
    /// Between two requests at the full rate; `None` without a limit.
    spacing: Option<Duration>,
    asked: Mutex<Asked>,
}

/// When each organization's requests so far are used up. It is swept when it has grown to `sweep_at`, which doubles
/// with what is left, so that sweeping costs little per request however many organizations there are.
struct Asked {
    used_up_at: HashMap<String, Instant>,
    sweep_at: usize,
}

impl Limit {
    /// A limit under which nobody has asked anything.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let rate = settings.rate_limit_per_second;
        let spacing = (rate > 0).then(|| BURST / rate);
        Self { spacing, asked: Mutex::new(Asked { used_up_at: HashMap::new(), sweep_at: REMEMBERED_MIN }) }
    }

    /// Takes a request of `organization` in, if its rate allows.
    pub fn admit(&self, organization: &str, now: Instant) -> Admission {
        let Some(spacing) = self.spacing else { return Admission::Granted };
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let used_up_at = asked.used_up_at.get(organization).copied().unwrap_or(now).max(now) + spacing;
        let wait = used_up_at.saturating_duration_since(now + BURST);
        if wait > Duration::ZERO {
            return Admission::Wait(wait);
        }
        asked.remember(organization, used_up_at, now);
        Admission::Granted
    }
}

impl Asked {
    fn remember(&mut self, organization: &str, used_up_at: Instant, now: Instant) {
        if let Some(slot) = self.used_up_at.get_mut(organization) {
            *slot = used_up_at;
            return;
        }
        if self.used_up_at.len() >= self.sweep_at {
            self.used_up_at.retain(|_, used_up_at| *used_up_at > now);
            self.sweep_at = REMEMBERED_MIN.max(2 * self.used_up_at.len());
        }
        self.used_up_at.insert(organization.to_owned(), used_up_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A limit, and the instant the test begins.
    struct Case(Limit, Instant);

    fn limit(rate_limit_per_second: u32) -> Case {
        Case(Limit::new(&Settings { rate_limit_per_second }), Instant::now())
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
        for organization in 0..REMEMBERED_MIN {
            assert!(granted(&limit, &organization.to_string(), 0));
        }
        assert!(granted(&limit, "late", 5_000));
        assert_eq!(limit.0.asked.lock().unwrap().used_up_at.len(), 1);
    }
}
