//! A dead letter's headers as JSON, which keeps them to the byte. Pure.
//!
//! `[[name, value], ...]` in the record's order. A value is base64, or null if it is missing. A name is a text, or
//! `{"base64": ...}` where it isn't one that PostgreSQL can store.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The key of a name that is not a text.
const BASE64: &str = "base64";

/// A header: its name, and its value, which may be missing.
type Header = (Vec<u8>, Option<Vec<u8>>);

/// The headers as JSON.
pub fn to_json(headers: &[Header]) -> Value {
    // A jsonb has no NUL.
    let text =
        |name: &[u8]| std::str::from_utf8(name).ok().filter(|name| !name.contains('\0')).map(str::to_owned);
    let name =
        |name: &[u8]| text(name).map_or_else(|| json!({ BASE64: STANDARD.encode(name) }), Value::String);
    let value = |value: &Vec<u8>| STANDARD.encode(value);
    headers.iter().map(|(of, bytes)| json!([name(of), bytes.as_ref().map(value)])).collect()
}

/// The headers that [`to_json`] has written; `None` if it hasn't.
pub fn from_json(headers: &Value) -> Option<Vec<Header>> {
    let bytes = |value: &Value| STANDARD.decode(value.as_str()?).ok();
    let headers = headers.as_array()?.iter().map(|pair| {
        let [name, value] = pair.as_array()?.as_slice() else { return None };
        let name = match name.as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => bytes(name.get(BASE64)?)?,
        };
        let value = if value.is_null() { None } else { Some(bytes(value)?) };
        Some((name, value))
    });
    headers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_texts_where_they_can_be() {
        let headers = [
            (b"trace".to_vec(), Some(b"abc".to_vec())),
            (b"\xff\xfe".to_vec(), None),
            (b"\0".to_vec(), None),
        ];
        let expected = json!([["trace", "YWJj"], [{ "base64": "//4=" }, null], [{ "base64": "AA==" }, null]]);
        assert_eq!(to_json(&headers), expected);
        for odd in [
            json!({}),
            json!([["a"]]),
            json!([[1, null]]),
            json!([[{ "base64": "?" }, null]]),
            json!([["a", "?"]]),
        ] {
            assert_eq!(from_json(&odd), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn headers_come_back_to_the_byte(
            headers in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..5),
                                              prop::option::of(prop::collection::vec(any::<u8>(), 0..5))), 0..5)
        ) {
            let json = to_json(&headers);
            prop_assert!(!json.to_string().contains("\\u0000"), "{}", json);
            prop_assert_eq!(from_json(&json), Some(headers));
        }
    }
}
