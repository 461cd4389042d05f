//! `/metrics/overview`: the answers that a page needs, in one response, of one version and one moment.
//!
//! Each part is the answer of its own path to the same parameters, and is kept as such: whoever asks that path gets it from the
//! cache, and the other way round. What isn't kept is loaded together, from one state of the database.

use crate::answer::problem::Problem;
use crate::answer::{Answer, etag};
use crate::cache::{Key, Served, Standing};
use crate::load::{load_together, rows};
use crate::request::parameter::{self, BadParameter};
use crate::request::query::Query;
use crate::request::representation::{Media, negotiate};
use crate::request::scope::Scope;
use crate::routes::api::{Api, Repeatable};
use crate::routes::asking::{Asking, accepted, same_for, unread};
use crate::routes::freshness::{marked, put_age, put_freshness};
use crate::routes::http::{conditional, put};
use bytes::{BufMut as _, Bytes, BytesMut};
use std::sync::Arc;
use std::time::Duration;
use warp::http;
use warp::http::header::{CONTENT_TYPE, HeaderMap};
use warp::reply::Response;

/// The parts, by the names of their members.
const PARTS: [(&str, Scope); 5] = [
    ("summary", Scope::Summary),
    ("trends", Scope::Trends),
    ("workflowHealth", Scope::WorkflowHealth),
    ("deliveryHealth", Scope::DeliveryHealth),
    ("insights", Scope::Insights),
];

/// The parameters, each for those parts that know it.
const PARAMETERS: [&str; 9] =
    ["from", "to", "granularity", "timezone", "compare", "sort", "workflowsLimit", "limit", "channel"];

/// The forms in which it is given.
const OFFERS: &[Media] = &[Media::Json];

type Pairs = Vec<(String, String)>;

/// The parts' answers, each of which counts as if it were asked for alone, if it has to be loaded.
///
/// # Errors
/// When a parameter can't be used, or one part can't be had.
pub async fn answer(api: &Arc<Api>, asking: Asking<'_>) -> Result<Response, Problem> {
    let Asking { principal, keys_replaced, now, headers, pairs } = asking;
    let organization = Arc::clone(&principal.organization);
    let parts = parts(pairs)?;
    if negotiate(accepted(headers), OFFERS).is_none() {
        return Err(Problem::not_acceptable(OFFERS));
    }
    let query = |(scope, pairs): &(Scope, Pairs)| Query::from_pairs(*scope, pairs, now, &api.ranges);
    let queries: Arc<[Query]> = parts.iter().map(query).collect::<Result<_, BadParameter>>()?;
    let key = |((scope, _), query): (&(Scope, Pairs), &Query)| {
        (Key { organization: Arc::clone(&organization), scope: *scope, query: query.key() }, rows(query))
    };
    let asked: Arc<[(Key, u32)]> = parts.iter().zip(&*queries).map(key).collect();
    let same = parts
        .iter()
        .zip(&*asked)
        .map(|((scope, pairs), (key, _))| same_for(*scope, pairs, now, &key.query, &api.ranges));
    // As long as each part asks the same, the overview does.
    let same: Option<Vec<_>> = same.collect();
    let loader = Arc::clone(api);
    let load = move |places: Vec<usize>| {
        let (loader, organization) = (Arc::clone(&loader), Arc::clone(&organization));
        let wanted: Vec<Query> = places.iter().filter_map(|place| queries.get(*place).cloned()).collect();
        async move { load_together(&loader.store, &organization, &wanted, now).await }
    };
    let served = api.cache.answers(&asked, load).await.map_err(|error| unread("overview", &error))?;
    let overview = Overview::of(served);
    let mut response = overview.response(headers);
    if let (Some(standing), Some(asked)) = (overview.standing, same.and_then(|all| all.first().copied())) {
        response.extensions_mut().insert(Repeatable { principal, keys_replaced, standing, asked });
    }
    Ok(response)
}

/// The parts, each with the parameters that it knows.
fn parts(pairs: &[(String, String)]) -> Result<Vec<(Scope, Pairs)>, BadParameter> {
    parameter::only(pairs, &PARAMETERS)?;
    let part = |(_, scope): (&str, Scope)| {
        let known = scope.parameters();
        let own = pairs.iter().filter(|(name, _)| known.contains(&name.as_str()));
        (scope, own.cloned().collect())
    };
    Ok(PARTS.into_iter().map(part).collect())
}

/// The parts' answers in one.
struct Overview {
    body: Bytes,
    etag: Bytes,
    /// As much as all parts say.
    complete_through: Bytes,
    generated_at: Bytes,
    /// The age of the oldest part that is stale.
    age: Option<Duration>,
    /// Until when all parts are current; `None` if one is stale.
    standing: Option<Standing>,
}

impl Overview {
    fn of(served: Vec<Served>) -> Self {
        let (mut body, mut tags) = (BytesMut::new(), BytesMut::new());
        let (mut through, mut at) = (Vec::new(), Vec::new());
        let (mut age, mut standings) = (None, Vec::new());
        for (place, ((name, _), served)) in PARTS.into_iter().zip(served).enumerate() {
            let (answer, json) = match served {
                Served::Fresh(answer, _, standing) => {
                    standings.push(Some(standing));
                    let json = answer.body.clone();
                    (answer, json)
                }
                Served::Stale(answer, _, old) => {
                    standings.push(None);
                    age = age.max(Some(old));
                    let json = marked(&answer);
                    (answer, json)
                }
            };
            body.put_slice(if place == 0 { b"{\"" } else { b",\"" });
            body.put_slice(name.as_bytes());
            body.put_slice(b"\":");
            body.put_slice(&json);
            let Answer { etag, complete_through, generated_at, .. } = answer;
            tags.put_slice(&etag);
            through.push(complete_through);
            at.push(generated_at);
        }
        body.put_u8(b'}');
        let standing = standings.into_iter().collect::<Option<Vec<_>>>();
        Self {
            body: body.freeze(),
            etag: etag(&tags.freeze()),
            complete_through: earliest(through),
            generated_at: earliest(at),
            age,
            standing: standing.and_then(|all| all.into_iter().reduce(Standing::and)),
        }
    }

    fn response(&self, request: &HeaderMap) -> Response {
        if let Some(age) = self.age {
            let mut response = http::Response::new(self.body.clone());
            put(&mut response, CONTENT_TYPE, Media::Json.name());
            put_age(response.headers_mut(), age);
            return response.map(Into::into);
        }
        let mut response = conditional(self.body.clone(), &self.etag, Media::Json.name(), request);
        put_freshness(response.headers_mut(), self.complete_through.clone(), self.generated_at.clone());
        response.map(Into::into)
    }
}

/// The earliest of times that are spelled alike, or `null` if one is: nothing is known then.
fn earliest(times: Vec<Bytes>) -> Bytes {
    let unknown = times.iter().find(|time| &time[..] == b"null").cloned();
    unknown.or_else(|| times.into_iter().min()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Forms;
    use serde_json::{Value, json};
    use std::time::Instant;

    fn part(orders: u32, through: &str) -> Answer {
        Answer::new(format!(
            r#"{{"completeThrough":{through},"orders":{orders},"generatedAt":"2026-02-25T10:00:0{orders}.000Z"}}"#
        ))
    }

    fn fresh(orders: u32, through: &str) -> Served {
        let standing = Standing::until(Instant::now() + Duration::from_secs(orders.into()));
        Served::Fresh(part(orders, through), Arc::new(Forms::default()), standing)
    }

    const EARLY: &str = r#""2026-02-25T09:00:00.000Z""#;
    const LATE: &str = r#""2026-02-25T10:00:00.000Z""#;

    fn all(changed: u32, through: &str) -> Overview {
        let others = (2..6).map(|orders| fresh(orders, LATE));
        Overview::of(std::iter::once(fresh(changed, through)).chain(others).collect())
    }

    #[test]
    fn each_part_is_the_answer_itself() {
        let overview = all(1, EARLY);
        let seen: Value = serde_json::from_slice(&overview.body).unwrap();
        for ((name, _), orders) in PARTS.into_iter().zip(1..) {
            let through = if orders == 1 { EARLY } else { LATE };
            let expected: Value = serde_json::from_slice(&part(orders, through).body).unwrap();
            assert_eq!(seen[name], expected, "{name}");
        }
        assert_eq!(seen.as_object().unwrap().len(), PARTS.len());
        assert_eq!(&overview.complete_through[..], b"2026-02-25T09:00:00.000Z");
        assert_eq!(&overview.generated_at[..], b"2026-02-25T10:00:01.000Z");
        assert_eq!(&all(1, "null").complete_through[..], b"null");
    }

    #[test]
    fn its_tag_is_that_of_all_numbers() {
        assert_eq!(all(1, EARLY).etag, all(1, LATE).etag);
        assert_ne!(all(1, EARLY).etag, all(7, EARLY).etag);
    }

    #[test]
    fn one_stale_part_makes_it_stale() {
        let stale = Served::Stale(part(1, LATE), Arc::new(Forms::default()), Duration::from_secs(12));
        let overview =
            Overview::of(std::iter::once(stale).chain((2..6).map(|orders| fresh(orders, LATE))).collect());
        let seen: Value = serde_json::from_slice(&overview.body).unwrap();
        assert_eq!((&seen["summary"]["stale"], seen["trends"].get("stale")), (&json!(true), None));
        let response = overview.response(&HeaderMap::new());
        assert_eq!(response.headers()["age"], "12");
        assert!(!response.headers().contains_key("etag") && overview.standing.is_none());
    }

    #[test]
    fn each_parameter_is_for_the_parts_that_know_it() {
        let check = |name: &str, expected: &[Scope]| {
            let parts = parts(&[(name.to_owned(), "x".to_owned())]).unwrap();
            let knowing: Vec<_> =
                parts.iter().filter(|(_, own)| !own.is_empty()).map(|(scope, _)| *scope).collect();
            assert_eq!(knowing, expected, "{name}");
        };
        let all = PARTS.map(|(_, scope)| scope);
        for name in ["from", "to", "granularity", "timezone"] {
            check(name, &all);
        }
        check("compare", &[Scope::Summary, Scope::Trends]);
        for name in ["sort", "workflowsLimit", "limit"] {
            check(name, &[Scope::WorkflowHealth]);
        }
        check("channel", &[Scope::DeliveryHealth]);
        for unknown in ["workflow", "cursor", "list", "tz"] {
            assert_eq!(parts(&[(unknown.to_owned(), "x".to_owned())]).unwrap_err().name, unknown);
        }
    }
}
