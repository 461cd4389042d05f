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
mod tests;
