//! Indexes by time, small ones (BRIN) in place of B-trees that every new row had to enter. They are built beside members that
//! count, which no statement of a numbered migration can.

use crate::report::{Error, Told};
use tokio_postgres::Client;

/// Tables with the column that they have an index by.
const TABLES: [(&str, &str); 3] = [
    ("org_hourly_metrics", "hour_bucket"),
    ("org_daily_metrics", "day_bucket"),
    ("workflow_hourly_metrics", "hour_bucket"),
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
    for (table, column) in TABLES {
        let (former, index) = (format!("{table}_by_bucket"), format!("{table}_by_time"));
        let valid: Option<bool> = client.query_opt(is_valid, &[&index]).await?.map(|row| row.get(0));
        if valid == Some(false) {
            client.batch_execute(&format!("drop index concurrently if exists {index}")).await?;
        }
        if valid != Some(true) {
            told(Told::Builds { index: format!("{index}, by {column}") });
            let build = format!(
                "create index concurrently {index} on {table} using brin ({column}) with (autosummarize = on)"
            );
            client.batch_execute(&build).await?;
        }
        client.batch_execute(&format!("drop index concurrently if exists {former}")).await?;
    }
    Ok(())
}
