//! A record: bytes at a partition and offset, and what they say once decoded.

mod cloud_event;
pub mod content_type;
pub mod decode;
pub mod frame;
pub mod hint;
pub mod identity;
pub mod json;
mod json_names;
pub mod key;
pub mod layouts;
pub mod place;
pub mod reason;
pub mod topic_names;
pub mod wire;

use std::fmt;

/// One of the three topics, by the kind of record that it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// `Event`.
    Events,
    /// `WorkflowTerminal`.
    WorkflowTerminals,
    /// `MessageDelivery`.
    MessageDeliveries,
}

impl Topic {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Events, Self::WorkflowTerminals, Self::MessageDeliveries];
}

/// A partition of one of the three topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// Its topic.
    pub topic: Topic,
    /// Its number in Kafka.
    pub number: i32,
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{}", self.topic, self.number)
    }
}

/// A record's place in a partition. As a boundary it is exclusive: the offset of the next record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub i64);

impl Offset {
    /// The next offset.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The records `[from, until)` of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first offset in it.
    pub from: Offset,
    /// The first offset after it.
    pub until: Offset,
}

impl Span {
    /// An empty span that begins at `from`.
    #[must_use]
    pub const fn empty(from: Offset) -> Self {
        Self { from, until: from }
    }

    /// Takes the record at `offset` in; returns whether it was not taken before.
    pub fn take(&mut self, offset: Offset) -> bool {
        let fresh = self.until <= offset;
        if fresh {
            self.until = offset.next();
        }
        fresh
    }

    /// Extends to `offset`. The offsets before it have no records: they are transaction markers, or were compacted.
    pub fn reach(&mut self, offset: Offset) {
        self.until = self.until.max(offset);
    }

    /// Whether it has no offset.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.from == self.until
    }
}

/// A record as Kafka has it, borrowed from the client's buffer.
#[derive(Clone, Debug)]
pub struct Raw<'a> {
    /// Its partition.
    pub partition: Partition,
    /// Its offset.
    pub offset: Offset,
    /// Its key, if it has one.
    pub key: Option<&'a [u8]>,
    /// Its value, if it has one.
    pub payload: Option<&'a [u8]>,
    /// Its headers in order. A name is bytes, like a value, which may be missing.
    pub headers: Vec<(&'a [u8], Option<&'a [u8]>)>,
    /// The broker's (or producer's) timestamp, in milliseconds since the Unix epoch.
    pub timestamp_ms: Option<i64>,
    /// The epoch of the leader that took it in (KIP-320), where Kafka tells.
    pub leader_epoch: Option<i32>,
}

/// A protobuf timestamp that was validated: within the years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    /// Whole seconds since the Unix epoch.
    pub seconds: i64,
    /// Nanoseconds beyond them, 0 to 999,999,999.
    pub nanos: i32,
}

impl Instant {
    /// Microseconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.seconds * 1_000_000 + self.nanos as i64 / 1_000
    }
}

/// A decoded, valid record, borrowed from its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The organization it belongs to.
    pub organization: &'a str,
    /// Its id, unique within the organization and the kind of record.
    pub id: &'a str,
    /// The time that is part of its identity.
    pub time: Instant,
    /// What it says.
    pub says: Says<'a>,
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says<'a> {
    /// An order was placed.
    OrderCreated,
    /// A payment was attempted.
    PaymentAttempted {
        /// Whether it succeeded.
        successful: bool,
    },
    /// An organization's name and plan.
    OrganizationUpdated {
        /// The organization's name.
        name: &'a str,
        /// Its plan's id.
        plan_id: &'a str,
        /// Its plan's name.
        plan_name: &'a str,
    },
    /// A workflow execution ended.
    WorkflowEnded(WorkflowRun<'a>),
    /// A message reached a milestone.
    Message {
        /// Which.
        milestone: Milestone,
        /// Under which channel's name it counts.
        channel: &'a str,
    },
    /// A failed delivery: valid, and not counted.
    Nothing,
    /// An event with a body that this version doesn't know.
    UnknownBody,
}

/// What is counted of a message, each milestone once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Milestone {
    /// It was sent.
    Sent,
    /// It was delivered, or read.
    Delivered,
}

/// How a workflow execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It succeeded.
    Success,
    /// It failed.
    Failed,
    /// A safety limit stopped it.
    FailedSafetyLimit,
}

/// A workflow execution that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkflowRun<'a> {
    /// Which workflow.
    pub workflow_id: &'a str,
    /// The workflow's name.
    pub workflow_name: &'a str,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, in milliseconds; at most 366 days.
    pub execution_time_ms: i64,
    /// What went wrong, at most 2,000 characters.
    pub error_message: &'a str,
}

#[cfg(test)]
mod forms_tests;
