//! From a record's value to its content, in whichever of the contract's formats it is.

use crate::content::{Content, Kind};
use crate::declared::Declared;
use crate::{cloud_event, json, protobuf};

/// The content of a value that its headers declare to be so.
///
/// # Errors
/// The reason for which the record is refused, if the value has no content.
pub fn read(kind: Kind, declared: Declared, value: Option<&[u8]>) -> Result<Content, &'static str> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Err("empty_payload") };
    let content = match declared {
        Declared::Nothing => protobuf::read(kind, value),
        Declared::Json => json::read(kind, value),
        Declared::CloudEvent => cloud_event::read(kind, value),
    };
    content.ok_or("malformed_payload")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_format_decides_how_a_value_is_read() {
        let check = |declared, value: &[u8], expected: Result<&str, &str>| {
            let read = read(Kind::Delivery, declared, Some(value));
            let id = read.as_ref().map(|content| content.view().id()).map_err(|reason| *reason);
            assert_eq!(id, expected, "{declared:?}: {}", value.escape_ascii());
        };
        let (plain, json, event) =
            (b"\x0a\x02m1", br#"{"messageId": "m1"}"#, br#"{"data": {"messageId": "m1"}}"#);
        check(Declared::Nothing, plain, Ok("m1"));
        check(Declared::Json, json, Ok("m1"));
        check(Declared::CloudEvent, event, Ok("m1"));
        check(Declared::Json, plain, Err("malformed_payload"));
        check(Declared::Nothing, json, Err("malformed_payload"));
        check(Declared::CloudEvent, json, Err("malformed_payload"));
        check(Declared::Nothing, b"", Err("empty_payload"));
        assert_eq!(read(Kind::Event, Declared::Json, None), Err("empty_payload"));
    }
}
