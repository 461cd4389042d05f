//! The rules of what stands out, one file each. Pure.

mod change;
mod concentration;
mod delivery;
mod excess;
mod silence;
mod unusual;

use crate::answer::insights::history::History;
use crate::answer::insights::insight::Insight;
use crate::answer::insights::rows::Rows;
use crate::answer::registry::{KPIS, Kpi};

/// All that stands out.
pub fn apply(history: &History, rows: &Rows) -> Vec<Insight> {
    let mut insights = Vec::new();
    for kpi in volumes() {
        insights.extend(silence::at_the_end(history, kpi));
        insights.extend(unusual::hours(history, kpi));
    }
    insights.extend(
        KPIS.iter()
            .filter(|kpi| kpi.key != delivery::KPI)
            .filter_map(|k| change::of(history, k, &rows.thresholds)),
    );
    for kpi in KPIS.iter().filter(|kpi| kpi.key == delivery::KPI) {
        insights.extend(delivery::drop(history, kpi));
        insights.extend(excess::of_deliveries(history, kpi));
    }
    insights.extend(concentration::of_failures(history, rows));
    insights
}

/// One KPI for each kind of thing that is counted: the first that has it as its sample.
fn volumes() -> impl Iterator<Item = &'static Kpi> {
    let first =
        |kpi: &&Kpi| KPIS.iter().find(|other| other.noun == kpi.noun).is_some_and(|f| f.key == kpi.key);
    KPIS.iter().filter(first)
}
