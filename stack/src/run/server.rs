//! A service's program that can be stopped and started again in place: same port, same data.

use crate::run::process::Process;
use crate::run::program::Program;
use crate::wait::{self, Seen};
use rustix::process::Signal;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a service may take from its start to its first answer.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A service started here.
#[derive(Debug)]
pub struct Server {
    program: Program,
    process: Mutex<Process>,
}

impl Server {
    /// Starts it and waits until `answers` succeeds.
    ///
    /// # Errors
    /// When it ends immediately or doesn't answer in time; the error shows the end of its log.
    pub async fn start(program: Program, answers: impl AsyncFn() -> Seen<()>) -> anyhow::Result<Self> {
        let server = Self::launch(program)?;
        server.until(answers).await?;
        Ok(server)
    }

    /// Starts it without waiting, if it can't answer alone.
    ///
    /// # Errors
    /// When the system can't start it.
    pub fn launch(program: Program) -> anyhow::Result<Self> {
        Ok(Self { process: Mutex::new(Process::start(program.clone())?), program })
    }

    /// Starts it again after [`Server::kill`] or [`Server::stop`], and waits until `answers` succeeds.
    ///
    /// # Errors
    /// The same as for [`Server::start`].
    pub async fn start_again(&self, answers: impl AsyncFn() -> Seen<()>) -> anyhow::Result<()> {
        self.relaunch()?;
        self.until(answers).await
    }

    /// Starts it again without waiting.
    ///
    /// # Errors
    /// When the system can't start it.
    pub fn relaunch(&self) -> anyhow::Result<()> {
        self.stop();
        // The log continues in the same file. The data remain, because only the first process owns the scratch folder.
        let again = Process::start(self.program.clone())?;
        let old = std::mem::replace(&mut *self.process(), again);
        old.leave_scratch();
        Ok(())
    }

    /// Waits until `answers` succeeds.
    ///
    /// # Errors
    /// The same as for [`Server::start`].
    pub async fn until(&self, answers: impl AsyncFn() -> Seen<()>) -> anyhow::Result<()> {
        let what = format!("{} to answer", self.program.name);
        let outcome = wait::until(&what, START_LIMIT, async || match self.ended() {
            Some(status) => anyhow::bail!("{} ended at its start ({status})", self.program.name),
            None => Ok(answers().await),
        })
        .await;
        outcome.map_err(|error| {
            let log = self.program.log.display();
            anyhow::anyhow!("{error}\n--- the end of {log}:\n{}\n---", self.process().log_tail())
        })
    }

    /// The program that it runs.
    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// Kills it (SIGKILL).
    pub fn kill(&self) {
        self.process().kill();
    }

    /// Asks it to end, with the program's own signal.
    pub fn stop(&self) {
        self.process().stop();
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.process().signal(signal);
    }

    /// Pauses it and its children: connections stay open and nothing answers.
    pub fn pause(&self) {
        self.process().pause();
    }

    /// Resumes it after [`Server::pause`].
    pub fn resume(&self) {
        self.process().resume();
    }

    fn ended(&self) -> Option<std::process::ExitStatus> {
        self.process().ended()
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
