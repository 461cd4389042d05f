//! A figure beside the target it is held against: a row of the table that `bench all` ends with.

use serde::Serialize;

/// A row of that table.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What was measured.
    pub what: String,
    /// What it should be.
    pub target: String,
    /// What it was.
    pub figure: String,
    /// Whether that is as it should be.
    pub met: bool,
}
