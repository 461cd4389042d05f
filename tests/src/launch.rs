//! How a story starts a binary.

use crate::member::{Api, Member};
use crate::must::must;
use crate::shared;
use crate::stack::Stack;
use crate::token;
use rustix::process::{Pid, Signal};
use stack::port;
use stack::run::process::Process;
use stack::run::program::Program;
use stack::{Proxy, Role};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The session timeout: the shortest that the local Kafka allows.
const SESSION_TIMEOUT_MS: &str = "2000";

/// The session timeout for a given Kafka, whose minimum is 6 s by default.
const SESSION_TIMEOUT_ELSEWHERE_MS: &str = "6000";

/// Several heartbeats within a session.
const HEARTBEAT_MS: &str = "500";

/// A batch ends after this time. It is short, so that stories don't wait.
const BATCH_AGE_MAX: &str = "50ms";

/// How long a binary may take to end after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(30);

/// How long a command that ends by itself may take.
const RUN_LIMIT: Duration = Duration::from_secs(180);

/// How long one may take that fetches and compiles, such as an example's.
const BUILD_LIMIT: Duration = Duration::from_secs(600);

/// A binary with its settings, to be started. It doesn't inherit the system's settings from the developer's environment.
#[derive(Clone, Debug)]
pub struct Launch<'a> {
    stack: &'a Stack,
    name: &'static str,
    role: Role,
    path: PathBuf,
    args: Vec<String>,
    settings: Vec<(String, String)>,
    example: Option<PathBuf>,
}

/// The result of a command that ran to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub output: String,
    /// Its standard error.
    pub errors: String,
}

impl Stack {
    /// A member of this story's consumer group, to be started.
    #[must_use]
    pub fn consumer(&self) -> Launch<'_> {
        Launch::consumer(self)
    }

    /// A query API over this story's database, to be started.
    #[must_use]
    pub fn api(&self) -> Launch<'_> {
        Launch::api(self)
    }

    /// The example's bridge, which publishes to this story's topic, to be started. No provider may call it yet.
    #[must_use]
    pub fn bridge(&self) -> Launch<'_> {
        Launch::bridge(self)
    }
}

impl<'a> Launch<'a> {
    fn consumer(stack: &'a Stack) -> Self {
        let ours = stack.kafka().server().is_some() || !stack.kafka().is_real();
        let topics = stack.topics();
        Self::of(stack, ("consumer", Role::Consumer), &stack.binaries().consumer)
            .arg("run")
            .set("KAFKA_BROKERS", stack.kafka().brokers())
            .set("KAFKA_GROUP_ID", stack.name())
            .set("EVENTS_TOPIC", &topics.events)
            .set("WORKFLOW_TERMINALS_TOPIC", &topics.workflow_terminals)
            .set("MESSAGE_DELIVERIES_TOPIC", &topics.message_deliveries)
            .set("LAYOUTS_TOPIC", stack.layouts_topic())
            .set("BATCH_AGE_MAX", BATCH_AGE_MAX)
            .set(
                "KAFKA_CONFIG_SESSION_TIMEOUT_MS",
                if ours { SESSION_TIMEOUT_MS } else { SESSION_TIMEOUT_ELSEWHERE_MS },
            )
            .set("KAFKA_CONFIG_HEARTBEAT_INTERVAL_MS", HEARTBEAT_MS)
    }

    fn api(stack: &'a Stack) -> Self {
        let binary = &stack.binaries().query_api;
        // No load balancer has to notice that it stops.
        Self::of(stack, ("query-api", Role::Api), binary)
            .set("JWT_HS256_SECRET", token::SECRET)
            .set("SHUTDOWN_DELAY", "0s")
    }

    /// It has nothing to do with PostgreSQL and Redis.
    fn bridge(stack: &'a Stack) -> Self {
        Self::of(stack, ("bridge", Role::Consumer), &shared::bridge(stack.binaries()))
            .without("DATABASE_URL")
            .without("REDIS_URL")
            .set("KAFKA_BROKERS", stack.kafka().brokers())
            .set("MESSAGE_DELIVERIES_TOPIC", &stack.topics().message_deliveries)
    }

    fn of(stack: &'a Stack, (name, role): (&'static str, Role), path: &std::path::Path) -> Self {
        let launch = Self {
            stack,
            name,
            role,
            path: path.into(),
            args: Vec::new(),
            settings: Vec::new(),
            example: None,
        };
        let launch = launch
            .set("DATABASE_URL", stack.database_of(role).as_str())
            .set("CACHE_KEY_PREFIX", format!("{}:", stack.name()));
        match &stack.services().redis {
            Some(redis) => launch.set("REDIS_URL", redis.url()),
            None => launch,
        }
    }

    /// Connects it to PostgreSQL through a proxy.
    #[must_use]
    pub fn through(self, proxy: &Proxy) -> Self {
        self.at(proxy.address())
    }

    /// Connects it to PostgreSQL at this address: a pooler's.
    #[must_use]
    pub fn at(self, address: SocketAddr) -> Self {
        self.on(&address.to_string(), "")
    }

    /// Connects it to PostgreSQL on these hosts, written like `a:1,b:2`, with parameters like `?a=b`.
    #[must_use]
    pub fn on(self, hosts: &str, parameters: &str) -> Self {
        let url = self.stack.database_of(self.role).on(hosts);
        self.set("DATABASE_URL", format!("{}{parameters}", url.as_str()))
    }

    /// Runs it with a clock that is off by so many seconds.
    #[must_use]
    pub fn with_clock_off(self, seconds: i64) -> Self {
        let library = self.stack.folder().join("wrong_clock.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/wrong_clock.c");
        let compiled =
            Command::new("cc").args(["-shared", "-fPIC", "-O1", source, "-o"]).arg(&library).status();
        assert!(compiled.is_ok_and(|status| status.success()), "cc compiles wrong_clock.c");
        self.set("LD_PRELOAD", library.to_string_lossy()).set("WRONG_CLOCK_SECONDS", seconds.to_string())
    }

    /// Sets a setting, or changes it.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self = self.without(name);
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Removes a setting.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.settings.retain(|(set, _)| set != name);
        self
    }

    fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Another command of the same binary, such as `["migrate"]`.
    #[must_use]
    pub fn command(mut self, args: &[&str]) -> Self {
        self.args = args.iter().map(ToString::to_string).collect();
        let role = match args.first() {
            Some(&"migrate") => Role::Owner,
            Some(&"erase") => Role::Eraser,
            Some(_) | None => self.role,
        };
        self.by(role)
    }

    /// By another role, unless it connects to something else than the story's database.
    fn by(mut self, role: Role) -> Self {
        let url = |role| self.stack.database_of(role).as_str().to_owned();
        let (before, after) = (url(self.role), url(role));
        self.role = role;
        let database = self.settings.iter_mut().find(|(name, _)| name == "DATABASE_URL");
        if let Some((_, url)) = database.filter(|(_, url)| *url == before) {
            *url = after;
        }
        self
    }

    /// A script of bash instead, with the same settings, and with the binaries on its `PATH`.
    #[must_use]
    pub fn shell(mut self, script: &str) -> Self {
        let folders = &self.stack.services().environment().path;
        let folders = self.path.parent().into_iter().chain(folders.iter().map(PathBuf::as_path));
        let path = std::env::join_paths(folders).expect("folders that a PATH named before");
        (self.name, self.path) = ("bash", "bash".into());
        self.set("PATH", path.to_string_lossy()).command(&["-euo", "pipefail", "-c", script])
    }

    /// Runs it in the folder of an example instead, with the developer's whole environment, which may name registries, proxies
    /// and toolchains. It may take the time to fetch and compile.
    #[must_use]
    pub fn example(self, folder: impl Into<PathBuf>) -> Self {
        Self { example: Some(folder.into()), ..self }
    }

    /// Runs it to its end, in the story's folder or in that of an example.
    pub async fn run(self) -> Ended {
        let mut command = Command::new(&self.path);
        if self.example.is_none() {
            command.env_clear().envs(self.stack.services().environment().passed_on.clone());
        }
        command.args(&self.args).envs(self.settings.iter().cloned());
        command.current_dir(self.example.as_ref().unwrap_or(self.stack.folder())).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = must(command.spawn().map_err(Into::into));
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let mut output = tokio::task::spawn_blocking(move || child.wait_with_output());
        let limit = if self.example.is_some() { BUILD_LIMIT } else { RUN_LIMIT };
        let in_time = tokio::time::timeout(limit, &mut output).await;
        if in_time.is_err() {
            // It has no supervisor: neither it nor what it started must outlive the story.
            pid.map(|pid| rustix::process::kill_process_group(pid, Signal::KILL));
            panic!("{} {:?} did not end in {} s", self.name, self.args, limit.as_secs());
        }
        let output = in_time.expect("checked above").expect("waiting can't panic");
        let output = must(output.map_err(Into::into));
        Ended {
            code: output.status.code(),
            output: String::from_utf8_lossy(&output.stdout).into_owned(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Starts a command that ends by itself, without waiting.
    #[must_use]
    pub fn begin(self) -> Member {
        let admin = must(port::free().map(local));
        let (process, log) = self.spawn(admin);
        Member::new(process, admin, log)
    }

    /// Starts a consumer and waits until its admin address answers.
    pub async fn start(self) -> Member {
        let admin = must(port::free().map(local));
        let (process, log) = self.spawn(admin);
        let member = Member::new(process, admin, log);
        member.until_alive().await
    }

    /// Starts a query API and waits until it answers.
    pub async fn serve(self) -> Api {
        let listen = must(port::free().map(local));
        let launch = self.set("LISTEN_ADDR", listen.to_string());
        Api::new(launch.start().await, listen)
    }

    fn spawn(self, admin: SocketAddr) -> (Process, PathBuf) {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let log = self.stack.folder().join(format!("{}-{number}.log", self.name));
        let launch = self.set("ADMIN_ADDR", admin.to_string());
        let program = Program::new(launch.name, &launch.path, &log)
            .inherit(launch.stack.services().environment())
            .args(&launch.args)
            .end_by(Signal::TERM, GRACE);
        let program = launch.settings.iter().fold(program, |program, (name, value)| program.env(name, value));
        let program = launch.example.into_iter().fold(program, Program::folder);
        (must(Process::start(program)), log)
    }
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
