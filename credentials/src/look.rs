//! A look at a server's certificate: TLS is begun with the server, and the connection closed.

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// Begins TLS with a server, and hangs up. Blocks for `limit` at most, whatever the server and the system's resolver do.
///
/// # Errors
/// When there is no connection, or no TLS: [`crate::refused`] says whether a certificate was refused.
pub fn look(host: &str, port: u16, config: Arc<ClientConfig>, limit: Duration) -> io::Result<()> {
    let deadline = Instant::now() + limit;
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
    let address = resolve(host, port, left(deadline)?)?;
    let stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
    let mut stream = Bounded { stream, deadline };
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(())
}

/// The first address of a name. The system's resolver takes no limit, so it is asked by a thread that ends when it answers.
fn resolve(host: &str, port: u16, limit: Duration) -> io::Result<SocketAddr> {
    let (tell, told) = mpsc::sync_channel(1);
    let host = host.to_owned();
    thread::Builder::new().name("look".into()).spawn(move || {
        let addresses = (host.as_str(), port).to_socket_addrs();
        // Nobody listens any more if it took too long.
        let _ = tell.send(addresses.map(|mut addresses| addresses.next()));
    })?;
    let found = told.recv_timeout(limit).map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
    found?.ok_or_else(|| io::Error::other("the name has no address"))
}

/// What is left until the deadline.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// A connection that ends at its deadline, though the peer sends a little now and then.
struct Bounded {
    stream: TcpStream,
    deadline: Instant,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.deadline)?))?;
        self.stream.read(buffer)
    }
}

impl Write for Bounded {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.deadline)?))?;
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Check, Pems, TlsFiles, TlsNames};
    use std::net::TcpListener;

    const NAMES: TlsNames =
        TlsNames { server: "Server", address: "URL", authorities: "CA", certificate: "CERT", key: "KEY" };

    /// Begins a long record, and sends a byte of it whenever nothing has come for a moment, until the client is gone.
    fn trickle(listener: &TcpListener) -> io::Result<()> {
        let (mut peer, _) = listener.accept()?;
        peer.set_read_timeout(Some(Duration::from_millis(10)))?;
        peer.write_all(&[22, 3, 3, 0x40, 0])?;
        let mut heard = [0; 1_024];
        loop {
            match peer.read(&mut heard) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error)
                    if [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&error.kind()) =>
                {
                    peer.write_all(&[0])?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    #[test]
    fn a_peer_that_sends_a_little_now_and_then_holds_nobody() {
        let config = TlsFiles::none(NAMES).config(&Pems::default(), Check::Name).ok().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let peer = thread::spawn(move || trickle(&listener));
        let began = Instant::now();
        let looked = look("127.0.0.1", port, Arc::new(config), Duration::from_millis(200));
        assert!(looked.is_err() && began.elapsed() < Duration::from_secs(20), "{looked:?}");
        // How it learns that the client is gone is the system's to decide.
        let _ = peer.join().unwrap();
    }

    #[test]
    fn nothing_is_left_at_the_deadline() {
        let now = Instant::now();
        assert_eq!(left(now).map_err(|error| error.kind()), Err(io::ErrorKind::TimedOut));
        assert!(left(now + Duration::from_secs(3_600)).is_ok_and(|left| left > Duration::from_secs(60)));
    }
}
