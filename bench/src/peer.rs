//! The peers that the consumer is compared with: how each is built and started. Their sources are in
//! `bench/peers/`.

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use machine::environment::Environment;
use machine::fetched::Fetched;
use machine::java::Java;
use machine::say;
use machine::workspace;
use serde::Serialize;
use stack::run::program::Program;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Options of every Java machine: much memory, and the cheapest collector.
const JAVA_OPTIONS: [&str; 3] =
    ["-Xmx3g", "-XX:+UseParallelGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"];
/// The packages that Flink's own scripts open for its serializers.
const FLINK_OPENS: [&str; 3] = [
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.time=ALL-UNNAMED",
];

/// A program that counts the same records another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// rdkafka and a row per identity behind a unique index
    Afternoon,
    /// Kafka Streams, exactly_once_v2, identities in RocksDB
    KafkaStreams,
    /// Flink, identities in RocksDB
    Flink,
    /// Flink, identities on the Java heap
    FlinkHeap,
}

/// A peer in Java: the folder of its sources, its main class, and its options.
struct InJava {
    folder: &'static str,
    main: &'static str,
    options: &'static [&'static str],
    argument: Option<&'static str>,
}

/// Whether a peer can be started here.
pub enum Prepared {
    /// It can.
    Ready(Ready),
    /// It can't, for this reason.
    Missing(String),
}

/// A peer that is built.
pub struct Ready {
    /// The peer.
    pub peer: Peer,
    path: PathBuf,
    args: Vec<OsString>,
}

impl Peer {
    /// All peers.
    pub const ALL: [Self; 4] = [Self::Afternoon, Self::KafkaStreams, Self::Flink, Self::FlinkHeap];

    /// Its name for people and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Afternoon => "afternoon",
            Self::KafkaStreams => "kafka-streams",
            Self::Flink => "flink",
            Self::FlinkHeap => "flink-heap",
        }
    }

    /// Builds it, except for `afternoon`, which is built already, and fetches its dependencies once.
    ///
    /// # Errors
    /// When its source doesn't compile.
    pub fn prepare(self, afternoon: &Path, environment: &Environment) -> anyhow::Result<Prepared> {
        match self.in_java() {
            Some(in_java) => self.prepare_java(&in_java, environment),
            None => Ok(Prepared::Ready(Ready { peer: self, path: afternoon.into(), args: Vec::new() })),
        }
    }

    fn in_java(self) -> Option<InJava> {
        let flink = |backend| InJava {
            folder: "bench/peers/flink",
            main: "peers.FlinkPeer",
            options: &FLINK_OPENS,
            argument: Some(backend),
        };
        match self {
            Self::Afternoon => None,
            Self::KafkaStreams => Some(InJava {
                folder: "bench/peers/kafka-streams",
                main: "peers.StreamsPeer",
                options: &[],
                argument: None,
            }),
            Self::Flink => Some(flink("rocksdb")),
            Self::FlinkHeap => Some(flink("hashmap")),
        }
    }

    fn prepare_java(self, what: &InJava, environment: &Environment) -> anyhow::Result<Prepared> {
        let found = || {
            let java = Java::find(environment)?;
            let compiler = java.compiler()?;
            let fetched = Fetched::find(what.folder, "copy-dependencies", &[], environment)?;
            // A dependency that can't be fetched counts as missing.
            let jars = fetched.get().map_err(|error| format!("{error:#}"))?;
            Ok((java.path, compiler, jars.to_path_buf()))
        };
        let (java, compiler, jars) = match found() {
            Ok(found) => found,
            Err(why) => return Ok(Prepared::Missing(why)),
        };
        let classes = compile(&compiler, what.folder, &jars)?;
        let mut args: Vec<OsString> = JAVA_OPTIONS.iter().chain(what.options).map(Into::into).collect();
        args.extend(["-cp".into(), format!("{}:{}/*", classes.display(), jars.display()).into()]);
        args.push(what.main.into());
        args.extend(what.argument.map(Into::into));
        Ok(Prepared::Ready(Ready { peer: self, path: java, args }))
    }
}

impl Ready {
    /// Whether it is a Java machine.
    #[must_use]
    pub fn in_java(&self) -> bool {
        self.peer.in_java().is_some()
    }

    /// The program, without its topics and its database.
    #[must_use]
    pub fn program(&self, log: PathBuf) -> Program {
        Program::new(self.peer.name(), &self.path, log).args(&self.args)
    }
}

/// Compiles a peer's files and the shared Java files, and returns the folder of classes.
fn compile(compiler: &Path, folder: &str, jars: &Path) -> anyhow::Result<PathBuf> {
    let classes = workspace::target().join(folder);
    let mut sources = Vec::new();
    for folder in ["bench/peers/jvm", folder] {
        let folder = workspace::root().join(folder);
        for entry in
            std::fs::read_dir(&folder).with_context(|| format!("{} can't be read", folder.display()))?
        {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "java") {
                sources.push(path);
            }
        }
    }
    say::line(format_args!("Compiling {folder}"));
    let mut command = Command::new(compiler);
    command.arg("-cp").arg(format!("{}/*", jars.display())).arg("-d").arg(&classes).args(&sources);
    let output = command.output().with_context(|| format!("{} can't be run", compiler.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{folder} can't be compiled:\n{said}");
    Ok(classes)
}
