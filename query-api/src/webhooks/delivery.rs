//! A message to an endpoint: as answers show it, and in which order. Pure.

use crate::request::parameter::{self, BadParameter, ID_BYTES_MAX, is_text};
use crate::request::timestamp::{time, time_or_null};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// Messages on a page, unless the request names a number.
const DELIVERIES_DEFAULT: u16 = 20;

/// Messages on a page, at most.
const DELIVERIES_MAX: u16 = 100;

/// What has become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is still to be delivered.
    Pending,
    /// The receiver has it.
    Delivered,
    /// It was given up. It can be retried by hand.
    Dead,
}

impl State {
    const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Dead];

    /// Its name in requests and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// A message to an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The message's id: the header `webhook-id`.
    pub id: String,
    /// What it tells.
    #[serde(rename = "type")]
    pub event_type: String,
    /// What has become of it.
    pub state: State,
    /// When it was made.
    #[serde(serialize_with = "time")]
    pub created_at: DateTime<Utc>,
    /// How many attempts were begun.
    pub attempts: i32,
    /// When the last one was.
    #[serde(serialize_with = "time_or_null")]
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// The status of its response; `None` without a response.
    pub last_status: Option<i32>,
    /// What went wrong.
    pub last_error: Option<String>,
    /// When the next one is due.
    #[serde(serialize_with = "time_or_null")]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When it was delivered.
    #[serde(serialize_with = "time_or_null")]
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was given up.
    #[serde(serialize_with = "time_or_null")]
    pub dead_at: Option<DateTime<Utc>>,
    /// Its body.
    pub payload: Value,
}

/// A page of an endpoint's messages, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only messages of which this has become.
    pub state: Option<State>,
    /// It begins after this one; `None` for the newest.
    pub after: Option<Cursor>,
    /// How many it holds.
    pub limit: u16,
}

/// A message's place among an endpoint's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When it was made, in whole microseconds.
    pub created_at: DateTime<Utc>,
    /// Its id.
    pub id: String,
}

/// The page, as JSON shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deliveries {
    deliveries: Vec<Delivery>,
    next_cursor: Option<String>,
}

impl Page {
    /// Reads the pairs of a query string.
    ///
    /// # Errors
    /// When a parameter is unknown, or can't be used.
    pub fn from_pairs(pairs: &[(String, String)]) -> Result<Self, BadParameter> {
        parameter::only(pairs, &["state", "cursor", "limit"])?;
        let bad_state = || BadParameter::new("state", "`state` must be pending, delivered or dead");
        let named = |text: &str| State::ALL.into_iter().find(|state| state.name() == text);
        let state = parameter::single(pairs, "state")?;
        let state = state.map(|text| named(text).ok_or_else(bad_state)).transpose()?;
        let bad_cursor = || BadParameter::new("cursor", "`cursor` must be the `nextCursor` of an answer");
        let after = parameter::single(pairs, "cursor")?;
        let after = after.map(|text| Cursor::from_text(text).ok_or_else(bad_cursor)).transpose()?;
        let limit = parameter::number(pairs, "limit", DELIVERIES_MAX)?.unwrap_or(DELIVERIES_DEFAULT);
        Ok(Self { state, after, limit })
    }

    /// The answer, of the page's messages and the one after them if there is one.
    #[must_use]
    pub fn answer(&self, mut deliveries: Vec<Delivery>) -> Deliveries {
        let has_more = deliveries.len() > usize::from(self.limit);
        deliveries.truncate(self.limit.into());
        let last = deliveries.last().filter(|_| has_more);
        let next_cursor =
            last.map(|last| Cursor { created_at: last.created_at, id: last.id.clone() }.to_text());
        Deliveries { deliveries, next_cursor }
    }
}

impl Cursor {
    fn to_text(&self) -> String {
        let micros = self.created_at.timestamp_micros().to_be_bytes();
        BASE64.encode([&micros, self.id.as_bytes()].concat())
    }

    fn from_text(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        let (micros, id) = bytes.split_first_chunk()?;
        let id = std::str::from_utf8(id).ok().filter(|id| is_text(id, ID_BYTES_MAX))?;
        let created_at = DateTime::from_timestamp_micros(i64::from_be_bytes(*micros))?;
        Some(Self { created_at, id: id.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &str) -> Result<Page, BadParameter> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Page::from_pairs(&pairs.map(|(name, text)| (name.to_owned(), text.to_owned())).collect::<Vec<_>>())
    }

    fn delivery(second: i64, id: &str) -> Delivery {
        Delivery {
            id: id.into(),
            event_type: "alert.opened".into(),
            state: State::Pending,
            created_at: DateTime::from_timestamp(second, 0).unwrap(),
            attempts: 0,
            last_attempt_at: None,
            last_status: None,
            last_error: None,
            next_attempt_at: None,
            delivered_at: None,
            dead_at: None,
            payload: Value::Null,
        }
    }

    #[test]
    fn a_page_leads_to_the_next() {
        let first = page("limit=2&state=dead").unwrap();
        assert_eq!((first.state, first.after.clone(), first.limit), (Some(State::Dead), None, 2));
        let all = [delivery(3, "c"), delivery(2, "b"), delivery(1, "a")];
        let answer = first.answer(all.to_vec());
        assert_eq!(answer.deliveries, all[..2]);
        let next = page(&format!("cursor={}", answer.next_cursor.unwrap())).unwrap();
        assert_eq!(next.after, Some(Cursor { created_at: all[1].created_at, id: "b".into() }));
        assert_eq!(first.answer(all[..2].to_vec()).next_cursor, None);
    }

    #[test]
    fn a_bad_parameter_is_named() {
        for (query, name) in
            [("state=lost", "state"), ("cursor=x", "cursor"), ("limit=101", "limit"), ("page=2", "page")]
        {
            assert_eq!(page(query).unwrap_err().name, name, "{query}");
        }
        assert_eq!(page(""), Ok(Page { state: None, after: None, limit: 20 }));
    }
}
