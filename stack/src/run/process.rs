//! A child process that ends when we do: on drop, on Ctrl-C, on a panic, and even if we are killed.

use crate::run::program::Program;
use crate::wait::{self, Seen};
use anyhow::Context as _;
use rustix::process::{Pid, Signal};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

/// How many lines of a log an error shows.
const TAIL_LINES: usize = 25;

/// How long a killed process may take to end.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// The script's comment explains it.
const SUPERVISE: &str = include_str!("supervise.sh");

/// A running (or ended) program.
#[derive(Debug)]
pub struct Process {
    program: Program,
    child: Child,
    /// Our end of a pipe. Closing it ends the program.
    lifeline: Option<ChildStdin>,
}

impl Process {
    /// Starts it in its own process group: a terminal's Ctrl-C reaches only us, and we end the rest.
    ///
    /// # Errors
    /// When its log can't be written, or the system can't start it.
    pub fn start(program: Program) -> anyhow::Result<Self> {
        let log = open_log(&program)?;
        let mut command = Command::new("sh");
        command
            .args(["-c", SUPERVISE, &program.name, signal_name(program.end_by)])
            .arg(program.grace.as_secs().max(1).to_string())
            .arg(program.scratch.as_deref().unwrap_or("".as_ref()))
            .arg(&program.path)
            .args(&program.args)
            .env_clear()
            .envs(program.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&program.folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stderr(log.try_clone()?)
            .stdout(log);
        if let Some(user) = &program.user {
            command.uid(user.uid).gid(user.gid);
        }
        let mut child = command.spawn().with_context(|| format!("{} can't be started", program.name))?;
        let lifeline = child.stdin.take();
        Ok(Self { program, child, lifeline })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its exit status, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten()?;
        if let Some(mut lifeline) = self.lifeline.take() {
            // From now on the process id may belong to another process, which the watcher must not signal. If the watcher is gone
            // already, it can't.
            let _ = lifeline.write_all(b"ended\n");
        }
        Some(status)
    }

    /// Sends it a signal, unless it has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none() {
            send(self.child.id(), signal);
        }
    }

    /// Pauses it and all its children (SIGSTOP) until [`Process::resume`].
    pub fn pause(&mut self) {
        self.signal_tree(Signal::STOP);
    }

    /// Resumes it after [`Process::pause`].
    pub fn resume(&mut self) {
        self.signal_tree(Signal::CONT);
    }

    fn signal_tree(&mut self, signal: Signal) {
        if self.ended().is_none() {
            for id in tree(self.child.id()) {
                send(id, signal);
            }
        }
    }

    /// Waits until it ends.
    ///
    /// # Errors
    /// When it is still running after `limit`.
    pub async fn wait(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        let what = format!("{} to end", self.program.name);
        wait::until(&what, limit, async || {
            Ok(self.ended().map_or_else(|| Seen::NotYet("it is running".into()), Seen::Ready))
        })
        .await
    }

    /// Asks it to end, and doesn't wait.
    pub fn ask_to_end(&mut self) {
        self.signal(self.program.end_by);
    }

    /// Asks it to end and waits; kills it when its grace period is over.
    pub fn stop(&mut self) {
        self.ask_to_end();
        let grace = self.program.grace;
        if !wait::until_blocking(grace, || self.ended().is_some()) {
            self.kill();
        }
    }

    /// Kills it (SIGKILL), and waits until it has ended.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        wait::until_blocking(KILL_LIMIT, || self.ended().is_some());
    }

    /// Forgets it, and leaves its scratch folder to its successor.
    pub(crate) fn leave_scratch(mut self) {
        self.program.scratch = None;
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The last lines of its log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(&self.program.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
        if let Some(scratch) = &self.program.scratch {
            // Best effort: otherwise a folder remains among the temporary files.
            let _ = std::fs::remove_dir_all(scratch);
        }
    }
}

fn open_log(program: &Program) -> anyhow::Result<File> {
    let log = &program.log;
    let opened = OpenOptions::new().create(true).append(true).open(log);
    opened.with_context(|| format!("{} can't be written", log.display()))
}

/// The names `kill -s` knows.
fn signal_name(signal: Signal) -> &'static str {
    match signal {
        Signal::QUIT => "QUIT",
        Signal::INT => "INT",
        Signal::KILL => "KILL",
        _ => "TERM",
    }
}

/// A process that has just ended can't be signalled, which is fine.
fn send(id: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// A process and its descendants, parents first.
fn tree(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some((id, parent)) = id.and_then(|id| Some((id, parent(id)?))) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(id) = found.get(next).copied() {
        found.extend(children.remove(&id).unwrap_or_default());
        next += 1;
    }
    found
}

fn parent(id: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The line is: pid (name) state parent ... The name may contain anything, so count from its closing parenthesis.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
