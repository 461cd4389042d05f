//! From a record's value to its content, by prost: plain protobuf, the schema registry's frame, or JSON.

use crate::content::{Content, Kind};
use crate::json;
use prost::{DecodeError, Message as _};
use proto::v1::{Event, MessageDelivery, WorkflowTerminal};

/// Whether this header declares the value to be JSON.
#[must_use]
pub fn declares_json(name: impl AsRef<[u8]>, value: &[u8]) -> bool {
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
    name.as_ref().eq_ignore_ascii_case(b"content-type")
        && essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

/// The content of a value.
///
/// # Errors
/// The reason for which the record is refused, if the value has no content.
pub fn read(kind: Kind, is_json: bool, value: Option<&[u8]>) -> Result<Content, &'static str> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Err("empty_payload") };
    let content =
        if is_json { json::read(kind, value) } else { unframed(value).and_then(|bytes| plain(kind, bytes)) };
    content.ok_or("malformed_payload")
}

fn plain(kind: Kind, bytes: &[u8]) -> Option<Content> {
    let content: Result<Content, DecodeError> = match kind {
        Kind::Event => Event::decode(bytes).map(Content::Event),
        Kind::Workflow => WorkflowTerminal::decode(bytes).map(Content::Workflow),
        Kind::Delivery => MessageDelivery::decode(bytes).map(Content::Delivery),
    };
    content.ok()
}

/// The message in a value. The schema registry's frame is a byte 0, a schema id of four bytes, and a path: the number of its
/// elements and the elements, as zigzag varints, where one byte 0 is short for the path [0]. Only paths of one element name
/// the message of a topic.
fn unframed(value: &[u8]) -> Option<&[u8]> {
    if value.first() != Some(&0) {
        return Some(value);
    }
    let mut rest = value.get(5..)?;
    match varint(&mut rest)? {
        0 => Some(rest),
        // 2 is the zigzag code of 1.
        2 => varint(&mut rest).map(|_| rest),
        _ => None,
    }
}

/// Takes a varint of 32 bits.
fn varint(bytes: &mut &[u8]) -> Option<u32> {
    let length = 1 + bytes.iter().take(5).position(|byte| byte & 0x80 == 0)?;
    let (taken, rest) = bytes.split_at(length);
    *bytes = rest;
    let value = taken.iter().rev().fold(0_u64, |value, byte| value << 7 | u64::from(byte & 0x7f));
    u32::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_off_or_refused() {
        let check =
            |value: &[u8], expected: Option<&[u8]>| assert_eq!(unframed(value), expected, "{value:?}");
        check(b"\x0a", Some(b"\x0a"));
        check(b"\0\0\0\0\x11\0rest", Some(b"rest"));
        check(b"\0\0\0\0\x11\x02\x08rest", Some(b"rest"));
        check(b"\0\0\0\0\x11\x02\x80\x01rest", Some(b"rest"));
        check(b"\0\0\0\0\x11\x04\x02\x02rest", None);
        check(b"\0\0\0\0\x11", None);
        check(b"\0\0\0\0\x11\x02", None);
        check(b"\0\0\0", None);
        check(b"\0\0\0\0\x11\x02\xff\xff\xff\xff\x7frest", None);
    }

    #[test]
    fn json_is_declared_by_its_header_alone() {
        let check = |name, value: &str, expected| {
            assert_eq!(declares_json(name, value.as_bytes()), expected, "{value}")
        };
        check("content-type", "application/json", true);
        check("Content-Type", " Application/JSON ; charset=utf-8", true);
        check("content-type", "application/protobuf", false);
        check("type", "application/json", false);
    }
}
