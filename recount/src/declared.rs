//! What a record's headers declare its value to be.

/// The greatest counts if headers disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Declared {
    /// Nothing of importance: the value is protobuf, perhaps in a frame.
    #[default]
    Nothing,
    /// Protobuf's JSON mapping.
    Json,
    /// A `CloudEvent` in structured mode, as JSON.
    CloudEvent,
}

/// What headers, by name and value, declare.
#[must_use]
pub fn declared<'a>(headers: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>) -> Declared {
    let of_types = headers.into_iter().filter(|(name, _)| names_a_type(name));
    of_types.map(|(_, value)| Declared::by(value.unwrap_or_default())).max().unwrap_or_default()
}

fn names_a_type(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    matches!(&*name, "content-type" | "contenttype" | "ce_datacontenttype")
}

impl Declared {
    /// What a media type declares. Parameters, case, and quotes around it don't matter.
    #[must_use]
    pub fn by(media_type: &[u8]) -> Self {
        let text = String::from_utf8_lossy(media_type).to_ascii_lowercase();
        let essence = text.split(';').next().unwrap_or_default().trim_ascii();
        let essence = essence.strip_prefix('"').unwrap_or(essence);
        let essence = essence.strip_suffix('"').unwrap_or(essence).trim_ascii();
        match essence.strip_prefix("application/") {
            Some("cloudevents+json") => Self::CloudEvent,
            Some("json") => Self::Json,
            Some(subtype) if subtype.ends_with("+json") => Self::Json,
            Some(_) | None => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_declared_by_headers_alone() {
        let check = |name: &str, value: &str, expected| {
            let headers = [(name.as_bytes(), Some(value.as_bytes())), (&b"trace"[..], None)];
            assert_eq!(declared(headers), expected, "{name}: {value}");
        };
        check("content-type", "application/json", Declared::Json);
        check("Content-Type", " Application/JSON ; charset=utf-8", Declared::Json);
        check("contentType", "\"application/json;charset=UTF-8\"", Declared::Json);
        check("ce_datacontenttype", "application/vnd.acme+json", Declared::Json);
        check("content-type", "application/cloudevents+json; charset=UTF-8", Declared::CloudEvent);
        check("content-type", "application/protobuf", Declared::Nothing);
        check("content-type", "text/x+json", Declared::Nothing);
        check("type", "application/json", Declared::Nothing);
        assert_eq!(declared([(&b"content-type"[..], None)]), Declared::Nothing);
    }
}
