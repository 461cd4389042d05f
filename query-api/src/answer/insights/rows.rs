//! The rows that insights are made of. Pure.

use crate::answer::thresholds::Thresholds;
use crate::answer::workflow_health::{Runs, Workflow};
use domain::Counters;

/// The rows of a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// The counters of its hours.
    pub hours: Vec<Counters>,
    /// The runs of all workflows in the judged period.
    pub totals: Runs,
    /// The workflows of the judged period, those with most failures first.
    pub workflows: Vec<Workflow>,
    /// The organization's own thresholds.
    pub thresholds: Thresholds,
}
