//! A value's format, and the frames that registries' serializers put before protobuf.

use crate::record::Raw;
use crate::record::content_type::{self, Declared};
use crate::record::wire::{Malformed, is_message};

/// The format that a record's value came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// The message alone.
    Protobuf,
    /// Behind the Confluent Schema Registry's frame.
    Confluent,
    /// Behind Apicurio Registry's frame, or its reference alone.
    Apicurio,
    /// Protobuf's JSON mapping.
    Json,
    /// A `CloudEvent` in structured mode around the record.
    CloudEvent,
}

impl Format {
    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Protobuf => "plain protobuf",
            Self::Confluent => "protobuf in the schema registry's frame",
            Self::Apicurio => "protobuf in Apicurio Registry's frame",
            Self::Json => "JSON",
            Self::CloudEvent => "a structured CloudEvent",
        }
    }
}

/// The format that a record's headers and first bytes declare, whether or not the value can be read; `None` for a record
/// without a value.
#[must_use]
pub fn format_of(raw: &Raw<'_>) -> Option<Format> {
    let payload = raw.payload.filter(|payload| !payload.is_empty())?;
    Some(match content_type::declared(&raw.headers) {
        Declared::Bytes => taken_off(payload).0,
        Declared::Json => Format::Json,
        Declared::CloudEvent => Format::CloudEvent,
    })
}

/// The first byte of nearly every record: the key of field 1, its id.
pub(super) const FIRST_FIELD: u8 = 0x0a;
/// The first byte of registries' frames. Protobuf never begins with it, because no field has number 0.
pub const MAGIC: u8 = 0;
/// Bytes of a schema's id. Apicurio's may have twice as many, of which the first half is 0.
const ID_BYTES: usize = 4;

/// What Apicurio's serializer writes before the message: the length of a message `Ref`, and that message, whose field 1 is
/// the record's type. No serializer's record of the contract begins so: after these bytes either the wire type is
/// none (`Event`, `MessageDelivery`), or the organization has a control character (`WorkflowTerminal`).
const REFERENCES: [&[u8]; 3] =
    [b"\x07\n\x05Event", b"\x12\n\x10WorkflowTerminal", b"\x11\n\x0fMessageDelivery"];

const CUT_OFF: Malformed = Malformed("the schema registry's frame is cut off");
const NO_MESSAGE: Malformed = Malformed(
    "the schema registry's frame names no message: set the serializer's message index, whose bytes follow the schema's id",
);
const OTHER_TYPE: Malformed = Malformed(
    "Apicurio's reference names a type that is none of the contract's: use the contract's own messages, or switch the \
     serializer's setting send-type-ref off and send-indexes on",
);
const NESTED: Malformed = Malformed(
    "the schema registry's frame names a nested message, which no topic carries, or holds another format than protobuf, such as \
     Avro",
);

/// The message behind a registry's frame, or the value itself if it has none. Which of a file's messages the frame names
/// doesn't matter, because the topic says what the record is.
///
/// # Errors
/// When the frame is cut off, or names no message that a topic carries.
#[inline]
pub fn unframe(payload: &[u8]) -> Result<&[u8], Malformed> {
    match payload.first() {
        None | Some(&FIRST_FIELD) => Ok(payload),
        Some(_) => taken_off(payload).1,
    }
}

/// The format, and the message.
#[inline(never)]
fn taken_off(payload: &[u8]) -> (Format, Result<&[u8], Malformed>) {
    let Some((&MAGIC, rest)) = payload.split_first() else {
        let behind = after_reference(payload);
        return behind.map_or((Format::Protobuf, Ok(payload)), |message| (Format::Apicurio, Ok(message)));
    };
    let Some((id, rest)) = rest.split_first_chunk::<ID_BYTES>() else {
        return (Format::Confluent, Err(CUT_OFF));
    };
    let behind_long_id = rest.get(ID_BYTES..).filter(|_| *id == [0; ID_BYTES]);
    let behind_reference = after_reference(rest).or_else(|| behind_long_id.and_then(after_reference));
    match behind_reference {
        Some(message) => (Format::Apicurio, Ok(message)),
        None => (Format::Confluent, after_path(rest)),
    }
}

fn after_reference(bytes: &[u8]) -> Option<&[u8]> {
    REFERENCES.iter().find_map(|reference| bytes.strip_prefix(*reference))
}

/// What follows the message's path within its file: the number of elements and the elements, as zigzag numbers, where a
/// single 0 stands for the path `[0]`. The serializers' deprecated format has plain numbers instead. One element is 2 in
/// the first and 1 in the other, and every message of the contract has a path of one element.
fn after_path(bytes: &[u8]) -> Result<&[u8], Malformed> {
    let (count, rest) = varint(bytes).ok_or(CUT_OFF)?;
    match count {
        0 => Ok(rest),
        1 | 2 => varint(rest).map(|(_index, rest)| rest).ok_or(CUT_OFF),
        _ if is_reference(bytes) => Err(OTHER_TYPE),
        _ if bytes.first() == Some(&FIRST_FIELD) && is_message(bytes) => Err(NO_MESSAGE),
        _ => Err(NESTED),
    }
}

/// Whether this is a reference to a type of any name.
fn is_reference(bytes: &[u8]) -> bool {
    let [length, FIRST_FIELD, name_length, rest @ ..] = bytes else { return false };
    let name = rest.get(..usize::from(*name_length)).unwrap_or_default();
    let is_word = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    is_word && usize::from(*length) == name.len() + 2
}

/// A varint of at most 32 bits, and what follows it.
fn varint(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Some((u32::try_from(value).ok()?, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &[u8], format: Format, expected: Result<&[u8], Malformed>) {
        assert_eq!(taken_off(value), (format, expected), "{}", value.escape_ascii());
        assert_eq!(unframe(value), expected, "{}", value.escape_ascii());
    }

    const ID: &[u8] = &[0, 0, 0, 0, 17];

    fn framed(rest: &[u8]) -> Vec<u8> {
        [ID, rest].concat()
    }

    #[test]
    fn a_value_without_a_frame_is_itself() {
        for plain in [&b"\x0a\x01a"[..], b"\x12\x01a", b"\x12\n\x10WorkflowTerminus", b"\xff"] {
            check(plain, Format::Protobuf, Ok(plain));
        }
        assert_eq!(unframe(b""), Ok(&b""[..]));
    }

    #[test]
    fn paths_of_one_element_are_taken_off_in_both_encodings() {
        let (zigzag, plain) =
            ([&b"\0"[..], b"\x02\0", b"\x02\x08", b"\x02\x80\x01"], [b"\x01\0", b"\x01\x04", b"\x01\x05"]);
        for path in zigzag.into_iter().chain(plain.map(|path| &path[..])) {
            check(&framed(&[path, b"\x0arest"].concat()), Format::Confluent, Ok(b"\x0arest"));
        }
        check(&framed(b"\0"), Format::Confluent, Ok(b""));
    }

    #[test]
    fn references_are_taken_off_behind_ids_of_both_lengths_and_without_any() {
        for reference in REFERENCES {
            let value = [reference, b"\x0arest"].concat();
            check(&value, Format::Apicurio, Ok(b"\x0arest"));
            check(&framed(&value), Format::Apicurio, Ok(b"\x0arest"));
            for id in [[0u8, 0, 0, 1], [0, 1, 0, 0], [0xff; 4]] {
                let long = [&[0u8; 5][..], &id, &value].concat();
                check(&long, Format::Apicurio, Ok(b"\x0arest"));
            }
            // A schema's id of 4 bytes is not the beginning of one of 8.
            let other = [ID, &[0, 0, 0, 0], &value].concat();
            assert_ne!(unframe(&other), Ok(&b"\x0arest"[..]));
        }
    }

    #[test]
    fn frames_that_name_no_message_of_the_contract_say_so() {
        for (rest, expected) in [
            (&b""[..], CUT_OFF),
            (b"\x02", CUT_OFF),
            (b"\x01", CUT_OFF),
            (b"\x80", CUT_OFF),
            (b"\x02\xff\xff\xff\xff\x7f", CUT_OFF),
            (b"\x0a\x02e1", NO_MESSAGE),
            (b"\x09\n\x07MyEvent\x0a\x02e1", OTHER_TYPE),
            (b"\x0a\n\x08MyEvents\x0a\x02e1", OTHER_TYPE),
            (b"\x04\0\0", NESTED),
            // Avro's text of five letters.
            (b"\x0aorder\x02", NESTED),
            (b"\x09\n\x06MyEvent", NESTED),
        ] {
            check(&framed(rest), Format::Confluent, Err(expected));
        }
        for length in 1..ID.len() {
            check(&ID[..length], Format::Confluent, Err(CUT_OFF));
        }
    }
}
