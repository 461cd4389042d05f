//! How both binaries reach PostgreSQL: one of several hosts, perhaps behind a pooler.
//!
//! ```text
//! url         what DATABASE_URL says                    pure
//! settings    DATABASE_URL and what is set beside it, read with the files that they name
//! hosts       which host is tried when, and how long    pure
//! tls         whether a connection was encrypted
//! connector   connects: the first host that will do, checked and set up
//!   sessions    whether a connection keeps its session
//! remedies    what people can do about what PostgreSQL replies    pure
//! rights      what roles may do with tables, as operators give it
//! ```

mod connector;
mod hosts;
pub mod remedies;
pub mod rights;
mod sessions;
mod settings;
mod tls;
mod url;

pub use connector::{Connector, Error, Session};
pub use credentials::{BadSetting, Secret};
pub use settings::{Address, Settings, refused};
pub use url::EXAMPLE;
