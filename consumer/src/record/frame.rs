//! The formats a record's value may come in: plain protobuf, the schema registry's frame around it, or JSON.

use crate::record::Topic;
use crate::record::json_names::DistinctNames;
use crate::record::wire::Malformed;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use std::sync::LazyLock;

/// The header that declares a value's format, and the one format that must be declared.
const CONTENT_TYPE: &[u8] = b"content-type";
const JSON: &[u8] = b"application/json";

/// First byte of the Confluent Schema Registry's frame. Plain protobuf never begins with it, because no field has number 0.
const MAGIC: u8 = 0;
const SCHEMA_ID_BYTES: usize = 4;

static MESSAGES: LazyLock<[MessageDescriptor; 3]> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(proto::DESCRIPTOR_SET).expect("the build made it of the contract");
    ["Event", "WorkflowTerminal", "MessageDelivery"].map(|name| {
        pool.get_message_by_name(&format!("business_metrics.v1.{name}")).expect("it is in the contract")
    })
});

/// Whether this header declares the value to be JSON.
#[must_use]
pub fn says_json(name: &[u8], value: Option<&[u8]>) -> bool {
    let essence = value.unwrap_or_default().split(|&byte| byte == b';').next().unwrap_or_default();
    name.eq_ignore_ascii_case(CONTENT_TYPE) && essence.trim_ascii().eq_ignore_ascii_case(JSON)
}

/// The record's protobuf from its JSON mapping (<https://protobuf.dev/programming-guides/json/>). Unknown fields are
/// skipped as in the binary format, so that producers may be newer.
///
/// # Errors
/// When it is not JSON, gives a field twice, or is not the JSON of the topic's message.
pub fn json_to_protobuf(topic: Topic, json: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let [event, workflow_terminal, message_delivery] = &*MESSAGES;
    let message = match topic {
        Topic::Events => event,
        Topic::WorkflowTerminals => workflow_terminal,
        Topic::MessageDeliveries => message_delivery,
    };
    let options = prost_reflect::DeserializeOptions::new().deny_unknown_fields(false);
    // Which of two values is meant can't be known.
    serde_json::from_slice::<DistinctNames>(json)?;
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let decoded = DynamicMessage::deserialize_with_options(message.clone(), &mut deserializer, &options)?;
    deserializer.end()?;
    Ok(decoded.encode_to_vec())
}

/// Removes the schema registry's frame, if there is one: a magic byte, the schema's id, and the message's path within its
/// file, as zigzag numbers with their count first. A single 0 stands for the path `[0]`. Which of the file's messages the
/// path names doesn't matter, because the topic says what the record is.
///
/// # Errors
/// When the frame is cut off or its path doesn't have exactly one element.
pub fn unframe(payload: &[u8]) -> Result<&[u8], Malformed> {
    let Some((&MAGIC, rest)) = payload.split_first() else {
        return Ok(payload);
    };
    let cut_off = Malformed("the schema registry's frame is cut off");
    let (_schema_id, rest) = rest.split_at_checked(SCHEMA_ID_BYTES).ok_or(cut_off)?;
    let (count, rest) = zigzag(rest).ok_or(cut_off)?;
    match count {
        0 => Ok(rest),
        1 => zigzag(rest).map(|(_index, rest)| rest).ok_or(cut_off),
        _ => Err(Malformed("the schema registry's frame names a nested message, which no topic carries")),
    }
}

/// A zigzag-encoded number of at most 32 bits, and what follows it.
fn zigzag(bytes: &[u8]) -> Option<(i32, &[u8])> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            let value = u32::try_from(value).ok()?;
            let decoded = (value >> 1).cast_signed() ^ -(value & 1).cast_signed();
            return Some((decoded, &bytes[index + 1..]));
        }
    }
    None
}
