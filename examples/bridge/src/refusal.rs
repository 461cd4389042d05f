//! Why a callback can't become a record, for the people who send the messages. Pure.

/// Why a callback of a provider can't become a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The sender gave the provider no organization.
    #[error(
        "organization_id did not come back: give it to the provider with each message, as docs/providers.md says"
    )]
    NoOrganization,
    /// The sender gave the provider no time of sending.
    #[error(
        "sent_at did not come back: give it to the provider with each message, as docs/providers.md says"
    )]
    NoSentAt,
    /// It gave something else.
    #[error("sent_at is no time of RFC 3339, such as 2026-02-25T10:00:00Z")]
    SentAtNoTime,
    /// It can't be the time of sending.
    #[error(
        "sent_at is after the time at which the status was reached: it must be the time of sending, by a clock that is right"
    )]
    SentAfterwards,
    /// It is too old to be counted.
    #[error("sent_at is more than 35 days ago: the consumer would refuse the record")]
    SentLongAgo,
    /// The provider gave the organization back otherwise than as one text.
    #[error("organization_id is no text, or came back twice: give it to the provider once, as a text")]
    OddOrganization,
    /// The same of the time of sending.
    #[error("sent_at is no text, or came back twice: give it to the provider once, as a text of RFC 3339")]
    OddSentAt,
    /// The same of the sender's own id of the message.
    #[error("message_id is no text, or came back twice: give it to the provider once, as a text")]
    OddId,
    /// The provider's own time of the status is none.
    #[error("the provider's time of the status is missing, or is no time that the consumer takes")]
    OddTime,
    /// The provider's own fields of the callback are of other types.
    #[error("the callback is not of the provider's form")]
    OddCallback,
    /// The message has no id.
    #[error("the message has no id")]
    NoId,
    /// The consumer would refuse an id.
    #[error(
        "organization_id (128 bytes) or the message's id (256 bytes) is too long, or has control characters"
    )]
    UnfitId,
}
