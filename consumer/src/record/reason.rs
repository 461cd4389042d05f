//! Why a record can't be counted: data about the record, never an error of ours.

use std::borrow::Cow;

/// Why a record was refused. Where several apply, the first in this order is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// No value, or one of no bytes.
    EmptyPayload,
    /// Not a message of the topic's type.
    MalformedPayload,
    /// `organization_id` is empty.
    MissingOrganization,
    /// The record's own id is empty.
    MissingId,
    /// A time the contract asks for is not there.
    MissingTime,
    /// A time is none that protobuf allows.
    InvalidTime,
    /// The identity's time is further ahead of the clock than is tolerated.
    FromTheFuture,
    /// The identity's time is below the ledger's floor: it may have been counted and forgotten.
    TooOld,
    /// The outcome is 0, or one this version doesn't know.
    UnspecifiedOutcome,
    /// The status is 0, or one this version doesn't know.
    UnspecifiedStatus,
    /// An id or a name is too long or has control characters.
    InvalidText,
    /// An execution time of more than 366 days.
    ImplausibleDuration,
}

impl Reason {
    /// All reasons, in order.
    pub const ALL: [Self; 12] = [
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
    ];

    /// The stable code that stands in `dead_letters.reason` and in metrics.
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
        }
    }
}

/// A refused record's reason, with a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub reason: Reason,
    /// What exactly is wrong, and where.
    pub detail: Cow<'static, str>,
    /// Whose record it is, where that could be read.
    pub organization: Option<String>,
}

impl Refusal {
    /// A record refused for `reason`; `detail` says what is wrong with it.
    pub fn new(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, detail: detail.into(), organization: None }
    }
}
