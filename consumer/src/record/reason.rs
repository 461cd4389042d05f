//! Why a record can't be counted. That is data about the record, and never an error of this program.

use std::borrow::Cow;

/// Why a record was refused. If several reasons apply, it is the first in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The record has no value, or an empty one.
    EmptyPayload,
    /// The value is not a message of the topic's type.
    MalformedPayload,
    /// `organization_id` is empty.
    MissingOrganization,
    /// The record's own id is empty.
    MissingId,
    /// A time that the contract requires is missing.
    MissingTime,
    /// A time is outside of what protobuf allows.
    InvalidTime,
    /// The identity's time is further ahead of the clock than is tolerated.
    FromTheFuture,
    /// The identity's time is before the ledger's floor: whether it was counted is no longer known.
    TooOld,
    /// The outcome is 0, or one that this version doesn't know.
    UnspecifiedOutcome,
    /// The status is 0, or one that this version doesn't know.
    UnspecifiedStatus,
    /// An id or a name is too long or has control characters.
    InvalidText,
    /// An execution time of more than 366 days.
    ImplausibleDuration,
    /// PostgreSQL refuses what the record adds.
    Unstorable,
}

impl Reason {
    /// All reasons, in order.
    pub const ALL: [Self; 13] = [
        Self::EmptyPayload,
        Self::MalformedPayload,
        Self::MissingOrganization,
        Self::MissingId,
        Self::MissingTime,
        Self::InvalidTime,
        Self::FromTheFuture,
        Self::TooOld,
        Self::UnspecifiedOutcome,
        Self::UnspecifiedStatus,
        Self::InvalidText,
        Self::ImplausibleDuration,
        Self::Unstorable,
    ];

    /// The code in `dead_letters.reason` and in metrics. It never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::EmptyPayload => "empty_payload",
            Self::MalformedPayload => "malformed_payload",
            Self::MissingOrganization => "missing_organization",
            Self::MissingId => "missing_id",
            Self::MissingTime => "missing_time",
            Self::InvalidTime => "invalid_time",
            Self::FromTheFuture => "from_the_future",
            Self::TooOld => "too_old",
            Self::UnspecifiedOutcome => "unspecified_outcome",
            Self::UnspecifiedStatus => "unspecified_status",
            Self::InvalidText => "invalid_text",
            Self::ImplausibleDuration => "implausible_duration",
            Self::Unstorable => "unstorable",
        }
    }

    /// What is wrong with such a record, in a sentence for people.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        domain::reasons::sentence(self.code())
    }
}

/// Why a record was refused, for programs and for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub reason: Reason,
    /// What is wrong with which field.
    pub detail: Cow<'static, str>,
    /// The record's organization, if it could be read.
    pub organization: Option<String>,
}

impl Refusal {
    /// A refusal of a record whose organization is not known.
    pub fn new(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, detail: detail.into(), organization: None }
    }
}
