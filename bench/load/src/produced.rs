//! A record as a producer sends it to Kafka, with its content.

use crate::format::Format;
use crate::message::{Kind, Message};
use crate::murmur2::partition_of;

/// A record to be sent to Kafka.
#[derive(Clone, Debug, PartialEq)]
pub struct Produced {
    /// Its topic.
    pub kind: Kind,
    /// Its partition by its key; with `None` the client chooses.
    pub partition: Option<i32>,
    /// Its key.
    pub key: Vec<u8>,
    /// Names and values of its headers.
    pub headers: Vec<(&'static str, Vec<u8>)>,
    /// Its value.
    pub payload: Vec<u8>,
    /// The content of the payload; `None` if no reader could decode it. The recount uses this, so it needs no decoder.
    pub content: Option<Message>,
}

impl Produced {
    /// A record of `message` in plain protobuf, with its organization as key; the client chooses the partition.
    #[must_use]
    pub fn plain(message: Message) -> Self {
        Self::formatted(message, Format::Plain)
    }

    /// The same in another format. An event of which no body is known has no content in JSON: an unknown name may be a misspelled one.
    #[must_use]
    pub fn formatted(message: Message, format: Format) -> Self {
        let is_unreadable =
            format == Format::Json && matches!(&message, Message::Event(event) if event.body.is_none());
        Self {
            kind: message.kind(),
            partition: None,
            key: message.organization().as_bytes().to_vec(),
            headers: format.headers(),
            payload: format.write(&message),
            content: Some(message).filter(|_| !is_unreadable),
        }
    }

    /// A record of `organization` whose payload has no content: empty, or not protobuf.
    #[must_use]
    pub fn garbage(kind: Kind, organization: &str, payload: Vec<u8>) -> Self {
        let key = organization.as_bytes().to_vec();
        Self { kind, partition: None, key, headers: Vec::new(), payload, content: None }
    }

    /// The record with its key's partition among `partitions`.
    #[must_use]
    pub fn placed(mut self, partitions: i32) -> Self {
        self.partition = Some(partition_of(&self.key, partitions));
        self
    }
}
