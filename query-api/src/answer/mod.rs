//! From rows to an answer, and its bytes. Pure.

pub mod comparison;
pub mod decimal;
pub mod delivery_health;
pub mod insights;
pub mod known;
pub mod percentiles;
pub mod problem;
pub mod registry;
pub mod summary;
pub mod trends;
pub mod workflow_health;

use bytes::Bytes;
use serde::Serialize;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// A finished answer: JSON, ready to send, and the tag by which a client asks whether its copy is current.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The JSON.
    pub body: Bytes,
    /// A weak entity tag: it identifies the content, whatever the encoding it is sent in. Bytes, so that sending it copies
    /// nothing.
    pub etag: Bytes,
}

impl Answer {
    /// The answer whose JSON is `body`.
    #[must_use]
    pub fn new(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self { etag: etag(&body), body }
    }

    /// The answer that was kept as these bytes; `None` if they are no JSON object with members, as every answer is. Others may
    /// write where answers are kept.
    #[must_use]
    pub fn kept(body: Bytes) -> Option<Self> {
        (body.starts_with(b"{\"") && body.ends_with(b"}")).then(|| Self::new(body))
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
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    format!("W/\"{:016x}\"", hasher.finish()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_an_answer_is_taken_for_one() {
        for body in ["", "garbage", "{}", "[1]", "null", "{\"a\":1"] {
            assert!(Answer::kept(Bytes::from_static(body.as_bytes())).is_none(), "{body}");
        }
        let answer = Answer::of(&serde_json::json!({ "a": 1 }));
        assert_eq!(Answer::kept(answer.body.clone()).unwrap().etag, answer.etag);
    }
}
