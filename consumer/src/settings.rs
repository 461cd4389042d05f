//! Settings in general: how a wrong one is refused, and how durations are written.

/// A wrong setting, as a sentence that names the variable. The process ends with [`BadSetting::EXIT`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadSetting(pub String);

impl BadSetting {
    /// The exit code of a command with a missing or wrong setting.
    pub const EXIT: u8 = 2;
}

/// Parses a duration.
///
/// # Errors
/// When the text is no duration; the error shows how to write one.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    humantime::parse_duration(text).map_err(|_| "a duration is written like 250ms, 10s or 1h".to_owned())
}
