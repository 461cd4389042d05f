//! How both binaries reach PostgreSQL: one of several hosts, perhaps behind a pooler.
//!
//! ```text
//! url         what DATABASE_URL says                    pure
//! hosts       which host is tried when, and how long    pure
//! tls         whose certificates are trusted
//! connector   connects: the first host that will do, checked and set up
//!   sessions    whether a connection keeps its session
//! ```

mod connector;
mod hosts;
mod sessions;
mod tls;
mod url;

pub use connector::{Connector, Error, Session};
pub use tls::{BadTls, tls};
pub use tokio_postgres_rustls::MakeRustlsConnect;
pub use url::{has_target, of_url};
