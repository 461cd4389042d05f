//! Which organization is evaluated next. Those whose last evaluation has failed are left out for a while, and take few of the places, so
//! that they hold up nobody but each other.

use crate::store::webhooks::DUE_MAX;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many organizations are evaluated at once.
const AT_ONCE_MAX: usize = 4;

/// How many of them are such whose last evaluation has failed.
const AGAIN_AT_ONCE_MAX: usize = 2;

/// Of how many organizations it is remembered that their last evaluation has failed.
const FAILED_MAX: usize = 500;

/// They may have been due for longest, and come first where organizations are looked for. Others are found behind them.
const _: () = assert!(FAILED_MAX + AT_ONCE_MAX < DUE_MAX as usize);

/// An organization that is due, and its version.
pub type Candidate = (Arc<str>, Option<u64>);

/// What an evaluation has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is made, or somebody else makes it.
    Well,
    /// It has failed, or has taken too long.
    Failed,
    /// PostgreSQL was away, which says nothing of the organization.
    Away,
}

/// Who is evaluated, and who waits for that.
pub struct Queue {
    left_out_for: Duration,
    under_way: HashSet<Arc<str>>,
    /// Whose last evaluation has failed, and until when they are left out.
    failed: HashMap<Arc<str>, Instant>,
    again: VecDeque<Candidate>,
    others: VecDeque<Candidate>,
}

impl Queue {
    /// A queue of nobody. An organization is left out for so long after an evaluation that has failed.
    pub fn new(left_out_for: Duration) -> Self {
        let (again, others) = (VecDeque::new(), VecDeque::new());
        Self { left_out_for, under_way: HashSet::new(), failed: HashMap::new(), again, others }
    }

    /// Who needn't be looked for.
    pub fn excluded(&self, now: Instant) -> Vec<Arc<str>> {
        let left_out = self.failed.iter().filter(|(_, until)| **until > now);
        left_out.map(|(organization, _)| organization).chain(&self.under_way).cloned().collect()
    }

    /// These are due, in this order, and nobody else.
    pub fn fill(&mut self, due: Vec<Candidate>) {
        let (again, others) =
            due.into_iter().partition(|(organization, _)| self.failed.contains_key(organization));
        (self.again, self.others) = (again, others);
    }

    /// Who is evaluated next, if there is a place. It is theirs until [`Queue::end`].
    pub fn take(&mut self) -> Option<Candidate> {
        if self.under_way.len() >= AT_ONCE_MAX {
            return None;
        }
        let again = self.under_way.iter().filter(|organization| self.failed.contains_key(*organization));
        let may_again = again.count() < AGAIN_AT_ONCE_MAX;
        let next = if may_again { self.again.pop_front() } else { None };
        let next = next.or_else(|| self.others.pop_front())?;
        self.under_way.insert(Arc::clone(&next.0));
        Some(next)
    }

    /// The organization's evaluation has ended.
    pub fn end(&mut self, organization: &Arc<str>, ended: Ended, now: Instant) {
        self.under_way.remove(organization);
        match ended {
            Ended::Well => {
                self.failed.remove(organization);
            }
            Ended::Failed => self.leave_out(organization, now),
            Ended::Away => {}
        }
    }

    fn leave_out(&mut self, organization: &Arc<str>, now: Instant) {
        if self.failed.len() >= FAILED_MAX && !self.failed.contains_key(organization) {
            let first = self.failed.iter().min_by_key(|(_, until)| **until);
            let first = first.map(|(organization, _)| Arc::clone(organization));
            if let Some(first) = first {
                self.failed.remove(&first);
            }
        }
        let until = now.checked_add(self.left_out_for).unwrap_or(now);
        self.failed.insert(Arc::clone(organization), until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn due(names: &[&str]) -> Vec<Candidate> {
        names.iter().map(|name| (Arc::from(*name), None)).collect()
    }

    /// Everybody who has a place now and had none before.
    fn taken(queue: &mut Queue) -> Vec<String> {
        std::iter::from_fn(|| queue.take()).map(|(organization, _)| organization.to_string()).collect()
    }

    fn end(queue: &mut Queue, names: &[&str], ended: Ended, now: Instant) {
        names.iter().for_each(|name| queue.end(&Arc::from(*name), ended, now));
    }

    fn excluded(queue: &Queue, now: Instant) -> Vec<String> {
        let mut excluded: Vec<_> = queue.excluded(now).iter().map(ToString::to_string).collect();
        excluded.sort();
        excluded
    }

    #[test]
    fn those_that_fail_leave_places_to_others() {
        let (mut queue, now) = (Queue::new(MINUTE), Instant::now());
        queue.fill(due(&["f1", "f2", "f3", "f4", "f5", "a"]));
        assert_eq!(taken(&mut queue), ["f1", "f2", "f3", "f4"]);
        assert_eq!(excluded(&queue, now), ["f1", "f2", "f3", "f4"], "they are under way");
        end(&mut queue, &["f1"], Ended::Failed, now);
        assert_eq!(taken(&mut queue), ["f5"], "nobody waits for the slowest");
        end(&mut queue, &["f2", "f3", "f4", "f5"], Ended::Failed, now);
        assert_eq!(taken(&mut queue), ["a"]);
        end(&mut queue, &["a"], Ended::Well, now);
        assert_eq!(excluded(&queue, now), ["f1", "f2", "f3", "f4", "f5"]);

        let later = now + MINUTE;
        assert_eq!(excluded(&queue, later), Vec::<String>::new());
        queue.fill(due(&["f1", "f2", "f3", "f4", "f5", "a", "b", "c"]));
        assert_eq!(taken(&mut queue), ["f1", "f2", "a", "b"], "they come first, to two places");
        end(&mut queue, &["a"], Ended::Well, later);
        assert_eq!(taken(&mut queue), ["c"]);
        end(&mut queue, &["f1"], Ended::Well, later);
        assert_eq!(taken(&mut queue), ["f3"]);
        end(&mut queue, &["f2"], Ended::Failed, later);
        assert_eq!(excluded(&queue, later), ["b", "c", "f2", "f3"]);
    }

    #[test]
    fn who_is_not_due_any_more_waits_no_longer() {
        let mut queue = Queue::new(MINUTE);
        queue.fill(due(&["a", "b"]));
        queue.fill(due(&["c"]));
        assert_eq!(taken(&mut queue), ["c"]);
    }

    #[test]
    fn nobody_is_left_out_because_postgresql_was_away() {
        let (mut queue, now) = (Queue::new(MINUTE), Instant::now());
        queue.fill(due(&["a"]));
        assert_eq!(taken(&mut queue), ["a"]);
        end(&mut queue, &["a"], Ended::Away, now);
        assert_eq!(excluded(&queue, now), Vec::<String>::new());
    }

    #[test]
    fn so_many_failures_are_remembered_and_no_more() {
        let (mut queue, now) = (Queue::new(MINUTE), Instant::now());
        for n in 0..=FAILED_MAX {
            let (name, at) = (n.to_string(), now + Duration::from_millis(n.try_into().unwrap()));
            end(&mut queue, &[name.as_str()], Ended::Failed, at);
        }
        let excluded = excluded(&queue, now);
        assert_eq!(excluded.len(), FAILED_MAX);
        assert!(!excluded.contains(&"0".to_owned()), "the first one is forgotten");
    }
}
