//! The log: JSON for machines, text for people.

use admin::log::Limited;
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format;
use tracing_subscriber::fmt::format::JsonFields;

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
    /// What is logged: a level, or levels by module. Set it to info,query_api=debug to see every request, and
    /// why connections ended
    #[arg(long, env, default_value = "info")]
    pub rust_log: String,

    /// The format of the log: auto is text on a terminal and JSON otherwise. Set it where a collector needs the other
    #[arg(long, env, default_value = "auto")]
    pub log_format: Format,
}

/// Why `RUST_LOG` can't be used.
#[derive(Debug, thiserror::Error)]
#[error("RUST_LOG ({0:?}) is no level (error, warn, info, debug, trace) and no list of module=level")]
pub struct BadFilter(String);

/// Starts logging to standard error. Panics are logged from then on, too.
///
/// # Errors
/// When the filter is malformed.
pub fn start(settings: &Settings) -> Result<(), BadFilter> {
    let filter = EnvFilter::try_new(&settings.rust_log).map_err(|_| BadFilter(settings.rust_log.clone()))?;
    let json = match settings.log_format {
        Format::Auto => !std::io::stderr().is_terminal(),
        Format::Json => true,
        Format::Text => false,
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Only tests start a second subscriber in one process; the first stays.
    let _started = if json {
        let format = limited(format().json().flatten_event(true));
        lines.event_format(format).fmt_fields(JsonFields::new()).try_init()
    } else {
        lines.event_format(limited(format())).try_init()
    };
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let what = payload.downcast_ref::<&str>().copied().or(text);
        tracing::error!(place, what, "a task panicked");
    }));
    Ok(())
}

/// Errors are limited, too: one may come with every request.
fn limited<F>(format: F) -> Limited<F> {
    Limited::new(format).errors_too().with_trace_ids(traces::current_id)
}
