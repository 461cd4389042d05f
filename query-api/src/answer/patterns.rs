//! What messages have in common: their normal form, in which whatever differs from run to run is a `#`. Pure.
//!
//! | in a message | in its pattern |
//! |---|---|
//! | a number, with its `.`, `,`, `:` and `-` between digits: 42, 10.5, 10:00:07, 2026-02-25, 10.0.0.7:5432 | `#` |
//! | a UUID | `#` |
//! | a hexadecimal number: 0x1f, or eight digits and letters up to `f` and more, among them a digit and a letter | `#` |
//! | a word of twelve characters and more in which letters and digits alternate, as in random ids | `#` |
//! | a number at a word: order42, 30ms, v2 | `order#`, `#ms`, `v#` |
//! | blanks and line breaks | one blank |
//!
//! Everything else stays as it is, upper and lower case included.

/// What stands for something that differs.
const ANY: char = '#';

/// How many hexadecimal digits are no word.
const HEX_DIGITS_MIN: usize = 8;

/// How long a word is that is taken for a random id.
const ID_CHARS_MIN: usize = 12;

/// How often letters and digits alternate in it.
const ID_CHANGES_MIN: usize = 2;

/// The lengths of the parts of a UUID.
const UUID: [usize; 5] = [8, 4, 4, 4, 12];

/// The pattern of a message.
#[must_use]
pub fn pattern(message: &str) -> String {
    let mut pattern = String::with_capacity(message.len());
    let mut rest = message.trim();
    while let Some(first) = rest.chars().next() {
        let taken = if first.is_whitespace() {
            pattern.push(' ');
            rest.len() - rest.trim_start().len()
        } else if let Some(length) = id(rest) {
            pattern.push(ANY);
            length
        } else if first.is_ascii_digit() {
            pattern.push(ANY);
            number(rest)
        } else if first.is_alphanumeric() {
            let letters = length_while(rest, |c| c.is_alphanumeric() && !c.is_ascii_digit());
            pattern.push_str(&rest[..letters]);
            letters + numbers_after(&rest[letters..], &mut pattern)
        } else {
            pattern.push(first);
            first.len_utf8()
        };
        rest = &rest[taken..];
    }
    pattern
}

/// The rest of a word that has begun with letters, which is no id: its numbers and letters in turn.
fn numbers_after(word: &str, pattern: &mut String) -> usize {
    let mut taken = 0;
    loop {
        let rest = &word[taken..];
        let Some(first) = rest.chars().next().filter(|c| c.is_alphanumeric()) else { return taken };
        if first.is_ascii_digit() {
            pattern.push(ANY);
            taken += number(rest);
        } else {
            let letters = length_while(rest, |c| c.is_alphanumeric() && !c.is_ascii_digit());
            pattern.push_str(&rest[..letters]);
            taken += letters;
        }
    }
}

/// The length of the number at the beginning, with what joins its parts.
fn number(text: &str) -> usize {
    let mut length = length_while(text, |c| c.is_ascii_digit());
    while let Some(after) = text[length..].strip_prefix(['.', ',', ':', '-']) {
        if !after.starts_with(|c: char| c.is_ascii_digit()) || id(after).is_some() {
            break;
        }
        length += 1 + length_while(after, |c| c.is_ascii_digit());
    }
    length
}

/// The length of the id at the beginning, where a word begins.
fn id(text: &str) -> Option<usize> {
    let word = &text[..length_while(text, char::is_alphanumeric)];
    uuid(text).or_else(|| (is_hex(word) || is_random(word)).then_some(word.len()))
}

fn uuid(text: &str) -> Option<usize> {
    let mut length = 0;
    for (place, digits) in UUID.into_iter().enumerate() {
        let part = text.get(length..)?;
        let part = if place == 0 { part } else { part.strip_prefix('-')? };
        let ends = length_while(part, char::is_alphanumeric) == digits;
        (ends && part[..digits].bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(())?;
        length += digits + usize::from(place > 0);
    }
    Some(length)
}

fn is_hex(word: &str) -> bool {
    let all_hex = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let prefixed = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    let mixed =
        || word.contains(|c: char| c.is_ascii_digit()) && word.contains(|c: char| c.is_ascii_alphabetic());
    prefixed.is_some_and(|digits| !digits.is_empty() && all_hex(digits))
        || (word.len() >= HEX_DIGITS_MIN && all_hex(word) && mixed())
}

fn is_random(word: &str) -> bool {
    let digits = word.chars().map(|c| c.is_ascii_digit());
    let changes = digits.clone().zip(digits.skip(1)).filter(|(one, next)| one != next).count();
    changes >= ID_CHANGES_MIN && word.chars().count() >= ID_CHARS_MIN
}

fn length_while(text: &str, is_part: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_part(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_differs_from_run_to_run_is_left_out() {
        let check = |message: &str, expected: &str| assert_eq!(pattern(message), expected, "{message}");
        check("", "");
        check("payment declined", "payment declined");
        check("order 1001 not found", "order # not found");
        check("order-1001 not found", "order-# not found");
        check("ORD1001: no stock", "ORD#: no stock");
        check("timeout after 30s", "timeout after #s");
        check("timeout after 10.5ms", "timeout after #ms");
        check("HTTP 503 from upstream", "HTTP # from upstream");
        check("connect to 10.0.0.7:5432 failed", "connect to # failed");
        check("at 2026-02-25T10:00:07.250Z", "at #T#Z");
        check("-5 is below 0", "-# is below #");
        check("1,024 rows", "# rows");
        check("user 0b1f6d1e-7d2c-4a51-9a0e-0f6d1d8c2f11 unknown", "user # unknown");
        check("user {0B1F6D1E-7D2C-4A51-9A0E-0F6D1D8C2F11}", "user {#}");
        check("deaddead-dead-dead-dead-deaddeaddead", "#");
        check("commit 9fceb02d0ae598e95dc970b74767f19372d61af8", "commit #");
        check("at 0x7ffeefbff5c8", "at #");
        check("at 0x1f", "at #");
        check("customer cus_9s6XKzkNRiz8i3 is gone", "customer cus_# is gone");
        check("ulid 01ARZ3NDEKTSV4RRFFQ69G5FAV", "ulid #");
        check("key 9f8e7d6c", "key #");
        check("feedface is a word, deadbeef too", "feedface is a word, deadbeef too");
        check("utf8, sha256, base64, http2, x509v3", "utf#, sha#, base#, http#, x#v#");
        check("postgresql15 is away", "postgresql# is away");
        check("line 1\n\tline 2", "line # line #");
        check("  blanks   around  ", "blanks around");
        check("Größe 12 zu groß: naïve3", "Größe # zu groß: naïve#");
        check("12-9f8e7d6c5b4a", "#-#");
        check("already # and #s", "already # and #s");
    }

    proptest! {
        #[test]
        fn messages_that_differ_by_numbers_have_one_pattern(
            words in prop::collection::vec("[g-z]{1,12}[ :=/]{1,2}", 1..6),
            one in prop::collection::vec(any::<u32>(), 6),
            other in prop::collection::vec(any::<u32>(), 6),
        ) {
            let message = |numbers: &[u32]| {
                words.iter().zip(numbers).map(|(word, number)| format!("{word}{number} ")).collect::<String>()
            };
            prop_assert_eq!(pattern(&message(&one)), pattern(&message(&other)));
        }

        #[test]
        fn messages_that_differ_by_ids_have_one_pattern(
            word in "[a-z ]{0,20}",
            one in "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            other in "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        ) {
            prop_assert_eq!(pattern(&format!("{word} <{one}>")), pattern(&format!("{word} <{other}>")));
        }

        #[test]
        fn a_pattern_is_its_own_pattern_and_has_no_digits(message in "\\PC{0,60}") {
            let once = pattern(&message);
            prop_assert_eq!(pattern(&once), &*once);
            prop_assert!(!once.contains(|c: char| c.is_ascii_digit()), "{}", once);
        }

        #[test]
        fn messages_without_digits_keep_their_words(message in "([A-Za-z.,:;!?-]{1,9} ){0,6}[A-Za-z]{1,9}") {
            prop_assert_eq!(pattern(&message), message);
        }
    }
}
