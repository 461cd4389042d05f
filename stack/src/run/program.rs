//! A program to run: which, with what, as whom, and how it is asked to end.

use crate::run::user::User;
use machine::environment::Environment;
use rustix::process::Signal;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How long a program may take to end once asked, unless it says otherwise.
const GRACE: Duration = Duration::from_secs(10);

/// A program to run. Its output goes to a log file; it reads nothing.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) user: Option<User>,
    pub(crate) folder: PathBuf,
    pub(crate) scratch: Option<PathBuf>,
    pub(crate) end_by: Signal,
    pub(crate) grace: Duration,
}

impl Program {
    /// The program at `path`, known to people as `name`, which writes to the file `log`.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            log: log.into(),
            args: Vec::new(),
            env: Vec::new(),
            user: None,
            folder: PathBuf::from("/"),
            scratch: None,
            end_by: Signal::TERM,
            grace: GRACE,
        }
    }

    /// What people know it as.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable. A program sees what is set here and in [`Program::inherit`], and nothing else.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Passes on the variables any program may see: `PATH`, `HOME` and their like.
    #[must_use]
    pub fn inherit(mut self, environment: &Environment) -> Self {
        self.env.extend(environment.passed_on.iter().cloned());
        self
    }

    /// Runs it as another user.
    #[must_use]
    pub fn user(mut self, user: Option<User>) -> Self {
        self.user = user;
        self
    }

    /// Where it runs; the root folder unless said.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// A folder that is of no use once we have ended: removed then, even if we were killed.
    #[must_use]
    pub fn scratch(mut self, folder: impl Into<PathBuf>) -> Self {
        self.scratch = Some(folder.into());
        self
    }

    /// How it is asked to end, and how long it may take before it is killed. Unless said: SIGTERM, 10 s.
    #[must_use]
    pub fn end_by(mut self, signal: Signal, grace: Duration) -> Self {
        self.end_by = signal;
        self.grace = grace;
        self
    }
}
