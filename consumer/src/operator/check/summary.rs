//! What was seen of a topic, as tables for people and as an object for programs.

use super::report::skipped_json;
use super::tally::{Misplaced, Place, Refused, Skipping, Tally, WrappedKeys};
use super::verdict::Wrapped;
use crate::operator::shown;
use crate::operator::table::Table;
use crate::record::reason::Reason;
use serde_json::{Value, json};

/// Characters of a key that a table shows.
const KEY_CHARS_MAX: usize = 40;

/// Tables, with an empty line between two.
#[must_use]
pub fn text(tally: &Tally) -> String {
    let mut all = vec![verdicts(tally).to_string()];
    if !tally.refused.is_empty() {
        all.push(refused(tally).to_string());
    }
    if tally.misplaced > 0 {
        all.push(misplaced(tally).to_string());
    }
    if !tally.wrapped_keys.is_empty() || tally.skipping.is_some() {
        all.push(remarks(tally).to_string());
    }
    all.join("\n\n")
}

/// The same for programs.
#[must_use]
pub fn json(topic: &str, partitions: usize, tally: &Tally) -> Value {
    let refused = tally.refused.iter().map(|(reason, refused)| refused_json(*reason, refused));
    let refused: Vec<_> = refused.collect();
    let wrapped: Vec<_> = tally.wrapped_keys.iter().map(|(by, keys)| wrapped_json(*by, keys)).collect();
    let misplaced: Vec<_> = tally.misplaced_shown.iter().map(misplaced_json).collect();
    json!({
        "topic": topic,
        "partitions": partitions,
        "records": tally.records,
        "counted": tally.counted,
        "nothingToCount": tally.nothing_to_count,
        "repeats": tally.repeats,
        "allRepeatsFound": !tally.forgets,
        "formats": tally.formats,
        "refused": refused,
        "misplaced": { "records": tally.misplaced, "examples": misplaced },
        "keyless": tally.keyless,
        "otherKeys": tally.other_keys,
        "wrappedKeys": wrapped,
        "skipping": tally.skipping.as_ref().map(skipping_json),
    })
}

fn verdicts(tally: &Tally) -> Table<2> {
    let refused: u64 = tally.refused.values().map(|refused| refused.records).sum();
    let mut table = Table::new(["RECORDS", "WHAT BECOMES OF THEM"]);
    let mut add = |records: u64, what: &str| {
        if records > 0 {
            table.add([records.to_string(), what.to_owned()]);
        }
    };
    add(tally.counted, "would be counted");
    let least = if tally.forgets { ", at least" } else { "" };
    add(tally.repeats, &format!("repeats within what was read{least}"));
    add(tally.nothing_to_count, "accepted, and add nothing");
    add(refused, "refused");
    add(tally.misplaced, "lie in another partition than their key's: copies may count twice");
    add(tally.keyless, "have no key: copies may count twice");
    add(tally.other_keys, "have a key that is neither their organization's id nor their own");
    let wrapped = tally.wrapped_keys.values().map(|keys| keys.records).sum();
    add(wrapped, "have an id as their key with something around it: copies with the raw id may count twice");
    let skipping = tally.skipping.as_ref().map_or(0, |skipping| skipping.records);
    add(skipping, "have fields that are skipped");
    for (format, records) in &tally.formats {
        add(*records, &format!("are {format}"));
    }
    table
}

fn refused(tally: &Tally) -> Table<6> {
    let mut table = Table::new(["REFUSED FOR", "RECORDS", "PARTITION", "OFFSET", "KEY", "DETAIL"]);
    for (reason, Refused { records, example, detail }) in &tally.refused {
        table.add([
            reason.code().into(),
            records.to_string(),
            example.partition.to_string(),
            example.offset.to_string(),
            shown::cell(example.key.as_deref(), KEY_CHARS_MAX),
            detail.clone(),
        ]);
    }
    table
}

fn misplaced(tally: &Tally) -> Table<4> {
    let mut table = Table::new(["MISPLACED KEY", "LIES IN", "BELONGS IN", "OFFSET"]);
    for Misplaced { lies, belongs_in } in &tally.misplaced_shown {
        table.add([
            shown::cell(lies.key.as_deref(), KEY_CHARS_MAX),
            lies.partition.to_string(),
            belongs_in.to_string(),
            lies.offset.to_string(),
        ]);
    }
    table
}

/// What is no fault, and rarely meant.
fn remarks(tally: &Tally) -> Table<5> {
    let mut table = Table::new(["RARELY MEANT", "RECORDS", "PARTITION", "OFFSET", "KEY"]);
    let mut add = |what: String, records: u64, Place { partition, offset, key }: &Place| {
        let key = shown::cell(key.as_deref(), KEY_CHARS_MAX);
        table.add([what, records.to_string(), partition.to_string(), offset.to_string(), key]);
    };
    for (wrapped, WrappedKeys { records, example }) in &tally.wrapped_keys {
        add(format!("the key is {}", wrapped.words()), *records, example);
    }
    if let Some(Skipping { records, example, skipped }) = &tally.skipping {
        let skipped: Vec<String> = skipped.iter().map(ToString::to_string).collect();
        add(format!("skipped: {}", skipped.join(" ")), *records, example);
    }
    table
}

fn wrapped_json(wrapped: Wrapped, keys: &WrappedKeys) -> Value {
    json!({ "keyIs": wrapped.words(), "records": keys.records, "example": place_json(&keys.example) })
}

fn skipping_json(skipping: &Skipping) -> Value {
    let mut example = place_json(&skipping.example);
    example["skipped"] = skipped_json(&skipping.skipped);
    json!({ "records": skipping.records, "example": example })
}

fn refused_json(reason: Reason, refused: &Refused) -> Value {
    let mut example = place_json(&refused.example);
    example["detail"] = json!(refused.detail);
    json!({
        "reason": reason.code(),
        "sentence": reason.sentence(),
        "records": refused.records,
        "example": example,
    })
}

fn misplaced_json(misplaced: &Misplaced) -> Value {
    let mut place = place_json(&misplaced.lies);
    place["belongsIn"] = json!(misplaced.belongs_in);
    place
}

fn place_json(place: &Place) -> Value {
    let (key, key_hex) = shown::for_programs(place.key.as_deref());
    json!({ "partition": place.partition, "offset": place.offset, "key": key, "keyHex": key_hex })
}
