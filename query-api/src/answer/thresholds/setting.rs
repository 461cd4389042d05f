//! Thresholds as a setting of organizations. Pure.

use crate::answer::document::BadDocument;
use crate::answer::setting::Setting;
use crate::answer::thresholds::Thresholds;
use crate::answer::thresholds::document::Document;
use crate::answer::thresholds::shown::Shown;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

impl Setting for Thresholds {
    const NAME: &'static str = "thresholds";

    /// Summaries and insights judge by them.
    const IS_SHOWN: bool = true;

    type Document = Document;

    fn read(body: &[u8]) -> Result<Document, BadDocument> {
        Document::read(body)
    }

    fn set_to(&self, document: &Document, at: DateTime<Utc>, by: Option<&str>) -> Self {
        self.replaced(document.all(), at, by)
    }

    fn shown<'a>(&'a self, organization: &'a str) -> impl Serialize + 'a {
        Shown::new(organization, self)
    }

    fn to_stored(&self) -> Value {
        Self::to_stored(self)
    }

    fn from_stored(stored: &Value) -> Self {
        Self::from_stored(stored)
    }
}
