//! A given Citus cluster: a database of its own for each caller, on all of its nodes.

use super::url::DatabaseUrl;
use crate::wait::{self, Seen};
use anyhow::{Context as _, ensure};
use std::time::Duration;
use tokio_postgres::Client;

/// How long sessions of other nodes may keep a database.
const DROP_LIMIT: Duration = Duration::from_secs(30);

/// A cluster, by its coordinator's maintenance database. It must have workers already.
#[derive(Debug)]
pub struct Citus {
    coordinator: DatabaseUrl,
    workers: Vec<DatabaseUrl>,
}

impl Citus {
    /// Asks the coordinator at `url` for its workers. Their roles and passwords are the coordinator's.
    ///
    /// # Errors
    /// When it doesn't answer, or has no workers.
    pub async fn find(url: &str) -> anyhow::Result<Self> {
        let coordinator = DatabaseUrl::new(url)?;
        let client = coordinator.connect().await?;
        let workers = "select node_name || ':' || node_port from citus_get_active_worker_nodes() order by 1";
        let workers = client.query(workers, &[]).await.context("CITUS_URL names no Citus")?;
        ensure!(!workers.is_empty(), "the coordinator at CITUS_URL has no workers");
        let workers = workers.iter().map(|row| coordinator.on(row.get(0))).collect();
        Ok(Self { coordinator, workers })
    }

    /// Creates an empty database, known to all nodes.
    ///
    /// # Errors
    /// When a node refuses.
    pub async fn create_database(&self, name: &str) -> anyhow::Result<DatabaseUrl> {
        for node in self.nodes() {
            run(&node.connect().await?, &format!("create database \"{name}\"")).await?;
            run(&node.database(name).connect().await?, "create extension citus").await?;
        }
        let database = self.coordinator.database(name);
        let client = database.connect().await?;
        let known = format!("select citus_set_coordinator_host({})", arguments(&self.coordinator)?);
        run(&client, &known).await?;
        for worker in &self.workers {
            run(&client, &format!("select citus_add_node({})", arguments(worker)?)).await?;
        }
        Ok(database)
    }

    /// Drops all databases whose name begins so, whoever is connected to them: each has a background process on each node.
    ///
    /// # Errors
    /// When a node refuses.
    pub async fn drop_databases(&self, beginning: &str) -> anyhow::Result<()> {
        for node in self.nodes() {
            let client = node.connect().await?;
            let all = "select datname from pg_database where starts_with(datname, $1)";
            for row in client.query(all, &[&beginning]).await? {
                let name: &str = row.get(0);
                // A prepared transaction would keep it from being dropped.
                roll_back_prepared(&node.database(name)).await?;
                let drop = format!("drop database \"{name}\" with (force)");
                wait::until(&format!("{drop} to be done"), DROP_LIMIT, async || {
                    // Other nodes may connect between the end of their sessions and the drop.
                    let dropped = client.batch_execute(&drop).await;
                    Ok(dropped.map_or_else(|error| Seen::NotYet(format!("{error:?}")), Seen::Ready))
                })
                .await?;
            }
        }
        Ok(())
    }

    /// The first worker's database of this name.
    #[must_use]
    pub fn worker(&self, name: &str) -> DatabaseUrl {
        self.workers[0].database(name)
    }

    fn nodes(&self) -> impl Iterator<Item = &DatabaseUrl> {
        std::iter::once(&self.coordinator).chain(&self.workers)
    }
}

async fn roll_back_prepared(database: &DatabaseUrl) -> anyhow::Result<()> {
    let client = database.connect().await?;
    let all = "select gid from pg_prepared_xacts where database = current_database()";
    for row in client.query(all, &[]).await? {
        run(&client, &format!("rollback prepared '{}'", row.get::<_, &str>(0))).await?;
    }
    Ok(())
}

/// A node's host and port, as arguments.
fn arguments(node: &DatabaseUrl) -> anyhow::Result<String> {
    let server = node.server()?;
    let (host, port) = server.rsplit_once(':').context("a server without a port")?;
    Ok(format!("'{host}', {port}"))
}

async fn run(client: &Client, statement: &str) -> anyhow::Result<()> {
    client.batch_execute(statement).await.with_context(|| format!("{statement} is refused"))
}
