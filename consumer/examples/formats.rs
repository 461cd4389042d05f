//! Writes the table of `docs/formats.md`: what becomes of values as real serializers make them, by the decoder itself.
//!
//! The values are in `tests/golden/index.json`. `tests/formats.rs` compares the table with what the decoder does.

use consumer::record::decode::{Bounds, decode, open};
use consumer::record::frame::{Format, format_of};
use consumer::record::hint;
use consumer::record::reason::Refusal;
use consumer::record::{Offset, Partition, Raw, Topic};
use serde::Deserialize;
use std::path::Path;

/// What to do when the document has another table.
pub const HINT: &str =
    "the table of docs/formats.md is old: `cargo run --package consumer --example formats`";

const GOLDEN: &str = include_str!("../../tests/golden/index.json");
const BEGIN: &str = "<!-- This table is made by `cargo run --package consumer --example formats`. -->\n";
const END: &str = "\n<!-- Here it ends. -->";

/// No record is too old or from the future.
const BOUNDS: Bounds = Bounds { floor: i64::MIN, ceiling: i64::MAX };

/// A value as a serializer makes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// What tells it apart from others; the record's id, too.
    pub name: String,
    /// The serializer that makes such values.
    pub serializer: String,
    /// Its version, if a program has made the value with it; otherwise it was derived from the format's description.
    pub version: Option<String>,
    /// How the serializer is set.
    pub setting: String,
    /// The message of the topic it is sent to.
    pub message: Named,
    /// The record's headers.
    pub headers: Vec<Header>,
    /// The record's value, in hex.
    pub value: String,
    /// Why it is refused; `None` if it is counted.
    pub refused: Option<Refused>,
}

/// A topic's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Named {
    /// Of the topic of events.
    Event,
    /// Of the topic of workflow terminals.
    WorkflowTerminal,
    /// Of the topic of message deliveries.
    MessageDelivery,
}

/// A record's header. Its value is a text, or bytes in hex.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    name: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    hex: String,
}

/// Why a record is refused.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// The reason's code.
    pub reason: String,
    /// The sentence.
    pub detail: String,
}

/// All values.
pub fn goldens() -> Vec<Golden> {
    serde_json::from_str(GOLDEN).expect("the index has the form that tests/golden/README.md describes")
}

impl Golden {
    /// The record's headers, by name and value.
    pub fn headers(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let value = |header: &Header| [header.text.as_bytes(), &bytes(&header.hex)].concat();
        self.headers.iter().map(|header| (header.name.clone().into_bytes(), value(header))).collect()
    }

    /// The record's value.
    pub fn value(&self) -> Vec<u8> {
        bytes(&self.value)
    }

    /// The format that the decoder sees, and why it refuses the record, if it does.
    pub fn read(&self) -> (Option<Format>, Option<Refused>) {
        let (headers, value) = (self.headers(), self.value());
        let topic = match self.message {
            Named::Event => Topic::Events,
            Named::WorkflowTerminal => Topic::WorkflowTerminals,
            Named::MessageDelivery => Topic::MessageDeliveries,
        };
        let raw = Raw {
            partition: Partition { topic, number: 0 },
            offset: Offset(0),
            key: None,
            payload: Some(&value),
            headers: headers.iter().map(|(name, value)| (&**name, Some(&**value))).collect(),
            timestamp_ms: None,
            leader_epoch: None,
        };
        let read = open(&raw).and_then(|opened| decode(topic, &opened, BOUNDS).map(drop));
        let told = |refusal: Refusal| {
            let Refusal { reason, detail, .. } = hint::explained(&raw, refusal);
            Refused { reason: reason.code().to_owned(), detail: detail.into_owned() }
        };
        (format_of(&raw), read.err().map(told))
    }
}

/// The table in Markdown, a row for each value.
pub fn table(goldens: &[Golden]) -> String {
    let head = "| serializer | version | setting | message | becomes |\n|---|---|---|---|---|\n";
    let rows = goldens.iter().map(|golden| {
        let Golden { serializer, version, setting, message, .. } = golden;
        let version = version.as_deref().unwrap_or("–");
        let becomes = match golden.read() {
            (format, None) => format!("**counted**, as {}", format.map_or("nothing", Format::name)),
            (_, Some(Refused { reason, detail })) => format!("refused, `{reason}`: {detail}"),
        };
        format!("| {serializer} | {version} | {setting} | `{message:?}` | {becomes} |\n")
    });
    head.to_owned() + &rows.collect::<String>()
}

/// The part of a document that is made here.
pub fn table_in(document: &str) -> Option<&str> {
    let (_, rest) = document.split_once(BEGIN)?;
    rest.split_once(END).map(|(table, _)| table)
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).expect("a hexadecimal digit");
    let byte = |pair: &[u8]| u8::try_from(digit(pair[0]) << 4 | digit(pair[1])).expect("two digits fit");
    assert!(hex.len().is_multiple_of(2), "{hex} has half a byte");
    hex.as_bytes().chunks_exact(2).map(byte).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/formats.md");
    let document = std::fs::read_to_string(&path)?;
    let old = table_in(&document).ok_or("docs/formats.md has no place for the table")?;
    std::fs::write(&path, document.replace(old, &table(&goldens())))?;
    Ok(())
}
