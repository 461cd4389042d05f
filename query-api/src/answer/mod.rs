//! From rows to an answer, and its bytes. Pure.

pub mod decimal;
pub mod insights;
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
