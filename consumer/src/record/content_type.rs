//! What a record's headers declare its value to be.

/// What a value is declared to be. If headers disagree, the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Declared {
    /// Nothing that changes how it is read: its bytes show whether they are protobuf or a frame around it.
    Bytes,
    /// Protobuf's JSON mapping.
    Json,
    /// A `CloudEvent` in structured mode, as JSON.
    CloudEvent,
}

/// The names of headers that declare a value's type, in lower case: HTTP's, which CloudEvents' Kafka binding uses too,
/// that of Spring, and CloudEvents' attribute.
const NAMES: [&[u8]; 3] = [b"content-type", b"contenttype", b"ce_datacontenttype"];

const APPLICATION: &[u8] = b"application/";
const CLOUD_EVENT: &[u8] = b"cloudevents+json";

/// What the headers declare.
#[inline]
#[must_use]
pub fn declared(headers: &[(&[u8], Option<&[u8]>)]) -> Declared {
    media_types(headers).map(declared_by).max().unwrap_or(Declared::Bytes)
}

/// The values of headers that declare a type.
pub fn media_types<'a>(headers: &[(&'a [u8], Option<&'a [u8]>)]) -> impl Iterator<Item = &'a [u8]> {
    let are_named = |name: &[u8]| NAMES.iter().any(|known| name.eq_ignore_ascii_case(known));
    headers.iter().filter(move |(name, _)| are_named(name)).map(|(_, value)| value.unwrap_or_default())
}

/// Whether a header's name is one of those that declare a type but for other signs between its words.
#[must_use]
pub fn is_like_a_known_name(name: &[u8]) -> bool {
    let letters = |name: &[u8]| {
        name.iter()
            .filter(|byte| byte.is_ascii_alphanumeric())
            .map(u8::to_ascii_lowercase)
            .collect::<Vec<_>>()
    };
    let given = letters(name);
    NAMES.iter().any(|known| letters(known) == given)
}

/// What a media type declares, such as `application/json; charset=utf-8`.
#[must_use]
pub fn declared_by(media_type: &[u8]) -> Declared {
    let Some(subtype) = application_subtype(media_type) else { return Declared::Bytes };
    let suffix = subtype.last_chunk::<5>();
    if subtype.eq_ignore_ascii_case(CLOUD_EVENT) {
        Declared::CloudEvent
    } else if subtype.eq_ignore_ascii_case(b"json")
        || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"+json"))
    {
        Declared::Json
    } else {
        Declared::Bytes
    }
}

/// What follows `application/`, without parameters. Some producers write the whole value in quotes, as JSON.
#[must_use]
pub fn application_subtype(media_type: &[u8]) -> Option<&[u8]> {
    let essence = media_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let essence = essence.strip_prefix(b"\"").unwrap_or(essence);
    let essence = essence.strip_suffix(b"\"").unwrap_or(essence).trim_ascii();
    let (kind, subtype) = essence.split_at_checked(APPLICATION.len())?;
    kind.eq_ignore_ascii_case(APPLICATION).then_some(subtype)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_declares_what_it_names() {
        let check = |media_type: &str, expected| {
            assert_eq!(declared_by(media_type.as_bytes()), expected, "{media_type}");
        };
        for json in [
            "application/json",
            "Application/JSON",
            " application/json ; charset=utf-8",
            "\"application/json\"",
            "\"application/json;charset=UTF-8\"",
            "\"application/json\"; charset=utf-8",
            "application/vnd.acme.order.v1+json",
            "application/cloudevents-batch+json",
        ] {
            check(json, Declared::Json);
        }
        for event in ["application/cloudevents+json", "\"Application/CloudEvents+JSON; charset=UTF-8\""] {
            check(event, Declared::CloudEvent);
        }
        for other in [
            "",
            "\"",
            "json",
            "text/plain",
            "text/x+json",
            "application/",
            "application/x-protobuf",
            "application/protobuf+jsonx",
            "application/cloudevents+protobuf",
            "application/octet-stream",
        ] {
            check(other, Declared::Bytes);
        }
    }

    #[test]
    fn three_names_declare_a_type_in_any_case_and_the_greatest_counts() {
        let check = |headers: &[(&str, Option<&str>)], expected| {
            let headers: Vec<(&[u8], Option<&[u8]>)> =
                headers.iter().map(|(name, value)| (name.as_bytes(), value.map(str::as_bytes))).collect();
            assert_eq!(declared(&headers), expected, "{headers:?}");
        };
        let json = Some("application/json");
        check(&[], Declared::Bytes);
        for name in ["content-type", "Content-Type", "contentType", "contenttype", "ce_datacontenttype"] {
            check(&[("trace", None), (name, json)], Declared::Json);
        }
        for name in ["type", "content_type", "ce_type", "ce-datacontenttype", "accept"] {
            check(&[(name, json)], Declared::Bytes);
        }
        check(&[("content-type", None)], Declared::Bytes);
        check(&[("content-type", Some("application/protobuf")), ("contentType", json)], Declared::Json);
        let event = Some("application/cloudevents+json");
        check(&[("content-type", event), ("ce_datacontenttype", json)], Declared::CloudEvent);
    }
}
