//! A stream of server-sent events, as a client of a story.

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// How long a story waits for the next event or comment.
const WORD_LIMIT: Duration = Duration::from_secs(20);

/// An open stream.
#[derive(Debug)]
pub struct Listening {
    /// The status of the response.
    pub status: u16,
    body: Incoming,
    unread: String,
}

/// An event, or a comment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// The event's name.
    pub event: String,
    /// Its id.
    pub id: String,
    /// Its data.
    pub data: String,
    /// The comment.
    pub comment: String,
}

impl Listening {
    pub(crate) async fn to(
        address: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let stream = TokioIo::new(TcpStream::connect(address).await?);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(stream).await?;
        // The task ends with the body.
        tokio::spawn(async move { drop(connection.await) });
        let request = hyper::Request::get(path).header("host", address.to_string());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = sender.send_request(request.body(Empty::new())?).await?;
        Ok(Self { status: response.status().as_u16(), body: response.into_body(), unread: String::new() })
    }

    /// The next event or comment, or `None` at the end of the stream.
    ///
    /// # Errors
    /// When nothing arrives for long, or the connection breaks.
    pub async fn next(&mut self) -> anyhow::Result<Option<Word>> {
        let next = tokio::time::timeout(WORD_LIMIT, self.read()).await;
        next.with_context(|| format!("nothing was said for {} s", WORD_LIMIT.as_secs()))?
    }

    /// The next event; comments before it are skipped.
    ///
    /// # Panics
    /// When the stream ends, or nothing arrives for long.
    pub async fn event(&mut self) -> Word {
        loop {
            let word = self.next().await.expect("a stream that goes on").expect("an event before the end");
            if !word.event.is_empty() {
                return word;
            }
        }
    }

    async fn read(&mut self) -> anyhow::Result<Option<Word>> {
        loop {
            if let Some((word, rest)) = self.unread.split_once("\n\n") {
                let word = parsed(word);
                self.unread = rest.to_owned();
                return Ok(Some(word));
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            if let Ok(bytes) = frame?.into_data() {
                self.unread.push_str(std::str::from_utf8(&bytes)?);
            }
        }
    }
}

fn parsed(text: &str) -> Word {
    let mut word = Word::default();
    for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let field = match name {
            "event" => &mut word.event,
            "id" => &mut word.id,
            "data" => &mut word.data,
            _ => &mut word.comment,
        };
        *field = value.trim_start().to_owned();
    }
    word
}
