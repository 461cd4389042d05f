//! A record's content: one of the contract's three messages.

use prost_types::Timestamp;
use proto::v1::{Event, MessageDelivery, WorkflowTerminal};

/// What a topic's records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`Event`]s.
    Event,
    /// [`WorkflowTerminal`]s.
    Workflow,
    /// [`MessageDelivery`]s.
    Delivery,
}

impl Kind {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Event, Self::Workflow, Self::Delivery];
}

/// A record's content.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// An event.
    Event(Event),
    /// A workflow execution ended.
    Workflow(WorkflowTerminal),
    /// A message reached a status.
    Delivery(MessageDelivery),
}

/// The same, borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum View<'a> {
    /// An event.
    Event(&'a Event),
    /// A workflow execution ended.
    Workflow(&'a WorkflowTerminal),
    /// A message reached a status.
    Delivery(&'a MessageDelivery),
}

impl Content {
    /// The content, borrowed.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        match self {
            Self::Event(event) => View::Event(event),
            Self::Workflow(run) => View::Workflow(run),
            Self::Delivery(delivery) => View::Delivery(delivery),
        }
    }
}

impl<'a> View<'a> {
    /// What the topic's records are.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Event(_) => Kind::Event,
            Self::Workflow(_) => Kind::Workflow,
            Self::Delivery(_) => Kind::Delivery,
        }
    }

    /// The record's organization.
    #[must_use]
    pub fn organization(self) -> &'a str {
        match self {
            Self::Event(event) => &event.organization_id,
            Self::Workflow(run) => &run.organization_id,
            Self::Delivery(delivery) => &delivery.organization_id,
        }
    }

    /// The record's own id.
    #[must_use]
    pub fn id(self) -> &'a str {
        match self {
            Self::Event(event) => &event.event_id,
            Self::Workflow(run) => &run.execution_id,
            Self::Delivery(delivery) => &delivery.message_id,
        }
    }

    /// The time in its identity, which also determines its buckets.
    #[must_use]
    pub fn identity_time(self) -> Option<&'a Timestamp> {
        match self {
            Self::Event(event) => event.occurred_at.as_ref(),
            Self::Workflow(run) => run.finished_at.as_ref(),
            Self::Delivery(delivery) => delivery.sent_at.as_ref(),
        }
    }
}
