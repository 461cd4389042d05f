//! A minimal HTTP client for stories: one request, one connection.

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::HeaderMap;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// How long an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as text; one that is compressed has no meaning as such.
    pub body: String,
}

impl Answer {
    pub(crate) async fn get(
        address: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        Self::to(address, ("GET", path, ""), headers).await
    }

    /// The answer to a request of this method, path and body.
    pub(crate) async fn to(
        address: SocketAddr,
        asked: (&str, &str, &str),
        headers: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let answer = tokio::time::timeout(ANSWER_LIMIT, Self::ask(address, asked, headers)).await;
        answer
            .with_context(|| format!("{address}{} didn't answer in {} s", asked.1, ANSWER_LIMIT.as_secs()))?
    }

    async fn ask(
        address: SocketAddr,
        (method, path, body): (&str, &str, &str),
        headers: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let stream = TokioIo::new(TcpStream::connect(address).await?);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, Full<Bytes>>(stream).await?;
        // The task ends with the sender; the request reports its errors.
        tokio::spawn(async move { drop(connection.await) });
        let request = hyper::Request::builder().method(method).uri(path).header("host", address.to_string());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let (head, body) =
            sender.send_request(request.body(Full::from(body.to_owned()))?).await?.into_parts();
        let body = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
        Ok(Self { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// The body as JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_str(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("no JSON ({error}): {} {}", self.status, self.body),
        }
    }

    /// A header's value, or an empty text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
