//! Who sent a refused record: the organization that its value names, or else one guessed from its key. Pure.

use crate::record::decode::ORGANIZATION_BYTES_MAX;
use crate::record::key::murmur2;
use crate::record::reason::Refusal;

/// How many organizations that are guessed from keys are told of refusals, for each partition and hour. A key may also be the
/// record's own id: then every record would be an organization of its own, with a row of its own.
pub const GUESSES_PER_HOUR_MAX: usize = 64;

/// The organization that is told of a refused record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender<'a> {
    /// Its id.
    pub organization: &'a str,
    /// Whether it is guessed from the record's key, because the value names none.
    pub is_guessed: bool,
}

impl<'a> Sender<'a> {
    /// The sender of a record that is refused so, and has this key; `None` if neither names an organization.
    #[must_use]
    pub fn of(refusal: &'a Refusal, key: Option<&'a [u8]>) -> Option<Self> {
        Self::named(refusal.organization.as_deref(), key)
    }

    /// The sender of a record whose value names this organization, or none, and that has this key.
    #[must_use]
    pub fn named(of_value: Option<&'a str>, key: Option<&'a [u8]>) -> Option<Self> {
        match of_value {
            Some(organization) => Some(Self { organization, is_guessed: false }),
            None => key.and_then(organization_of).map(|organization| Self { organization, is_guessed: true }),
        }
    }
}

/// The organization that a key may name: a text as the contract allows it for organizations.
fn organization_of(key: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(key).ok()?;
    let fits = (1..=ORGANIZATION_BYTES_MAX).contains(&text.len()) && !text.contains(char::is_control);
    fits.then_some(text)
}

/// The organizations that were guessed from keys of a partition in one hour: the first [`GUESSES_PER_HOUR_MAX`], by their hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guesses {
    hour: i64,
    hashes: Vec<u32>,
}

impl Guesses {
    /// Whether this one is among the first of its hour, counted from the Unix epoch.
    pub fn admit(&mut self, organization: &str, hour: i64) -> bool {
        if self.hour != hour {
            *self = Self { hour, hashes: Vec::new() };
        }
        let hash = murmur2(organization.as_bytes());
        if self.hashes.contains(&hash) {
            return true;
        }
        let has_room = self.hashes.len() < GUESSES_PER_HOUR_MAX;
        if has_room {
            self.hashes.push(hash);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::reason::Reason;

    #[test]
    fn the_value_names_the_sender_and_the_key_where_it_does_not() {
        let check = |of_value: Option<&str>, key: Option<&[u8]>, expected: Option<(&str, bool)>| {
            let refusal = Refusal {
                organization: of_value.map(str::to_owned),
                ..Refusal::new(Reason::MalformedPayload, "")
            };
            let sender = Sender::of(&refusal, key);
            assert_eq!(sender.map(|sender| (sender.organization, sender.is_guessed)), expected, "{key:?}");
        };
        check(Some("acme"), Some(b"m-1"), Some(("acme", false)));
        check(Some("acme"), None, Some(("acme", false)));
        check(None, Some(b"acme"), Some(("acme", true)));
        check(None, Some("größe ß".as_bytes()), Some(("größe ß", true)));
        check(None, Some(&[b'x'; 128]), Some((&"x".repeat(128), true)));
        let none: [Option<&[u8]>; 6] =
            [None, Some(b""), Some(b"a\0"), Some(b"a\n"), Some(b"\xff"), Some(&[b'x'; 129])];
        for key in none {
            check(None, key, None);
        }
    }

    #[test]
    fn the_first_guesses_of_an_hour_are_told_and_told_on() {
        let mut guesses = Guesses::default();
        let names: Vec<String> = (0..GUESSES_PER_HOUR_MAX + 9).map(|n| format!("org{n}")).collect();
        let mut admitted = |hour: i64| names.iter().filter(|name| guesses.admit(name, hour)).count();
        assert_eq!(admitted(7), GUESSES_PER_HOUR_MAX);
        assert_eq!(admitted(7), GUESSES_PER_HOUR_MAX, "the same ones");
        assert_eq!(admitted(8), GUESSES_PER_HOUR_MAX, "each hour has its own");
        assert!(guesses.admit("org0", 8) && !guesses.admit("another", 8));
    }
}
