//! A container of an image: without a right, without a file that it may write, on this machine's network.

use super::built::{Image, USER};
use super::sandbox::Sandbox;
use crate::command;
use anyhow::{Context as _, ensure};
use stack::run::process::Process;
use stack::run::program::Program;
use stack::wait::{self, Seen};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// How long it may take to be healthy.
const HEALTHY_LIMIT: Duration = Duration::from_secs(60);
/// How long it may take to end after SIGTERM: what compose.yaml and the chart give it.
const GRACE: Duration = Duration::from_secs(30);

/// What no container of ours needs. The limits are those that a machine without CAP_SYS_RESOURCE lets podman set.
const RESTRICTED: [&str; 16] = [
    "--pull=never",
    "--network",
    "host",
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop",
    "all",
    "--security-opt",
    "no-new-privileges",
    "--ulimit",
    "nofile=4096:4096",
    "--ulimit",
    "nproc=4096:4096",
    "--log-driver",
    "none",
    "--rm",
];

/// A container to be run.
pub(super) struct Launch<'a> {
    sandbox: &'a Sandbox,
    image: Image,
    name: String,
    settings: Vec<(String, String)>,
    secrets: Option<PathBuf>,
    args: Vec<String>,
}

/// A running container. It ends with us.
pub(super) struct Container<'a> {
    sandbox: &'a Sandbox,
    name: String,
    process: Process,
}

impl<'a> Launch<'a> {
    pub(super) fn new(sandbox: &'a Sandbox, image: Image, what: &str) -> Self {
        let name = format!("{image}-{what}-{}", std::process::id());
        Self { sandbox, image, name, settings: Vec::new(), secrets: None, args: Vec::new() }
    }

    pub(super) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// The folder whose files are in the container's /run/secrets.
    pub(super) fn secrets(mut self, folder: &Path) -> Self {
        self.secrets = Some(folder.to_owned());
        self
    }

    pub(super) fn args(mut self, args: &[&str]) -> Self {
        self.args = args.iter().map(ToString::to_string).collect();
        self
    }

    pub(super) fn start(self) -> anyhow::Result<Container<'a>> {
        let words = self.words();
        let log = self.sandbox.run().join(format!("{}.log", self.name));
        let program = Program::new(&*self.name, &words[0], log)
            .inherit(self.sandbox.environment())
            // Its health is asked here, not by timers of systemd.
            .env("DISABLE_HC_SYSTEMD", "true")
            .args(&words[1..])
            .end_by(rustix::process::Signal::TERM, GRACE);
        Ok(Container { sandbox: self.sandbox, process: Process::start(program)?, name: self.name })
    }

    /// Runs it to its end, which must be 0.
    pub(super) async fn finish(self, limit: Duration) -> anyhow::Result<()> {
        let mut container = self.start()?;
        let status = container.process.wait(limit).await?;
        ensure!(status.success(), "{} ends with {status}:\n{}", container.name, container.log_tail());
        Ok(())
    }

    fn words(&self) -> Vec<OsString> {
        let mut words = self.sandbox.podman_words();
        words.extend(["run", "--name", &self.name].map(OsString::from));
        words.extend(RESTRICTED.map(OsString::from));
        for (name, value) in &self.settings {
            words.extend(["--env".into(), OsString::from(format!("{name}={value}"))]);
        }
        if let Some(folder) = &self.secrets {
            let mount = format!("{}:/run/secrets:ro", folder.display());
            words.extend(["--volume".into(), OsString::from(mount)]);
        }
        words.push(self.image.name().into());
        words.extend(self.args.iter().map(OsString::from));
        words
    }
}

impl Container<'_> {
    /// Waits until its own check of health passes.
    pub(super) async fn until_healthy(&mut self) -> anyhow::Result<()> {
        let what = format!("{} to be healthy", self.name);
        wait::until(&what, HEALTHY_LIMIT, async || {
            if let Some(status) = self.process.ended() {
                anyhow::bail!("it ended ({status}):\n{}", self.process.log_tail());
            }
            Ok(Seen::when(self.is_healthy()?, self.process.log_tail()))
        })
        .await
    }

    /// What its own check of health says now.
    pub(super) fn is_healthy(&self) -> anyhow::Result<bool> {
        let asked = command::said(self.sandbox.podman().args(["healthcheck", "run", &self.name]))?;
        Ok(asked.succeeded)
    }

    /// Sends SIGTERM to it, and waits for its end, which must be 0.
    pub(super) async fn ends_with_0(mut self) -> anyhow::Result<()> {
        self.process.signal(rustix::process::Signal::TERM);
        let status: ExitStatus = self.process.wait(GRACE).await?;
        ensure!(status.success(), "{} ends with {status}:\n{}", self.name, self.log_tail());
        Ok(())
    }

    /// Its process has no right, its user is nobody's, and it can write no file of its image.
    pub(super) fn is_restricted(&self) -> anyhow::Result<()> {
        let id = command::output(self.sandbox.podman().args([
            "inspect",
            "--format",
            "{{.State.Pid}}",
            &self.name,
        ]))?;
        let of_process = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", id.trim()));
        let status = of_process("status").context("its process can't be looked at")?;
        complaints(&status, &of_process("mountinfo")?)
    }

    pub(super) fn log_tail(&self) -> String {
        self.process.log_tail()
    }
}

/// What is wrong with a process, by proc_pid_status(5) and proc_pid_mountinfo(5).
fn complaints(status: &str, mounts: &str) -> anyhow::Result<()> {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(str::trim).with_context(|| format!("its status has no {name}"))
    };
    let user = USER.to_string();
    for ids in ["Uid", "Gid"] {
        let found = field(ids)?;
        ensure!(found.split_whitespace().all(|id| id == user), "its {ids} is {found}");
    }
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        let found = field(set)?;
        ensure!(found.chars().all(|digit| digit == '0'), "its {set} is {found}");
    }
    ensure!(field("NoNewPrivs")? == "1", "it may gain rights");
    ensure!(field("Seccomp")? == "2", "its system calls are not filtered");
    let mut root = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let root = root.rfind(|fields| fields.get(4) == Some(&"/"));
    let options = root.and_then(|fields| fields.get(5).copied()).context("it has no root")?;
    ensure!(options.split(',').any(|option| option == "ro"), "its root is mounted {options}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_another_user_and_a_writable_root_are_found() {
        let status = "Name:\tconsumer\nUid:\t10001\t10001\t10001\t10001\nGid:\t10001\t10001\t10001\t10001\n\
                      CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n\
                      CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n";
        let mounts =
            "100 90 0:50 / / ro,relatime - overlay overlay rw\n101 100 0:51 / /proc rw - proc proc rw\n";
        assert!(complaints(status, mounts).is_ok());
        let check = |status: String, mounts: String, expected: &str| {
            let said = complaints(&status, &mounts).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        };
        check(status.replace("Uid:\t10001", "Uid:\t0"), mounts.into(), "its Uid");
        check(status.replace("CapBnd:\t00", "CapBnd:\t01"), mounts.into(), "its CapBnd");
        check(status.replace("NoNewPrivs:\t1", "NoNewPrivs:\t0"), mounts.into(), "gain rights");
        check(status.replace("Seccomp:\t2", "Seccomp:\t0"), mounts.into(), "system calls");
        check(status.into(), mounts.replace("/ / ro", "/ / rw"), "mounted rw");
    }
}
