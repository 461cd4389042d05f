//! The log: on standard error, as text for a terminal and as JSON otherwise.

use admin::log::Limited;
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format;
use tracing_subscriber::fmt::format::JsonFields;

/// `info`, except for libraries that log routine work at that level.
const DEFAULT_FILTER: &str = "info,refinery_core=warn,tokio_postgres=warn";

/// Starts logging, at the levels that `RUST_LOG` sets or else `DEFAULT_FILTER`.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        lines.event_format(Limited::new(format()).with_trace_ids(traces::current_id)).init();
    } else {
        let json = Limited::new(format().json().flatten_event(true));
        lines.event_format(json.with_trace_ids(traces::current_id)).fmt_fields(JsonFields::new()).init();
    }
}
