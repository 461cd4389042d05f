//! A persistent connection to the query API: one request after the other, HTTP/1.1, answers with a content length.

use anyhow::{Context as _, bail, ensure};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::time::Duration;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(15);
/// The longest answer that is read.
const BYTES_MAX: usize = 4 << 20;
/// How much is read at once: more than the length of most answers.
const READ_BYTES: usize = 16 * 1_024;

/// A connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// A request for the path and query, with this token.
#[must_use]
pub fn request(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, LIMIT)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::new() })
    }

    /// Sends the request and returns the body of its answer.
    ///
    /// # Errors
    /// When there is no answer in time, or another than 200.
    pub fn ask(&mut self, request: &[u8]) -> anyhow::Result<&[u8]> {
        self.stream.write_all(request)?;
        self.read.clear();
        loop {
            if let Some(body) = body(&self.read)? {
                return Ok(&self.read[body]);
            }
            ensure!(self.read.len() <= BYTES_MAX, "an answer has more than {BYTES_MAX} bytes");
            let before = self.read.len();
            self.read.resize(before + READ_BYTES, 0);
            let read = self.stream.read(&mut self.read[before..]).context("no answer in time")?;
            self.read.truncate(before + read);
            ensure!(read > 0, "the connection ended in the middle of an answer");
        }
    }
}

/// The range of a whole answer's body; `None` while a part is missing.
fn body(answer: &[u8]) -> anyhow::Result<Option<Range<usize>>> {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&answer[..end]).context("an answer's head is not text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    ensure!(status.split(' ').nth(1) == Some("200"), "the answer is {status}");
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    let Some(length) = length else { bail!("an answer doesn't say its length") };
    let (start, length) = (end + 4, length.context("an answer's length is not a number")?);
    Ok((answer.len() >= start + length).then_some(start..start + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_or_not_there_yet() {
        let check = |answer: &str, expected: Option<&str>| {
            let found = body(answer.as_bytes()).unwrap().map(|range| &answer[range]);
            assert_eq!(found, expected, "{answer:?}");
        };
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Some("ok"));
        check("HTTP/1.1 200 OK\r\netag: x\r\ncontent-length:0\r\n\r\n", Some(""));
        check("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok", None);
        check("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n", None);
        check("", None);
    }

    #[test]
    fn other_answers_are_none() {
        let check = |answer: &str| assert!(body(answer.as_bytes()).is_err(), "{answer:?}");
        check("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n");
        check("HTTP/1.1 200 OK\r\n\r\n");
        check("HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n");
    }
}
