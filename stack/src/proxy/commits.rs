//! Which COMMIT ends a batch: one in a transaction with statements that move the progress and that insert rows.

use super::wire::Message;
use std::collections::HashMap;
use std::io::{self, ErrorKind};

/// More prepared statements than a member has.
const STATEMENTS_MAX: usize = 10_000;

/// What a prepared statement does, as far as it is relevant here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Moves,
    Inserts,
    Other,
}

/// What a connection's client has sent so far.
#[derive(Debug, Default)]
pub(super) struct Commits {
    /// By name.
    statements: HashMap<Vec<u8>, Effect>,
    moved: bool,
    inserted: bool,
}

impl Commits {
    /// Takes the client's next message; returns whether it is a batch's COMMIT.
    ///
    /// # Errors
    /// When there are too many prepared statements.
    pub(super) fn ends_batch(&mut self, message: &Message) -> io::Result<bool> {
        match message.kind() {
            b'P' => self.prepared(message.body())?,
            b'B' => self.bound(message.body()),
            b'C' => self.closed(message.body()),
            b'Q' => return Ok(self.asked(message.body())),
            _ => {}
        }
        Ok(false)
    }

    fn prepared(&mut self, body: &[u8]) -> io::Result<()> {
        let mut words = body.split(|byte| *byte == 0);
        let (name, text) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let text = String::from_utf8_lossy(text).to_lowercase();
        let moves = text.contains("update consumer_progress") && text.contains("set next_offset");
        let effect = if moves {
            Effect::Moves
        } else if text.contains("insert into") {
            Effect::Inserts
        } else {
            Effect::Other
        };
        if self.statements.len() >= STATEMENTS_MAX {
            return Err(ErrorKind::OutOfMemory.into());
        }
        self.statements.insert(name.into(), effect);
        Ok(())
    }

    /// A portal's name comes first, then the statement's.
    fn bound(&mut self, body: &[u8]) {
        let name = body.split(|byte| *byte == 0).nth(1).unwrap_or_default();
        match self.statements.get(name) {
            Some(Effect::Moves) => self.moved = true,
            Some(Effect::Inserts) => self.inserted = true,
            Some(Effect::Other) | None => {}
        }
    }

    fn closed(&mut self, body: &[u8]) {
        if let Some((b'S', name)) = body.split_first() {
            self.statements.remove(name.split(|byte| *byte == 0).next().unwrap_or_default());
        }
    }

    fn asked(&mut self, body: &[u8]) -> bool {
        let text = body.split(|byte| *byte == 0).next().unwrap_or_default();
        match text.trim_ascii().to_ascii_lowercase().as_slice() {
            b"commit" => std::mem::take(&mut self.moved) & std::mem::take(&mut self.inserted),
            text => {
                // Statements before a transaction, or in one that was rolled back, don't belong to the next.
                if [&b"begin"[..], b"start transaction", b"rollback"]
                    .iter()
                    .any(|word| text.starts_with(word))
                {
                    (self.moved, self.inserted) = (false, false);
                }
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOVE: &[u8] = b"s1\0update consumer_progress p set next_offset = w.until\0\0\0";
    const CLAIM: &[u8] = b"s4\0update consumer_progress p set epoch = p.epoch + 1\0\0\0";
    const INSERT: &[u8] = b"s2\0\nINSERT INTO org_hourly_metrics as t\0\0\0";

    /// The positions of the client's messages that are a batch's COMMIT.
    fn check(messages: &[(u8, &[u8])], expected: &[usize]) {
        let mut commits = Commits::default();
        let ends =
            messages.iter().map(|(kind, body)| commits.ends_batch(&Message::new(*kind, body)).unwrap());
        let places: Vec<usize> = ends.enumerate().filter_map(|(place, ends)| ends.then_some(place)).collect();
        assert_eq!(places, expected, "{messages:?}");
    }

    #[test]
    fn a_batchs_commit_is_told_from_others() {
        let (parse, other) = ([(b'P', MOVE), (b'P', INSERT)], (b'P', &b"s3\0select 1\0"[..]));
        let bind = |name: &'static [u8]| (b'B', name);
        let (moves, inserts, reads) = (bind(b"\0s1\0"), bind(b"p\0s2\0"), bind(b"\0s3\0"));
        let (begin, commit, rollback) =
            ((b'Q', &b"begin\0"[..]), (b'Q', &b"COMMIT\0"[..]), (b'Q', &b"rollback\0"[..]));
        let after = |messages: &[_]| [&parse[..], &[other], messages].concat();
        check(&after(&[begin, moves, inserts, commit, begin, commit]), &[6]);
        check(&after(&[begin, moves, reads, commit]), &[]);
        check(&after(&[begin, inserts, commit]), &[]);
        check(&after(&[begin, moves, inserts, rollback, begin, moves, commit]), &[]);
        let start = (b'Q', &b"START TRANSACTION\0"[..]);
        check(&after(&[inserts, start, moves, commit]), &[]);
        check(&after(&[(b'P', CLAIM), begin, bind(b"\0s4\0"), inserts, commit]), &[]);
        check(&after(&[(b'C', &b"Ss2\0"[..]), begin, moves, inserts, commit]), &[]);
    }
}
