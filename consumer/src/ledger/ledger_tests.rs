//! What a ledger answers, asks and forgets.

use super::*;
use crate::ledger::fingerprint_set::FingerprintSet;
use crate::record::Topic;
use domain::Quarter;

const LARGE: Tuning =
    Tuning { budget: 1 << 20, lookup_cost: 10, segment_min: 8, tail_rows_max: 4, tail_len_max: 100 };

fn key(number: i32, quarter: i64) -> PageKey {
    let partition = Partition { topic: Topic::Events, number };
    PageKey { partition, quarter: Quarter::of_second(quarter * 900).unwrap() }
}

fn sorted(n: u64) -> Vec<u64> {
    (1..=n).map(|i| i << 40).collect()
}

fn load(ledger: &mut Ledger, key: PageKey, n: u64) {
    ledger.load(key, PageRead { filters: Vec::new(), others: sorted(n) });
}

/// A budget that has room for one page of 1,000 as a whole and a few filters.
fn tight() -> Ledger {
    Ledger::new(Tuning { budget: FingerprintSet::from_sorted(&sorted(1_000)).bytes() + 4_000, ..LARGE })
}

#[test]
fn a_new_page_is_known_whole_and_needs_no_question() {
    let mut ledger = Ledger::new(LARGE);
    assert_eq!(ledger.ask_sized(key(0, 0), &[7, 9], Size::plain(0)), Ask::Nothing);
    ledger.committed(key(0, 0), &[7]);
    assert!(ledger.known(key(0, 0)).contains(7) && !ledger.known(key(0, 0)).contains(9));
}

#[test]
fn few_fingerprints_of_a_large_page_are_looked_up_until_reading_it_would_have_been_cheaper() {
    let mut ledger = Ledger::new(LARGE);
    for _ in 0..9 {
        assert_eq!(ledger.ask_sized(key(0, 0), &[7], Size::plain(100)), Ask::Fingerprints(vec![7]));
    }
    assert_eq!(
        ledger.ask_sized(key(0, 0), &[7], Size::plain(100)),
        Ask::Page(Reading { whole: true, cost: 100 })
    );
    load(&mut ledger, key(0, 0), 100);
    assert_eq!(ledger.ask(key(0, 0), &[7]), Ask::Nothing);
}

#[test]
fn many_fingerprints_of_a_page_read_it_at_once_unless_it_would_fill_half_the_memory() {
    let mut ledger = Ledger::new(LARGE);
    let many: Vec<u64> = sorted(7_000);
    assert_eq!(
        ledger.ask_sized(key(0, 0), &many, Size::plain(65_000)),
        Ask::Page(Reading { whole: true, cost: 65_000 })
    );
    assert_eq!(ledger.ask_sized(key(0, 1), &many, Size::plain(66_000)), Ask::Fingerprints(many));
}

#[test]
fn under_pressure_the_page_of_little_use_becomes_a_filter_and_still_denies_strangers() {
    let mut ledger = tight();
    ledger.ask_sized(key(0, 0), &sorted(2), Size::plain(1_000));
    load(&mut ledger, key(0, 0), 1_000);
    ledger.ask_sized(key(0, 1), &sorted(1_000), Size::plain(1_000));
    load(&mut ledger, key(0, 1), 1_000);
    assert!(ledger.known(key(0, 1)).contains(1 << 40), "the busy one is whole");
    assert!(!ledger.known(key(0, 0)).contains(1 << 40), "the other isn't");
    assert_eq!(ledger.ask(key(0, 0), &[1 << 40]), Ask::Fingerprints(vec![1 << 40]), "what it has passes");
    let strangers = sorted(1_000)
        .into_iter()
        .map(|n| n + (1 << 39) + n / 77)
        .filter(|stranger| ledger.ask(key(0, 0), &[*stranger]) == Ask::Nothing);
    assert!(strangers.count() > 500, "most of what it lacks needs no question");
}

#[test]
fn what_is_added_to_a_filtered_page_passes_its_filter() {
    let mut ledger = tight();
    load(&mut ledger, key(0, 0), 1_000);
    ledger.ask_sized(key(0, 1), &sorted(1_000), Size::plain(1_000));
    load(&mut ledger, key(0, 1), 1_000);
    ledger.committed(key(0, 0), &[77]);
    assert_eq!(ledger.ask(key(0, 0), &[77]), Ask::Fingerprints(vec![77]));
}

#[test]
fn a_page_evicted_while_others_are_asked_for_is_not_taken_for_empty() {
    let mut ledger = Ledger::new(LARGE);
    assert_eq!(ledger.ask(key(0, 0), &[7, 8]), Ask::Fingerprints(vec![7, 8]));
    assert_eq!(
        ledger.ask_sized(key(0, 0), &[7, 8], Size::plain(0)),
        Ask::Nothing,
        "the database has nothing of it"
    );
}

#[test]
fn pages_of_equal_worth_do_not_evict_each_other() {
    let mut ledger = tight();
    for round in 0..20 {
        ledger.next_round();
        for page in 1..=40 {
            if let Ask::Page(_) = ledger.ask_sized(key(0, page), &[5], Size::plain(1_000)) {
                assert!(round < 19, "page {page} is read again and again");
                load(&mut ledger, key(0, page), 1_000);
            }
        }
    }
    assert!(ledger.bytes() <= ledger.tuning().budget);
}

#[test]
fn bytes_add_up_and_forgetting_a_partition_leaves_the_others() {
    let mut ledger = Ledger::new(LARGE);
    load(&mut ledger, key(0, 0), 10);
    let one = ledger.bytes();
    load(&mut ledger, key(1, 0), 10);
    assert_eq!((ledger.pages(), ledger.bytes()), (2, 2 * one));
    ledger.forget(key(0, 0).partition);
    assert!(!ledger.has(key(0, 0)) && ledger.has(key(1, 0)));
    assert_eq!((ledger.pages(), ledger.bytes()), (1, one));
}
