//! PostgreSQL's messages on the wire: a kind, a length, a body. A long body is passed on in pieces, never kept whole.

use std::io::{self, ErrorKind};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, BufWriter};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;

/// How much of a body is looked at; also the size of the pieces.
const BODY_SEEN_MAX: usize = 64 << 10;

/// Kind and length.
const HEADER: usize = 5;

/// Codes in the place of a version, in what a client says first.
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

/// A message, or as much of it as is looked at.
#[derive(Debug)]
pub(super) struct Message {
    /// Header and the beginning of the body, as they came.
    bytes: Vec<u8>,
    /// Bytes of the body that are still to come.
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

    /// The beginning of the body; short ones whole.
    pub(super) fn body(&self) -> &[u8] {
        &self.bytes[HEADER..]
    }
}

/// What one side says.
pub(super) struct Incoming(BufReader<OwnedReadHalf>);

/// What the other side is told, as long as the traffic isn't paused.
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
    /// The next message; nothing once that side has ended.
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

    /// Drops what of a message is still to come.
    pub(super) async fn skip(&mut self, message: Message) -> io::Result<()> {
        let mut rest = message.rest;
        while rest > 0 {
            let piece = self.piece(rest).await?.len();
            self.0.consume(piece);
            rest -= piece;
        }
        Ok(())
    }

    /// True when nothing more has come so far.
    pub(super) fn is_drained(&self) -> bool {
        self.0.buffer().is_empty()
    }

    /// Some of the next `most` bytes.
    async fn piece(&mut self, most: usize) -> io::Result<&[u8]> {
        let piece = self.0.fill_buf().await?;
        if piece.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(&piece[..piece.len().min(most)])
    }
}

impl Outgoing {
    /// Passes a message on, its rest with it.
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

    /// Sends what is written.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.unpaused().await;
        self.stream.flush().await
    }

    async fn unpaused(&mut self) {
        // The sender outlives the connections.
        let _ = self.paused.wait_for(|paused| !paused).await;
    }
}

/// Passes the first words on, which have no kind: requests for encryption, with their answers of one byte, then the
/// start itself. False if the client ended instead.
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
            return Err(io::Error::new(ErrorKind::Unsupported, "encryption is not understood here"));
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
