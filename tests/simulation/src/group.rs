//! The group's coordinator: who is to read which partition, and who has heard of it.

use consumer::record::Partition;
use load::rng::Rng;
use std::collections::{BTreeMap, VecDeque};

/// A member's name; nobody ever gets one that was used.
pub type MemberId = u32;

/// What a member hears when it polls.
#[derive(Clone, Debug)]
pub enum News {
    /// These are this member's.
    Assigned(Vec<Partition>),
    /// These no longer are.
    Revoked(Vec<Partition>),
}

/// The group.
#[derive(Default)]
pub struct Group {
    seats: BTreeMap<MemberId, VecDeque<News>>,
    owners: BTreeMap<Partition, MemberId>,
    moves: Vec<Move>,
}

/// A partition on its way: it is assigned once who had it has let go.
struct Move {
    partition: Partition,
    from: Option<MemberId>,
    to: MemberId,
}

impl Group {
    /// Takes a member in.
    pub fn join(&mut self, member: MemberId) {
        self.seats.entry(member).or_default();
    }

    /// Whether the member is in the group, as the group sees it.
    #[must_use]
    pub fn has(&self, member: MemberId) -> bool {
        self.seats.contains_key(&member)
    }

    /// The members.
    #[must_use]
    pub fn members(&self) -> Vec<MemberId> {
        self.seats.keys().copied().collect()
    }

    /// Lets a member go, or puts it out: it hears of that when it polls.
    pub fn remove(&mut self, member: MemberId) {
        self.seats.remove(&member);
        self.owners.retain(|_, owner| *owner != member);
        self.moves.retain(|step| step.to != member);
        self.let_go(member, |_| true);
    }

    /// What the member hears next.
    pub fn news(&mut self, member: MemberId) -> Option<News> {
        self.seats.get_mut(&member)?.pop_front()
    }

    /// The member has let go of these.
    pub fn released(&mut self, member: MemberId, partitions: &[Partition]) {
        self.let_go(member, |partition| partitions.contains(&partition));
    }

    /// Takes a partition from its owner, to give it to another.
    pub fn shift(&mut self, partition: Partition, rng: &mut Rng) {
        let members = self.members();
        let Some(owner) = self.owners.get(&partition).copied() else { return };
        let to = members[rng.index(members.len())];
        if to != owner {
            self.owners.remove(&partition);
            self.tell(owner, News::Revoked(vec![partition]));
            self.moves.push(Move { partition, from: Some(owner), to });
        }
    }

    /// Assigns what is free.
    pub fn settle(&mut self, partitions: impl Iterator<Item = Partition>, rng: &mut Rng) {
        let members = self.members();
        let mut given: BTreeMap<MemberId, Vec<Partition>> = BTreeMap::new();
        let (free, rest) = std::mem::take(&mut self.moves).into_iter().partition(|step| step.from.is_none());
        self.moves = rest;
        let free: Vec<Move> = free;
        free.iter().for_each(|step| given.entry(step.to).or_default().push(step.partition));
        for partition in partitions {
            let known = self.owners.contains_key(&partition)
                || self.moves.iter().chain(&free).any(|step| step.partition == partition);
            if !known && !members.is_empty() {
                given.entry(members[rng.index(members.len())]).or_default().push(partition);
            }
        }
        for (member, partitions) in given {
            self.owners.extend(partitions.iter().map(|partition| (*partition, member)));
            self.tell(member, News::Assigned(partitions));
        }
    }

    fn tell(&mut self, member: MemberId, news: News) {
        if let Some(seat) = self.seats.get_mut(&member) {
            seat.push_back(news);
        }
    }

    fn let_go(&mut self, member: MemberId, which: impl Fn(Partition) -> bool) {
        for step in self.moves.iter_mut().filter(|step| step.from == Some(member) && which(step.partition)) {
            step.from = None;
        }
    }
}
