//! A data directory for a PostgreSQL of our own.

use super::url::DatabaseUrl;
use crate::run::program::Program;
use crate::run::user::User;
use anyhow::{Context as _, ensure};
use machine::environment::Environment;
use machine::postgres::Programs;
use machine::workspace;
use rustix::process::Signal;
use std::hash::{BuildHasher as _, RandomState};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long PostgreSQL may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// A data directory of our own, in a place that the user who runs PostgreSQL can read: the checkout may be in a folder
/// that only root can enter.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) folder: PathBuf,
    pub(super) programs: PathBuf,
    pub(super) user: Option<User>,
    pub(super) password: String,
}

impl Cluster {
    pub(super) fn new(programs: &Programs, environment: &Environment) -> anyhow::Result<Self> {
        let user = User::for_postgres()?;
        let folder = new_folder()?;
        let made = Self::fill(&folder, programs, user, environment);
        if made.is_err() {
            // No process has started in it yet, so nobody else would remove it.
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
        // We unpack the programs, and the other user only runs them.
        let programs = programs.unpack(folder)?;
        let cluster = Self { folder: folder.into(), programs, user, password: random_word() };
        cluster.init(environment)?;
        Ok(cluster)
    }

    /// A folder for a copy of this one: same programs, user and password, no data yet.
    pub(super) fn for_copy(&self) -> anyhow::Result<Self> {
        let copy = Self {
            folder: new_folder()?,
            programs: self.programs.clone(),
            user: self.user.clone(),
            password: self.password.clone(),
        };
        if let Some(user) = &copy.user {
            user.own(&copy.folder)?;
        }
        Ok(copy)
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The server of these data, to be stopped immediately (SIGQUIT).
    pub(super) fn server(&self, port: u16, run: &Path, environment: &Environment) -> Program {
        let log = run.join(format!("postgres-{port}.log"));
        Program::new("PostgreSQL", self.programs.join("postgres"), log)
            .inherit(environment)
            .user(self.user.clone())
            .folder(&self.folder)
            .scratch(&self.folder)
            .arg("-D")
            .arg(self.data())
            .args(["-p", &port.to_string()])
            .end_by(Signal::QUIT, GRACE)
    }

    /// The maintenance database of that server.
    pub(super) fn url(&self, port: u16) -> anyhow::Result<DatabaseUrl> {
        DatabaseUrl::new(format!("postgres://postgres:{}@127.0.0.1:{port}/postgres", self.password))
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
        ensure!(output.status.success(), "PostgreSQL's data directory can't be created:\n{said}");
        std::fs::remove_file(&password_file)?;
        self.configure()
    }

    /// Of several values in the file the last one counts.
    fn configure(&self) -> anyhow::Result<()> {
        let path = self.data().join("postgresql.conf");
        let text = std::fs::read_to_string(&path)? + &workspace::deploy_file("postgres/local.conf")?;
        std::fs::write(&path, text).with_context(|| format!("{} can't be written", path.display()))
    }
}

pub(super) fn new_folder() -> anyhow::Result<PathBuf> {
    let name = format!("business-metrics-postgres-{}-{}", std::process::id(), workspace::next_number());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir(&folder).with_context(|| format!("{} can't be created", folder.display()))?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))?;
    Ok(folder)
}

pub(super) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(())
}

/// Random enough to keep other users of this machine out while the server runs: the standard library's seed for its hash
/// maps.
fn random_word() -> String {
    format!("{:016x}{:016x}", RandomState::new().hash_one(0), RandomState::new().hash_one(1))
}
