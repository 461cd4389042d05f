//! Indexes that are built beside members that count, which no statement of a numbered migration can: small ones by time (BRIN), in
//! place of B-trees that every new row had to enter, and one by which the failures of one workflow are found among all others.

use crate::report::{Error, Told};
use tokio_postgres::Client;

/// An index to be built.
struct Index {
    name: &'static str,
    table: &'static str,
    /// What it is by, in a word.
    by: &'static str,
    /// Its method and columns.
    using: &'static str,
    /// The index that it replaces.
    former: Option<&'static str>,
}

const INDEXES: [Index; 4] = [
    Index {
        name: "org_hourly_metrics_by_time",
        table: "org_hourly_metrics",
        by: "hour_bucket",
        using: "brin (hour_bucket) with (autosummarize = on)",
        former: Some("org_hourly_metrics_by_bucket"),
    },
    Index {
        name: "org_daily_metrics_by_time",
        table: "org_daily_metrics",
        by: "day_bucket",
        using: "brin (day_bucket) with (autosummarize = on)",
        former: Some("org_daily_metrics_by_bucket"),
    },
    Index {
        name: "workflow_hourly_metrics_by_time",
        table: "workflow_hourly_metrics",
        by: "hour_bucket",
        using: "brin (hour_bucket) with (autosummarize = on)",
        former: Some("workflow_hourly_metrics_by_bucket"),
    },
    Index {
        name: "workflow_failures_of_workflow",
        table: "workflow_failures",
        by: "workflow_id",
        using: "btree (organization_id, workflow_id, finished_at desc, execution_id desc)",
        former: None,
    },
];

/// Builds what is missing, and drops what it replaces. An index whose building was interrupted is built anew.
pub(crate) async fn replace(client: &Client, told: &mut dyn FnMut(Told)) -> Result<(), Error> {
    // Building waits for every transaction that began before, and locks nobody out meanwhile. Of a large table it takes long.
    let limits =
        client.query_one("select current_setting('lock_timeout'), current_setting('statement_timeout')", &[]);
    let limits = limits.await?;
    let limits: [&str; 2] = [limits.get(0), limits.get(1)];
    set_limits(client, ["0", "0"]).await?;
    let replaced = replace_each(client, told).await;
    set_limits(client, limits).await?;
    replaced
}

/// Sets how long statements of this session may wait for a lock, and how long they may take.
async fn set_limits(client: &Client, [lock, statement]: [&str; 2]) -> Result<(), Error> {
    let set = "select set_config('lock_timeout', $1, false), set_config('statement_timeout', $2, false)";
    client.execute(set, &[&lock, &statement]).await?;
    Ok(())
}

async fn replace_each(client: &Client, told: &mut dyn FnMut(Told)) -> Result<(), Error> {
    let is_valid = "select indisvalid from pg_index where indexrelid = to_regclass($1)";
    for Index { name, table, by, using, former } in INDEXES {
        let valid: Option<bool> = client.query_opt(is_valid, &[&name]).await?.map(|row| row.get(0));
        if valid == Some(false) {
            client.batch_execute(&format!("drop index concurrently if exists {name}")).await?;
        }
        if valid != Some(true) {
            told(Told::Builds { index: format!("{name}, by {by}") });
            let build = format!("create index concurrently {name} on {table} using {using}");
            client.batch_execute(&build).await?;
        }
        if let Some(former) = former {
            client.batch_execute(&format!("drop index concurrently if exists {former}")).await?;
        }
    }
    Ok(())
}
