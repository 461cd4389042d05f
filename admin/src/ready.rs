//! Asks a process on this machine whether it is ready, for the health checks of images that have no shell and no client of HTTP.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long connecting, asking and the answer may each take. A health check has some seconds.
const STEP_MAX: Duration = Duration::from_secs(1);
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Whether the process whose admin address this is says that it is ready. Blocks the thread.
///
/// # Errors
/// When it says that it isn't, or says nothing: why, in a sentence.
pub fn ask(address: SocketAddr) -> Result<(), String> {
    let address = reachable(address);
    let answer = answer(address).map_err(|error| {
        format!("nobody answers at {address} (ADMIN_ADDR): {error}; does the process run?")
    })?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split_whitespace().nth(1) == Some("200") {
        Ok(())
    } else {
        Err(format!("not ready: {}", body.trim()))
    }
}

/// A process that listens on all addresses of its machine is asked at the loopback's.
fn reachable(address: SocketAddr) -> SocketAddr {
    let own = match address {
        SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let ip = if address.ip().is_unspecified() { own } else { address.ip() };
    SocketAddr::new(ip, address.port())
}

fn answer(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, STEP_MAX)?;
    stream.set_write_timeout(Some(STEP_MAX))?;
    stream.set_read_timeout(Some(STEP_MAX))?;
    // Of this version an answer ends with its connection.
    stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn all_addresses_are_asked_at_the_loopback() {
        let check = |address: &str, expected: &str| {
            assert_eq!(reachable(address.parse().unwrap()), expected.parse().unwrap());
        };
        check("0.0.0.0:9090", "127.0.0.1:9090");
        check("[::]:9090", "[::1]:9090");
        check("192.0.2.7:9090", "192.0.2.7:9090");
    }

    /// The answer of a process that says this.
    fn said(answer: &'static str) -> Result<(), String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 24];
            stream.read_exact(&mut asked).unwrap();
            assert_eq!(&asked, b"GET /readyz HTTP/1.0\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let said = ask(address);
        serving.join().unwrap();
        said
    }

    #[test]
    fn the_status_decides_and_the_body_says_why() {
        assert_eq!(said("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"), Ok(()));
        let not_ready = said("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"ready\":false}");
        assert_eq!(not_ready, Err("not ready: {\"ready\":false}".into()));
        assert_eq!(said("200"), Err("not ready: ".into()));
        let nobody = ask((Ipv4Addr::LOCALHOST, 1).into()).unwrap_err();
        assert!(nobody.contains("127.0.0.1:1") && nobody.contains("ADMIN_ADDR"), "{nobody}");
    }
}
