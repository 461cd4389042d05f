//! A record that can't be counted, kept whole with the reason.

use crate::reason::Refusal;
use crate::record::{Offset, Raw};

/// A record that can't be counted. Topic and partition are its slice's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where in the partition.
    pub offset: Offset,
    /// The record's key.
    pub key: Option<Vec<u8>>,
    /// The record's headers in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The record's value.
    pub payload: Option<Vec<u8>>,
    /// The record's timestamp, in milliseconds since the Unix epoch.
    pub timestamp_ms: Option<i64>,
    /// Why it can't be counted.
    pub refusal: Refusal,
}

impl DeadLetter {
    /// The record, refused.
    #[must_use]
    pub fn new(raw: &Raw<'_>, refusal: &Refusal) -> Self {
        let headers = raw.headers.iter();
        Self {
            offset: raw.offset,
            key: raw.key.map(<[u8]>::to_vec),
            headers: headers.map(|(name, value)| ((*name).to_owned(), value.map(<[u8]>::to_vec))).collect(),
            payload: raw.payload.map(<[u8]>::to_vec),
            timestamp_ms: raw.timestamp_ms,
            refusal: refusal.clone(),
        }
    }

    /// How many bytes of the record it keeps.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers = self.headers.iter().map(|(name, value)| name.len() + length(value));
        length(&self.key) + length(&self.payload) + headers.sum::<usize>()
    }
}
