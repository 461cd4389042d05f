//! The tables of webhooks: the only ones that this service writes.
//!
//! ```text
//! write       a transaction that may write
//! endpoints   where organizations are told
//! alerts      what they were told, and the messages that follow
//! deliveries  messages, and who sends them
//! ```
//!
//! Their connections are a pool of its own: neither loads nor changes of settings wait for messages.

mod alerts;
mod deliveries;
mod endpoints;
mod write;

pub use alerts::{DUE_MAX, Due, Evaluation, Message};
pub use deliveries::{Claimed, Counted, Lease, Retried};
pub use endpoints::{Asker, New};

use crate::store::connect::Settings;
use crate::store::connections::{Connections, Trust};
use crate::store::error::Error;
use database::Connector;
use std::time::Duration;
use write::Write;

/// How many connections webhooks use at once. An evaluation holds one while its numbers are loaded.
const CONNECTIONS: u16 = 6;

/// The tables of webhooks.
pub struct Webhooks {
    connections: Connections,
}

impl Webhooks {
    /// Tables that are connected to when they are first asked for.
    pub(super) fn new(settings: &Settings, writer: &Connector) -> Self {
        Self { connections: Connections::new(settings, writer, CONNECTIONS, &Trust::new()) }
    }

    async fn begin(&self) -> Result<Write, Error> {
        let client = self.connections.lend(None).await.map_err(Error::of_write)?;
        Write::begin(client).await.map_err(Error::of_write)
    }
}

/// As PostgreSQL takes them: milliseconds.
fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
