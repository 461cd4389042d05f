//! The frame around an answer where others could have written, too. Pure.
//!
//! ```text
//! magic 4 | form 8 | length 8 | body | checksum 16
//! ```
//!
//! The checksum is of the key under which the answer is kept, and of all that is before it. So an answer that was kept under
//! another key, for another question or another organization, is none here. The form names what makes answers in this
//! build: instances of two builds that would answer differently take none of each other's.
//!
//! The hash needs no secret. It finds accidents: what other programs write, what was cut off, what a copy mixed up. Whoever
//! means harm and may write to this Redis can set versions and delete keys as well, which no key of ours would prevent;
//! Redis' own passwords and rights do.

use bytes::{BufMut as _, Bytes, BytesMut};
use siphasher::sip128::{Hasher128 as _, SipHasher13};
use std::hash::Hasher as _;

/// A longer answer is not shared.
pub const BODY_BYTES_MAX: usize = 8 << 20;

/// The most bytes that a framed answer has.
pub const FRAME_BYTES_MAX: usize = HEAD_BYTES + BODY_BYTES_MAX + CHECKSUM_BYTES;

const MAGIC: [u8; 4] = *b"bma\x01";
const HEAD_BYTES: usize = 4 + 8 + 8;
const CHECKSUM_BYTES: usize = 16;

/// The form of this build's answers: a hash of the sources that make them (`build.rs`).
const FORM: u64 = match u64::from_str_radix(env!("ANSWERS_FORM"), 16) {
    Ok(form) => form,
    Err(_) => panic!("build.rs writes a hexadecimal number"),
};

/// Why something is no answer of this form for this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It has no such frame.
    Foreign,
    /// It was kept by a build whose answers have another form.
    OtherForm,
    /// It is longer than any answer that is shared.
    TooLong,
    /// It is not what was kept under this key.
    Damaged,
}

impl Refused {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Foreign, Self::OtherForm, Self::TooLong, Self::Damaged];

    /// Its name in the metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::OtherForm => "other_form",
            Self::TooLong => "too_long",
            Self::Damaged => "damaged",
        }
    }
}

/// The answer in its frame. A body longer than [`BODY_BYTES_MAX`] would be refused by whoever reads it.
#[must_use]
pub fn wrap(key: &str, body: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEAD_BYTES + body.len() + CHECKSUM_BYTES);
    frame.put_slice(&MAGIC);
    frame.put_u64_le(FORM);
    frame.put_u64_le(body.len() as u64);
    frame.put_slice(body);
    let checksum = checksum(key, &frame);
    frame.put_slice(&checksum);
    frame.freeze()
}

/// The answer in the frame.
///
/// # Errors
/// When these bytes are not what [`wrap`] made for this key in a build of this form.
pub fn unwrap(key: &str, frame: &Bytes) -> Result<Bytes, Refused> {
    let rest = frame.strip_prefix(&MAGIC).ok_or(Refused::Foreign)?;
    let (of, rest) = rest.split_first_chunk().ok_or(Refused::Foreign)?;
    if u64::from_le_bytes(*of) != FORM {
        return Err(Refused::OtherForm);
    }
    if frame.len() > FRAME_BYTES_MAX {
        return Err(Refused::TooLong);
    }
    let (length, rest) = rest.split_first_chunk().ok_or(Refused::Damaged)?;
    let (body, found) = rest.split_last_chunk::<CHECKSUM_BYTES>().ok_or(Refused::Damaged)?;
    let checked = frame.len() - CHECKSUM_BYTES;
    let is_whole = u64::from_le_bytes(*length) == body.len() as u64;
    if !is_whole || frame.get(..checked).is_none_or(|bytes| checksum(key, bytes) != *found) {
        return Err(Refused::Damaged);
    }
    Ok(frame.slice_ref(body))
}

fn checksum(key: &str, bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = SipHasher13::new();
    hasher.write(&(key.len() as u64).to_le_bytes());
    hasher.write(key.as_bytes());
    hasher.write(bytes);
    hasher.finish128().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wrapped() -> Bytes {
        wrap("metrics:acme:summary:v1:x", br#"{"organizationId":"acme"}"#)
    }

    fn check(key: &str, frame: &[u8], expected: Result<&[u8], Refused>) {
        let seen = unwrap(key, &Bytes::copy_from_slice(frame));
        assert_eq!(seen.as_deref().map_err(|refused| *refused), expected, "{key}");
    }

    #[test]
    fn an_answer_is_taken_out_of_its_frame() {
        check("metrics:acme:summary:v1:x", &wrapped(), Ok(br#"{"organizationId":"acme"}"#));
        check("metrics:beta:summary:v1:x", &wrapped(), Err(Refused::Damaged));
        check("metrics:acme:summary:v2:x", &wrapped(), Err(Refused::Damaged));
    }

    #[test]
    fn what_is_no_answer_of_this_form_is_refused() {
        let key = "metrics:acme:summary:v1:x";
        for foreign in [&b""[..], b"oops", b"{\"oops\":true}", &MAGIC[..3], &MAGIC] {
            check(key, foreign, Err(Refused::Foreign));
        }
        let mut other = wrapped().to_vec();
        other[5] ^= 1;
        check(key, &other, Err(Refused::OtherForm));
        check(key, &wrapped()[..HEAD_BYTES + 3], Err(Refused::Damaged));
        let longer = [&wrapped()[..], &vec![0; FRAME_BYTES_MAX]].concat();
        check(key, &longer, Err(Refused::TooLong));
        check(key, &wrap(key, &vec![0; BODY_BYTES_MAX + 1]), Err(Refused::TooLong));
        let longest = wrap(key, &vec![b'x'; BODY_BYTES_MAX]);
        assert_eq!((longest.len(), unwrap(key, &longest).unwrap().len()), (FRAME_BYTES_MAX, BODY_BYTES_MAX));
    }

    proptest! {
        #[test]
        fn a_changed_frame_is_refused(at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<prop::sample::Index>()) {
            let whole = wrapped();
            let mut changed = whole.to_vec();
            changed[at.index(whole.len())] ^= 1 << bit;
            prop_assert!(unwrap("metrics:acme:summary:v1:x", &changed.into()).is_err());
            let short = whole.slice(..cut.index(whole.len()));
            prop_assert!(unwrap("metrics:acme:summary:v1:x", &short).is_err());
        }
    }
}
