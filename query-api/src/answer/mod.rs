//! From rows to an answer, and its bytes. Pure.

pub mod comparison;
pub mod csv;
pub mod decimal;
pub mod delivery_health;
pub mod document;
pub mod failure_groups;
pub mod failures;
pub mod insights;
pub mod known;
pub mod links;
pub mod patterns;
pub mod percentiles;
pub mod problem;
pub mod refusals;
pub mod registry;
pub mod setting;
pub mod summary;
pub mod thresholds;
pub mod trends;
mod words;
pub mod workflow_health;
pub mod workflow_trends;

use bytes::Bytes;
use serde::Serialize;
use siphasher::sip::SipHasher13;
use std::hash::Hasher as _;
use std::ops::Range;

/// The members that say how fresh an answer is, and nothing of its numbers. A quote in a text is escaped, so these bytes are
/// nothing else.
const COMPLETE_THROUGH: &[u8] = br#""completeThrough":"#;
const GENERATED_AT: &[u8] = br#""generatedAt":"#;

/// A finished answer: JSON, ready to send, and the tag by which a client asks whether its copy is current. Bytes, so that
/// sending them copies nothing.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The JSON.
    pub body: Bytes,
    /// A weak entity tag. It identifies all but how fresh the answer is: a client whose numbers are the same is told so,
    /// however often they were read since. Two such answers differ in bytes, and so do their encodings, which a strong tag
    /// would not allow (RFC 9110, section 8.8.1).
    pub etag: Bytes,
    /// Its `completeThrough`, for clients that have its numbers already.
    pub complete_through: Bytes,
    /// Its `generatedAt`, likewise.
    pub generated_at: Bytes,
}

impl Answer {
    /// The answer whose JSON is `body`.
    #[must_use]
    pub fn new(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let through = value_after(&body, position(&body, COMPLETE_THROUGH), COMPLETE_THROUGH);
        let at = value_after(&body, last_position(&body, GENERATED_AT), GENERATED_AT);
        let (first, second) = if through.start <= at.start { (&through, &at) } else { (&at, &through) };
        let numbers = [0..first.start, first.end..second.start, second.end..body.len()];
        let etag = tag(numbers.into_iter().map(|part| body.get(part).unwrap_or_default()));
        let text = |value: Range<usize>| body.slice_ref(unquoted(body.get(value).unwrap_or_default()));
        Self { complete_through: text(through), generated_at: text(at), etag, body }
    }

    /// The answer whose JSON is that of `value`.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Self {
        Self::new(serde_json::to_vec(value).expect("answers are structs, numbers and strings"))
    }
}

/// A weak entity tag of these bytes.
#[must_use]
pub fn etag(body: &Bytes) -> Bytes {
    tag(std::iter::once(&body[..]))
}

/// A strong entity tag of these bytes: two documents have it only if all of their bytes are the same.
#[must_use]
pub fn strong_etag(body: &Bytes) -> Bytes {
    etag(body).slice(b"W/".len()..)
}

/// The same in every build and instance, so a client may go from one to another.
fn tag<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Bytes {
    let mut hasher = SipHasher13::new();
    parts.for_each(|part| hasher.write(part));
    format!("W/\"{:016x}\"", hasher.finish()).into()
}

fn position(body: &[u8], member: &[u8]) -> Option<usize> {
    body.windows(member.len()).position(|bytes| bytes == member)
}

/// The last member is looked for from the end.
fn last_position(body: &[u8], member: &[u8]) -> Option<usize> {
    body.windows(member.len()).rposition(|bytes| bytes == member)
}

/// Where the value of the member at `at` is; nowhere without one. It is a time or null, which has no comma.
fn value_after(body: &[u8], at: Option<usize>, member: &[u8]) -> Range<usize> {
    let Some(start) = at.map(|at| at + member.len()) else { return 0..0 };
    let rest = body.get(start..).unwrap_or_default();
    let length = rest.iter().position(|byte| b",}".contains(byte)).unwrap_or(rest.len());
    start..start + length
}

fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_tag_is_that_of_the_numbers() {
        let body = |through: &str, orders: u32, at: &str| {
            let name = serde_json::to_string(r#""completeThrough":"#).unwrap();
            format!(
                r#"{{"organizationName":{name},"completeThrough":{through},"orders":{orders},"generatedAt":"{at}"}}"#
            )
        };
        let first = Answer::new(body(r#""2026-02-25T10:00:00.000Z""#, 42, "2026-02-25T10:00:12.000Z"));
        assert_eq!(&first.complete_through[..], b"2026-02-25T10:00:00.000Z");
        assert_eq!(&first.generated_at[..], b"2026-02-25T10:00:12.000Z");
        let later = Answer::new(body("null", 42, "2026-02-26T10:00:12.000Z"));
        assert_eq!((&later.etag, &later.complete_through[..]), (&first.etag, &b"null"[..]));
        assert_ne!(Answer::new(body("null", 43, "2026-02-26T10:00:12.000Z")).etag, first.etag);
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_tag(
            body in prop::collection::vec(any::<u8>(), 0..60),
            at in any::<prop::sample::Index>(),
        ) {
            let mut with = body.clone();
            let at = at.index(body.len() + 1);
            with.splice(at..at, COMPLETE_THROUGH.iter().chain(GENERATED_AT).copied());
            for body in [body, with] {
                prop_assert_eq!(Answer::new(body.clone()).etag, Answer::new(body).etag);
            }
        }
    }
}
