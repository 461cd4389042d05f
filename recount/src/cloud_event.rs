//! A record within a `CloudEvent` in structured mode.

use crate::content::{Content, Kind};
use crate::declared::Declared;
use crate::json::{self, Json};
use crate::protobuf;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The content of the event's data; `None` if it is not JSON, has no data or two, or holds no message of the topic.
#[must_use]
pub fn read(kind: Kind, value: &[u8]) -> Option<Content> {
    let event = json::tree(value)?;
    match (event.member("data"), event.member("data_base64")) {
        (Some(data), None) => match data {
            Json::Text(text) => json::read(kind, text.as_bytes()),
            Json::Null | Json::Bool | Json::Number(_) | Json::List | Json::Object(_) => {
                json::content(kind, data)
            }
        },
        (None, Some(data)) => {
            let bytes = STANDARD.decode(data.as_text()?).ok()?;
            let media_type = event.member("datacontenttype").map_or(Some(""), Json::as_text)?;
            match Declared::by(media_type.as_bytes()) {
                Declared::Nothing => protobuf::read(kind, &bytes),
                Declared::Json => json::read(kind, &bytes),
                Declared::CloudEvent => None,
            }
        }
        (Some(_), Some(_)) | (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_read_in_each_of_its_forms() {
        let check = |fields: &str, is_read: bool| {
            let read = read(Kind::Delivery, format!("{{{fields}}}").as_bytes());
            assert_eq!(read.is_some(), is_read, "{fields}: {read:?}");
            assert!(read.is_none_or(|content| content.view().id() == "m1"), "{fields}");
        };
        check(r#""specversion": "1.0", "data": {"messageId": "m1"}"#, true);
        check(r#""data": "{\"messageId\": \"m1\"}", "data_base64": null"#, true);
        check(r#""data_base64": "CgJtMQ==""#, true);
        check(r#""data_base64": "AAAAABEACgJtMQ==""#, true);
        check(r#""data_base64": "eyJtZXNzYWdlSWQiOiJtMSJ9", "datacontenttype": "application/json""#, true);
        check(r#""data_base64": "eyJtZXNzYWdlSWQiOiJtMSJ9""#, false);
        check(r#""data_base64": "e30=", "datacontenttype": "application/cloudevents+json""#, false);
        check(r#""data_base64": "CgJtMQ==", "datacontenttype": 5"#, false);
        check(r#""data_base64": "CgJtMQ==", "data": {"messageId": "m1"}"#, false);
        check(r#""data_base64": "?""#, false);
        check(r#""data_base64": 7"#, false);
        check(r#""data": [{"messageId": "m1"}]"#, false);
        check(r#""data": null"#, false);
        assert_eq!(read(Kind::Delivery, b"[{}]"), None);
    }
}
