//! What all settings share: how a wrong one is refused, and how durations are written.

/// A setting that can't be right, in a sentence that names the variable. The process ends with [`BadSetting::EXIT`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadSetting(pub String);

impl BadSetting {
    /// The exit code of a command that was not given what it needs.
    pub const EXIT: u8 = 2;
}

/// Parses a duration.
///
/// # Errors
/// When it is none, with what would be one.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    humantime::parse_duration(text).map_err(|_| "a duration is written like 250ms, 10s or 1h".to_owned())
}
