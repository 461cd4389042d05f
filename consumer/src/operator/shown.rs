//! Bytes as people and programs read them: as text where they are text, as hex otherwise. Pure.

use super::table::printable;

/// Bytes in a line of their own, with how many they are.
#[must_use]
pub fn bytes(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else { return "none".into() };
    match text(bytes) {
        Some(text) => format!("text, {} bytes: {}", bytes.len(), printable(text)),
        None => format!("hex, {} bytes: {}", bytes.len(), hex(bytes)),
    }
}

/// Bytes in a cell of a table: at most `chars_max` characters of them, `-` for none.
#[must_use]
pub fn cell(bytes: Option<&[u8]>, chars_max: usize) -> String {
    let Some(bytes) = bytes else { return "-".into() };
    let shown = text(bytes).map_or_else(|| format!("hex {}", hex(bytes)), printable);
    if shown.chars().count() <= chars_max {
        return shown;
    }
    shown.chars().take(chars_max).chain(['…']).collect()
}

/// Bytes for programs: the text, and the hex of what is none. One of the two is null; both are for none.
#[must_use]
pub fn for_programs(bytes: Option<&[u8]>) -> (Option<&str>, Option<String>) {
    let text = bytes.and_then(text);
    (text, bytes.filter(|_| text.is_none()).map(hex))
}

/// A header's name, as hex if it is no text.
#[must_use]
pub fn header_name(name: &[u8]) -> String {
    std::str::from_utf8(name).map_or_else(|_| format!("hex {}", hex(name)), printable)
}

/// The bytes as text, if they are one that has no control characters but line breaks and tabs.
fn text(bytes: &[u8]) -> Option<&str> {
    let is_text = |text: &&str| !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    std::str::from_utf8(bytes).ok().filter(is_text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_as_text_and_the_rest_as_hex() {
        assert_eq!(bytes(None), "none");
        assert_eq!(bytes(Some(b"{\"a\":1}\n")), "text, 8 bytes: {\"a\":1}\\n");
        assert_eq!(bytes(Some(b"\x00\xff")), "hex, 2 bytes: 00ff");
    }

    #[test]
    fn cells_are_short_and_programs_get_one_of_the_two() {
        assert_eq!(cell(None, 3), "-");
        assert_eq!(cell(Some(b"abc"), 3), "abc");
        assert_eq!(cell(Some("äbcd".as_bytes()), 3), "äbc…");
        assert_eq!(cell(Some(b"\x00\xff"), 9), "hex 00ff");
        assert_eq!(for_programs(None), (None, None));
        assert_eq!(for_programs(Some(b"a")), (Some("a"), None));
        assert_eq!(for_programs(Some(b"\x00")), (None, Some("00".into())));
    }
}
