//! A pair of PostgreSQL servers: a primary, and a standby that follows it without making it wait. The primary may be lost, with
//! the commits that it hadn't shipped; and an older backup may be restored in its place.

use super::cluster::Cluster;
use super::url::DatabaseUrl;
use super::{answers, created};
use crate::port;
use crate::proxy::Target;
use crate::run::process::Process;
use crate::run::program::Program;
use crate::run::server::Server;
use crate::wait::{self, Seen};
use anyhow::{Context as _, ensure};
use machine::environment::Environment;
use machine::postgres::{PostgresPlan, Programs};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The client programs that a pair needs.
const TOOLS: [&str; 2] = ["pg_basebackup", "pg_dump"];

/// How long a copy of all data may take.
const COPY_LIMIT: Duration = Duration::from_secs(120);
/// How long the standby may take to stop following, or to be promoted.
const SWITCH_LIMIT: Duration = Duration::from_secs(30);
/// A standby that lost its primary tries again after this time.
const RETRY_EVERY: &str = "wal_retrieve_retry_interval=200ms";

/// Two servers, one of which is the primary. Methods that change the roles must not run at the same time.
#[derive(Debug)]
pub struct PostgresPair {
    nodes: [Member; 2],
    primary: AtomicUsize,
    target: Target,
    origin: String,
    run: PathBuf,
    environment: Environment,
}

#[derive(Debug)]
struct Member {
    cluster: Cluster,
    port: u16,
    url: DatabaseUrl,
    /// The server's program; its process is another one after each start.
    server: Server,
}

impl PostgresPair {
    /// The programs for a pair, if they are installed and no server is given.
    #[must_use]
    pub fn programs(environment: &Environment) -> Option<Programs> {
        match PostgresPlan::find(environment) {
            PostgresPlan::Local(programs) => {
                Some(programs).filter(|all| TOOLS.iter().all(|tool| all.have(tool)))
            }
            PostgresPlan::Given(_) | PostgresPlan::Missing => None,
        }
    }

    /// Starts a primary and a standby.
    ///
    /// # Errors
    /// When one can't be created or doesn't start.
    pub async fn start(programs: &Programs, run: &Path, environment: &Environment) -> anyhow::Result<Self> {
        port::with_fresh(async || Self::of(programs, run, environment).await).await
    }

    async fn of(programs: &Programs, run: &Path, environment: &Environment) -> anyhow::Result<Self> {
        let cluster = Cluster::new(programs, environment)?;
        let copy = cluster.for_copy()?;
        let first = Member::start(cluster, run, environment).await?;
        let standby = Tools { member: &first, run, environment };
        standby.copy_to(&copy, &copy.data(), Copied::Standby).await?;
        let second = Member::start(copy, run, environment).await?;
        Ok(Self {
            target: first.url.server()?.into(),
            nodes: [first, second],
            primary: AtomicUsize::new(0),
            origin: programs.origin(),
            run: run.to_owned(),
            environment: environment.clone(),
        })
    }

    /// The address of the primary, now and after it has changed, for proxies.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target.clone()
    }

    /// The two servers' addresses; at first the primary's is the first.
    #[must_use]
    pub fn servers(&self) -> [String; 2] {
        self.nodes.each_ref().map(|node| SocketAddr::from((Ipv4Addr::LOCALHOST, node.port)).to_string())
    }

    /// Waits until the standby has a database.
    ///
    /// # Errors
    /// When it doesn't get it in time.
    pub async fn until_standby_has(&self, database: &str) -> anyhow::Result<()> {
        let url = self.standby().url.database(database);
        let migrated = "select to_regclass('channel_daily_metrics') is not null";
        wait::until("the standby to have the database", SWITCH_LIMIT, async || {
            let Ok(client) = url.connect().await else {
                return Ok(Seen::NotYet("it can't be connected to".into()));
            };
            Ok(Seen::when(client.query_one(migrated, &[]).await?.get(0), "its schema is missing"))
        })
        .await
    }

    /// Creates a database. Its URL leads to the primary of now.
    ///
    /// # Errors
    /// When it exists.
    pub async fn create_database(&self, name: &str) -> anyhow::Result<DatabaseUrl> {
        created(&self.primary().url, name).await
    }

    /// Creates a database and brings its schema up to date. Its URL leads to the primary of now.
    ///
    /// # Errors
    /// When it exists, or a migration fails.
    pub async fn create_migrated(&self, name: &str) -> anyhow::Result<DatabaseUrl> {
        let url = created(&self.primary().url, name).await?;
        migrations::migrate(&mut url.connect().await?, &mut |_| ()).await?;
        Ok(url)
    }

    /// The primary's server, whose `stop` is PostgreSQL's immediate shutdown.
    #[must_use]
    pub fn primary_server(&self) -> &Server {
        &self.primary().server
    }

    /// Starts the primary again after it was stopped.
    ///
    /// # Errors
    /// When it doesn't start.
    pub async fn start_primary_again(&self) -> anyhow::Result<()> {
        self.primary().start_again().await
    }

    /// Lets the standby follow no longer: what the primary commits from now on is lost by [`PostgresPair::fail_over`].
    ///
    /// # Errors
    /// When the standby doesn't obey.
    pub async fn cut_standby_off(&self) -> anyhow::Result<()> {
        let client = self.standby().url.connect().await?;
        client.batch_execute("alter system set primary_conninfo = ''").await?;
        client.batch_execute("select pg_reload_conf()").await?;
        wait::until("the standby to stop following", SWITCH_LIMIT, async || {
            let row = client.query_one("select count(*) from pg_stat_wal_receiver", &[]).await?;
            Ok(Seen::when(row.get::<_, i64>(0) == 0, "it still follows"))
        })
        .await
    }

    /// Ends the primary immediately, and makes the standby the primary. Until [`PostgresPair::rebuild_standby`] there is no other.
    ///
    /// # Errors
    /// When the standby isn't promoted.
    pub async fn fail_over(&self) -> anyhow::Result<()> {
        tokio::task::block_in_place(|| self.primary().server.stop());
        let heir = self.standby();
        let client = heir.url.connect().await?;
        let limit = i32::try_from(SWITCH_LIMIT.as_secs())?;
        let promoted = client.query_one("select pg_promote(true, $1)", &[&limit]).await?;
        ensure!(promoted.get::<_, bool>(0), "the standby isn't promoted");
        self.primary.fetch_xor(1, Ordering::SeqCst);
        self.target.lead_to(heir.url.server()?);
        Ok(())
    }

    /// Makes the server that isn't the primary a standby of it, from a new copy of its data.
    ///
    /// # Errors
    /// When the data can't be copied, or the server doesn't start.
    pub async fn rebuild_standby(&self) -> anyhow::Result<()> {
        let standby = self.standby();
        tokio::task::block_in_place(|| standby.server.stop());
        self.tools().copy_to(&standby.cluster, &standby.cluster.data(), Copied::Standby).await?;
        standby.start_again().await
    }

    /// Takes a backup of the primary. It replaces the one before.
    ///
    /// # Errors
    /// When it can't be taken.
    pub async fn back_up(&self) -> anyhow::Result<()> {
        self.tools().copy_to(&self.nodes[0].cluster, &self.backup(), Copied::Backup).await
    }

    /// Puts the backup in the place of the primary's data, and starts it. The backup is used up. The standby doesn't follow until
    /// [`PostgresPair::rebuild_standby`].
    ///
    /// # Errors
    /// When there is no backup, or the server doesn't start.
    pub async fn restore(&self) -> anyhow::Result<()> {
        self.put_backup_back()?;
        self.primary().start_again().await
    }

    /// From now on the primary archives its log, for [`PostgresPair::restore_until`]. It is started anew for that.
    ///
    /// # Errors
    /// When it doesn't start.
    pub async fn archive(&self) -> anyhow::Result<()> {
        let (primary, archive) = (self.primary(), self.archived());
        std::fs::create_dir(&archive).with_context(|| format!("{} can't be made", archive.display()))?;
        if let Some(user) = &primary.cluster.user {
            user.own(&archive)?;
        }
        let client = primary.url.connect().await?;
        let command = format!("cp %p {}/%f", archive.display());
        for (name, value) in [("archive_mode", "on"), ("archive_command", &*command)] {
            client.batch_execute(&format!("alter system set {name} = '{value}'")).await?;
        }
        tokio::task::block_in_place(|| primary.server.stop());
        primary.start_again().await
    }

    /// Puts the backup in the place of the primary's data, as [`PostgresPair::restore`] does, and has it follow its archived log as far
    /// as these settings say, whose files are in [`PostgresPair::archived`]. Something must have been committed after that.
    ///
    /// # Errors
    /// When there is no backup, or the log isn't archived, or the server doesn't start or doesn't get there.
    pub async fn restore_until(&self, settings: &str) -> anyhow::Result<()> {
        self.archive_all().await?;
        self.put_backup_back()?;
        let primary = self.primary();
        let data = primary.cluster.data();
        let configuration = data.join("postgresql.auto.conf");
        let text = std::fs::read_to_string(&configuration)? + settings;
        std::fs::write(&configuration, text)?;
        let signal = data.join("recovery.signal");
        std::fs::write(&signal, "")?;
        if let Some(user) = &primary.cluster.user {
            user.own(&signal)?;
        }
        primary.start_again().await?;
        wait::until("the recovery to get to its target", SWITCH_LIMIT, async || {
            let client = primary.url.connect().await?;
            let recovers: bool = client.query_one("select pg_is_in_recovery()", &[]).await?.get(0);
            Ok(Seen::when(!recovers, "it is still recovering"))
        })
        .await
    }

    /// Waits until everything that the primary has written to its log is archived.
    async fn archive_all(&self) -> anyhow::Result<()> {
        let client = self.primary().url.connect().await?;
        let last = client.query_one("select pg_walfile_name(pg_switch_wal())", &[]).await?;
        let last: &str = last.get(0);
        wait::until("the log to be archived", SWITCH_LIMIT, async || {
            let archived = "select coalesce(last_archived_wal, '') from pg_stat_archiver";
            let archived = client.query_one(archived, &[]).await?;
            let archived: &str = archived.get(0);
            Ok(Seen::when(archived >= last, format!("{archived} is the last, not {last}")))
        })
        .await
    }

    /// Ends both servers, and puts the backup in the place of the primary's data.
    fn put_backup_back(&self) -> anyhow::Result<()> {
        let (primary, backup) = (self.primary(), self.backup());
        ensure!(backup.is_dir(), "there is no backup");
        tokio::task::block_in_place(|| {
            self.standby().server.stop();
            primary.server.stop();
        });
        let data = primary.cluster.data();
        std::fs::remove_dir_all(&data).with_context(|| format!("{} can't be removed", data.display()))?;
        std::fs::rename(&backup, &data).with_context(|| format!("{} can't be moved", backup.display()))
    }

    /// A client program that connects to the database at `url`.
    #[must_use]
    pub fn tool(&self, name: &str, url: &DatabaseUrl) -> Program {
        self.tools().program(name).arg(format!("--dbname={}", url.as_str()))
    }

    fn tools(&self) -> Tools<'_> {
        Tools { member: self.primary(), run: &self.run, environment: &self.environment }
    }

    fn primary(&self) -> &Member {
        &self.nodes[self.primary.load(Ordering::SeqCst)]
    }

    fn standby(&self) -> &Member {
        &self.nodes[1 - self.primary.load(Ordering::SeqCst)]
    }

    fn backup(&self) -> PathBuf {
        self.nodes[0].cluster.folder.join("backup")
    }

    /// The folder of the archived log.
    #[must_use]
    pub fn archived(&self) -> PathBuf {
        self.nodes[0].cluster.folder.join("archive")
    }
}

impl fmt::Display for PostgresPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a primary and an asynchronous standby, started here ({})", self.origin)
    }
}

impl Member {
    async fn start(cluster: Cluster, run: &Path, environment: &Environment) -> anyhow::Result<Self> {
        let port = port::free()?;
        let url = cluster.url(port)?;
        let program = cluster.server(port, run, environment).args(["-c", RETRY_EVERY]);
        let server = Server::start(program, async || answers(&url).await).await?;
        Ok(Self { cluster, port, url, server })
    }

    async fn start_again(&self) -> anyhow::Result<()> {
        self.server.start_again(async || answers(&self.url).await).await
    }
}

/// What a copy of the data is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Copied {
    Standby,
    Backup,
}

/// The client programs, run on a server.
#[derive(Clone, Copy)]
struct Tools<'a> {
    member: &'a Member,
    run: &'a Path,
    environment: &'a Environment,
}

impl Tools<'_> {
    fn program(&self, name: &str) -> Program {
        let Cluster { programs, user, folder, .. } = &self.member.cluster;
        Program::new(name, programs.join(name), self.run.join(format!("{name}.log")))
            .inherit(self.environment)
            .user(user.clone())
            .folder(folder)
    }

    /// Copies the server's data into a folder of `cluster`, in place of what is there.
    async fn copy_to(&self, cluster: &Cluster, folder: &Path, copied: Copied) -> anyhow::Result<()> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)
                .with_context(|| format!("{} can't be removed", folder.display()))?;
        }
        let standby = (copied == Copied::Standby).then_some("--write-recovery-conf");
        let program = self
            .program("pg_basebackup")
            .env("PGPASSWORD", &cluster.password)
            .args(["--host=127.0.0.1", "--username=postgres", "--checkpoint=fast", "--no-sync"])
            .arg(format!("--port={}", self.member.port))
            .arg(format!("--pgdata={}", folder.display()))
            .args(standby);
        let mut process = Process::start(program)?;
        let status = process.wait(COPY_LIMIT).await?;
        ensure!(status.success(), "PostgreSQL's data can't be copied ({status}):\n{}", process.log_tail());
        Ok(())
    }
}
