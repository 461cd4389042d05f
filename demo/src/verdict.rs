//! Comparing produced with counted, counter by counter.

use load::truth::COUNTERS;
use load::{Truth, check};
use machine::say;
use tokio_postgres::Client;

/// Prints a table of sums, and the cells that differ; returns true if none does.
///
/// # Errors
/// When the database can't be read.
pub async fn pronounce(client: &Client, truth: &Truth) -> anyhow::Result<bool> {
    say::line(format_args!("{:<28}{:>14}{:>14}", "", "produced", "counted"));
    let sums = COUNTERS.map(|counter| format!("coalesce(sum({counter}), 0)::bigint")).join(", ");
    let counted = client.query_one(&format!("select {sums} from org_daily_metrics"), &[]).await?;
    for ((place, counter), produced) in COUNTERS.into_iter().enumerate().zip(truth.totals()) {
        row(counter, produced, counted.get(place));
    }
    let query = "select reason, sum(records)::bigint from (select reason, 1 as records from dead_letters union all \
                 select reason, records from dead_letter_runs) refused group by reason";
    let refused = client.query(query, &[]).await?;
    for (reason, produced) in &truth.dead_letters {
        let counted = refused.iter().find(|row| row.get::<_, &str>(0) == *reason).map_or(0, |row| row.get(1));
        row(reason, i64::try_from(*produced)?, counted);
    }
    let differences = check(client, truth).await?;
    if differences.is_empty() {
        let compared = differences.compared();
        say::line(format_args!(
            "All {compared} values in hours, quarters, days, workflows, channels and organizations are equal."
        ));
    } else {
        say::line(&differences);
    }
    Ok(differences.is_empty())
}

fn row(name: &str, produced: i64, counted: i64) {
    let mark = if produced == counted { "" } else { "  differs" };
    say::line(format_args!("{name:<28}{produced:>14}{counted:>14}{mark}"));
}
