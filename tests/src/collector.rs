//! A collector of traces: it takes spans by OTLP over HTTP, and keeps them.

use crate::must::must;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message as _;
use stack::wait::{self, Seen};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How long spans may take to arrive.
const SPANS_LIMIT: Duration = Duration::from_secs(60);

/// How many spans are kept, and how many bytes of what was sent. A story has a few.
const SPANS_MAX: usize = 10_000;
const BYTES_MAX: usize = 64 << 20;

/// A span as it arrived. Ids are hexadecimal, and attributes texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// The `service.name` of the process.
    pub service: String,
    /// Its name.
    pub name: String,
    /// The trace it is in.
    pub trace: String,
    /// Its id.
    pub id: String,
    /// The span it is below; empty if there is none.
    pub parent: String,
    /// The traces and spans it is linked to, as `trace-span`.
    pub links: Vec<String>,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
    /// Whether it says that it has failed.
    pub failed: bool,
}

/// A collector.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    connections: AtomicUsize,
    spans: Mutex<Vec<Collected>>,
    bytes: Mutex<Vec<u8>>,
    headers: Mutex<HeaderMap>,
}

impl Collector {
    /// A collector at a port of its own.
    pub async fn start() -> Self {
        Self::at(0).await
    }

    /// A collector at this port.
    pub async fn at(port: u16) -> Self {
        let listener = must(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(Into::into));
        let address = must(listener.local_addr().map_err(Into::into));
        let shared = Arc::<Shared>::default();
        let serving = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Self { address, shared, serving }
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections there were.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// The spans that have arrived.
    #[must_use]
    pub fn spans(&self) -> Vec<Collected> {
        held(&self.shared.spans).clone()
    }

    /// Whether this text is anywhere in what was sent.
    #[must_use]
    pub fn has_seen(&self, text: &str) -> bool {
        held(&self.shared.bytes).windows(text.len()).any(|bytes| bytes == text.as_bytes())
    }

    /// A header of what was sent last.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        let headers = held(&self.shared.headers);
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    /// Waits until the spans that have arrived are as expected.
    pub async fn until<T>(&self, what: &str, look: impl Fn(&[Collected]) -> Option<T>) -> T {
        let waiting = wait::until(what, SPANS_LIMIT, async || {
            let spans = self.spans();
            Ok(look(&spans).map_or_else(|| Seen::NotYet(format!("{spans:#?}")), Seen::Ready))
        });
        must(waiting.await)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Collected {
    /// An attribute, or an empty text.
    #[must_use]
    pub fn attribute(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }

    /// Its name to other processes, if it is recorded.
    #[must_use]
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-01", self.trace, self.id)
    }

    /// Of these spans, those below this one.
    #[must_use]
    pub fn children<'a>(&self, spans: &'a [Self]) -> Vec<&'a Self> {
        spans.iter().filter(|span| span.trace == self.trace && span.parent == self.id).collect()
    }

    /// The names of the spans below this one, sorted.
    #[must_use]
    pub fn steps(&self, spans: &[Self]) -> Vec<String> {
        let mut names: Vec<String> = self.children(spans).iter().map(|span| span.name.clone()).collect();
        names.sort();
        names
    }

    fn all(of: ResourceSpans) -> Vec<Self> {
        let resource = attributes(of.resource.map(|resource| resource.attributes).unwrap_or_default());
        let service = resource.get("service.name").cloned().unwrap_or_default();
        let spans = of.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.map(|span| Self { service: service.clone(), ..Self::of(span) }).collect()
    }

    fn of(span: Span) -> Self {
        let link = |trace: &[u8], span: &[u8]| format!("{}-{}", hexadecimal(trace), hexadecimal(span));
        Self {
            service: String::new(),
            name: span.name,
            trace: hexadecimal(&span.trace_id),
            id: hexadecimal(&span.span_id),
            parent: hexadecimal(&span.parent_span_id),
            links: span.links.iter().map(|to| link(&to.trace_id, &to.span_id)).collect(),
            attributes: attributes(span.attributes),
            failed: span.status.is_some_and(|status| status.code == StatusCode::Error as i32),
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::clone(&shared);
        let answer = service_fn(move |request| take(request, Arc::clone(&shared)));
        let serving =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
        tokio::spawn(async move { drop(serving.await) });
    }
}

/// Keeps what is sent where spans are sent. Anything else is refused.
async fn take(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let sent = ExportTraceServiceRequest::decode(body.clone()).ok();
    let mut response = Response::new(Full::default());
    let is_for_traces = head.method == "POST" && head.uri.path() == "/v1/traces";
    let Some(sent) = sent.filter(|_| is_for_traces) else {
        *response.status_mut() = hyper::StatusCode::BAD_REQUEST;
        return Ok(response);
    };
    {
        let mut bytes = held(&shared.bytes);
        if bytes.len() < BYTES_MAX {
            bytes.extend_from_slice(&body);
        }
    }
    *held(&shared.headers) = head.headers;
    let arrived = sent.resource_spans.into_iter().flat_map(Collected::all);
    let mut spans = held(&shared.spans);
    let room = SPANS_MAX.saturating_sub(spans.len());
    spans.extend(arrived.take(room));
    Ok(response)
}

fn attributes(of: Vec<KeyValue>) -> BTreeMap<String, String> {
    of.into_iter().map(|pair| (pair.key, pair.value.map(text).unwrap_or_default())).collect()
}

fn text(value: AnyValue) -> String {
    match value.value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(is_so)) => is_so.to_string(),
        Some(Value::ArrayValue(array)) => array.values.into_iter().map(text).collect::<Vec<_>>().join(", "),
        other => format!("{other:?}"),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
