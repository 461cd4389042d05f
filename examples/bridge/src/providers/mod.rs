//! Providers: whether a request is theirs, and what its callbacks say. Pure.
//!
//! The tables of statuses are those of `docs/providers.md`; a test compares them.

mod postmark;
mod sendgrid;
mod twilio;
mod whatsapp;

pub use postmark::Postmark;
pub use sendgrid::SendGrid;
pub use twilio::Twilio;
pub use whatsapp::WhatsApp;

use crate::callback::{Callback, Told};
use chrono::DateTime;
use hyper::HeaderMap;
use ring::hmac;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A provider that may call back.
pub trait Provider: Send + Sync {
    /// Its name in paths, metrics and log.
    fn name(&self) -> &'static str;

    /// Whether the request is the provider's own.
    fn is_authentic(&self, request: &Request<'_>) -> bool;

    /// What a request that isn't is asked for (`WWW-Authenticate`), if credentials are expected in place of a signature.
    fn challenge(&self) -> Option<&'static str> {
        None
    }

    /// What an authentic request says.
    fn callbacks(&self, request: &Request<'_>) -> Result<Vec<Callback>, Unreadable>;

    /// The answer to a request by `GET`, by which some providers ask whether the address is meant for them.
    fn confirmation(&self, _query: &str) -> Option<String> {
        None
    }
}

/// A request as it arrived.
pub struct Request<'a> {
    /// Its path, with a `?` and the query if it has one.
    pub path_and_query: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// A header's value; empty if it is missing.
    fn header(&self, name: &str) -> &'a str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// What follows the `?`.
    fn query(&self) -> &'a str {
        self.path_and_query.split_once('?').map_or("", |(_, query)| query)
    }
}

/// The body is not what this provider sends. It says where, and repeats nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not what {provider} sends: {place}")]
pub struct Unreadable {
    provider: &'static str,
    place: String,
}

impl Unreadable {
    fn json(provider: &'static str, error: &serde_json::Error) -> Self {
        Self { provider, place: format!("line {}, column {}", error.line(), error.column()) }
    }
}

/// Whether two texts are equal, in a time that says nothing of where they differ.
fn are_equal(expected: &str, given: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, expected.as_bytes());
    let tag = hmac::sign(&key, expected.as_bytes());
    hmac::verify(&key, given.as_bytes(), tag.as_ref()).is_ok()
}

/// An instant in seconds since the Unix epoch, as a number.
fn of_seconds(seconds: Option<i64>) -> Told {
    Told::at(seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0)))
}

/// What a value in a callback is read as, whatever else it may be: an odd one must not make the request's others unreadable.
fn lenient<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// An element of a list, which is a default one if it is none of its type, so that it doesn't make the others unreadable.
struct Each<T>(T);

impl<'de, T: DeserializeOwned + Default> Deserialize<'de> for Each<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(lenient(deserializer)?.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests;
