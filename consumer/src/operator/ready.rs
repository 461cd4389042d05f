//! `consumer ready`: asks the member that runs beside this process whether it is ready.

use super::ending::Ending;
use std::net::SocketAddr;

/// Settings of `consumer ready`.
#[derive(Debug, clap::Args)]
pub struct Ready {
    /// Where the member serves its readiness. Give the same value as to the member.
    #[arg(long, env = "ADMIN_ADDR", default_value = "127.0.0.1:9090")]
    pub admin_addr: SocketAddr,
}

/// Asks it.
///
/// # Errors
/// When it isn't ready, or doesn't answer: a sentence.
pub fn ready(settings: &Ready) -> anyhow::Result<Ending> {
    match admin::ready::ask(settings.admin_addr) {
        Ok(()) => Ok(Ending::Good),
        Err(why) => Err(anyhow::anyhow!(why)),
    }
}
