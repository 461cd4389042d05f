//! One attempt to deliver a message: signed, sent, answered.

use crate::outward::Trust;
use crate::sending::client::client;
use crate::store::webhooks::Claimed;
use crate::webhooks::endpoint::{self, Rules};
use crate::webhooks::outcome::Outcome;
use chrono::Utc;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use std::sync::Arc;
use std::time::Duration;
use traces::{Kind, Start, TRACEPARENT, Traceparent};
use url::Url;

/// Who sends.
const AGENT: &str = concat!("business-metrics-webhooks/", env!("CARGO_PKG_VERSION"));

/// How much of a response's body is read, so that receivers can finish it. It means nothing, and is kept nowhere.
const REST_BYTES_MAX: usize = 64 * 1024;

/// For how long it is read.
pub const REST_WITHIN: Duration = Duration::from_secs(1);

/// Sends the message, and says what came of it.
pub async fn attempt(trust: &Trust, rules: &Rules, within: Duration, claimed: &Claimed) -> Outcome {
    let span = Start::within_current("POST").kind(Kind::Client).begin();
    span.set("http.request.method", "POST");
    span.set("business_metrics.organization", Arc::clone(&claimed.organization));
    let outcome = span.around(send(trust, rules, within, claimed, span.traceparent())).await;
    outcome.status().iter().for_each(|status| span.count("http.response.status_code", *status));
    if !matches!(outcome, Outcome::Delivered(_)) {
        span.fail(outcome.name());
    }
    outcome
}

async fn send(
    trust: &Trust,
    rules: &Rules,
    within: Duration,
    claimed: &Claimed,
    traceparent: Option<Traceparent>,
) -> Outcome {
    let request = match request(rules, claimed, traceparent) {
        Ok(request) => request,
        Err(why) => return Outcome::Failed(why),
    };
    let sent = async { client(&rules.networks, within, trust.tls().await).request(request).await };
    let response = match tokio::time::timeout(within, sent).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Outcome::Failed(format!("there was no response: {}", trust.why(&error))),
        Err(_) => return Outcome::Failed(format!("there was no response within {within:?}")),
    };
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let outcome = Outcome::of(response.status().as_u16(), retry_after);
    finish(response.into_body()).await;
    outcome
}

/// Reads the rest of a response.
async fn finish(body: Incoming) {
    let rest = Limited::new(body, REST_BYTES_MAX).collect();
    drop(tokio::time::timeout(REST_WITHIN, rest).await);
}

/// The rules may have become stricter since the endpoint was made.
fn request(
    rules: &Rules,
    claimed: &Claimed,
    traceparent: Option<Traceparent>,
) -> Result<Request<Full<Bytes>>, String> {
    let Claimed { id, url, secrets, payload, .. } = claimed;
    let parsed = Url::parse(url).map_err(|error| format!("the endpoint has no address: {error}"))?;
    if parsed.scheme() != "https" && !rules.allow_http {
        return Err("its address must begin with https://".into());
    }
    if endpoint::address(&parsed).is_some_and(|address| !rules.networks.allow(address)) {
        return Err("its address isn't public; messages are sent to public ones only".into());
    }
    let now = Utc::now();
    let request = Request::post(parsed.as_str())
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, AGENT)
        .header("webhook-id", id)
        .header("webhook-timestamp", now.timestamp())
        .header("webhook-signature", secrets.signatures(id, now, payload));
    let request = match traceparent {
        Some(span) => request.header(TRACEPARENT, span.to_string()),
        None => request,
    };
    request
        .body(Full::from(payload.clone()))
        .map_err(|error| format!("its address can't be sent to: {error}"))
}
