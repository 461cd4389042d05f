//! The copies of each identity, together.

use crate::entry::{Effect, Entry, Update, What};
use crate::erased::Erased;
use crate::sorter::Merge;
use std::io;

/// An identity with its copies.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// Its organization.
    pub organization: String,
    /// Its quarter of an hour, counted from the Unix epoch.
    pub quarter: i32,
    /// What it belongs to.
    pub what: What,
    /// Its id.
    pub id: String,
    /// The copies that may count, as the bytes of their entries: the first in each partition; of an update the newest ones.
    pub firsts: Vec<Vec<u8>>,
    /// How many copies there are.
    pub copies: u64,
    /// How many of them would add something else than the first in their partition, which counts.
    pub contradicting: u64,
    /// Whether it is certain that some copy was not refused for the clock's sake.
    pub certain: bool,
}

impl Identity {
    fn of(entry: &Entry<'_>, bytes: &[u8]) -> Self {
        Self {
            organization: entry.organization.to_owned(),
            quarter: entry.quarter,
            what: entry.effect.what(),
            id: entry.id.to_owned(),
            firsts: vec![bytes.to_vec()],
            copies: 1,
            contradicting: 0,
            certain: entry.certain,
        }
    }

    /// Takes another copy.
    fn take(&mut self, copy: &Entry<'_>, bytes: &[u8]) {
        self.copies += 1;
        self.certain |= copy.certain;
        if let Effect::Update(update) = copy.effect {
            self.take_update(&update, bytes);
        } else {
            self.take_copy(copy, bytes);
        }
    }

    /// Takes another copy of an update: the newest wins, whichever was committed first.
    fn take_update(&mut self, update: &Update<'_>, bytes: &[u8]) {
        let known = self.entries().find_map(|entry| match entry.effect {
            Effect::Update(known) => Some((known.seconds, known.nanos)),
            Effect::Order
            | Effect::Payment { .. }
            | Effect::Run(_)
            | Effect::Sent(_)
            | Effect::Delivered(_) => None,
        });
        let newest = (update.seconds, update.nanos);
        if known.is_none_or(|known| known < newest) {
            self.firsts = vec![bytes.to_vec()];
        } else if known == Some(newest)
            && self.firsts.len() < UPDATES_MAX
            && self.entries().all(|entry| entry.effect != Effect::Update(*update))
        {
            self.firsts.push(bytes.to_vec());
        }
    }

    /// Takes another copy of what is counted: the first in each partition may be the one that counts.
    fn take_copy(&mut self, copy: &Entry<'_>, bytes: &[u8]) {
        match self.firsts.last().and_then(|first| Entry::read(first)) {
            Some(first) if first.partition == copy.partition => {
                self.contradicting += u64::from(!adds_the_same(&first.effect, &copy.effect));
            }
            Some(_) | None => self.firsts.push(bytes.to_vec()),
        }
    }

    /// The copies that may count.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.firsts.iter().filter_map(|bytes| Entry::read(bytes))
    }

    /// What the copies add: one effect, unless they contradict each other. Which of them was committed first, and counts, the
    /// log can't say of copies in different partitions.
    #[must_use]
    pub fn effects(&self) -> Vec<Effect<'_>> {
        let mut effects: Vec<Effect<'_>> = Vec::with_capacity(1);
        for entry in self.entries() {
            if !effects.iter().any(|known| adds_the_same(known, &entry.effect)) {
                effects.push(entry.effect);
            }
        }
        effects
    }
}

/// Whether the counters are the same with either. A copy may be stamped anew within its quarter.
fn adds_the_same(one: &Effect<'_>, other: &Effect<'_>) -> bool {
    match (one, other) {
        (Effect::Run(one), Effect::Run(other)) => {
            (one.workflow, one.outcome, one.execution_time_ms)
                == (other.workflow, other.outcome, other.execution_time_ms)
        }
        (one, other) => one == other,
    }
}

/// Copies of one update that contradict each other although they are of one instant; more are not told apart.
const UPDATES_MAX: usize = 8;

/// Identities, by organization and quarter, without what was erased.
pub struct Identities<'a> {
    merge: Merge,
    erased: &'a Erased,
    /// The first entry of the next identity.
    next: Option<Vec<u8>>,
}

impl<'a> Identities<'a> {
    /// The identities of sorted entries.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn of(mut merge: Merge, erased: &'a Erased) -> io::Result<Self> {
        let next = merge.take_next()?.map(<[u8]>::to_vec);
        Ok(Self { merge, erased, next })
    }

    /// The next identity; `None` at the end.
    ///
    /// # Errors
    /// When entries can't be read.
    pub fn take_next(&mut self) -> io::Result<Option<Identity>> {
        while let Some(first) = self.next.take() {
            if let Some(identity) = self.take_identity(&first)? {
                return Ok(Some(identity));
            }
        }
        Ok(None)
    }

    /// The identity of the entries that begin with this one; `None` if it is erased.
    fn take_identity(&mut self, first: &[u8]) -> io::Result<Option<Identity>> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a run is damaged");
        let entry = Entry::read(first).ok_or_else(damaged)?;
        let mut copies = Copies::default();
        copies.take(self.erased, &entry, first);
        while let Some(bytes) = self.merge.take_next()? {
            let copy = Entry::read(bytes).ok_or_else(damaged)?;
            if !copy.is_copy_of(&entry) {
                self.next = Some(bytes.to_vec());
                break;
            }
            copies.take(self.erased, &copy, bytes);
        }
        Ok(copies.identity(self.erased))
    }
}

/// The copies of an identity.
#[derive(Default)]
struct Copies {
    /// Of those that are not erased.
    identity: Option<Identity>,
    /// Whether there are erased ones.
    has_erased: bool,
    /// Whether some of them was counted for certain.
    was_counted: bool,
}

impl Copies {
    fn take(&mut self, erased: &Erased, copy: &Entry<'_>, bytes: &[u8]) {
        if erased.has(copy) {
            self.has_erased = true;
            self.was_counted |= copy.certain;
            return;
        }
        match &mut self.identity {
            None => self.identity = Some(Identity::of(copy, bytes)),
            Some(identity) => identity.take(copy, bytes),
        }
    }

    /// The identity as it counts. The ledger knows what it has counted before an erasure: a copy that comes later adds nothing. An
    /// update is in no ledger, so that it counts again.
    fn identity(self, erased: &Erased) -> Option<Identity> {
        let mut identity = self.identity?;
        if identity.what != What::Update {
            if self.was_counted {
                return None;
            }
            let Identity { organization, what, quarter, .. } = &identity;
            let is_doubtful = self.has_erased || erased.may_have_had(organization, *what, *quarter);
            identity.certain &= !is_doubtful;
        }
        Some(identity)
    }
}
