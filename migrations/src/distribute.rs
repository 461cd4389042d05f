//! Distributing the tables by organization over the nodes of a Citus cluster, while members count.
//!
//! What belongs to an organization is on one node, in shards that lie together: so every question about an organization is one
//! node's. Progress, ledger, tails and dead letters belong to partitions of topics, and stay on the coordinator. So do webhooks: their
//! messages are one queue, from which whoever is free takes what is due, whosever it is. And so do erasures, which are few.

use crate::report::{Error, Told, is_lock_timeout};
use crate::{LOCK_TIMEOUT, NEWEST, PAUSE, TRIES_MAX, finished, later, missing, newer, unfilled};
use tokio_postgres::Client;

/// The column that says on which node a row is.
const COLUMN: &str = "organization_id";

/// The tables by organization. The others lie where the first lies.
const TABLES: [&str; 13] = [
    "organizations",
    "organization_channels",
    "organization_thresholds",
    "organization_links",
    "organization_refusals",
    "settings_changes",
    "org_daily_metrics",
    "org_hourly_metrics",
    "workflow_daily_metrics",
    "workflow_hourly_metrics",
    "channel_daily_metrics",
    "channel_hourly_metrics",
    "workflow_failures",
];

/// A table that `distribute` would distribute, or has distributed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// Its name.
    pub table: &'static str,
    /// Whether it is distributed.
    pub is_done: bool,
    /// Its rows, estimated; 0 once it is distributed.
    pub rows: i64,
}

/// What a table is to Citus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A table of PostgreSQL's.
    Local,
    /// A table of one shard that Citus knows: what an interrupted distribution leaves.
    Known,
    /// Distributed, by `organization_id`, where the others are.
    Distributed,
}

/// How far the tables are distributed, in the order in which they are.
///
/// # Errors
/// When this database can't be distributed, each reason in a sentence, or the database fails.
pub async fn distribution(client: &Client) -> Result<Vec<Distribution>, Error> {
    let obstacles = obstacles(client).await?;
    if !obstacles.is_empty() {
        return Err(Error::Undistributable(obstacles));
    }
    let mut tables = Vec::new();
    for table in TABLES {
        let is_done = kind(client, table).await? == Kind::Distributed;
        let rows = "select greatest(reltuples, 0)::bigint from pg_class where oid = $1::text::regclass";
        let rows = if is_done { 0 } else { client.query_one(rows, &[&table]).await?.get(0) };
        tables.push(Distribution { table, is_done, rows });
    }
    Ok(tables)
}

/// Distributes the tables that are not distributed, one after the other, and returns whether there were any. Members count
/// meanwhile. When it is interrupted, calling it again goes on.
///
/// # Errors
/// As for [`distribution`], or when a lock is never free.
pub async fn distribute(client: &mut Client, told: &mut dyn FnMut(Told)) -> Result<bool, Error> {
    crate::take_turns(client, told).await?;
    let mut todo = distribution(client).await?;
    todo.retain(|Distribution { is_done, .. }| !is_done);
    // A table takes as long as it is large.
    client.batch_execute("set statement_timeout = 0").await?;
    for Distribution { table, rows, .. } in &todo {
        told(Told::Distributes { table, rows: *rows });
        distribute_table(client, table, told).await?;
    }
    crate::give_turn(client).await?;
    Ok(!todo.is_empty())
}

/// Moves a table's rows to the workers. A table that has some is first made known to Citus, which locks it for a moment; then
/// its rows are copied by logical replication, and only the last of them lock out members, for less than a second.
async fn distribute_table(
    client: &Client,
    table: &'static str,
    told: &mut dyn FnMut(Told),
) -> Result<(), Error> {
    let with = if table == TABLES[0] { "none" } else { TABLES[0] };
    let arguments = format!("'{table}', '{COLUMN}', colocate_with => '{with}'");
    let has_rows = client.query_one(&format!("select exists (select from {table})"), &[]).await?;
    if !has_rows.get::<_, bool>(0) {
        return when_free(client, &format!("select create_distributed_table({arguments})"), told).await;
    }
    if kind(client, table).await? == Kind::Local {
        let known = format!("select citus_add_local_table_to_metadata('{table}')");
        when_free(client, &known, told).await?;
    }
    client.batch_execute("set lock_timeout = 0").await?;
    client.batch_execute(&format!("select create_distributed_table_concurrently({arguments})")).await?;
    Ok(())
}

/// Runs a statement that locks members out of a table for a moment.
async fn when_free(client: &Client, statement: &str, told: &mut dyn FnMut(Told)) -> Result<(), Error> {
    client.batch_execute(&format!("set lock_timeout = '{LOCK_TIMEOUT}'")).await?;
    for _ in 0..TRIES_MAX {
        match client.batch_execute(statement).await {
            Ok(()) => return Ok(()),
            Err(error) if is_lock_timeout(&error) => told(Told::Waits("a lock on the tables")),
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Error::Locked("the tables"))
}

async fn kind(client: &Client, table: &str) -> Result<Kind, Error> {
    let query = "select partmethod::text from pg_dist_partition where logicalrelid = $1::text::regclass";
    let method = client.query_opt(query, &[&table]).await?.map(|row| row.get::<_, String>(0));
    Ok(match method.as_deref() {
        None => Kind::Local,
        Some("h") => Kind::Distributed,
        Some(_) => Kind::Known,
    })
}

/// What stands against distributing this database, in sentences that say what to do; none if nothing does.
async fn obstacles(client: &Client) -> Result<Vec<String>, Error> {
    let is_citus = "select exists (select from pg_extension where extname = 'citus')";
    if !client.query_one(is_citus, &[]).await?.get::<_, bool>(0) {
        return Ok(vec![
            "the database is no Citus: it lacks the extension citus (`create extension citus`, here and in the workers' \
             databases of this name, after `shared_preload_libraries = 'citus'`)"
                .into(),
        ]);
    }
    let mut why = of_schema(client).await?;
    why.extend(of_nodes(client).await?);
    if why.is_empty() {
        why.extend(of_settings(client).await?);
    }
    Ok(why)
}

/// What the schema lacks: a distributed table has no triggers, so none may be left.
async fn of_schema(client: &Client) -> Result<Vec<String>, Error> {
    let missing = missing(client).await?;
    if !missing.is_empty() {
        return Ok(vec![format!("the schema lacks {}: run `consumer migrate` first", missing.join(", "))]);
    }
    let later = later(client).await?;
    if !later.is_empty() {
        return Ok(vec![newer(&later)]);
    }
    if !unfilled(client).await?.is_empty() || finished(client).await? < NEWEST {
        return Ok(vec![
            "an upgrade is not finished, and its triggers can't be on distributed tables: replace the members and query-apis of \
             the former version, then run `consumer migrate --finish`"
                .into(),
        ]);
    }
    let elsewhere = "select string_agg(p.logicalrelid::text, ', ') from pg_dist_partition p
        where p.logicalrelid::text = any($1) and p.partmethod = 'h'
          and (column_to_column_name(p.logicalrelid, p.partkey) <> $2
               or p.colocationid <> (select colocationid from pg_dist_partition where logicalrelid = $3::text::regclass
                                                                                  and partmethod = 'h'))";
    let elsewhere: Option<String> =
        client.query_one(elsewhere, &[&TABLES.as_slice(), &COLUMN, &TABLES[0]]).await?.get(0);
    let complaint = |tables| {
        format!(
            "distributed otherwise than by {COLUMN} beside {}: {tables}; `select undistribute_table(...)` puts each of them \
             back",
            TABLES[0]
        )
    };
    Ok(elsewhere.map(complaint).into_iter().collect())
}

/// What the cluster lacks.
async fn of_nodes(client: &Client) -> Result<Vec<String>, Error> {
    let nodes = "select count(*) filter (where groupid = 0), count(*) filter (where shouldhaveshards)
                 from pg_dist_node where isactive and noderole = 'primary'";
    let nodes = client.query_one(nodes, &[]).await?;
    let (coordinators, holders): (i64, i64) = (nodes.get(0), nodes.get(1));
    let mut why = Vec::new();
    if coordinators == 0 {
        why.push(
            "the workers don't know the coordinator: run `select citus_set_coordinator_host('HOST', PORT)`"
                .into(),
        );
    }
    if holders == 0 {
        why.push("no node takes shards: add workers by `select citus_add_node('HOST', PORT)`".into());
    }
    Ok(why)
}

/// A setting that the nodes need: its name, a condition that is true where it will do, and what to set.
const NEEDED: [(&str, &str, &str); 4] = [
    (
        "max_prepared_transactions",
        "current_setting('max_prepared_transactions')::integer > 0",
        "max_prepared_transactions = 200: a batch's commit is prepared on each node",
    ),
    (
        "max_worker_processes",
        "current_setting('max_worker_processes')::integer >= 16",
        "max_worker_processes = 32: each database has a process, and rows are moved by more; without them that waits for ever",
    ),
    ("wal_level", "current_setting('wal_level') = 'logical'", "wal_level = logical: rows are moved by it"),
    (
        "output_plugin_libraries",
        "coalesce(current_setting('output_plugin_libraries', true) ~ '\\mcitus\\M', true)",
        "output_plugin_libraries = 'pgoutput, citus': rows are moved by it",
    ),
];

/// What nodes' settings lack.
async fn of_settings(client: &Client) -> Result<Vec<String>, Error> {
    let mut why = Vec::new();
    for (name, holds, set) in NEEDED {
        let query = "select string_agg(n.nodename || ':' || n.nodeport, ', ')
                     from run_command_on_all_nodes($1) r join pg_dist_node n using (nodeid)
                     where not r.success or r.result <> 't'";
        let lacking = client.query_one(query, &[&format!("select {holds}")]).await?;
        if let Some(nodes) = lacking.get::<_, Option<String>>(0) {
            why.push(format!("{nodes}: {name} won't do, or the node can't be asked; set {set}"));
        }
    }
    Ok(why)
}
