//! A rate for each organization, with bursts. Pure but for its lock.
//!
//! The generic cell rate algorithm (ITU-T I.371): of each organization only its theoretical arrival time is kept, the
//! instant at which what it took so far would have arrived at the full rate. Once that instant has passed, the
//! organization is as if it had never asked, and can be forgotten.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Up to this many organizations are kept before any are swept.
const SWEEP_MIN: usize = 10_000;

/// Whether something may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Granted,
    /// Not before this has passed.
    Wait(Duration),
}

/// The rates of all organizations: so many units in a period, and as many at once.
pub struct Rates {
    /// Nothing can be taken unless so many units are left.
    least: u32,
    /// The time between two units at the full rate; `None` without a limit.
    spacing: Option<Duration>,
    period: Duration,
    arrivals: Mutex<Arrivals>,
}

/// Each organization's theoretical arrival time. The map is swept when it has grown to `sweep_at`, which is then set to
/// twice the number left, so that the cost of sweeping per request is constant, however many organizations there are.
struct Arrivals {
    by_organization: HashMap<String, Instant>,
    sweep_at: usize,
}

impl Rates {
    /// So many units each `period`, without a limit if that is 0. Whoever takes some must have `least` of them left.
    #[must_use]
    pub fn new(units: u32, least: u32, period: Duration) -> Self {
        let arrivals = Arrivals { by_organization: HashMap::new(), sweep_at: SWEEP_MIN };
        let spacing = (units > 0).then(|| period / units);
        Self { least, spacing, period, arrivals: Mutex::new(arrivals) }
    }

    /// Takes `units` for `organization` if the least is left. More than are left may be taken; they are owed, and nothing can
    /// be taken until they have been paid back.
    pub fn take(&self, organization: &str, units: u32, now: Instant) -> Admission {
        let Some(spacing) = self.spacing else { return Admission::Granted };
        let mut arrivals = self.arrivals();
        let last = arrivals.last(organization, now);
        let wait = (last + spacing * self.least).saturating_duration_since(now + self.period);
        if wait > Duration::ZERO {
            return Admission::Wait(wait);
        }
        arrivals.keep(organization, last + spacing * units, now);
        Admission::Granted
    }

    /// How many units are left, and how long until the least is. `None` without a limit.
    pub fn left(&self, organization: &str, now: Instant) -> Option<(u32, Duration)> {
        let spacing = self.spacing?;
        let last = self.arrivals().last(organization, now);
        let room = (now + self.period).saturating_duration_since(last);
        let left = room.as_nanos().checked_div(spacing.as_nanos()).unwrap_or(u128::MAX);
        let wait = (last + spacing * self.least).saturating_duration_since(now + self.period);
        Some((u32::try_from(left).unwrap_or(u32::MAX), wait))
    }

    fn arrivals(&self) -> MutexGuard<'_, Arrivals> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrivals {
    fn last(&self, organization: &str, now: Instant) -> Instant {
        self.by_organization.get(organization).copied().unwrap_or(now).max(now)
    }

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

    /// Rates, and the instant the test begins.
    struct Case(Rates, Instant);

    fn limit(units: u32) -> Case {
        Case(Rates::new(units, 1, Duration::from_secs(1)), Instant::now())
    }

    fn take(Case(rates, start): &Case, organization: &str, units: u32, ms: u64) -> Admission {
        rates.take(organization, units, *start + Duration::from_millis(ms))
    }

    fn granted(case: &Case, organization: &str, ms: u64) -> bool {
        take(case, organization, 1, ms) == Admission::Granted
    }

    fn left(Case(rates, start): &Case, ms: u64) -> Option<(u32, Duration)> {
        rates.left("acme", *start + Duration::from_millis(ms))
    }

    #[test]
    fn a_burst_of_a_period_then_the_rate() {
        let limit = limit(10);
        assert!((0..10).all(|_| granted(&limit, "acme", 0)));
        assert_eq!(take(&limit, "acme", 1, 0), Admission::Wait(Duration::from_millis(100)));
        assert!(granted(&limit, "acme", 100));
        assert!(!granted(&limit, "acme", 150));
        assert!((0..10).all(|_| granted(&limit, "acme", 2_000)), "a pause earns a burst, never more");
        assert!(!granted(&limit, "acme", 2_000));
    }

    #[test]
    fn what_takes_more_than_is_left_is_granted_once_and_owed() {
        let limit = limit(10);
        assert_eq!(left(&limit, 0), Some((10, Duration::ZERO)));
        assert_eq!(take(&limit, "acme", 9, 0), Admission::Granted);
        assert_eq!(left(&limit, 0), Some((1, Duration::ZERO)));
        assert_eq!(take(&limit, "acme", 6, 0), Admission::Granted);
        assert_eq!(left(&limit, 0), Some((0, Duration::from_millis(600))));
        assert_eq!(take(&limit, "acme", 1, 0), Admission::Wait(Duration::from_millis(600)));
        assert_eq!(left(&limit, 600), Some((1, Duration::ZERO)));
        assert!(granted(&limit, "acme", 600));
    }

    #[test]
    fn nothing_is_granted_unless_the_least_is_left() {
        let limit = Case(Rates::new(10, 4, Duration::from_secs(1)), Instant::now());
        assert_eq!(take(&limit, "acme", 7, 0), Admission::Granted);
        assert_eq!(left(&limit, 0), Some((3, Duration::from_millis(100))));
        assert_eq!(take(&limit, "acme", 1, 0), Admission::Wait(Duration::from_millis(100)));
        assert_eq!(take(&limit, "acme", 1, 100), Admission::Granted);
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
        assert_eq!(left(&limit, 0), None);
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
