//! `consumer check-record`: the verdict on one record, whose value is on standard input. Asks no server.

use super::report::Judged;
use super::verdict::Verdict;
use super::{Limits, topic_named};
use crate::operator::ending::Ending;
use crate::operator::{console, moment};
use crate::record::topic_names::TopicNames;
use crate::record::{Offset, Partition, Raw};
use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use std::io::{IsTerminal as _, Read};

/// Most bytes of a value. Brokers take a sixteenth of that, unless they were told otherwise.
const VALUE_BYTES_MAX: u64 = 16 << 20;
/// Most partitions a topic may be said to have.
const PARTITIONS_MAX: i64 = 1_000_000;

/// Settings of `consumer check-record`.
#[derive(Debug, clap::Args)]
pub struct CheckRecord {
    /// The topics' names.
    #[command(flatten)]
    pub names: TopicNames,
    /// Which times are allowed.
    #[command(flatten)]
    pub limits: Limits,
    /// The topic that the record is for.
    #[arg(long)]
    pub topic: String,
    /// The record's key.
    #[arg(long)]
    pub key: Option<String>,
    /// A header of the record, as name=value. May be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = header)]
    pub header: Vec<(String, String)>,
    /// How many partitions the topic has: then the one that the key belongs in is named.
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..=PARTITIONS_MAX))]
    pub partitions: Option<i32>,
    /// Judge it as of this time: a time like 2026-02-25T10:00:00Z, or how long ago, like 2h. Now, if it isn't given.
    #[arg(long, value_parser = moment::moment)]
    pub at: Option<DateTime<Utc>>,
    /// Answer with a JSON object, for programs.
    #[arg(long)]
    pub json: bool,
}

/// Checks it.
///
/// # Errors
/// When the topic is unknown, or standard input can't be read.
pub fn check(settings: &CheckRecord) -> anyhow::Result<Ending> {
    let topic = topic_named(&settings.names, &settings.topic)?;
    let value = value()?;
    let headers = settings.header.iter().map(|(name, value)| (name.as_bytes(), Some(value.as_bytes())));
    let raw = Raw {
        partition: Partition { topic, number: 0 },
        offset: Offset(0),
        key: settings.key.as_deref().map(str::as_bytes),
        payload: Some(&value),
        headers: headers.collect(),
        timestamp_ms: None,
        leader_epoch: None,
    };
    let verdict = Verdict::of(&raw, settings.limits.bounds(settings.at.unwrap_or_else(Utc::now)));
    let judged = Judged { raw: &raw, verdict: &verdict, partitions: settings.partitions };
    let answer =
        if settings.json { serde_json::to_string_pretty(&judged.json())? } else { judged.lines().join("\n") };
    let ending = if verdict.judged.is_ok() { Ending::Good } else { Ending::Bad };
    console::ended(console::answer(answer).map_err(Into::into), ending)
}

/// Standard input, to its end.
fn value() -> anyhow::Result<Vec<u8>> {
    let input = std::io::stdin();
    if input.is_terminal() {
        console::tell("reading the record's value from here; Ctrl-D ends it");
    }
    read(input.lock())
}

/// All that there is to read, if it isn't too much for a value.
fn read(input: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut value = Vec::new();
    input.take(VALUE_BYTES_MAX + 1).read_to_end(&mut value).context("standard input")?;
    if value.len() as u64 > VALUE_BYTES_MAX {
        bail!("the value on standard input has more bytes than are read, {VALUE_BYTES_MAX}: give one record");
    }
    Ok(value)
}

fn header(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let parts = parts.map(|(name, value)| (name.to_owned(), value.to_owned()));
    parts.ok_or_else(|| "a header is written NAME=VALUE, like content-type=application/json".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::BadSetting;

    #[test]
    fn a_value_that_is_too_long_was_not_read_which_is_no_wrong_setting() {
        assert_eq!(read(&b"value"[..]).unwrap(), b"value");
        let error = read(std::io::repeat(b'x')).unwrap_err();
        assert!(error.to_string().contains("16777216") && !error.is::<BadSetting>(), "{error}");
    }

    #[test]
    fn a_header_has_a_name_and_all_that_follows_is_its_value() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let read = header(text).ok();
            assert_eq!(read.as_ref().map(|(name, value)| (&**name, &**value)), expected, "{text}");
        };
        check("content-type=application/json", Some(("content-type", "application/json")));
        check("a=b=c", Some(("a", "b=c")));
        check("a=", Some(("a", "")));
        check("=b", None);
        check("a", None);
    }
}
