//! A setting of organizations: a document that an organization replaces as a whole. Pure.

use crate::answer::document::BadDocument;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// A setting, as one organization has it. Where it never was set, it is the default.
pub trait Setting: Clone + Default + PartialEq + Send + Sync + 'static {
    /// Its name: the last part of its path, and what the audit calls it.
    const NAME: &'static str;

    /// Whether answers about numbers show it: then a change puts older answers out of use.
    const IS_SHOWN: bool;

    /// What a client sends to set it.
    type Document: Send + Sync + 'static;

    /// Reads what a client sends.
    ///
    /// # Errors
    /// With the first thing that can't be used.
    fn read(body: &[u8]) -> Result<Self::Document, BadDocument>;

    /// What it is once this subject has set it to the document. What stays the same keeps when it was set, and by whom.
    #[must_use]
    fn set_to(&self, document: &Self::Document, at: DateTime<Utc>, by: Option<&str>) -> Self;

    /// What a client gets that asks for it.
    fn shown<'a>(&'a self, organization: &'a str) -> impl Serialize + 'a;

    /// As it is stored: an object.
    fn to_stored(&self) -> Value;

    /// What is stored. A member that this version doesn't know, or of a form that it doesn't write, is passed over.
    fn from_stored(stored: &Value) -> Self;
}

/// A setting of an organization, and how often it was changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept<S> {
    /// Raised by each change; 0 before the first.
    pub revision: i64,
    /// The setting.
    pub setting: S,
}
