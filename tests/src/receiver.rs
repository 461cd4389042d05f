//! A receiver of webhooks, with or without TLS: it answers as the story says, and keeps what it got.

use crate::certificates::Certified;
use crate::must::must;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use ring::hmac;
use serde_json::Value;
use stack::wait::{self, Seen};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// How long a message may take.
const MESSAGE_LIMIT: Duration = Duration::from_secs(60);

/// How many messages are kept. A story has a few.
const KEPT_MAX: usize = 1_000;

/// A message as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// The header `webhook-id`.
    pub id: String,
    /// The header `webhook-timestamp`.
    pub timestamp: String,
    /// The header `webhook-signature`.
    pub signature: String,
    /// The header `user-agent`.
    pub agent: String,
    /// The header `traceparent`.
    pub traceparent: String,
    /// The body.
    pub body: String,
}

/// What it answers.
#[derive(Clone, Copy, Debug)]
enum Answers {
    /// This status.
    Status(u16),
    /// Nothing, ever.
    Nothing,
}

/// A receiver.
#[derive(Debug)]
pub struct Receiver {
    scheme: &'static str,
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    answers: Mutex<Answers>,
    received: Mutex<Vec<Received>>,
}

impl Receiver {
    /// A receiver that answers 204.
    pub async fn start() -> Self {
        Self::serving(None).await
    }

    /// The same over TLS alone, with this certificate.
    pub async fn start_with(certified: &Certified) -> Self {
        Self::serving(Some(certified.acceptor())).await
    }

    async fn serving(tls: Option<TlsAcceptor>) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = must(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Into::into));
        let address = must(listener.local_addr().map_err(Into::into));
        let shared =
            Arc::new(Shared { answers: Mutex::new(Answers::Status(204)), received: Mutex::default() });
        let serving = tokio::spawn(serve(listener, tls, Arc::clone(&shared)));
        Self { scheme, address, shared, serving }
    }

    /// Its address, as organizations name it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}/hook", self.scheme, self.address)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Answers by this status from now on.
    pub fn answer(&self, status: u16) {
        *held(&self.shared.answers) = Answers::Status(status);
    }

    /// Answers nothing from now on, and keeps connections open.
    pub fn hang(&self) {
        *held(&self.shared.answers) = Answers::Nothing;
    }

    /// What it got until now.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        held(&self.shared.received).clone()
    }

    /// Waits until it got so many messages, and returns all.
    pub async fn until(&self, count: usize) -> Vec<Received> {
        let waiting = wait::until("messages to arrive", MESSAGE_LIMIT, async || {
            let received = self.received();
            let why = format!("{} of {count} have", received.len());
            Ok(if received.len() >= count { Seen::Ready(received) } else { Seen::NotYet(why) })
        });
        must(waiting.await)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Received {
    /// Its body, as JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a message is JSON")
    }

    /// How many of its signatures are by this secret, as `whsec_...`.
    #[must_use]
    pub fn signatures_by(&self, secret: &str) -> usize {
        let secret = secret.strip_prefix("whsec_").expect("a secret's text");
        let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64.decode(secret).expect("base64"));
        let signed = format!("{}.{}.{}", self.id, self.timestamp, self.body);
        let is_by = |signature: &&str| {
            let tag = signature.strip_prefix("v1,").and_then(|text| BASE64.decode(text).ok());
            tag.is_some_and(|tag| hmac::verify(&key, signed.as_bytes(), &tag).is_ok())
        };
        self.signature.split(' ').filter(is_by).count()
    }
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(converse(stream, tls.clone(), Arc::clone(&shared)));
    }
}

async fn converse(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    match tls {
        None => speak(stream, shared).await,
        // Who doesn't believe the certificate hangs up.
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                speak(stream, shared).await;
            }
        }
    }
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>) {
    let answer = service_fn(move |request| answer(request, Arc::clone(&shared)));
    let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
    drop(serving.await);
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let header = |name: &str| {
        head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let message = Received {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        agent: header("user-agent"),
        traceparent: header("traceparent"),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let answers = *held(&shared.answers);
    {
        let mut received = held(&shared.received);
        if received.len() < KEPT_MAX {
            received.push(message);
        }
    }
    match answers {
        Answers::Nothing => std::future::pending().await,
        Answers::Status(status) => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = hyper::StatusCode::from_u16(status).expect("a status");
            Ok(response)
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
