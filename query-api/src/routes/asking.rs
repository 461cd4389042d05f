//! Who asks what and when, and for how long that means the same.

use crate::answer::problem::Problem;
use crate::cache::loads;
use crate::request::query::Query;
use crate::request::raw_range;
use crate::request::scope::Scope;
use crate::request::token::Principal;
use crate::store;
use chrono::{DateTime, TimeDelta, Utc};
use warp::http::header::{ACCEPT, HeaderMap};

/// For how long a query must ask the same for its response to be repeated.
const SAME_FOR: TimeDelta = TimeDelta::seconds(60);

/// Who asks what, and when.
pub struct Asking<'a> {
    /// Whose token it is.
    pub principal: Principal,
    /// How often keys had been replaced when the token was verified.
    pub keys_replaced: u64,
    /// When.
    pub now: DateTime<Utc>,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// Its parameters.
    pub pairs: &'a [(String, String)],
}

/// From when until when the query asks the same, if that is for [`SAME_FOR`] at least. What a query asks follows the clock and
/// never goes back, so what is the same at both ends is the same between them.
pub fn same_for(
    scope: Scope,
    pairs: &[(String, String)],
    now: DateTime<Utc>,
    key: &str,
    ranges: &raw_range::Settings,
) -> Option<[DateTime<Utc>; 2]> {
    let until = now + SAME_FOR;
    let then = Query::from_pairs(scope, pairs, until, ranges).ok()?;
    (then.key() == key).then_some([now, until])
}

/// The values of `Accept`; one that is no text is none.
pub fn accepted(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok())
}

/// The problem of a request whose answer couldn't be had.
pub fn unread(asked: &str, error: &loads::Error<store::Error>) -> Problem {
    if let loads::Error::OverRate(wait) = error {
        return Problem::too_many_requests(*wait);
    }
    tracing::warn!(asked, %error, "the rows can't be read");
    Problem::unavailable()
}
