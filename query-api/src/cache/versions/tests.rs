//! What is known of versions, in every order in which questions, answers, changes and silence can meet.

use super::*;
use proptest::prelude::*;

fn known(versions: &Versions, organization: &str, now: Instant) -> Option<u64> {
    versions.get(organization, now).map(|version| version.number)
}

#[test]
fn a_version_is_known_from_its_answer_to_its_change() {
    let (versions, now) = (Versions::default(), Instant::now());
    versions.heard(now);
    assert_eq!(known(&versions, "acme", now), None);
    let ticket = versions.ask("acme");
    assert_eq!(known(&versions, "acme", now), None, "it is only asked for");
    versions.told("acme", ticket, 7);
    assert_eq!(known(&versions, "acme", now), Some(7));
    assert_eq!(known(&versions, "other", now), None);
    versions.changed("other");
    assert_eq!(known(&versions, "acme", now), Some(7));
    versions.changed("acme");
    assert_eq!(known(&versions, "acme", now), None);
}

#[test]
fn a_change_that_overtakes_its_answer_is_not_lost() {
    let (versions, now) = (Versions::default(), Instant::now());
    versions.heard(now);
    let ticket = versions.ask("acme");
    versions.changed("acme");
    assert_eq!(versions.told("acme", ticket, 7).number, 7, "right for who asked before the change");
    assert_eq!(known(&versions, "acme", now), None, "and for nobody after");
}

#[test]
fn of_several_who_ask_the_last_may_say() {
    let (versions, now) = (Versions::default(), Instant::now());
    versions.heard(now);
    let (first, second) = (versions.ask("acme"), versions.ask("acme"));
    versions.told("acme", first, 7);
    assert_eq!(known(&versions, "acme", now), None);
    versions.told("acme", second, 8);
    assert_eq!(known(&versions, "acme", now), Some(8));
    versions.told("acme", first, 7);
    assert_eq!(known(&versions, "acme", now), Some(8));
}

#[test]
fn silence_is_not_believed_for_longer_than_said() {
    let (versions, now) = (Versions::default(), Instant::now());
    let ticket = versions.ask("acme");
    versions.told("acme", ticket, 7);
    assert_eq!(known(&versions, "acme", now), None, "there was no sign of life at all");
    versions.heard(now);
    assert_eq!(known(&versions, "acme", now + TRUST_MAX), Some(7));
    assert_eq!(known(&versions, "acme", now + TRUST_MAX + Duration::from_millis(1)), None);
    versions.heard(now + TRUST_MAX);
    assert_eq!(known(&versions, "acme", now + 2 * TRUST_MAX), Some(7));
}

#[test]
fn what_was_known_of_a_lost_connection_is_of_another_generation() {
    let (versions, now) = (Versions::default(), Instant::now());
    versions.heard(now);
    let late = versions.ask("acme");
    let before = versions.told("acme", late, 1);
    versions.forget_all();
    assert_eq!(known(&versions, "acme", now), None);
    versions.heard(now);
    versions.told("acme", late, 1);
    assert_eq!(known(&versions, "acme", now), None, "an answer of the lost connection");
    let ticket = versions.ask("acme");
    assert_ne!(versions.told("acme", ticket, 1), before, "an emptied Redis counts from the start again");
}

#[test]
fn only_so_many_are_known() {
    let versions = Versions::default();
    for n in 0..=KNOWN_MAX {
        versions.ask(&n.to_string());
    }
    assert_eq!(versions.state().known.len(), 1);
}

/// A step of Redis, of the connection, or of a request.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Redis raises the version, and sends the change if it was asked since the last.
    Raise,
    /// A request asks: Redis answers at once, and the answer is on its way.
    Ask,
    /// The oldest answer on its way reaches the request that asked.
    Answer,
    /// The oldest change on its way is heard. It may overtake answers, never a sign of life.
    Change,
    /// A sign of life: all changes sent before it have been heard.
    Heartbeat,
    /// The connection is lost with all that is on its way to it; another is made.
    Lose,
    /// Some time passes.
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    use Step::{Answer, Ask, Change, Heartbeat, Lose, Raise, Wait};
    prop::sample::select(vec![
        Raise, Raise, Ask, Ask, Answer, Answer, Change, Heartbeat, Heartbeat, Wait, Lose,
    ])
}

proptest! {
    /// Whatever happens in whatever order: what is given at some time was right `TRUST_MAX` before, or later.
    #[test]
    fn what_is_known_is_never_older_than_said(steps in prop::collection::vec(step(), 1..200)) {
        let (versions, mut now) = (Versions::default(), Instant::now());
        let (mut number, mut tracked, mut changes, mut answers) = (0_u64, false, 0, Vec::new());
        // When each number was confirmed.
        let mut confirmed = vec![now];
        for step in steps {
            match step {
                Step::Raise => {
                    number += 1;
                    confirmed.push(now);
                    changes += u32::from(std::mem::take(&mut tracked));
                }
                Step::Ask => {
                    answers.insert(0, (versions.ask("acme"), number));
                    tracked = true;
                }
                Step::Answer => {
                    if let Some((ticket, number)) = answers.pop() {
                        versions.told("acme", ticket, number);
                    }
                }
                Step::Change if changes > 0 => {
                    changes -= 1;
                    versions.changed("acme");
                }
                Step::Change => {}
                Step::Heartbeat => {
                    for _ in 0..std::mem::take(&mut changes) {
                        versions.changed("acme");
                    }
                    versions.heard(now);
                }
                Step::Lose => {
                    (tracked, changes) = (false, 0);
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
