//! Who gives up what when the memory is full.

use super::*;
use proptest::prelude::*;
use std::time::Duration;

const KB: usize = 1024;

struct Case {
    memory: Memory<u64, u64>,
    start: Instant,
}

impl Case {
    /// A memory of one megabyte.
    fn new() -> Self {
        Self { memory: Memory::new(1), start: Instant::now() }
    }

    fn keep_until(&self, key: u64, organization: &str, bytes: usize, seconds: u64) {
        let until = self.start + Duration::from_secs(seconds);
        let terms = Terms { organization: organization.into(), bytes, until };
        self.memory.keep(key, key, terms, self.start);
        self.check();
    }

    fn keep(&self, key: u64, organization: &str, bytes: usize) {
        self.keep_until(key, organization, bytes, 60);
    }

    fn has(&self, key: u64) -> bool {
        self.memory.get(&key, self.start).is_some()
    }

    /// What must hold at any time.
    fn check(&self) {
        let state = self.memory.state.read().unwrap();
        let slots = || state.slots.values().map(|slot| &slot.terms);
        assert!(state.bytes <= self.memory.bytes_max);
        assert_eq!(state.bytes, slots().map(|terms| terms.bytes).sum::<usize>());
        assert_eq!(state.owners.len(), state.by_bytes.len());
        for (organization, owner) in &state.owners {
            let own: usize =
                slots().filter(|terms| terms.organization == *organization).map(|terms| terms.bytes).sum();
            assert_eq!(owner.bytes, own, "{organization}");
            assert!(state.by_bytes.contains(&(own, Arc::clone(organization))), "{organization}");
        }
        let queued: usize = state.owners.values().map(|owner| owner.queue.len()).sum();
        assert!(queued >= state.slots.len());
    }
}

#[test]
fn a_flood_evicts_only_what_is_its_own() {
    let case = Case::new();
    (0..50).for_each(|key| case.keep(key, "quiet", 4 * KB));
    (100..300).for_each(|key| case.keep(key, "loud", 100 * KB));
    assert!((0..50).all(|key| case.has(key)));
    let left: Vec<_> = (100..300).filter(|key| case.has(*key)).collect();
    assert_eq!(left, (292..300).collect::<Vec<_>>(), "the latest, in all that is left of the memory");
    // Two floods share it.
    (400..600).for_each(|key| case.keep(key, "louder", 100 * KB));
    assert!((0..50).all(|key| case.has(key)));
    let of = |keys: std::ops::Range<u64>| keys.filter(|key| case.has(*key)).count();
    assert_eq!((of(100..300), of(400..600)), (4, 4));
}

#[test]
fn what_is_used_stays_longer() {
    let case = Case::new();
    (0..10).for_each(|key| case.keep(key, "acme", 100 * KB));
    assert!(case.has(0) && case.has(1));
    (10..18).for_each(|key| case.keep(key, "acme", 100 * KB));
    let left: Vec<_> = (0..18).filter(|key| case.has(*key)).collect();
    assert_eq!(left, [0, 1, 10, 11, 12, 13, 14, 15, 16, 17]);
}

#[test]
fn what_is_too_large_is_not_kept_and_evicts_nothing() {
    let case = Case::new();
    case.keep(1, "acme", 256 * KB);
    case.keep(2, "acme", 256 * KB + 1);
    assert_eq!((case.has(1), case.has(2)), (true, false));
    let none = Memory::<u64, u64>::new(0);
    let terms = Terms { organization: "acme".into(), bytes: 1, until: case.start + Duration::from_secs(1) };
    none.keep(1, 1, terms, case.start);
    assert_eq!(none.get(&1, case.start), None);
}

#[test]
fn what_has_expired_is_not_given_and_makes_room_soon() {
    let case = Case::new();
    (0..20).for_each(|key| case.keep_until(key, "acme", KB, 0));
    assert!(!case.has(0));
    (20..30).for_each(|key| case.keep(key, &format!("other{key}"), KB));
    let slots = case.memory.state.read().unwrap().slots.len();
    assert!(slots <= 22, "{slots} are left");
}

#[test]
fn a_value_takes_the_place_of_the_one_before() {
    let case = Case::new();
    for size in [1, 200, 3] {
        case.keep(7, "acme", size * KB);
    }
    case.keep(7, "beta", 5 * KB);
    assert_eq!(case.memory.state.read().unwrap().bytes, 5 * KB);
}

proptest! {
    #[test]
    fn its_books_are_right_whatever_is_kept(
        kept in prop::collection::vec((0u64..40, 0usize..5, 0usize..300, 0u64..2), 1..300)
    ) {
        let case = Case::new();
        for (key, organization, kilobytes, seconds) in kept {
            case.keep_until(key, ["a", "b", "c", "d", "e"][organization], kilobytes * KB, seconds);
            let _ = case.has(key / 2);
        }
    }
}
