//! A connection's socket, with a limit on every wait for its client.
//!
//! ```text
//! accepted          -> the head of the first request     HEADER_TIMEOUT
//! response written  -> the first byte of another one     IDLE_TIMEOUT
//! its first byte    -> the rest of its head              HEADER_TIMEOUT
//! bytes to write    -> the client has taken some         WRITE_TIMEOUT
//! ```
//!
//! While a request is under way nobody waits for the client to send: an answer, or the next event of a stream, has limits of
//! its own.

use crate::serve::server::places::Standing;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// Why a connection is closed: the head of a request doesn't come.
pub const HEAD_LATE: &str = "connection-head-late";

/// Why a connection is closed: its client takes nothing of what is written.
pub const TAKES_NOTHING: &str = "connection-takes-nothing";

/// How long a client is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the head of a request.
    pub head: Duration,
    /// For another request.
    pub idle: Duration,
    /// For room to write to.
    pub write: Duration,
}

/// A socket with limits.
pub struct Socket {
    stream: TcpStream,
    standing: Arc<Standing>,
    patience: Patience,
    /// How many requests had begun when it was last waited for one.
    begun: u64,
    /// Whether the head of a request is awaited, rather than another request.
    head: bool,
    reading: Wait,
    writing: Wait,
}

/// A wait with a limit: none while there is nothing to wait for.
#[derive(Default)]
struct Wait {
    timer: Option<Pin<Box<Sleep>>>,
    runs: bool,
}

impl Socket {
    /// The socket of a connection of which `standing` is known.
    pub fn new(stream: TcpStream, standing: Arc<Standing>, patience: Patience) -> Self {
        let (reading, writing) = Default::default();
        Self { stream, standing, patience, begun: 0, head: true, reading, writing }
    }

    /// The client has sent something.
    fn heard(&mut self) {
        self.note_requests();
        if !self.head && !self.standing.is_busy() {
            self.head = true;
            self.reading.stop();
        }
    }

    /// The client has sent nothing. Is it out of time?
    fn awaits_client(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        self.note_requests();
        if self.standing.is_busy() {
            self.reading.stop();
            return Ok(());
        }
        let limit = if self.head { self.patience.head } else { self.patience.idle };
        if !self.reading.is_over(limit, context) {
            return Ok(());
        }
        if self.head {
            refused(HEAD_LATE);
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    /// After a request, another one is awaited, not its head.
    fn note_requests(&mut self) {
        let begun = self.standing.begun();
        if begun != self.begun {
            self.begun = begun;
            self.head = false;
            self.reading.stop();
        }
    }

    /// Some bytes were written, or none could be. Is the client out of time?
    fn wrote(
        &mut self,
        wrote: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if wrote.is_ready() {
            self.writing.stop();
            return wrote;
        }
        if self.writing.is_over(self.patience.write, context) {
            refused(TAKES_NOTHING);
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl Wait {
    const fn stop(&mut self) {
        self.runs = false;
    }

    /// Begins, unless it has begun, and whether it is over. Wakes the task when it is.
    fn is_over(&mut self, limit: Duration, context: &mut Context<'_>) -> bool {
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        if !std::mem::replace(&mut self.runs, true) {
            timer.as_mut().reset(Instant::now() + limit);
        }
        timer.as_mut().poll(context).is_ready()
    }
}

fn refused(reason: &'static str) {
    metrics::counter!("query_api_refusals_total", "reason" => reason).increment(1);
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = bytes.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, bytes) {
            Poll::Ready(read) => {
                if bytes.filled().len() > before {
                    this.heard();
                }
                Poll::Ready(read)
            }
            Poll::Pending => match this.awaits_client(context) {
                Ok(()) => Poll::Pending,
                Err(late) => Poll::Ready(Err(late)),
            },
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.wrote(wrote, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.wrote(wrote, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
