//! A rate for each organization, with bursts. Pure but for its lock.
//!
//! The generic cell rate algorithm (ITU-T I.371): of each organization only its theoretical arrival time is kept, the
//! instant at which what it took so far would have arrived at the full rate. Once that instant has passed, the
//! organization is as if it had never asked, and can be forgotten.
//!
//! Instances that share rates each grant by what they know. What was taken here is told to the others ([`Rates::untold`]), and
//! what all of them took is learnt ([`Rates::learn`]). In between an instance may grant what another has granted already; that is
//! owed, and nobody grants anything until it has been paid back. So `n` instances that tell and learn at least every `e`
//! grant, in any time `w`, at most `(w + period + (n - 1) * (period + 2 * e)) / spacing` units together, for as long as the
//! owed time is below what is kept of it.

use std::collections::{HashMap, VecDeque};
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

/// What an organization took, to be told to other instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Who took it.
    pub organization: String,
    /// How long it takes to arrive at the full rate.
    pub time: Duration,
}

/// The rates of all organizations: so many units in a period, and as many at once.
pub struct Rates {
    /// Nothing can be taken unless so many units are left.
    least: u32,
    /// The time between two units at the full rate; `None` without a limit.
    spacing: Option<Duration>,
    period: Duration,
    /// Whether other instances are told what is taken.
    is_shared: bool,
    arrivals: Mutex<Arrivals>,
}

/// Each organization's theoretical arrival time. The map is swept when it has grown to `sweep_at`, which is then set to
/// twice the number left, so that the cost of sweeping per request is constant, however many organizations there are.
struct Arrivals {
    by_organization: HashMap<String, Kept>,
    sweep_at: usize,
    /// The organizations that took something, or were refused, since they were last told. Who was first is first.
    untold: VecDeque<String>,
}

/// What is kept of an organization.
struct Kept {
    arrival: Instant,
    /// Units that it took here, and that nobody else was told of.
    untold: u32,
    /// Whether it is among the untold.
    is_queued: bool,
}

impl Rates {
    /// So many units each `period`, without a limit if that is 0. Whoever takes some must have `least` of them left.
    #[must_use]
    pub fn new(units: u32, least: u32, period: Duration) -> Self {
        let by_organization = HashMap::new();
        let arrivals = Arrivals { by_organization, sweep_at: SWEEP_MIN, untold: VecDeque::new() };
        let spacing = (units > 0).then(|| period / units);
        Self { least, spacing, period, is_shared: false, arrivals: Mutex::new(arrivals) }
    }

    /// The same, to be shared with other instances: what is taken must be told, or it piles up.
    #[must_use]
    pub fn shared(self) -> Self {
        Self { is_shared: true, ..self }
    }

    /// Takes `units` for `organization` if the least is left. More than are left may be taken; they are owed, and nothing can
    /// be taken until they have been paid back.
    pub fn take(&self, organization: &str, units: u32, now: Instant) -> Admission {
        let Some(spacing) = self.spacing else { return Admission::Granted };
        let mut arrivals = self.arrivals();
        let last = arrivals.last(organization, now);
        let wait = (last + spacing * self.least).saturating_duration_since(now + self.period);
        let admission = if wait > Duration::ZERO { Admission::Wait(wait) } else { Admission::Granted };
        let units = if admission == Admission::Granted { units } else { 0 };
        arrivals.keep(organization, last + spacing * units, now);
        if self.is_shared {
            arrivals.queue(organization, units);
        }
        admission
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

    /// What organizations took and nobody was told of, of so many organizations at most; nothing, of one that was refused and
    /// may learn of others. From now on it counts as told: who can't tell it must not tell it later, when it has been paid
    /// back.
    pub fn untold(&self, organizations_max: usize) -> Vec<Taken> {
        let Some(spacing) = self.spacing else { return Vec::new() };
        let mut arrivals = self.arrivals();
        let Arrivals { by_organization, untold, .. } = &mut *arrivals;
        let told = untold.drain(..organizations_max.min(untold.len()));
        told.map(|organization| {
            let units = by_organization.get_mut(&organization).map_or(0, Kept::told);
            Taken { organization, time: spacing * units }
        })
        .collect()
    }

    /// Takes over that the organization's theoretical arrival time over all instances is so far `ahead` of now, without what
    /// it took here and nobody was told of. What is known here and goes further stays.
    pub fn learn(&self, organization: &str, ahead: Duration, now: Instant) {
        let Some(spacing) = self.spacing else { return };
        let mut arrivals = self.arrivals();
        let last = arrivals.last(organization, now);
        let untold = arrivals.by_organization.get(organization).map_or(0, |kept| kept.untold);
        arrivals.keep(organization, last.max(now + ahead + spacing * untold), now);
    }

    fn arrivals(&self) -> MutexGuard<'_, Arrivals> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrivals {
    fn last(&self, organization: &str, now: Instant) -> Instant {
        self.by_organization.get(organization).map_or(now, |kept| kept.arrival.max(now))
    }

    fn keep(&mut self, organization: &str, arrival: Instant, now: Instant) {
        if let Some(kept) = self.by_organization.get_mut(organization) {
            kept.arrival = arrival;
            return;
        }
        if self.by_organization.len() >= self.sweep_at {
            self.by_organization.retain(|_, kept| kept.arrival > now || kept.is_queued);
            self.sweep_at = SWEEP_MIN.max(2 * self.by_organization.len());
        }
        self.by_organization.insert(organization.to_owned(), Kept { arrival, untold: 0, is_queued: false });
    }

    /// Notes so many more untold units of an organization that is kept.
    fn queue(&mut self, organization: &str, units: u32) {
        let Some(kept) = self.by_organization.get_mut(organization) else { return };
        kept.untold = kept.untold.saturating_add(units);
        if !std::mem::replace(&mut kept.is_queued, true) {
            self.untold.push_back(organization.to_owned());
        }
    }
}

impl Kept {
    /// Its untold units, which are told from now on.
    fn told(&mut self) -> u32 {
        self.is_queued = false;
        std::mem::take(&mut self.untold)
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

    /// What all instances took, as one place keeps it for all: the model of the script in `cache/shared/rates.rs`.
    #[derive(Default)]
    struct Place(HashMap<String, Instant>);

    impl Place {
        /// Adds what was taken, and returns how far ahead of now each theoretical arrival time is then.
        fn add(&mut self, taken: &[Taken], now: Instant) -> Vec<Duration> {
            let add = |Taken { organization, time }: &Taken| {
                let arrival = self.0.entry(organization.clone()).or_insert(now);
                *arrival = now.max(*arrival) + *time;
                *arrival - now
            };
            taken.iter().map(add).collect()
        }
    }

    /// Instances with one rate, and the place at which they exchange what was taken.
    struct Instances {
        rates: Vec<Rates>,
        place: Place,
        now: Instant,
    }

    impl Instances {
        fn new(count: usize, units: u32) -> Self {
            let rates = (0..count).map(|_| Rates::new(units, 1, Duration::from_secs(1)).shared()).collect();
            Self { rates, place: Place::default(), now: Instant::now() }
        }

        /// One exchange of every instance, without any delay.
        fn exchange(&mut self) {
            for rates in &self.rates {
                let taken = rates.untold(usize::MAX);
                for (taken, ahead) in taken.iter().zip(self.place.add(&taken, self.now)) {
                    rates.learn(&taken.organization, ahead, self.now);
                }
            }
        }

        fn granted(&self, instance: usize) -> bool {
            self.rates[instance].take("acme", 1, self.now) == Admission::Granted
        }
    }

    #[test]
    fn what_instances_granted_too_much_is_paid_back_by_all_of_them() {
        let mut two = Instances::new(2, 20);
        assert!((0..20).all(|_| two.granted(0) && two.granted(1)), "neither knows of the other's");
        two.exchange();
        assert!(!two.granted(0), "and who is refused learns, too");
        two.exchange();
        two.now += Duration::from_millis(1_000);
        assert!(!two.granted(0), "what both have granted takes two seconds");
        two.now += Duration::from_millis(50);
        assert!(two.granted(0) && !two.granted(0));
        two.exchange();
        assert!(two.granted(1), "who asked for nothing learns nothing");
        two.exchange();
        assert!(!two.granted(1), "and learns with the first that it asks for");
    }

    #[test]
    fn what_is_told_is_told_once_and_who_took_first_is_told_first() {
        let rates = Rates::new(10, 1, Duration::from_secs(1)).shared();
        let now = Instant::now();
        for organization in ["b", "a", "b", "c"] {
            rates.take(organization, 2, now);
        }
        let taken = |organization: &str, ms| Taken {
            organization: organization.into(),
            time: Duration::from_millis(ms),
        };
        assert_eq!(rates.untold(2), [taken("b", 400), taken("a", 200)]);
        rates.take("b", 1, now);
        assert_eq!(rates.untold(9), [taken("c", 200), taken("b", 100)]);
        assert_eq!(rates.untold(9), []);
        let alone = limit(10);
        assert!(granted(&alone, "acme", 0));
        assert_eq!(alone.0.untold(9), [], "nobody asks for what an instance alone has granted");
    }

    #[test]
    fn what_is_learnt_never_forgives_and_what_was_not_told_is_added() {
        let rates = Rates::new(10, 1, Duration::from_secs(1)).shared();
        let now = Instant::now();
        let left = || rates.left("acme", now).unwrap().0;
        rates.take("acme", 4, now);
        assert_eq!(rates.untold(1).len(), 1);
        rates.learn("acme", Duration::ZERO, now);
        assert_eq!(left(), 6, "the place has lost it");
        rates.take("acme", 1, now);
        rates.learn("acme", Duration::from_millis(700), now);
        assert_eq!(left(), 2, "seven of all instances, and one that was not told");
        rates.learn("acme", Duration::from_secs(60), now);
        assert_eq!(rates.left("acme", now).unwrap(), (0, Duration::from_millis(59_200)));
    }

    /// How often instances exchange, and how often they are looked at here.
    const EXCHANGE_EVERY: Duration = Duration::from_millis(100);
    const TICK: Duration = Duration::from_millis(5);

    /// An exchange on its way: what is told arrives after so many ticks, and what is learnt as many later.
    struct Exchange {
        taken: Vec<Taken>,
        arrives_in: u32,
        learnt_in: u32,
        ahead: Vec<Duration>,
    }

    /// An instance's exchanges.
    struct Exchanges {
        delay: u32,
        begun: Option<Instant>,
        under_way: Option<Exchange>,
    }

    impl Exchanges {
        fn tick(&mut self, rates: &Rates, place: &mut Place, now: Instant) {
            if self.under_way.is_none() && self.begun.is_none_or(|begun| now - begun >= EXCHANGE_EVERY) {
                let (taken, delay) = (rates.untold(usize::MAX), self.delay);
                self.begun = Some(now);
                let (arrives_in, learnt_in) = (delay, 2 * delay);
                self.under_way = Some(Exchange { taken, arrives_in, learnt_in, ahead: Vec::new() });
            }
            let Some(exchange) = &mut self.under_way else { return };
            if exchange.arrives_in == 0 && exchange.ahead.is_empty() {
                exchange.ahead = place.add(&exchange.taken, now);
            }
            if exchange.learnt_in == 0 {
                for (taken, ahead) in exchange.taken.iter().zip(&exchange.ahead) {
                    rates.learn(&taken.organization, *ahead, now);
                }
                self.under_way = None;
            } else {
                exchange.arrives_in = exchange.arrives_in.saturating_sub(1);
                exchange.learnt_in -= 1;
            }
        }
    }

    proptest::proptest! {
        /// The bound of the module's introduction, for instances that are asked at any time, and exchange with any delay.
        #[test]
        fn together_instances_grant_the_rate_and_a_bounded_number_more(
            delays in proptest::collection::vec(0_u32..8, 3),
            asked in proptest::collection::vec((0_usize..3, 0_u32..40, 0_u32..60), 1..40),
        ) {
            const UNITS: u32 = 20;
            let mut all = Instances::new(delays.len(), UNITS);
            let exchanges = |delay: &u32| Exchanges { delay: *delay, begun: None, under_way: None };
            let mut exchanges: Vec<_> = delays.iter().map(exchanges).collect();
            let mut granted = Vec::new();
            for (instance, attempts, ticks) in asked {
                granted.extend((0..attempts).filter(|_| all.granted(instance)).map(|_| all.now));
                for _ in 0..ticks {
                    for (rates, exchanges) in all.rates.iter().zip(&mut exchanges) {
                        exchanges.tick(rates, &mut all.place, all.now);
                    }
                    all.now += TICK;
                }
            }
            let (period, spacing) = (Duration::from_secs(1), Duration::from_secs(1) / UNITS);
            // From the beginning of one exchange to the end of the next one.
            let longest = delays.iter().max().copied().unwrap_or_default();
            let exchange = EXCHANGE_EVERY + TICK * 2 + TICK * 2 * longest;
            let others = u32::try_from(delays.len()).unwrap() - 1;
            for (first, from) in granted.iter().enumerate() {
                for (last, to) in granted.iter().enumerate().skip(first) {
                    let bound = (*to - *from) + period + (period + exchange * 2) * others;
                    let count = u32::try_from(last - first + 1).unwrap();
                    proptest::prop_assert!(spacing * count <= bound, "{count} in {:?}", *to - *from);
                }
            }
        }
    }
}
