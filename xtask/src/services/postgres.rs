//! PostgreSQL: the one that is given, else one started here, with a database for whoever asks.

use super::postgres_programs::{MISSING, Programs};
use super::redis::without_password;
use crate::environment::Environment;
use crate::program::Program;
use crate::server::Server;
use crate::user::User;
use crate::wait::{self, Seen};
use crate::{port, workspace};
use anyhow::{Context as _, ensure};
use rustix::process::Signal;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

/// How long a given PostgreSQL may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How long PostgreSQL may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// How PostgreSQL will be had.
#[derive(Debug)]
pub struct PostgresPlan(Way);

#[derive(Debug)]
enum Way {
    Given(String),
    Local(Programs),
    Missing,
}

impl PostgresPlan {
    /// Looks at the environment and at what is installed.
    #[must_use]
    pub fn find(environment: &Environment) -> Self {
        Self(match &environment.database_url {
            Some(url) => Way::Given(url.clone()),
            None => Programs::find(environment).map_or(Way::Missing, Way::Local),
        })
    }

    /// What can't be shown this way.
    #[must_use]
    pub fn shortcoming(&self) -> Option<String> {
        matches!(self.0, Way::Missing).then(|| format!("PostgreSQL: {MISSING}"))
    }
}

/// Where a database is: `postgres://user:password@host:port/database?parameters`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Takes a URL; the other form PostgreSQL knows, `host=... dbname=...`, is refused.
    ///
    /// # Errors
    /// When it is no URL.
    pub fn new(url: impl Into<String>) -> anyhow::Result<Self> {
        let url = url.into();
        ensure!(
            url.starts_with("postgres://") || url.starts_with("postgresql://"),
            "DATABASE_URL must look like postgres://user:password@host:port/database"
        );
        Ok(Self(url))
    }

    /// As text, password and all.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same server's database `name`.
    #[must_use]
    pub fn database(&self, name: &str) -> Self {
        let (url, parameters) =
            self.0.split_once('?').map_or((&*self.0, None), |(url, rest)| (url, Some(rest)));
        let authority = url.find("://").map_or(0, |at| at + 3);
        let end = url[authority..].find('/').map_or(url.len(), |at| authority + at);
        let parameters = parameters.map(|parameters| format!("?{parameters}")).unwrap_or_default();
        Self(format!("{}/{name}{parameters}", &url[..end]))
    }

    /// A connection, whose traffic a task of the current runtime carries.
    ///
    /// # Errors
    /// When PostgreSQL refuses or is away.
    pub async fn connect(&self) -> anyhow::Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.0, NoTls).await?;
        // The client learns of a lost connection from its next statement.
        tokio::spawn(async move { drop(connection.await) });
        Ok(client)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(&self.0))
    }
}

/// A running PostgreSQL.
#[derive(Debug)]
pub struct Postgres {
    url: DatabaseUrl,
    why: String,
    server: Option<Server>,
}

impl Postgres {
    /// Carries out the plan.
    ///
    /// # Errors
    /// When there is none to be had, or it does not start or answer.
    pub async fn start(plan: PostgresPlan, run: &Path, environment: &Environment) -> anyhow::Result<Self> {
        match plan.0 {
            Way::Given(url) => Self::given(DatabaseUrl::new(url)?).await,
            Way::Local(programs) => {
                port::with_fresh(async || Self::local(&programs, run, environment).await).await
            }
            Way::Missing => anyhow::bail!("{MISSING}"),
        }
    }

    async fn given(url: DatabaseUrl) -> anyhow::Result<Self> {
        let what = format!("PostgreSQL at {url} (DATABASE_URL) to answer");
        wait::until(&what, ANSWER_LIMIT, async || Ok(answers(&url).await)).await?;
        Ok(Self { url, why: "DATABASE_URL is set".into(), server: None })
    }

    async fn local(programs: &Programs, run: &Path, environment: &Environment) -> anyhow::Result<Self> {
        let port = port::free()?;
        let cluster = Cluster::new(programs, environment)?;
        let program = Program::new(
            "PostgreSQL",
            cluster.programs.join("postgres"),
            run.join(format!("postgres-{port}.log")),
        )
        .inherit(environment)
        .user(cluster.user.clone())
        .folder(&cluster.folder)
        .scratch(&cluster.folder)
        .arg("-D")
        .arg(cluster.data())
        .args(["-p", &port.to_string()])
        .end_by(Signal::QUIT, GRACE);
        let url =
            DatabaseUrl::new(format!("postgres://postgres:{}@127.0.0.1:{port}/postgres", cluster.password))?;
        let server = Server::start(program, async || answers(&url).await).await?;
        let user = cluster
            .user
            .map(|user| format!(", run as {} because root may not", user.name))
            .unwrap_or_default();
        let why = format!("started here (DATABASE_URL is not set, {}{user})", programs.origin());
        Ok(Self { url, why, server: Some(server) })
    }

    /// The server's maintenance database.
    #[must_use]
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Makes an empty database.
    ///
    /// # Errors
    /// When it exists, or the role isn't allowed to.
    pub async fn create_database(&self, name: &str) -> anyhow::Result<DatabaseUrl> {
        let client = self.url.connect().await?;
        let made = client.batch_execute(&format!("create database \"{name}\"")).await;
        made.with_context(|| format!("database {name} can't be made"))?;
        Ok(self.url.database(name))
    }

    /// Makes a database and brings its schema up to date.
    ///
    /// # Errors
    /// As for [`Postgres::create_database`], or when a migration fails.
    pub async fn create_migrated(&self, name: &str) -> anyhow::Result<DatabaseUrl> {
        let url = self.create_database(name).await?;
        migrations::migrate(&mut url.connect().await?).await?;
        Ok(url)
    }

    /// The server started here, to be stopped or paused; `None` when it isn't ours. Its `stop` is PostgreSQL's
    /// immediate shutdown: every connection is cut, nothing is written, the next start recovers from the log.
    #[must_use]
    pub fn server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// Starts it again after it was stopped.
    ///
    /// # Errors
    /// When it isn't ours, or does not come up.
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

async fn answers(url: &DatabaseUrl) -> Seen<()> {
    let answer = async { url.connect().await?.simple_query("select 1").await.map_err(anyhow::Error::from) };
    match answer.await {
        Ok(_) => Seen::Ready(()),
        Err(error) => Seen::NotYet(format!("{error:#}")),
    }
}

/// A data directory of our own, where the user who runs PostgreSQL can reach it: the checkout may lie in a folder
/// that only root can enter.
struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    user: Option<User>,
    password: String,
}

impl Cluster {
    fn new(programs: &Programs, environment: &Environment) -> anyhow::Result<Self> {
        let user = User::for_postgres()?;
        let name = format!("business-metrics-postgres-{}-{}", std::process::id(), workspace::next_number());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).with_context(|| format!("{} can't be made", folder.display()))?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))?;
        let made = Self::fill(&folder, programs, user, environment);
        if made.is_err() {
            // Nobody has started in it yet, so nobody else would remove it.
            let _ = std::fs::remove_dir_all(&folder);
        }
        made
    }

    fn fill(
        folder: &Path,
        programs: &Programs,
        user: Option<User>,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        // Programs are unpacked by us and only run by the other user.
        let programs = programs.unpack(folder)?;
        let cluster = Self { folder: folder.into(), programs, user, password: random_word() };
        cluster.init(environment)?;
        Ok(cluster)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn init(&self, environment: &Environment) -> anyhow::Result<()> {
        let password_file = self.folder.join("password");
        write_private(&password_file, &self.password)?;
        let mut command = Command::new(self.programs.join("initdb"));
        command
            .args([
                "--username=postgres",
                "--auth=scram-sha-256",
                "--no-locale",
                "--encoding=UTF8",
                "--no-sync",
                "-D",
            ])
            .arg(self.data())
            .arg(format!("--pwfile={}", password_file.display()))
            .env_clear()
            .envs(environment.passed_on.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder);
        if let Some(user) = &self.user {
            user.own(&self.folder)?;
            user.own(&password_file)?;
            command.uid(user.uid).gid(user.gid);
        }
        let output = command.output().context("initdb can't be run")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "PostgreSQL's data directory can't be made:\n{said}");
        std::fs::remove_file(&password_file)?;
        self.configure()
    }

    /// What is said last in the file counts.
    fn configure(&self) -> anyhow::Result<()> {
        let path = self.data().join("postgresql.conf");
        let text = std::fs::read_to_string(&path)? + &workspace::deploy_file("postgres/local.conf")?;
        std::fs::write(&path, text).with_context(|| format!("{} can't be written", path.display()))
    }
}

fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(())
}

/// Good enough against other users of this machine while the server runs; made of what the standard library seeds its
/// hash maps with.
fn random_word() -> String {
    format!("{:016x}{:016x}", RandomState::new().hash_one(0), RandomState::new().hash_one(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_led_to_another_database() {
        let check = |from: &str, to| assert_eq!(DatabaseUrl::new(from).unwrap().database("t1").as_str(), to);
        check("postgres://u:p@h:1/postgres", "postgres://u:p@h:1/t1");
        check("postgresql://h", "postgresql://h/t1");
        check("postgres://u@h:1/a?sslmode=disable", "postgres://u@h:1/t1?sslmode=disable");
    }

    #[test]
    fn a_password_is_not_shown() {
        let url = DatabaseUrl::new("postgres://u:secret@h:1/a").unwrap();
        assert_eq!(url.to_string(), "postgres://...@h:1/a");
    }
}
