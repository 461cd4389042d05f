//! A program to run: its path, arguments, environment and user, and the signal that asks it to end.

use crate::run::user::User;
use machine::environment::Environment;
use rustix::process::Signal;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How long a program may take to end after the signal, by default.
const GRACE: Duration = Duration::from_secs(10);

/// A program to run. Its output goes to a log file, and its standard input is empty.
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
    /// The program at `path`, which people know as `name`, and which writes to the file `log`.
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

    /// Its name for people.
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

    /// Sets a variable. The program sees only the variables that are set here and in [`Program::inherit`].
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Passes on the variables that any program may see, such as `PATH` and `HOME`.
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

    /// Its working directory; by default the root folder.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// A folder that is removed after the program has ended, even if we were killed.
    #[must_use]
    pub fn scratch(mut self, folder: impl Into<PathBuf>) -> Self {
        self.scratch = Some(folder.into());
        self
    }

    /// The signal that asks it to end, and how long it may take before it is killed. By default SIGTERM, 10 s.
    #[must_use]
    pub fn end_by(mut self, signal: Signal, grace: Duration) -> Self {
        self.end_by = signal;
        self.grace = grace;
        self
    }
}
