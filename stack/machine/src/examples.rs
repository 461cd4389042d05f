//! The programs in `examples/`, and what this machine needs to fetch, build and run them.

use crate::environment::Environment;
use crate::java::Java;
use crate::page;
use crate::workspace;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest Go that the clients in `examples/go/go.mod` support: 1 and this.
const GO_MIN: u32 = 26;

/// A folder of `examples/` whose README says how its programs are built and run.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// What it is an example of, for people.
    pub name: &'static str,
    folder: &'static str,
    /// What is missing here, in the end of a sentence such as "there is no mvn here".
    missing: fn(&Environment) -> Option<String>,
}

/// Records published by each language's client.
pub const PYTHON: Example = Example { name: "Python", folder: "python", missing: python };
/// By three clients of Go.
pub const GO: Example = Example { name: "Go", folder: "go", missing: go };
/// By Apache Kafka's own client.
pub const JAVA: Example = Example { name: "Java", folder: "java", missing: java };
/// By kafkajs.
pub const TYPESCRIPT: Example = Example { name: "TypeScript", folder: "typescript", missing: typescript };
/// By librdkafka's client. Whoever runs this has cargo.
pub const RUST: Example = Example { name: "Rust", folder: "rust", missing: |_| None };
/// An outbox, relayed by a program of Python, or by Debezium.
pub const OUTBOX: Example =
    Example { name: "an outbox", folder: "outbox", missing: |here| python(here).or_else(|| java(here)) };

/// All of them.
pub const ALL: [Example; 6] = [PYTHON, GO, JAVA, TYPESCRIPT, RUST, OUTBOX];

impl Example {
    /// Its folder in the checkout.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        workspace::root().join("examples").join(self.folder)
    }

    /// Why it can't be run here, in a sentence; `None` if it can.
    #[must_use]
    pub fn shortcoming(&self, environment: &Environment) -> Option<String> {
        (self.missing)(environment).map(|why| format!("the example of {}: {why}", self.name))
    }
}

/// Why some of them can't be run here, a sentence each.
#[must_use]
pub fn shortcomings(environment: &Environment) -> Vec<String> {
    ALL.iter().filter_map(|example| example.shortcoming(environment)).collect()
}

fn python(environment: &Environment) -> Option<String> {
    let Some(python) = environment.find("python3") else {
        return Some("there is no python3 here (Debian: apt-get install python3 python3-venv)".into());
    };
    let makes_folders = said(&python, &["-c", "import ensurepip, venv; print('both')"]).is_some();
    (!makes_folders).then(|| "python3 has no venv here (Debian: apt-get install python3-venv)".into())
}

fn go(environment: &Environment) -> Option<String> {
    let Some(go) = environment.find("go") else {
        return Some(format!("there is no go here; it needs Go 1.{GO_MIN} or newer"));
    };
    let version = said(&go, &["env", "GOVERSION"]).and_then(|version| minor(&version));
    if version.is_none_or(|version| version < GO_MIN) {
        return Some(format!("it needs Go 1.{GO_MIN} or newer"));
    }
    let Some(protoc) = environment.find("protoc") else {
        return Some(
            "there is no protoc here (Debian: apt-get install protobuf-compiler libprotobuf-dev)".into(),
        );
    };
    let own_messages = ["--descriptor_set_out=/dev/null", "google/protobuf/timestamp.proto"];
    let missing = said(&protoc, &own_messages).is_none();
    missing.then(|| {
        "protoc lacks google/protobuf/timestamp.proto here (Debian: apt-get install libprotobuf-dev)".into()
    })
}

fn java(environment: &Environment) -> Option<String> {
    let shortcoming = Java::find(environment).and_then(|java| java.compiler()).err();
    let missing = ["java", "mvn"].into_iter().find(|program| environment.find(program).is_none());
    let install = "Debian: apt-get install default-jdk-headless maven";
    shortcoming.or_else(|| missing.map(|program| format!("there is no {program} on PATH here ({install})")))
}

fn typescript(environment: &Environment) -> Option<String> {
    let missing = page::build_shortcoming(environment).is_some();
    missing.then(|| "it needs Node.js 20.19 or newer, and npm".into())
}

/// What a program prints, if it succeeds.
fn said(program: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The second number of `go1.26.8`.
fn minor(version: &str) -> Option<u32> {
    let digits = version.trim().strip_prefix("go1.")?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_go_is_read() {
        let check = |text, expected| assert_eq!(minor(text), expected, "{text}");
        check("go1.26.8\n", Some(26));
        check("go1.27", Some(27));
        check("go1.28rc1", Some(28));
        check("devel", None);
    }

    #[test]
    fn what_is_missing_is_said_of_each_example() {
        let nothing = shortcomings(&Environment::default());
        let named =
            |name: &str| nothing.iter().any(|why| why.starts_with(&format!("the example of {name}: ")));
        for example in ALL {
            assert_eq!(named(example.name), example.name != RUST.name, "{nothing:#?}");
            assert!(example.folder().join("README.md").is_file(), "{example:?}");
        }
    }
}
