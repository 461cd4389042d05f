//! Where the log goes: standard error, as text for a terminal and as JSON for everything else.

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// `info`, but for libraries that say everyday things at that level.
const QUIET: &str = "info,refinery_core=warn,tokio_postgres=warn";

/// Starts logging. `RUST_LOG` says how much, `info` unless told.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(QUIET));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        log.init();
    } else {
        log.json().flatten_event(true).init();
    }
}
