//! Finished responses, given again to the same request while they are right.
//!
//! Most requests are the same bytes as one before: a page that asks again, many people with one dashboard. Such a request is known
//! by its token and the organization chosen among the token's, its path and query, and the encodings and forms that its client takes. It gets the response of before, compressed as it
//! was, past the filters that would verify the token, read the query and look for the answer once more. Whether that response
//! is still right is asked each time ([`Api::may_repeat`]).
//!
//! Other requests for the same answer, by other tokens or with encodings spelled otherwise, get its compressed form as it was
//! made for the first of them ([`Forms`]).

use crate::cache::Forms;
use crate::cache::memory::{Memory, Terms};
use crate::routes::{Api, ORGANIZATION_ID, Repeatable, Traced, has_tag, put_limit};
use bytes::BytesMut;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes};
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, ETAG, GetAll, HeaderMap,
    HeaderValue, IF_NONE_MATCH,
};
use hyper::{Method, Request, Response, StatusCode};
use std::convert::Infallible;
use std::hash::{BuildHasher as _, RandomState};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tower::Service;

/// Where responses are that may be repeated.
const PATHS: &str = "/metrics/";
/// So many frames of a compressed body are made before other tasks have a turn. One has up to 4 KiB.
const FRAMES_AT_ONCE: usize = 16;
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
    responses: Memory<u64, Arc<Kept>>,
    hasher: RandomState,
}

/// What makes a request the same as another, as far as its response is concerned.
#[derive(Clone, Debug)]
struct Asked {
    authorization: HeaderValue,
    /// Chosen among the token's: without it a request gets the numbers of another organization.
    organization: Option<HeaderValue>,
    encoding: Option<HeaderValue>,
    accept: Option<HeaderValue>,
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
        let responses = Memory::new(megabytes);
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
        if let Some(left) = self.api.left(&organization) {
            put_limit(response.headers_mut(), &left);
        }
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

/// The same, of a request as it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Parts<'a> {
    authorization: &'a HeaderValue,
    organization: Option<&'a HeaderValue>,
    encoding: Option<&'a HeaderValue>,
    accept: Option<&'a HeaderValue>,
    target: &'a str,
}

impl Finished {
    fn find<A>(&self, request: &Request<A>) -> Option<Arc<Kept>> {
        let parts = Parts::of(request)?;
        let kept = self.responses.get(&self.hasher.hash_one(parts), Instant::now())?;
        // Requests with one hash need not be the same.
        (kept.asked.parts() == parts).then_some(kept)
    }

    fn keep(&self, kept: Kept) {
        let parts = kept.asked.parts();
        let hash = self.hasher.hash_one(parts);
        // All that a client chooses the length of.
        let bytes = kept.body.len() + parts.bytes() + OVERHEAD_BYTES;
        let organization = Arc::clone(&kept.repeatable.principal.organization);
        let now = Instant::now();
        let terms = Terms { organization, bytes, until: now + KEPT_MAX };
        self.responses.keep(hash, Arc::new(kept), terms, now);
    }
}

impl Asked {
    fn of<A>(request: &Request<A>) -> Option<Self> {
        let Parts { authorization, organization, encoding, accept, target } = Parts::of(request)?;
        Some(Self {
            authorization: authorization.clone(),
            organization: organization.cloned(),
            encoding: encoding.cloned(),
            accept: accept.cloned(),
            target: target.into(),
        })
    }

    fn parts(&self) -> Parts<'_> {
        Parts {
            authorization: &self.authorization,
            organization: self.organization.as_ref(),
            encoding: self.encoding.as_ref(),
            accept: self.accept.as_ref(),
            target: &self.target,
        }
    }
}

impl<'a> Parts<'a> {
    /// `None` if such a request's response is never repeated.
    fn of<A>(request: &'a Request<A>) -> Option<Self> {
        let is_repeatable = request.method() == Method::GET && request.uri().path().starts_with(PATHS);
        let target = request.uri().path_and_query().filter(|_| is_repeatable)?.as_str();
        let headers = request.headers();
        Some(Self {
            authorization: at_most_one(headers.get_all(AUTHORIZATION))??,
            organization: at_most_one(headers.get_all(ORGANIZATION_ID))?,
            encoding: at_most_one(headers.get_all(ACCEPT_ENCODING))?,
            accept: at_most_one(headers.get_all(ACCEPT))?,
            target,
        })
    }

    fn bytes(&self) -> usize {
        let values = [Some(self.authorization), self.organization, self.encoding, self.accept];
        values.into_iter().flatten().map(HeaderValue::len).sum::<usize>() + self.target.len()
    }
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
        let is_get = request.method() == Method::GET;
        let finished = Arc::clone(&self.finished);
        let response = self.service.call(request);
        Box::pin(async move {
            let mut response = response.await?;
            let repeatable = response.extensions_mut().remove::<Repeatable>();
            let forms = response.extensions_mut().remove::<Arc<Forms>>();
            let is_answer = repeatable.is_some() || forms.is_some();
            if !(is_get && is_answer && response.status() == StatusCode::OK) {
                return Ok(response.map(BodyExt::boxed_unsync));
            }
            Ok(finish(response, forms, asked.zip(repeatable), &finished).await)
        })
    }
}

/// Waits for all of a response, whose body may be there already, and keeps it if it may be repeated.
async fn finish<B: Body<Data = Bytes, Error: 'static>>(
    response: Response<B>,
    forms: Option<Arc<Forms>>,
    repeatable: Option<(Asked, Repeatable)>,
    finished: &Finished,
) -> Answered<B> {
    let (head, body) = response.into_parts();
    let coding = head.headers.get(CONTENT_ENCODING);
    let form = coding.and_then(|coding| forms.as_ref()?.of(coding.as_bytes()));
    let body = match form {
        // A body that isn't asked for its bytes is never compressed.
        Some(form) => form.get_or_try_init(|| compressed(body, coding)).await.cloned(),
        None => body.collect().await.map(|body| body.to_bytes()),
    };
    let Ok(body) = body else {
        // It is compressed in memory, which doesn't fail.
        let mut failed = Response::new(whole(Full::default()));
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return failed;
    };
    if let Some((asked, repeatable)) = repeatable {
        finished.keep(Kept { asked, headers: head.headers.clone(), body: body.clone(), repeatable });
    }
    Response::from_parts(head, whole(Full::new(body)))
}

/// Makes a compressed form, and lets others have their turn meanwhile: a large one takes several milliseconds.
async fn compressed<B: Body<Data = Bytes>>(body: B, coding: Option<&HeaderValue>) -> Result<Bytes, B::Error> {
    let coding = coding.and_then(|coding| coding.to_str().ok()).unwrap_or_default().to_owned();
    metrics::counter!("query_api_compressions_total", "encoding" => coding).increment(1);
    let (mut body, mut whole) = (pin!(body), BytesMut::new());
    for number in 1.. {
        let Some(frame) = body.frame().await else { break };
        if let Ok(data) = frame?.into_data() {
            whole.extend_from_slice(&data);
        }
        if number % FRAMES_AT_ONCE == 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(whole.freeze())
}

fn whole<E: 'static>(body: Full<Bytes>) -> UnsyncBoxBody<Bytes, E> {
    body.map_err(|never| match never {}).boxed_unsync()
}

#[cfg(test)]
mod tests;
