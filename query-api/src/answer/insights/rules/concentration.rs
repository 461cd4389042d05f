//! The rule of concentration: most failures are of one workflow. Pure.

use crate::answer::decimal::Tenths;
use crate::answer::insights::history::{History, period, sum};
use crate::answer::insights::insight::{Insight, Severity, Which};
use crate::answer::insights::rows::Rows;
use crate::answer::registry::KPIS;
use crate::answer::words;
use crate::answer::workflow_health::Workflow;
use std::collections::BTreeMap;

/// The KPI it is about.
const KPI: &str = "workflow_failure_rate";

/// With fewer failures nothing is said.
const FAILURES_MIN: i64 = 20;

/// A workflow stands out only if it has at least this share of all failures.
const PART: f64 = 0.6;

/// And only if that share is at least this multiple of its share of the runs.
const TIMES: f64 = 2.0;

/// One workflow has most of the failures, and its share of the runs doesn't explain it.
pub fn of_failures(history: &History, rows: &Rows) -> Option<Insight> {
    let failures = |workflow: &Workflow| workflow.runs.failed + workflow.runs.failed_safety_limit;
    let (all, runs) = (rows.totals.failed + rows.totals.failed_safety_limit, rows.totals.total);
    let most = rows.workflows.iter().max_by_key(|workflow| failures(workflow))?;
    if all < FAILURES_MIN || most.runs.total >= runs {
        return None;
    }
    let part = |part: i64, whole: i64| part as f64 / whole as f64;
    let (of_failures, of_runs) = (part(failures(most), all), part(most.runs.total, runs));
    if of_failures < PART || of_failures < TIMES * of_runs {
        return None;
    }
    let judged = sum(history.judged());
    let alarmed =
        KPIS.iter().filter(|kpi| kpi.key == KPI).any(|kpi| kpi.alerts(&judged, &rows.thresholds).count() > 0);
    let percent = |part: f64| Tenths::near(part * 100.0);
    let name = if most.name.is_empty() { &most.id } else { &most.name };
    Some(Insight {
        key: "failures_concentrated".into(),
        kpi: Some(KPI),
        severity: if alarmed { Severity::Warning } else { Severity::Info },
        title: format!("Most failures come from one workflow: {name}"),
        sentence: format!(
            "{name} accounts for {}% of the {} failed runs, but for only {}% of all runs.",
            percent(of_failures),
            words::count(all),
            percent(of_runs)
        ),
        period: period(history.judged())?,
        compared_with: None,
        workflow: Some(Which { workflow_id: most.id.clone(), workflow_name: most.name.clone() }),
        numbers: BTreeMap::from([
            ("failures", Tenths::whole(failures(most))),
            ("allFailures", Tenths::whole(all)),
            ("percentOfFailures", percent(of_failures)),
            ("percentOfRuns", percent(of_runs)),
        ]),
        next: "Look at its failures by message: that is what goes wrong in it.",
    })
}
