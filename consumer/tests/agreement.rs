//! The decoder refuses what protovalidate's rules refuse (`contract/rules`), and nothing else but what rules can't say; and the
//! contract's AsyncAPI document names the topics that the consumer reads.
//!
//! `contract/src/records.ts` has the records, as a table; `npm test` in contract/ holds them against the rules.

use clap::{Args as _, Command, FromArgMatches as _};
use consumer::record::Topic;
use consumer::record::decode::{Bounds, decode};
use consumer::record::topic_names::TopicNames;
use std::collections::BTreeMap;

/// What depends on the clock is left out.
const ANY_TIME: Bounds = Bounds { floor: i64::MIN, ceiling: i64::MAX };

/// Lines of `label | message type | verdict | hex of the protobuf`.
const RECORDS: &str = include_str!("vectors/rules.txt");

fn topic(message: &str) -> Topic {
    match message {
        "Event" => Topic::Events,
        "WorkflowTerminal" => Topic::WorkflowTerminals,
        "MessageDelivery" => Topic::MessageDeliveries,
        _ => panic!("{message} is no topic's"),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("hex is ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect()
}

#[test]
fn the_decoder_and_the_rules_agree_on_each_record() {
    let mut verdicts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in RECORDS.lines().filter(|line| !line.starts_with('#')) {
        let [label, message, verdict, hex] = line.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("four columns: {line}");
        };
        let value = bytes(hex);
        let decoded = decode(topic(message), &value, ANY_TIME);
        assert_eq!(decoded.is_ok(), verdict == "counted", "{label}: {decoded:?}");
        *verdicts.entry(verdict).or_default() += 1;
    }
    let seen: Vec<&str> = verdicts.keys().copied().collect();
    assert_eq!(seen, ["counted", "refused", "refused by the decoder alone"], "{verdicts:?}");
    assert!(verdicts.values().sum::<usize>() > 200, "{verdicts:?}");
}

#[test]
fn the_asyncapi_document_names_the_topics() {
    let document = include_str!("../../contract/asyncapi.yaml");
    let defaults = TopicNames::augment_args(Command::new("consumer")).get_matches_from(["consumer"]);
    let names = TopicNames::from_arg_matches(&defaults).expect("each has a default");
    let addresses: Vec<&str> =
        document.lines().filter_map(|line| line.trim().strip_prefix("address: ")).collect();
    assert_eq!(addresses, names.all());
}
