//! A document that a client sends to set something: JSON, read strictly, because what is passed over would be believed to be set. Pure.

use crate::request::parameter::not_known;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The longest document, in bytes: many times what any setting needs.
pub const BYTES_MAX: usize = 16 * 1024;

/// How much of a parser's complaint is repeated: it quotes what was sent.
const COMPLAINT_CHARS_MAX: usize = 200;

/// A document that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDocument {
    /// Where in it, as a JSON Pointer (RFC 6901); empty for all of it.
    pub pointer: String,
    /// What is wrong there and what is allowed, for people.
    pub detail: String,
}

/// JSON, as far as settings are made of it. Unlike `serde_json`'s own, it keeps a member that occurs twice.
#[derive(Debug)]
pub enum Json {
    /// An object: its members in their order, each as often as it occurs.
    Object(Vec<(String, Json)>),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// Null.
    Null,
    /// Something else, in words.
    Other(&'static str),
}

/// A place in the document.
#[derive(Clone, Debug)]
pub struct At(String);

impl Json {
    /// Reads a whole document.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn read(body: &[u8]) -> Result<Self, BadDocument> {
        serde_json::from_slice(body).map_err(|error| {
            let complaint: String = error.to_string().chars().take(COMPLAINT_CHARS_MAX).collect();
            At::whole().bad(format!("this is no JSON: {complaint}"))
        })
    }

    /// What it is, in words.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        match self {
            Self::Object(_) => "an object",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::Null => "null",
            Self::Other(what) => what,
        }
    }
}

impl At {
    /// All of the document.
    #[must_use]
    pub const fn whole() -> Self {
        Self(String::new())
    }

    /// A member of what is at this place.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        Self(format!("{}/{}", self.0, name.replace('~', "~0").replace('/', "~1")))
    }

    /// What is at this place can't be used.
    pub fn bad(&self, detail: impl Into<String>) -> BadDocument {
        BadDocument { pointer: self.0.clone(), detail: detail.into() }
    }

    /// The members of an object, of which none but these may be there, and each once.
    ///
    /// # Errors
    /// When it is no object, or has another member, or one twice.
    pub fn members<'a>(
        &self,
        json: &'a Json,
        known: &[&str],
    ) -> Result<Vec<(&'a str, &'a Json)>, BadDocument> {
        let Json::Object(members) = json else {
            return Err(self.bad(format!("this must be an object, and is {}", json.what())));
        };
        for (number, (name, _)) in members.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let (name, detail) = not_known(name, known);
                return Err(self.below(&name).bad(detail));
            }
            if members[..number].iter().any(|(other, _)| other == name) {
                return Err(self.below(name).bad(format!("`{name}` is given more than once")));
            }
        }
        Ok(members.iter().map(|(name, json)| (name.as_str(), json)).collect())
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Json::Other("a list"))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other("a boolean"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }
}
