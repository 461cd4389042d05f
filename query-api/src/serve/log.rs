//! The log: JSON for machines, lines for people.

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// One JSON object a line.
    Json,
    /// Text.
    Text,
}

/// What is logged.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Log")]
pub struct Settings {
    /// What is logged: a level, or levels by module. Set it to info,query_api=debug to see every request
    #[arg(long, env, default_value = "info")]
    pub rust_log: String,

    /// How it is written: auto is text on a terminal and JSON otherwise. Set it where a collector wants the other
    #[arg(long, env, default_value = "auto")]
    pub log_format: Format,
}

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
#[error("RUST_LOG ({0:?}) is no level (error, warn, info, debug, trace) and no list of module=level")]
pub struct BadFilter(String);

/// Begins to log, to standard error.
///
/// # Errors
/// When the filter can't be read.
pub fn start(settings: &Settings) -> Result<(), BadFilter> {
    let filter = EnvFilter::try_new(&settings.rust_log).map_err(|_| BadFilter(settings.rust_log.clone()))?;
    let json = match settings.log_format {
        Format::Auto => !std::io::stderr().is_terminal(),
        Format::Json => true,
        Format::Text => false,
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber in one process is a test's; the first one goes on.
    let _started = if json { lines.json().flatten_event(true).try_init() } else { lines.try_init() };
    Ok(())
}
