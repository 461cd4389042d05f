//! A refused record that is to be published again, and whose it is. Pure.

use crate::record::decode::{self, Bounds};
use crate::record::place::Place;
use crate::record::{Offset, Partition, Raw, Topic};
use crate::refused::sender::Sender;
use chrono::{DateTime, Utc};

/// A record's headers in order; a value may be missing.
pub type Headers = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// A refused record, as it was kept or read again.
pub struct Refused<'a> {
    /// The partition.
    pub place: &'a Place,
    /// Kafka's id of the topic then, empty if it was not known.
    pub topic_id: &'a str,
    /// The record's offset.
    pub offset: Offset,
    /// When it was refused.
    pub rejected_at: DateTime<Utc>,
    /// Its key, if it has one.
    pub key: Option<&'a [u8]>,
    /// Its value, if it has one.
    pub payload: Option<&'a [u8]>,
    /// Its headers.
    pub headers: &'a Headers,
}

/// Whose a record is doesn't depend on its time.
const ANY_TIME: Bounds = Bounds { floor: i64::MIN, ceiling: i64::MAX };

impl Refused<'_> {
    /// The organization that this version reads from its value, or else from its key, as a dead letter of it would name it.
    ///
    /// Every kind of record has its organization in the same field. So any kind as which the value can be read will do, and the
    /// topic may be one of which no setting says what it carries.
    #[must_use]
    pub fn organization(&self) -> Option<String> {
        let of_value = Topic::ALL.into_iter().find_map(|topic| self.organization_as(topic));
        let sender = Sender::named(of_value.as_deref(), self.key);
        sender.map(|sender| sender.organization.to_owned())
    }

    /// The organization that the value names, if it is a record of this topic.
    fn organization_as(&self, topic: Topic) -> Option<String> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_slice(), value.as_deref()));
        let raw = Raw {
            partition: Partition { topic, number: self.place.partition },
            offset: self.offset,
            key: self.key,
            payload: self.payload,
            headers: headers.collect(),
            timestamp_ms: None,
            leader_epoch: None,
        };
        let named = decode::open(&raw).and_then(|bytes| {
            decode::decode(topic, &bytes, ANY_TIME).map(|record| record.organization.to_owned())
        });
        named.map_or_else(|refusal| refusal.organization, Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use load::{Format, Message};
    use proto::v1::message_delivery::Status;
    use proto::v1::workflow_terminal::Outcome;

    #[test]
    fn the_value_names_the_organization_whatever_kind_it_is_and_the_key_where_it_does_not() {
        let place = Place { topic: "a topic of the past".into(), partition: 0 };
        let check = |key: &[u8], payload: &[u8], headers: &Headers, expected: Option<&str>| {
            let record = Refused {
                place: &place,
                topic_id: "",
                offset: Offset(0),
                rejected_at: DateTime::UNIX_EPOCH,
                key: Some(key),
                payload: Some(payload),
                headers,
            };
            assert_eq!(record.organization().as_deref(), expected, "{}", payload.escape_ascii());
        };
        let at = DateTime::from_timestamp(1_772_000_000, 0).unwrap();
        let of_each_kind = [
            Message::order("acme", "o", at),
            Message::workflow("acme", "w", at, Outcome::Failed, 7),
            Message::delivery("acme", "m", at, at, Status::Sent),
        ];
        for message in of_each_kind {
            for format in [Format::Plain, Format::Json] {
                let headers = format.headers().into_iter();
                let headers: Headers =
                    headers.map(|(name, value)| (name.as_bytes().to_vec(), Some(value))).collect();
                check(b"other", &format.write(&message), &headers, Some("acme"));
            }
        }
        let none = Headers::new();
        check(b"other", &Message::order("acme", "", at).encode(), &none, Some("acme"));
        check(b"other", &Message::order("", "o", at).encode(), &none, Some("other"));
        check(b"other", b"\xff", &none, Some("other"));
        check(b"other", b"", &none, Some("other"));
        check(b"a\n", b"\xff", &none, None);
    }
}
