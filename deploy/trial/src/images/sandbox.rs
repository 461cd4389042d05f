//! Where buildah and podman work: a mount namespace of our own, and a store of images below `target/`.

use anyhow::{Context as _, ensure};
use machine::environment::Environment;
use machine::workspace;
use stack::run::process::Process;
use stack::run::program::Program;
use stack::wait;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long the namespace may take.
const OPEN_LIMIT: Duration = Duration::from_secs(10);

/// Of two hierarchies of cgroups, which some machines have, crun takes the wrong one: here there is one. The process stays, because
/// it keeps the namespace.
const HOLD: &str = "umount /sys/fs/cgroup/unified 2>/dev/null; exec sleep infinity";

/// A mount namespace that ends with us, and a store of images that stays.
pub(super) struct Sandbox {
    holder: Process,
    store: PathBuf,
    driver: String,
    run: PathBuf,
    environment: Environment,
}

impl Sandbox {
    pub(super) fn open(run: &Path, driver: &str, environment: &Environment) -> anyhow::Result<Self> {
        let unshare = environment.find("unshare").context("there is no unshare")?;
        let program = Program::new("the sandbox", unshare, run.join("sandbox.log"))
            .inherit(environment)
            .args(["--mount", "--propagation", "private", "sh", "-c", HOLD]);
        let holder = Process::start(program)?;
        let is_open = || {
            let name = std::fs::read_to_string(format!("/proc/{}/comm", holder.id()));
            name.is_ok_and(|name| name.trim() == "sleep")
        };
        ensure!(wait::until_blocking(OPEN_LIMIT, is_open), "no mount namespace: {}", holder.log_tail());
        let store = workspace::target().join("images");
        std::fs::create_dir_all(&store)?;
        let (driver, run, environment) = (driver.into(), run.into(), environment.clone());
        Ok(Self { holder, store, driver, run, environment })
    }

    /// The folder of this run.
    pub(super) fn run(&self) -> &Path {
        &self.run
    }

    /// The environment that its programs inherit.
    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// A command of buildah.
    pub(super) fn buildah(&self) -> Command {
        self.command(&self.words("buildah", &[]))
    }

    /// A command of podman.
    pub(super) fn podman(&self) -> Command {
        self.command(&self.podman_words())
    }

    /// What begins a command of podman, nsenter included.
    pub(super) fn podman_words(&self) -> Vec<OsString> {
        self.words("podman", &["--cgroup-manager", "cgroupfs", "--events-backend", "file"])
    }

    fn command(&self, words: &[OsString]) -> Command {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    }

    fn words(&self, program: &str, options: &[&str]) -> Vec<OsString> {
        let holder = self.holder.id().to_string();
        let mut words: Vec<OsString> =
            ["nsenter", "--mount", "--target", &holder, "--", program].map(Into::into).into();
        words.extend(options.iter().map(OsString::from));
        for (option, folder) in [("--root", "store"), ("--runroot", "running")] {
            words.extend([option.into(), self.store.join(folder).into_os_string()]);
        }
        words.extend(["--storage-driver".into(), OsString::from(&self.driver)]);
        words
    }
}
