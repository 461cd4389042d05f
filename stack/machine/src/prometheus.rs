//! How Prometheus is obtained, and the tool that checks its rules: both are in one package of distributions.

use crate::environment::Environment;
use std::path::PathBuf;

/// The message if they are missing.
pub const MISSING: &str =
    "alerts, and the check of metrics: Prometheus is not installed (Debian: apt-get install prometheus)";

/// Its programs.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The server.
    pub prometheus: PathBuf,
    /// The tool that checks configurations and rules.
    pub promtool: PathBuf,
}

impl Programs {
    /// Those that are installed.
    #[must_use]
    pub fn find(environment: &Environment) -> Option<Self> {
        Some(Self { prometheus: environment.find("prometheus")?, promtool: environment.find("promtool")? })
    }
}

/// What can't be shown without them.
#[must_use]
pub fn shortcoming(environment: &Environment) -> Option<String> {
    Programs::find(environment).is_none().then(|| MISSING.to_owned())
}
