//! A record as a producer hands it to Kafka, together with what it says.

use crate::format::Format;
use crate::message::{Kind, Message};
use crate::murmur2::partition_of;

/// A record on its way to Kafka.
#[derive(Clone, Debug, PartialEq)]
pub struct Produced {
    /// Its topic.
    pub kind: Kind,
    /// Its partition, chosen from the key; `None` leaves the choice to the client.
    pub partition: Option<i32>,
    /// Its key.
    pub key: Vec<u8>,
    /// Names and values of its headers.
    pub headers: Vec<(&'static str, Vec<u8>)>,
    /// Its value.
    pub payload: Vec<u8>,
    /// What the payload says, and `None` where no reader could tell: the recount goes by this, and so needs no decoder.
    pub content: Option<Message>,
}

impl Produced {
    /// A record that says `message`, in plain protobuf, keyed by its organization; the client chooses the partition.
    #[must_use]
    pub fn plain(message: Message) -> Self {
        Self::formatted(message, Format::Plain)
    }

    /// The same in another format.
    #[must_use]
    pub fn formatted(message: Message, format: Format) -> Self {
        Self {
            kind: message.kind(),
            partition: None,
            key: message.organization().as_bytes().to_vec(),
            headers: format.headers(),
            payload: format.write(&message),
            content: Some(message),
        }
    }

    /// A record of `organization` whose payload says nothing: empty or no protobuf.
    #[must_use]
    pub fn garbage(kind: Kind, organization: &str, payload: Vec<u8>) -> Self {
        let key = organization.as_bytes().to_vec();
        Self { kind, partition: None, key, headers: Vec::new(), payload, content: None }
    }

    /// The record with the partition that its key has among `partitions`.
    #[must_use]
    pub fn placed(mut self, partitions: i32) -> Self {
        self.partition = Some(partition_of(&self.key, partitions));
        self
    }
}
