//! PostgreSQL's messages on the wire: a kind, a length, a body. A long body is forwarded in pieces, and never stored whole.

use std::io::{self, ErrorKind};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, BufWriter};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;

/// How much of a body is inspected; also the size of the pieces.
const BODY_SEEN_MAX: usize = 64 << 10;

/// Kind and length.
const HEADER: usize = 5;

/// Codes in the place of the version, in a client's first message.
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

/// A message, or the part of it that is inspected.
#[derive(Debug)]
pub(super) struct Message {
    /// The header and the beginning of the body, as received.
    bytes: Vec<u8>,
    /// Bytes of the body that are not received yet.
    rest: usize,
}

impl Message {
    #[cfg(test)]
    pub(super) fn new(kind: u8, body: &[u8]) -> Self {
        Self { bytes: [&[kind, 0, 0, 0, 0], body].concat(), rest: 0 }
    }

    pub(super) fn kind(&self) -> u8 {
        self.bytes[0]
    }

    /// The beginning of the body; a short body is whole.
    pub(super) fn body(&self) -> &[u8] {
        &self.bytes[HEADER..]
    }
}

/// The messages from one side.
pub(super) struct Incoming(BufReader<OwnedReadHalf>);

/// The bytes to the other side, while the traffic isn't paused.
pub(super) struct Outgoing {
    stream: BufWriter<OwnedWriteHalf>,
    paused: watch::Receiver<bool>,
}

pub(super) fn halves(stream: TcpStream, paused: watch::Receiver<bool>) -> io::Result<(Incoming, Outgoing)> {
    stream.set_nodelay(true)?;
    let (read, write) = stream.into_split();
    let incoming = Incoming(BufReader::with_capacity(BODY_SEEN_MAX, read));
    Ok((incoming, Outgoing { stream: BufWriter::with_capacity(BODY_SEEN_MAX, write), paused }))
}

impl Incoming {
    /// The next message; `None` when that side has ended.
    pub(super) async fn next(&mut self) -> io::Result<Option<Message>> {
        if self.0.fill_buf().await?.is_empty() {
            return Ok(None);
        }
        let mut bytes = vec![0; HEADER];
        self.0.read_exact(&mut bytes).await?;
        let body = body_length(&bytes[1..])?;
        let seen = body.min(BODY_SEEN_MAX);
        bytes.resize(HEADER + seen, 0);
        self.0.read_exact(&mut bytes[HEADER..]).await?;
        Ok(Some(Message { bytes, rest: body - seen }))
    }

    /// Drops the rest of a message.
    pub(super) async fn skip(&mut self, message: Message) -> io::Result<()> {
        let mut rest = message.rest;
        while rest > 0 {
            let piece = self.piece(rest).await?.len();
            self.0.consume(piece);
            rest -= piece;
        }
        Ok(())
    }

    /// True if nothing more has arrived.
    pub(super) fn is_drained(&self) -> bool {
        self.0.buffer().is_empty()
    }

    /// At most the next `most` bytes.
    async fn piece(&mut self, most: usize) -> io::Result<&[u8]> {
        let piece = self.0.fill_buf().await?;
        if piece.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(&piece[..piece.len().min(most)])
    }
}

impl Outgoing {
    /// Forwards a message, with its rest.
    pub(super) async fn pass(&mut self, message: Message, from: &mut Incoming) -> io::Result<()> {
        self.unpaused().await;
        self.stream.write_all(&message.bytes).await?;
        let mut rest = message.rest;
        while rest > 0 {
            self.unpaused().await;
            let piece = from.piece(rest).await?;
            self.stream.write_all(piece).await?;
            let length = piece.len();
            from.0.consume(length);
            rest -= length;
        }
        Ok(())
    }

    /// Sends the written bytes.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.unpaused().await;
        self.stream.flush().await
    }

    async fn unpaused(&mut self) {
        // The sender outlives the connections.
        let _ = self.paused.wait_for(|paused| !paused).await;
    }
}

/// Forwards the first messages, which have no kind: requests for encryption, with answers of one byte, then the startup
/// message. False if the client ended instead.
pub(super) async fn greet(
    from_client: &mut Incoming,
    to_client: &mut Outgoing,
    from_server: &mut Incoming,
    to_server: &mut Outgoing,
) -> io::Result<bool> {
    loop {
        if from_client.0.fill_buf().await?.is_empty() {
            return Ok(false);
        }
        let mut packet = vec![0; 4];
        from_client.0.read_exact(&mut packet).await?;
        let body = body_length(&packet)?;
        if body > BODY_SEEN_MAX {
            return Err(ErrorKind::InvalidData.into());
        }
        packet.resize(4 + body, 0);
        from_client.0.read_exact(&mut packet[4..]).await?;
        to_server.unpaused().await;
        to_server.stream.write_all(&packet).await?;
        to_server.flush().await?;
        let code = packet.get(4..8).map(|code| u32::from_be_bytes([code[0], code[1], code[2], code[3]]));
        if code != Some(SSL_REQUEST) && code != Some(GSS_REQUEST) {
            return Ok(true);
        }
        let answer = from_server.0.read_u8().await?;
        if answer != b'N' {
            return Err(io::Error::new(ErrorKind::Unsupported, "encryption is not supported here"));
        }
        to_client.stream.write_all(&[answer]).await?;
        to_client.flush().await?;
    }
}

/// The length on the wire counts its own four bytes.
fn body_length(length: &[u8]) -> io::Result<usize> {
    let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
    length.checked_sub(4).ok_or_else(|| ErrorKind::InvalidData.into())
}
