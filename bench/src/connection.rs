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
        let (status, body) = self.answer(request)?;
        ensure!(status == 200, "the answer is {status}");
        Ok(&self.read[body])
    }

    /// Sends the request and returns the status of its answer.
    ///
    /// # Errors
    /// When there is no answer in time.
    pub fn status(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        Ok(self.answer(request)?.0)
    }

    /// The status and the place of the body of the answer, once it is read.
    fn answer(&mut self, request: &[u8]) -> anyhow::Result<(u16, Range<usize>)> {
        self.stream.write_all(request)?;
        self.read.clear();
        loop {
            if let Some(whole) = whole(&self.read)? {
                return Ok(whole);
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

/// The status and the range of the body of a whole answer; `None` while a part is missing.
fn whole(answer: &[u8]) -> anyhow::Result<Option<(u16, Range<usize>)>> {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&answer[..end]).context("an answer's head is not text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.context("an answer has no status")?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    let Some(length) = length else { bail!("an answer doesn't say its length") };
    let (start, length) = (end + 4, length.context("an answer's length is not a number")?);
    Ok((answer.len() >= start + length).then_some((status, start..start + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_or_not_there_yet() {
        let check = |answer: &str, expected: Option<(u16, &str)>| {
            let found = whole(answer.as_bytes()).unwrap();
            let found = found.map(|(status, range)| (status, &answer[range]));
            assert_eq!(found, expected, "{answer:?}");
        };
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Some((200, "ok")));
        check("HTTP/1.1 200 OK\r\netag: x\r\ncontent-length:0\r\n\r\n", Some((200, "")));
        check("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n", Some((429, "")));
        check("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok", None);
        check("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n", None);
        check("", None);
    }

    #[test]
    fn other_answers_are_none() {
        let check = |answer: &str| assert!(whole(answer.as_bytes()).is_err(), "{answer:?}");
        check("HTTP/1.1\r\ncontent-length: 0\r\n\r\n");
        check("HTTP/1.1 200 OK\r\n\r\n");
        check("HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n");
    }
}
