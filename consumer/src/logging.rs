//! The log: on standard error, as text for a terminal and as JSON otherwise.

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// `info`, except for libraries that log routine work at that level.
const DEFAULT_FILTER: &str = "info,refinery_core=warn,tokio_postgres=warn";

/// Starts logging, at the levels that `RUST_LOG` sets or else `DEFAULT_FILTER`.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        log.init();
    } else {
        log.json().flatten_event(true).init();
    }
}
