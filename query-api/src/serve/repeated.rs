//! Finished responses, given again to the same request while they are right.
//!
//! Most requests are the same bytes as one before: a page that asks again, many people with one dashboard. Such a request is known
//! by its token, its path and query, and the encodings that its client takes. It gets the response of before, compressed as it
//! was, past the filters that would verify the token, read the query and look for the answer once more. Whether that response
//! is still right is asked each time ([`Api::may_repeat`]).

use crate::cache::recent::Recent;
use crate::routes::{Api, Repeatable, Traced, has_tag};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes};
use hyper::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, ETAG, GetAll, HeaderMap, HeaderValue,
    IF_NONE_MATCH,
};
use hyper::{Method, Request, Response, StatusCode};
use std::convert::Infallible;
use std::hash::{BuildHasher as _, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::Service;

/// Where responses are that may be repeated.
const PATHS: &str = "/metrics/";
/// A longer response is made anew for each request.
const RESPONSE_BYTES_MAX: usize = 1 << 20;
/// What a kept response takes beside its request and its body.
const OVERHEAD_BYTES: usize = 1_024;
/// How long a response is kept at most. Whether it is right is another question.
const KEPT_MAX: Duration = Duration::from_secs(60);

/// A service whose finished responses are repeated.
#[derive(Clone)]
pub struct Repeated<S> {
    service: S,
    api: Arc<Api>,
    finished: Arc<Finished>,
}

/// Responses by the hash of what was asked.
struct Finished {
    responses: Recent<Kept>,
    hasher: RandomState,
}

/// What makes a request the same as another, as far as its response is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Asked {
    authorization: HeaderValue,
    encoding: Option<HeaderValue>,
    target: String,
}

struct Kept {
    asked: Asked,
    headers: HeaderMap,
    body: Bytes,
    repeatable: Repeatable,
}

type Answered<B> = Response<UnsyncBoxBody<Bytes, <B as Body>::Error>>;

impl<S> Repeated<S> {
    /// `service`, whose responses are kept in so many megabytes.
    pub fn new(service: S, api: Arc<Api>, megabytes: u32) -> Self {
        let bytes = |kept: &Kept| {
            let Asked { authorization, encoding, target } = &kept.asked;
            let encoding = encoding.as_ref().map_or(0, HeaderValue::len);
            // All that a client chooses the length of.
            kept.body.len() + target.len() + authorization.len() + encoding + OVERHEAD_BYTES
        };
        let responses = Recent::new(megabytes, KEPT_MAX, bytes);
        Self { service, api, finished: Arc::new(Finished { responses, hasher: RandomState::new() }) }
    }

    /// The response of before, if there is one and it is right.
    fn repeated<A>(&self, request: &Request<A>) -> Option<Response<Full<Bytes>>> {
        let kept = self.finished.find(request)?;
        if !self.api.may_repeat(&kept.repeatable) {
            return None;
        }
        let mut response = Response::new(Full::new(kept.body.clone()));
        *response.headers_mut() = kept.headers.clone();
        let organization = Arc::clone(&kept.repeatable.principal.organization);
        response.extensions_mut().insert(Traced::answered(organization));
        let is_known = |tag: &HeaderValue| has_tag(request.headers(), tag.as_bytes());
        if request.headers().contains_key(IF_NONE_MATCH) && kept.headers.get(ETAG).is_some_and(is_known) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Full::default();
            response.headers_mut().remove(CONTENT_TYPE);
            response.headers_mut().remove(CONTENT_ENCODING);
        }
        Some(response)
    }
}

impl Finished {
    fn find<A>(&self, request: &Request<A>) -> Option<Arc<Kept>> {
        let (authorization, encoding, target) = parts(request)?;
        let kept = self.responses.get(self.hash(authorization, encoding, target))?;
        // Requests with one hash need not be the same.
        let Asked { authorization: token, encoding: encodings, target: path } = &kept.asked;
        (token == authorization && encodings.as_ref() == encoding && path == target).then_some(kept)
    }

    fn keep(&self, kept: Kept) {
        let Asked { authorization, encoding, target } = &kept.asked;
        let hash = self.hash(authorization, encoding.as_ref(), target);
        self.responses.keep(hash, kept);
    }

    fn hash(&self, authorization: &HeaderValue, encoding: Option<&HeaderValue>, target: &str) -> u64 {
        self.hasher.hash_one((authorization, encoding, target))
    }
}

impl Asked {
    fn of<A>(request: &Request<A>) -> Option<Self> {
        let (authorization, encoding, target) = parts(request)?;
        Some(Self {
            authorization: authorization.clone(),
            encoding: encoding.cloned(),
            target: target.into(),
        })
    }
}

/// The token, the encodings, and path and query; `None` if such a request's response is never repeated.
fn parts<A>(request: &Request<A>) -> Option<(&HeaderValue, Option<&HeaderValue>, &str)> {
    let is_repeatable = request.method() == Method::GET && request.uri().path().starts_with(PATHS);
    let target = request.uri().path_and_query().filter(|_| is_repeatable)?.as_str();
    let headers = request.headers();
    let authorization = at_most_one(headers.get_all(AUTHORIZATION))??;
    Some((authorization, at_most_one(headers.get_all(ACCEPT_ENCODING))?, target))
}

fn at_most_one<'a>(all: GetAll<'a, HeaderValue>) -> Option<Option<&'a HeaderValue>> {
    let mut all = all.iter();
    let first = all.next();
    all.next().is_none().then_some(first)
}

impl<S, A, B> Service<Request<A>> for Repeated<S>
where
    S: Service<Request<A>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes, Error: 'static> + Send + 'static,
{
    type Response = Answered<B>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        if let Some(response) = self.repeated(&request) {
            return Box::pin(std::future::ready(Ok(response.map(whole))));
        }
        let asked = Asked::of(&request);
        let finished = Arc::clone(&self.finished);
        let response = self.service.call(request);
        Box::pin(async move {
            let mut response = response.await?;
            let repeatable = response.extensions_mut().remove::<Repeatable>();
            match (asked, repeatable) {
                (Some(asked), Some(repeatable)) if response.status() == StatusCode::OK => {
                    Ok(finish(response, asked, repeatable, &finished).await)
                }
                _ => Ok(response.map(BodyExt::boxed_unsync)),
            }
        })
    }
}

/// Waits for all of a response, and keeps it.
async fn finish<B: Body<Data = Bytes, Error: 'static>>(
    response: Response<B>,
    asked: Asked,
    repeatable: Repeatable,
    finished: &Finished,
) -> Answered<B> {
    let (head, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        // It is compressed in memory, which doesn't fail.
        let mut failed = Response::new(whole(Full::default()));
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return failed;
    };
    let body = body.to_bytes();
    if body.len() <= RESPONSE_BYTES_MAX {
        finished.keep(Kept { asked, headers: head.headers.clone(), body: body.clone(), repeatable });
    }
    Response::from_parts(head, whole(Full::new(body)))
}

fn whole<E: 'static>(body: Full<Bytes>) -> UnsyncBoxBody<Bytes, E> {
    body.map_err(|never| match never {}).boxed_unsync()
}

#[cfg(test)]
mod tests;
