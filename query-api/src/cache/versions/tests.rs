//! Known versions, in every order in which reads, replies, invalidations and silence can occur.

use super::*;
use proptest::prelude::*;

fn known(versions: &Versions, organization: &str, now: Instant) -> Option<u64> {
    versions.get(organization, now).map(|version| version.number)
}

#[test]
fn a_version_is_known_from_its_reply_to_its_invalidation() {
    let (versions, now) = (Versions::default(), Instant::now());
    versions.alive(now);
    assert_eq!(known(&versions, "acme", now), None);
    let ticket = versions.begin_read("acme");
    assert_eq!(known(&versions, "acme", now), None, "it is still being read");
    versions.end_read("acme", ticket, 7);
    assert_eq!(known(&versions, "acme", now), Some(7));
    assert_eq!(known(&versions, "other", now), None);
    versions.invalidate("other");
    assert_eq!(known(&versions, "acme", now), Some(7));
    versions.invalidate("acme");
    assert_eq!(known(&versions, "acme", now), None);
}

#[test]
fn an_invalidation_that_overtakes_its_reply_is_not_lost() {
    let (versions, now) = (Versions::default(), Instant::now());
    versions.alive(now);
    let ticket = versions.begin_read("acme");
    versions.invalidate("acme");
    assert_eq!(
        versions.end_read("acme", ticket, 7).number,
        7,
        "right for the reader that asked before the change"
    );
    assert_eq!(known(&versions, "acme", now), None, "and for none after it");
}

#[test]
fn of_concurrent_readers_the_last_decides() {
    let (versions, now) = (Versions::default(), Instant::now());
    versions.alive(now);
    let (first, second) = (versions.begin_read("acme"), versions.begin_read("acme"));
    versions.end_read("acme", first, 7);
    assert_eq!(known(&versions, "acme", now), None);
    versions.end_read("acme", second, 8);
    assert_eq!(known(&versions, "acme", now), Some(8));
    versions.end_read("acme", first, 7);
    assert_eq!(known(&versions, "acme", now), Some(8));
}

#[test]
fn silence_is_not_trusted_for_longer_than_its_limit() {
    let (versions, now) = (Versions::default(), Instant::now());
    let ticket = versions.begin_read("acme");
    versions.end_read("acme", ticket, 7);
    assert_eq!(known(&versions, "acme", now), None, "no ping was answered");
    versions.alive(now);
    assert_eq!(known(&versions, "acme", now + TRUST_MAX), Some(7));
    assert_eq!(known(&versions, "acme", now + TRUST_MAX + Duration::from_millis(1)), None);
    versions.alive(now + TRUST_MAX);
    assert_eq!(known(&versions, "acme", now + 2 * TRUST_MAX), Some(7));
}

#[test]
fn versions_of_a_lost_connection_are_of_another_generation() {
    let (versions, now) = (Versions::default(), Instant::now());
    versions.alive(now);
    let late = versions.begin_read("acme");
    let before = versions.end_read("acme", late, 1);
    versions.forget_all();
    assert_eq!(known(&versions, "acme", now), None);
    versions.alive(now);
    versions.end_read("acme", late, 1);
    assert_eq!(known(&versions, "acme", now), None, "a reply of the lost connection");
    let ticket = versions.begin_read("acme");
    assert_ne!(versions.end_read("acme", ticket, 1), before, "an emptied Redis counts from the start again");
}

#[test]
fn only_so_many_are_known() {
    let versions = Versions::default();
    for n in 0..=KNOWN_MAX {
        versions.begin_read(&n.to_string());
    }
    assert_eq!(versions.state().known.len(), 1);
}

/// A step of Redis, of the connection, or of a request.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Redis raises the version, and sends an invalidation if it was read since the last.
    Raise,
    /// A request reads: Redis replies at once, and the reply is on its way.
    Read,
    /// The oldest reply on its way reaches the request that reads.
    Reply,
    /// The oldest invalidation on its way is processed. It may overtake replies, never a ping's.
    Invalidate,
    /// A ping is answered: all invalidations sent before it have been processed.
    Ping,
    /// The connection is lost with all that is on its way to it; another is made.
    Lose,
    /// Some time passes.
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    use Step::{Invalidate, Lose, Ping, Raise, Read, Reply, Wait};
    prop::sample::select(vec![Raise, Raise, Read, Read, Reply, Reply, Invalidate, Ping, Ping, Wait, Lose])
}

proptest! {
    /// In any order: a version that is known at some time was right `TRUST_MAX` before, or later.
    #[test]
    fn a_known_version_is_never_older_than_the_limit(steps in prop::collection::vec(step(), 1..200)) {
        let (versions, mut now) = (Versions::default(), Instant::now());
        let (mut number, mut tracked, mut invalidations, mut replies) = (0_u64, false, 0, Vec::new());
        // When each number was confirmed.
        let mut confirmed = vec![now];
        for step in steps {
            match step {
                Step::Raise => {
                    number += 1;
                    confirmed.push(now);
                    invalidations += u32::from(std::mem::take(&mut tracked));
                }
                Step::Read => {
                    replies.insert(0, (versions.begin_read("acme"), number));
                    tracked = true;
                }
                Step::Reply => {
                    if let Some((ticket, number)) = replies.pop() {
                        versions.end_read("acme", ticket, number);
                    }
                }
                Step::Invalidate if invalidations > 0 => {
                    invalidations -= 1;
                    versions.invalidate("acme");
                }
                Step::Invalidate => {}
                Step::Ping => {
                    for _ in 0..std::mem::take(&mut invalidations) {
                        versions.invalidate("acme");
                    }
                    versions.alive(now);
                }
                Step::Lose => {
                    (tracked, invalidations) = (false, 0);
                    versions.forget_all();
                }
                Step::Wait => now += TRUST_MAX / 3,
            }
            if let Some(given) = versions.get("acme", now) {
                let next = usize::try_from(given.number).unwrap() + 1;
                if let Some(replaced_at) = confirmed.get(next) {
                    prop_assert!(now.duration_since(*replaced_at) <= TRUST_MAX, "{given:?}");
                }
            }
        }
    }
}
