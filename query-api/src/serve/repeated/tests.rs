//! Which requests get the response of before, without any server.

use super::*;
use crate::cache::Standing;
use crate::request::token::{Permissions, Principal};
use crate::routes::tests::{api, now};
use chrono::TimeDelta;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

/// What a response may be repeated by, as long as nothing happens.
fn good() -> Repeatable {
    let (organization, expires_at) = ("acme".into(), now() + TimeDelta::seconds(60));
    Repeatable {
        principal: Principal {
            organization,
            expires_at,
            subject: None,
            permissions: Permissions::of_words([]),
        },
        keys_replaced: 0,
        standing: Standing::until(Instant::now() + Duration::from_secs(600)),
        asked: [now(), now() + TimeDelta::seconds(60)],
    }
}

/// A request's parts, and the answers to two of them.
struct Asking {
    repeatable: Repeatable,
    rate: u32,
}

type Header = (&'static str, &'static str);

const USUAL: [Header; 2] = [("authorization", "Bearer a"), ("accept-encoding", "gzip")];

fn request(method: &str, target: &str, headers: &[Header]) -> Request<()> {
    let request = Request::builder().method(method).uri(target);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(()).unwrap()
}

impl Asking {
    /// The statuses and bodies of the responses. The body is the number of times that the inner service was called.
    async fn answers(self, requests: Vec<Request<()>>) -> Vec<(u16, String)> {
        let calls = Arc::new(AtomicU32::new(0));
        let Self { repeatable, rate } = self;
        let inner = tower::service_fn(move |_: Request<()>| {
            let number = calls.fetch_add(1, Ordering::Relaxed) + 1;
            let mut response = Response::new(Full::new(Bytes::from(number.to_string())));
            response.headers_mut().insert(ETAG, HeaderValue::from_static("W/\"one\""));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response.extensions_mut().insert(repeatable.clone());
            std::future::ready(Ok::<_, Infallible>(response))
        });
        let mut service = Repeated::new(inner, api(rate), 1);
        let mut answers = Vec::new();
        for request in requests {
            let response = service.call(request).await.unwrap();
            let status = response.status().as_u16();
            assert_eq!(response.headers().contains_key(CONTENT_TYPE), status == 200);
            let body = response.into_body().collect().await.unwrap().to_bytes();
            answers.push((status, String::from_utf8(body.to_vec()).unwrap()));
        }
        answers
    }
}

/// Asks twice, and expects the second to be answered by the inner service, or not.
async fn check(first: Request<()>, second: Request<()>, repeatable: Repeatable, is_repeated: bool) {
    let asked = format!("{second:?} {repeatable:?}");
    let answers = Asking { repeatable, rate: 0 }.answers(vec![first, second]).await;
    let second = if is_repeated { "1" } else { "2" };
    assert_eq!(answers, [(200, "1".to_owned()), (200, second.to_owned())], "{asked}");
}

#[tokio::test]
async fn the_same_request_gets_the_same_response() {
    const PATH: &str = "/metrics/summary?from=x";
    let usual = || request("GET", PATH, &USUAL);
    check(usual(), usual(), good(), true).await;
    for other in [
        request("GET", "/metrics/summary?from=y", &USUAL),
        request("GET", "/metrics/trends?from=x", &USUAL),
        request("HEAD", PATH, &USUAL),
        request("GET", PATH, &[("authorization", "Bearer b"), USUAL[1]]),
        request("GET", PATH, &[USUAL[0], ("accept-encoding", "br")]),
        request("GET", PATH, &[USUAL[0], USUAL[1], ("organization-id", "acme")]),
        request("GET", PATH, &USUAL[..1]),
        request("GET", PATH, &USUAL[1..]),
        request("GET", PATH, &[USUAL[0], USUAL[0], USUAL[1]]),
        request("GET", PATH, &[USUAL[0], USUAL[1], ("accept", "text/csv")]),
    ] {
        check(usual(), other.clone(), good(), false).await;
        // Nor does whoever asks as usual get what was made for another: a form that wasn't asked for, say.
        check(other, usual(), good(), false).await;
    }
    let chosen = |id| request("GET", PATH, &[USUAL[0], USUAL[1], ("organization-id", id)]);
    check(chosen("acme"), chosen("acme"), good(), true).await;
    check(chosen("acme"), chosen("beta"), good(), false).await;
    check(chosen("acme"), usual(), good(), false).await;
    let twice =
        |id| request("GET", PATH, &[USUAL[0], USUAL[1], ("organization-id", id), ("organization-id", id)]);
    check(twice("acme"), twice("acme"), good(), false).await;
    let elsewhere = || request("GET", "/openapi.json", &USUAL);
    check(elsewhere(), elsewhere(), good(), false).await;
}

#[tokio::test]
async fn a_response_is_repeated_only_while_it_is_right() {
    let usual = || request("GET", "/metrics/summary", &USUAL);
    let second = TimeDelta::seconds(1);
    for wrong in [
        Repeatable { principal: Principal { expires_at: now(), ..good().principal }, ..good() },
        Repeatable { keys_replaced: 1, ..good() },
        Repeatable { standing: Standing::until(Instant::now()), ..good() },
        Repeatable { asked: [now() - second, now()], ..good() },
        Repeatable { asked: [now() + second, now() + second * 2], ..good() },
    ] {
        check(usual(), usual(), wrong, false).await;
    }
}

#[tokio::test]
async fn a_client_that_has_it_is_told_so() {
    let knows = |tag| request("GET", "/metrics/summary", &[USUAL[0], USUAL[1], ("if-none-match", tag)]);
    let requests =
        vec![request("GET", "/metrics/summary", &USUAL), knows("\"one\""), knows("\"two\""), knows("*")];
    let answers = Asking { repeatable: good(), rate: 0 }.answers(requests).await;
    let [one, none] = ["1", ""].map(str::to_owned);
    assert_eq!(answers, [(200, one.clone()), (304, none.clone()), (200, one), (304, none)]);
}

#[tokio::test]
async fn repeated_responses_count_towards_the_rate() {
    let usual = || request("GET", "/metrics/summary", &USUAL);
    // The rate allows one at once; the inner service, which would refuse the third, isn't limited here.
    let answers = Asking { repeatable: good(), rate: 1 }.answers(vec![usual(), usual(), usual()]).await;
    let bodies: Vec<&str> = answers.iter().map(|(_, body)| body.as_str()).collect();
    assert_eq!(bodies, ["1", "1", "2"]);
}
