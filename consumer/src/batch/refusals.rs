//! Refused records by their senders: how many for which reason, and an example. It is what senders are told. Pure.

use crate::batch::texts::{Text, Texts};
use crate::record::reason::{Reason, Refusal};
use crate::record::{Offset, Raw};
use crate::refused::dead_letter::storable;
use crate::refused::sender::Sender;
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Most bytes of an example's key that are told. A valid key is an id of at most 256 bytes.
const KEY_BYTES_MAX: usize = 256;
/// Memory of a row of refusals beside its example's texts, until it is written.
const ROW_BYTES: usize = 512;

/// The refused records of one partition in one batch, of all senders that are known or guessed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals(HashMap<RefusedOf, Told>);

/// Which refused records are told together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefusedOf {
    /// The sender's organization.
    pub organization: Text,
    /// Whether that is guessed from the records' keys.
    pub is_guessed: bool,
    /// Why they were refused.
    pub reason: Reason,
}

/// What is told of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// How many they are.
    pub records: i64,
    /// The first of them.
    pub example: Example,
}

/// A refused record, without its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Its offset.
    pub offset: Offset,
    /// The beginning of its key.
    pub key: Option<Vec<u8>>,
    /// What is wrong with it. `None` if that may repeat a part of the record and the sender is only guessed: somebody else's
    /// record may have a key that reads like an organization.
    pub detail: Option<String>,
}

impl Refusals {
    /// Adds a refused record of this sender. Returns how many bytes that takes until it is written.
    pub fn add(&mut self, texts: &mut Texts, sender: Sender<'_>, raw: &Raw<'_>, refusal: &Refusal) -> usize {
        let Sender { organization, is_guessed } = sender;
        let of = RefusedOf { organization: texts.keep(organization), is_guessed, reason: refusal.reason };
        match self.0.entry(of) {
            Entry::Occupied(mut told) => {
                told.get_mut().records += 1;
                0
            }
            Entry::Vacant(place) => {
                let example = Example::of(raw, refusal, is_guessed);
                let length = |detail: &String| detail.len();
                let bytes = ROW_BYTES
                    + example.key.as_ref().map_or(0, Vec::len)
                    + example.detail.as_ref().map_or(0, length);
                place.insert(Told { records: 1, example });
                bytes
            }
        }
    }

    /// All that is told, in no order.
    pub fn all(&self) -> impl Iterator<Item = (RefusedOf, &Told)> {
        self.0.iter().map(|(of, told)| (*of, told))
    }

    /// Who is told; some are repeated.
    pub fn organizations(&self) -> impl Iterator<Item = Text> {
        self.0.keys().map(|of| of.organization)
    }
}

impl Example {
    fn of(raw: &Raw<'_>, refusal: &Refusal, is_guessed: bool) -> Self {
        let detail = match &refusal.detail {
            Cow::Owned(_) if is_guessed => None,
            Cow::Owned(_) | Cow::Borrowed(_) => Some(storable(&refusal.detail)),
        };
        let beginning = |key: &[u8]| key[..key.len().min(KEY_BYTES_MAX)].to_vec();
        Self { offset: raw.offset, key: raw.key.map(beginning), detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Partition, Topic};

    fn raw(offset: i64, key: Option<&[u8]>) -> Raw<'_> {
        Raw {
            partition: Partition { topic: Topic::Events, number: 0 },
            offset: Offset(offset),
            key,
            payload: None,
            headers: Vec::new(),
            timestamp_ms: None,
            leader_epoch: None,
        }
    }

    #[test]
    fn refusals_are_counted_by_sender_and_reason_with_the_first_as_example() {
        let (mut refusals, mut texts) = (Refusals::default(), Texts::default());
        let mut add = |offset, organization: &str, is_guessed, reason| {
            let sender = Sender { organization, is_guessed };
            refusals.add(&mut texts, sender, &raw(offset, Some(b"k")), &Refusal::new(reason, "no"))
        };
        assert!(add(7, "acme", false, Reason::MissingId) > 0);
        assert_eq!(add(8, "acme", false, Reason::MissingId), 0);
        for (offset, organization, is_guessed, reason) in [
            (9, "acme", false, Reason::MissingTime),
            (10, "acme", true, Reason::MissingId),
            (11, "beta", false, Reason::MissingId),
        ] {
            assert!(add(offset, organization, is_guessed, reason) > 0, "{offset}");
        }
        let mut told: Vec<_> = refusals
            .all()
            .map(|(of, told)| {
                (told.example.offset.0, texts.get(of.organization), of.is_guessed, of.reason, told.records)
            })
            .collect();
        told.sort_unstable();
        let expected = [
            (7, "acme", false, Reason::MissingId, 2),
            (9, "acme", false, Reason::MissingTime, 1),
            (10, "acme", true, Reason::MissingId, 1),
            (11, "beta", false, Reason::MissingId, 1),
        ];
        assert_eq!(told, expected);
        assert_eq!(refusals.organizations().count(), 4);
    }

    #[test]
    fn a_sender_that_is_only_guessed_is_told_nothing_of_the_record() {
        let check = |detail: Cow<'static, str>, is_guessed, expected: Option<&str>| {
            let refusal = Refusal::new(Reason::MalformedPayload, detail);
            let example = Example::of(&raw(1, Some(&[b'k'; 999])), &refusal, is_guessed);
            assert_eq!(example.detail.as_deref(), expected);
            assert_eq!(example.key.unwrap().len(), KEY_BYTES_MAX);
        };
        check(Cow::Borrowed("the frame is cut off"), true, Some("the frame is cut off"));
        check(Cow::Owned("`secret` is no time".into()), true, None);
        check(Cow::Owned("`secret` is no time".into()), false, Some("`secret` is no time"));
        assert_eq!(Example::of(&raw(1, None), &Refusal::new(Reason::EmptyPayload, ""), false).key, None);
    }
}
