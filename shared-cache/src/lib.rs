//! How both binaries reach Redis: one address, which has a secret and may ask for TLS.
//!
//! ```text
//! settings   REDIS_URL and what is set beside it, read with the files that they name
//! access     clients, made anew when the files have changed
//! ```

mod access;
mod settings;

pub use access::Access;
pub use credentials::{BadSetting, Secret};
pub use settings::{Settings, refused};
