//! Protobuf read by prost, alone or behind the frame of a registry's serializer.

use crate::content::{Content, Kind};
use prost::{DecodeError, Message as _};
use proto::v1::{Event, MessageDelivery, WorkflowTerminal};

/// The content of a value; `None` if it is not the topic's message.
#[must_use]
pub fn read(kind: Kind, value: &[u8]) -> Option<Content> {
    unframed(value).and_then(|bytes| plain(kind, bytes))
}

fn plain(kind: Kind, bytes: &[u8]) -> Option<Content> {
    let content: Result<Content, DecodeError> = match kind {
        Kind::Event => Event::decode(bytes).map(Content::Event),
        Kind::Workflow => WorkflowTerminal::decode(bytes).map(Content::Workflow),
        Kind::Delivery => MessageDelivery::decode(bytes).map(Content::Delivery),
    };
    content.ok()
}

/// The message in a value. The Confluent Schema Registry's frame is a byte 0, a schema id of four bytes, and a path: the
/// number of its elements and the elements, as zigzag varints, where one byte 0 is short for the path [0], and plain
/// varints are a deprecated form. Only paths of one element name the message of a topic. Apicurio Registry's frame is a
/// byte 0, an id of four or eight bytes, and a reference to the type; with the id in headers it is the reference alone.
fn unframed(value: &[u8]) -> Option<&[u8]> {
    if value.first() != Some(&0) {
        return Some(without_reference(value).unwrap_or(value));
    }
    let (id, mut rest) = value.get(1..)?.split_at_checked(4)?;
    let long_id = if id == [0; 4] { rest.get(4..) } else { None };
    if let Some(message) = [Some(rest), long_id].into_iter().flatten().find_map(without_reference) {
        return Some(message);
    }
    match varint(&mut rest)? {
        0 => Some(rest),
        // 2 is the zigzag code of 1.
        1 | 2 => varint(&mut rest).map(|_| rest),
        _ => None,
    }
}

/// What follows Apicurio's reference: a message of one text, the name of a type, with its length before it.
fn without_reference(bytes: &[u8]) -> Option<&[u8]> {
    ["Event", "WorkflowTerminal", "MessageDelivery"].into_iter().find_map(|name| {
        let length = u8::try_from(name.len()).ok()?;
        let rest = bytes.strip_prefix(&[length + 2, 0x0a, length])?;
        rest.strip_prefix(name.as_bytes())
    })
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
        check(b"\0\0\0\0\x11\x01\x05rest", Some(b"rest"));
        check(b"\0\0\0\0\x11\x04\x02\x02rest", None);
        check(b"\0\0\0\0\x11\x0a\x04rest", None);
        check(b"\0\0\0\0\x11", None);
        check(b"\0\0\0\0\x11\x02", None);
        check(b"\0\0\0", None);
        check(b"\0\0\0\0\x11\x02\xff\xff\xff\xff\x7frest", None);
    }

    #[test]
    fn references_are_taken_off() {
        let check =
            |value: &[u8], expected: Option<&[u8]>| assert_eq!(unframed(value), expected, "{value:?}");
        check(b"\x07\n\x05Eventrest", Some(b"rest"));
        check(b"\0\0\0\0\x11\x12\n\x10WorkflowTerminalrest", Some(b"rest"));
        check(b"\0\0\0\0\0\0\0\0\x11\x11\n\x0fMessageDeliveryrest", Some(b"rest"));
        check(b"\0\0\0\0\x11\x07\n\x05Otherrest", None);
    }
}
