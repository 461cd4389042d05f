//! A dead letter: a record that can't be counted, with the reason. What exceeds a limit of size is cut off. Pure.

use crate::record::reason::Refusal;
use crate::record::{Offset, Raw};
use crate::refused::sender::Sender;

/// Most bytes of a key that are kept. A valid key is an id of at most 256 bytes.
const KEY_BYTES_MAX: usize = 4_096;
/// Most bytes of headers that are kept: names, values, and [`HEADER_OVERHEAD_BYTES`] for each header.
const HEADERS_BYTES_MAX: usize = 16_384;
/// Bytes of a header beside its name and value.
const HEADER_OVERHEAD_BYTES: usize = 8;
/// Bytes of a row beside its contents, for the batch's limit. More than it takes in memory: many small rows take PostgreSQL
/// as long as a few large ones, and other partitions' records wait for that commit.
const ROW_BYTES: usize = 1_024;
/// Most bytes of the detail that are kept: it may quote the record.
const DETAIL_BYTES_MAX: usize = 1_024;

/// A record that can't be counted. Its partition is its slice's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The record's offset.
    pub offset: Offset,
    /// The record's key.
    pub key: Option<Vec<u8>>,
    /// The record's headers in order.
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// The record's value.
    pub payload: Option<Vec<u8>>,
    /// The length of the record's whole value, in bytes.
    pub payload_bytes: Option<usize>,
    /// Whether nothing of key, headers and value was cut off.
    pub is_whole: bool,
    /// The record's timestamp, in milliseconds since the Unix epoch.
    pub timestamp_ms: Option<i64>,
    /// Why it can't be counted.
    pub refusal: Refusal,
    /// The organization that its key names, where its value names none.
    pub organization_from_key: Option<String>,
}

impl DeadLetter {
    /// The dead letter of a record. At most `payload_bytes_max` bytes of the value are kept.
    #[must_use]
    pub fn new(raw: &Raw<'_>, refusal: &Refusal, payload_bytes_max: usize) -> Self {
        let key = raw.key.map(|key| beginning(key, KEY_BYTES_MAX));
        let payload = raw.payload.map(|payload| beginning(payload, payload_bytes_max));
        let headers = fitting(&raw.headers);
        let sender = Sender::of(refusal, raw.key).filter(|sender| sender.is_guessed);
        Self {
            offset: raw.offset,
            is_whole: key == raw.key && payload == raw.payload && headers.len() == raw.headers.len(),
            key: key.map(<[u8]>::to_vec),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.map(<[u8]>::to_vec)))
                .collect(),
            payload: payload.map(<[u8]>::to_vec),
            payload_bytes: raw.payload.map(<[u8]>::len),
            timestamp_ms: raw.timestamp_ms,
            organization_from_key: sender.map(|sender| sender.organization.to_owned()),
            refusal: Refusal { detail: storable(&refusal.detail).into(), ..refusal.clone() },
        }
    }

    /// How many bytes it takes, for the batch's limit.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers = self.headers.iter().map(|(name, value)| name.len() + length(value));
        ROW_BYTES + length(&self.key) + length(&self.payload) + headers.sum::<usize>()
    }
}

fn beginning(bytes: &[u8], bytes_max: usize) -> &[u8] {
    &bytes[..bytes.len().min(bytes_max)]
}

type Header<'a> = (&'a [u8], Option<&'a [u8]>);

/// The first headers, as many as are kept.
fn fitting<'a, 'b>(headers: &'b [Header<'a>]) -> &'b [Header<'a>] {
    let mut bytes = 0;
    let fits = |(name, value): &&Header<'_>| {
        bytes += name.len() + value.map_or(0, <[u8]>::len) + HEADER_OVERHEAD_BYTES;
        bytes <= HEADERS_BYTES_MAX
    };
    &headers[..headers.iter().take_while(fits).count()]
}

/// The text as the table can store it: cut to the limit, and without NUL, which PostgreSQL's texts may not have and the
/// record may.
#[must_use]
pub fn storable(text: &str) -> String {
    let end = (0..=text.len().min(DETAIL_BYTES_MAX)).rfind(|end| text.is_char_boundary(*end));
    text[..end.unwrap_or(0)].replace('\0', "\\0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::reason::Reason;
    use crate::record::{Partition, Topic};

    fn letter(key: usize, headers: &[Header<'_>], payload: &[u8]) -> DeadLetter {
        let key = vec![b'k'; key];
        let raw = Raw {
            partition: Partition { topic: Topic::Events, number: 0 },
            offset: Offset(7),
            key: Some(&key),
            payload: Some(payload),
            headers: headers.to_vec(),
            timestamp_ms: None,
            leader_epoch: None,
        };
        DeadLetter::new(&raw, &Refusal::new(Reason::MalformedPayload, "é\0".repeat(1_000)), 10)
    }

    #[test]
    fn what_fits_is_kept_whole() {
        let letter = letter(KEY_BYTES_MAX, &[(b"a", None), (b"b", Some(b"c"))], &[1; 10]);
        assert!(letter.is_whole);
        assert_eq!((letter.payload, letter.payload_bytes), (Some(vec![1; 10]), Some(10)));
        assert_eq!(letter.headers, [(b"a".to_vec(), None), (b"b".to_vec(), Some(b"c".to_vec()))]);
    }

    #[test]
    fn what_does_not_fit_is_cut_and_is_not_whole() {
        let cut = letter(1, &[], &[1; 11]);
        assert!(!cut.is_whole);
        assert_eq!((cut.payload, cut.payload_bytes), (Some(vec![1; 10]), Some(11)), "the true length");
        let cut = letter(KEY_BYTES_MAX + 1, &[], &[]);
        assert_eq!((cut.is_whole, cut.key.unwrap().len()), (false, KEY_BYTES_MAX));
        let long = vec![0; HEADERS_BYTES_MAX];
        let cut = letter(1, &[(b"a", None), (b"b", Some(&long)), (b"c", None)], &[]);
        assert_eq!((cut.is_whole, cut.headers.len()), (false, 1), "no header after one that is missing");
        let many = vec![(&b""[..], None); HEADERS_BYTES_MAX];
        assert!(letter(1, &many, &[]).headers.len() < 3_000, "empty headers take space, too");
    }

    #[test]
    fn a_detail_that_quotes_the_record_can_be_stored() {
        let detail = letter(1, &[], &[]).refusal.detail;
        assert!(!detail.contains('\0') && detail.starts_with("é\\0é"), "{detail}");
        assert!(detail.len() <= 2 * DETAIL_BYTES_MAX, "{}", detail.len());
    }
}
