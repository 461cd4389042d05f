//! Whether a connection was encrypted: with `sslmode=prefer` the server decides, and tokio-postgres doesn't tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_postgres::Socket;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

/// TLS that notes when it is begun.
#[derive(Clone)]
pub struct Noted {
    tls: MakeRustlsConnect,
    is_begun: Arc<AtomicBool>,
}

/// TLS for one connection.
pub struct NotedConnect {
    connect: Connect,
    is_begun: Arc<AtomicBool>,
}

type Connect = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;

impl Noted {
    /// Not begun yet.
    pub fn new(tls: &MakeRustlsConnect) -> Self {
        Self { tls: tls.clone(), is_begun: Arc::default() }
    }

    /// Whether it was begun.
    pub fn is_begun(&self) -> bool {
        self.is_begun.load(Ordering::Relaxed)
    }
}

impl MakeTlsConnect<Socket> for Noted {
    type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;
    type TlsConnect = NotedConnect;
    type Error = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Error;

    fn make_tls_connect(&mut self, domain: &str) -> Result<NotedConnect, Self::Error> {
        let connect = MakeTlsConnect::<Socket>::make_tls_connect(&mut self.tls, domain)?;
        Ok(NotedConnect { connect, is_begun: Arc::clone(&self.is_begun) })
    }
}

impl TlsConnect<Socket> for NotedConnect {
    type Stream = <Connect as TlsConnect<Socket>>::Stream;
    type Error = <Connect as TlsConnect<Socket>>::Error;
    type Future = <Connect as TlsConnect<Socket>>::Future;

    fn connect(self, stream: Socket) -> Self::Future {
        self.is_begun.store(true, Ordering::Relaxed);
        self.connect.connect(stream)
    }
}
