//! A bounded run of the fuzz targets: the seeds, modified seeds, and random bytes.
//!
//! If `cargo fuzz` finds an input, put its file into the target's corpus; this test then always tries it.

use hostile::{TARGETS, Target, Verdict};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use std::path::{Path, PathBuf};

const SPOILT_CASES: u32 = 20_000;
const RANDOM_CASES: u32 = 10_000;

/// The files of a target's corpus, by name.
fn seeds(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus")).join(name);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.expect("a seed").path();
        (name(&path), std::fs::read(&path).expect("a seed"))
    };
    let mut seeds: Vec<_> = files.map(read).collect();
    seeds.sort();
    seeds
}

/// One way to modify bytes.
#[derive(Clone, Debug)]
enum Spoiling {
    Flip(Index, u8),
    Set(Index, u8),
    Cut(Index),
    CutOut(Index, Index),
    Insert(Index, Vec<u8>),
    /// The bytes before the second place, then those of the seed from the third place on.
    Splice(Index, Index, Index),
    Repeat(Index, Index),
}

fn spoiling() -> impl Strategy<Value = Spoiling> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), 0u8..8).prop_map(|(at, bit)| Spoiling::Flip(at, bit)),
        2 => (at(), prop::sample::select(vec![0u8, 1, 0x7f, 0x80, 0xff])).prop_map(|(at, to)| Spoiling::Set(at, to)),
        2 => at().prop_map(Spoiling::Cut),
        2 => (at(), at()).prop_map(|(a, b)| Spoiling::CutOut(a, b)),
        2 => (at(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Spoiling::Insert(at, bytes)),
        2 => (at(), at(), at()).prop_map(|(seed, here, there)| Spoiling::Splice(seed, here, there)),
        1 => (at(), at()).prop_map(|(a, b)| Spoiling::Repeat(a, b)),
    ]
}

fn spoil(bytes: &mut Vec<u8>, spoiling: &Spoiling, seeds: &[(String, Vec<u8>)]) {
    let end = |bytes: &Vec<u8>| bytes.len() + 1;
    let between = |a: &Index, b: &Index| {
        let (a, b) = (a.index(end(bytes)), b.index(end(bytes)));
        a.min(b)..a.max(b)
    };
    match spoiling {
        Spoiling::Flip(_, _) | Spoiling::Set(_, _) if bytes.is_empty() => {}
        Spoiling::Flip(at, bit) => {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        Spoiling::Set(at, to) => {
            let at = at.index(bytes.len());
            bytes[at] = *to;
        }
        Spoiling::Cut(at) => bytes.truncate(at.index(end(bytes))),
        Spoiling::CutOut(a, b) => drop(bytes.drain(between(a, b))),
        Spoiling::Insert(at, new) => {
            let at = at.index(end(bytes));
            bytes.splice(at..at, new.iter().copied());
        }
        Spoiling::Splice(seed, here, there) => {
            let (_, other) = seed.get(seeds);
            bytes.truncate(here.index(end(bytes)));
            bytes.extend(&other[there.index(end(other))..]);
        }
        Spoiling::Repeat(a, b) => bytes.extend_from_within(between(a, b)),
    }
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() })
}

fn spoilt_seeds_do_no_harm(name: &str) {
    let (_, body): &Target = TARGETS.iter().find(|(target, _)| *target == name).expect("a target");
    let seeds = seeds(name);
    let strategy = (any::<Index>(), prop::collection::vec(spoiling(), 1..5));
    let spoilt = runner(SPOILT_CASES).run(&strategy, |(seed, spoilings)| {
        let mut bytes = seed.get(&seeds).1.clone();
        spoilings.iter().for_each(|spoiling| spoil(&mut bytes, spoiling, &seeds));
        body(&bytes);
        Ok(())
    });
    spoilt.expect("what holds of all bytes");
    let random = runner(RANDOM_CASES).run(&prop::collection::vec(any::<u8>(), 0..200), |bytes| {
        body(&bytes);
        Ok(())
    });
    random.expect("what holds of all bytes");
}

#[test]
fn records_are_read_as_prost_reads_them() {
    spoilt_seeds_do_no_harm("record");
}

#[test]
fn stored_fingerprints_are_read_whole_or_refused() {
    spoilt_seeds_do_no_harm("ledger");
}

#[test]
fn a_query_string_makes_a_range_or_is_refused() {
    spoilt_seeds_do_no_harm("query");
}

#[test]
fn a_document_sets_thresholds_that_make_sense_or_is_refused() {
    spoilt_seeds_do_no_harm("document");
}

#[test]
fn no_token_is_believed_that_was_not_signed() {
    spoilt_seeds_do_no_harm("token");
}

#[test]
fn seeds_are_understood_and_do_what_their_names_say() {
    for (name, body) in TARGETS {
        let seeds = seeds(name);
        let mut seen = [0; 2];
        for (file, bytes) in &seeds {
            let verdict = body(bytes);
            let expected = if file.starts_with("good") { Verdict::Accepted } else { Verdict::Refused };
            assert!(file.starts_with("good") || file.starts_with("bad"), "{name}/{file}");
            assert_eq!(verdict, expected, "{name}/{file}");
            seen[usize::from(verdict == Verdict::Accepted)] += 1;
        }
        assert!(seen[0] >= 2 && seen[1] >= 2, "{name} has seeds of both sorts: {seen:?}");
    }
}

#[test]
fn every_target_is_one_of_cargo_fuzz() {
    let manifest = include_str!("../../fuzz/Cargo.toml");
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}
