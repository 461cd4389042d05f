//! Secrets and certificates in files, read again so that they can be replaced while a process runs; and words for
//! certificates that are refused.
//!
//! ```text
//! secret    a secret, by its value or by the file that has it
//! pem       whom TLS trusts, and who this client says it is: the files
//!   config    rustls' configuration made of them
//! refused   why TLS with a server failed, in a sentence
//! look      a look at a server's certificate
//! ```

mod config;
mod look;
mod pem;
mod refused;
mod secret;

pub use config::Check;
pub use look::look;
pub use pem::{Identity, Pems, TlsFiles, TlsNames};
pub use refused::refused;
pub use secret::{BadSetting, Secret, is_set, secret, secret_in};
