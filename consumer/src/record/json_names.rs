//! JSON whose names are ambiguous: protobuf's mapping has two names for each field, and the reader keeps the last value.

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// JSON in which each object gives each field once, be it by the name in the contract or by its lowerCamelCase form.
#[derive(Debug)]
pub struct DistinctNames;

impl<'de> Deserialize<'de> for DistinctNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Names)
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = DistinctNames;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DistinctNames, A::Error> {
        let mut fields = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !fields.insert(lower_camel_case(&name)) {
                return Err(A::Error::custom(format_args!("the field `{name}` is given twice")));
            }
            map.next_value::<DistinctNames>()?;
        }
        Ok(DistinctNames)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<DistinctNames, A::Error> {
        while seq.next_element::<DistinctNames>()?.is_some() {}
        Ok(DistinctNames)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<DistinctNames, E> {
        Ok(DistinctNames)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<DistinctNames, E> {
        Ok(DistinctNames)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<DistinctNames, E> {
        Ok(DistinctNames)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<DistinctNames, E> {
        Ok(DistinctNames)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<DistinctNames, E> {
        Ok(DistinctNames)
    }

    fn visit_unit<E: Error>(self) -> Result<DistinctNames, E> {
        Ok(DistinctNames)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<DistinctNames, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| DistinctNames)
    }
}

/// A field's name in JSON, as protobuf derives it: an underscore goes, and the letter behind it becomes a capital.
fn lower_camel_case(name: &str) -> String {
    let mut capital = false;
    let letters = name.chars().filter_map(|c| {
        let after_underscore = std::mem::replace(&mut capital, c == '_');
        match c {
            '_' => None,
            _ if after_underscore => Some(c.to_ascii_uppercase()),
            _ => Some(c),
        }
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_given_twice_is_named() {
        let check = |json: &str, expected: Option<&str>| {
            let wrong = serde_json::from_str::<DistinctNames>(json).err().map(|error| error.to_string());
            assert_eq!(wrong.is_some(), expected.is_some(), "{json}: {wrong:?}");
            let named = expected
                .is_none_or(|name| wrong.unwrap_or_default().contains(&format!("`{name}` is given twice")));
            assert!(named, "{json}");
        };
        check(r#"{"occurredAt": 1, "occurred_at": 2}"#, Some("occurred_at"));
        check(r#"{"eventId": 1, "eventId": 1}"#, Some("eventId"));
        check(r#"[{"a": {"order_id": null, "x": 1.5, "orderId": true}}]"#, Some("orderId"));
        check(
            r#"{"eventId": "a", "event": {"eventId": "b"}, "list": [{"a": 1}, {"a": -2}], "order_created": {}}"#,
            None,
        );
    }
}
