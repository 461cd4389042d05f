//! PostgreSQL: a given server, else one started here, with a database for each caller; or a pair of which one follows the other;
//! or a given Citus cluster. Before any of them a pooler may stand.

mod citus;
mod cluster;
mod encrypted;
mod pair;
mod pooler;
mod roles;
mod twin;
mod url;

pub use citus::Citus;
pub use pair::PostgresPair;
pub use pooler::{PoolMode, Pooler};
pub use roles::Role;
pub use url::DatabaseUrl;

use crate::port;
use crate::run::server::Server;
use crate::wait::{self, Seen};
use anyhow::Context as _;
use cluster::Cluster;
use machine::environment::Environment;
use machine::postgres::{MISSING, PostgresPlan, Programs};
use std::fmt;
use std::path::Path;
use std::time::Duration;
use tokio::sync::OnceCell;

/// How long a given PostgreSQL may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A running PostgreSQL.
#[derive(Debug)]
pub struct Postgres {
    url: DatabaseUrl,
    why: String,
    server: Option<Server>,
    /// The database that those for the roles are copies of.
    template: OnceCell<String>,
}

impl Postgres {
    /// Carries out the plan.
    ///
    /// # Errors
    /// When none can be obtained, or it doesn't start or answer.
    pub async fn start(plan: PostgresPlan, run: &Path, environment: &Environment) -> anyhow::Result<Self> {
        match plan {
            PostgresPlan::Given(url) => Self::given(DatabaseUrl::new(url)?).await,
            PostgresPlan::Local(programs) => {
                port::with_fresh(async || Self::local(&programs, run, environment).await).await
            }
            PostgresPlan::Missing => anyhow::bail!("{MISSING}"),
        }
    }

    async fn given(url: DatabaseUrl) -> anyhow::Result<Self> {
        let what = format!("PostgreSQL at {url} (DATABASE_URL) to answer");
        wait::until(&what, ANSWER_LIMIT, async || Ok(answers(&url).await)).await?;
        Ok(Self { url, why: "DATABASE_URL is set".into(), server: None, template: OnceCell::new() })
    }

    async fn local(programs: &Programs, run: &Path, environment: &Environment) -> anyhow::Result<Self> {
        let port = port::free()?;
        let cluster = Cluster::new(programs, environment)?;
        let url = cluster.url(port)?;
        let program = cluster.server(port, run, environment);
        let server = Server::start(program, async || answers(&url).await).await?;
        let user = cluster
            .user
            .map(|user| format!(", run as {} because root may not", user.name))
            .unwrap_or_default();
        let why = format!("started here (DATABASE_URL is not set, {}{user})", programs.origin());
        Ok(Self { url, why, server: Some(server), template: OnceCell::new() })
    }

    /// The server's maintenance database.
    #[must_use]
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Creates an empty database.
    ///
    /// # Errors
    /// When it exists, or the role isn't allowed to create one.
    pub async fn create_database(&self, name: &str) -> anyhow::Result<DatabaseUrl> {
        created(&self.url, name).await
    }

    /// Creates a database and brings its schema up to date.
    ///
    /// # Errors
    /// As for [`Postgres::create_database`], or when a migration fails.
    pub async fn create_migrated(&self, name: &str) -> anyhow::Result<DatabaseUrl> {
        let url = self.create_database(name).await?;
        migrations::migrate(&mut url.connect().await?, &mut |_| ()).await?;
        Ok(url)
    }

    /// Creates a database whose schema the roles have brought up to date. Migrations take longer than a copy, so they run for the
    /// first one only. The copies share the key of their ledgers.
    ///
    /// # Errors
    /// As for [`Postgres::create_database`], or when a role can't be made, or a migration fails.
    pub async fn create_for_roles(&self, name: &str) -> anyhow::Result<DatabaseUrl> {
        let template = self.template.get_or_try_init(async || {
            let template = format!("{name}_template");
            self.create_database(&template).await?.migrate_by_roles().await?;
            Ok::<_, anyhow::Error>(template)
        });
        // PostgreSQL waits for sessions that are just ending there.
        let url = copied(&self.url, name, Some(template.await?)).await?;
        // What roles may do with a database is not copied with it.
        url.grant_roles().await?;
        Ok(url)
    }

    /// The server started here, to be stopped or paused; `None` if it isn't ours. Its `stop` is PostgreSQL's immediate
    /// shutdown: every connection is cut, nothing is written, and the next start recovers from the log.
    #[must_use]
    pub fn server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// Starts it again after it was stopped.
    ///
    /// # Errors
    /// When it isn't ours, or doesn't start.
    pub async fn start_again(&self) -> anyhow::Result<()> {
        let server = self.server.as_ref().context("this PostgreSQL was not started here")?;
        server.start_again(async || answers(&self.url).await).await
    }
}

impl fmt::Display for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.url, self.why)
    }
}

/// Creates an empty database beside the one at `url`.
async fn created(url: &DatabaseUrl, name: &str) -> anyhow::Result<DatabaseUrl> {
    copied(url, name, None).await
}

/// The same as a copy of another.
async fn copied(url: &DatabaseUrl, name: &str, template: Option<&String>) -> anyhow::Result<DatabaseUrl> {
    let client = url.connect().await?;
    let template = template.map(|template| format!(" template \"{template}\"")).unwrap_or_default();
    let made = client.batch_execute(&format!("create database \"{name}\"{template}")).await;
    made.with_context(|| format!("database {name} can't be created"))?;
    Ok(url.database(name))
}

async fn answers(url: &DatabaseUrl) -> Seen<()> {
    let answer = async { url.connect().await?.simple_query("select 1").await.map_err(anyhow::Error::from) };
    match answer.await {
        Ok(_) => Seen::Ready(()),
        Err(error) => Seen::NotYet(format!("{error:#}")),
    }
}
