//! A Java that can run Kafka, and whether it can compile.

use crate::environment::Environment;
use std::path::PathBuf;
use std::process::Command;

/// The version that Kafka 4 needs.
const VERSION_MIN: u32 = 17;

/// A Java runtime.
#[derive(Clone, Debug)]
pub struct Java {
    /// The program's path.
    pub path: PathBuf,
    /// Its major version.
    pub version: u32,
}

impl Java {
    /// The Java that `JAVA_HOME` names, or else the one on `PATH`.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn find(environment: &Environment) -> Result<Self, String> {
        let home =
            environment.java_home.as_ref().map(|home| home.join("bin/java")).filter(|path| path.is_file());
        let Some(path) = home.or_else(|| environment.find("java")) else {
            return Err("no Java found (Debian: apt-get install default-jre-headless)".into());
        };
        match version(&path) {
            Some(version) if version >= VERSION_MIN => Ok(Self { path, version }),
            Some(version) => Err(format!(
                "Java {version} found, Kafka needs {VERSION_MIN} or newer (Debian: apt-get install default-jre-headless)"
            )),
            None => Err(format!("{} doesn't say which version it is", path.display())),
        }
    }

    /// The compiler beside it.
    ///
    /// # Errors
    /// A sentence that says that there is none.
    pub fn compiler(&self) -> Result<PathBuf, String> {
        let compiler = self.path.with_file_name("javac");
        let missing = "Java comes without a compiler here (Debian: apt-get install default-jdk-headless)";
        if compiler.is_file() { Ok(compiler) } else { Err(missing.into()) }
    }
}

fn version(path: &PathBuf) -> Option<u32> {
    let output = Command::new(path).arg("-version").output().ok()?;
    major(&String::from_utf8_lossy(&output.stderr))
}

/// Parses `openjdk version "17.0.15" 2025-04-15`. Releases before 9 called themselves 1.8 and so on.
fn major(text: &str) -> Option<u32> {
    let mut parts = text.split('"').nth(1)?.split(['.', '-', '_']);
    match parts.next()?.parse().ok()? {
        1 => parts.next()?.parse().ok(),
        major => Some(major),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_without_a_compiler_says_what_to_install() {
        let java = Java { path: "/nowhere/bin/java".into(), version: 17 };
        assert!(java.compiler().is_err_and(|sentence| sentence.contains("default-jdk-headless")));
    }

    #[test]
    fn versions_are_read_as_java_writes_them() {
        let check = |text, expected| assert_eq!(major(text), expected, "{text}");
        check("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime ...", Some(17));
        check("openjdk version \"25\" 2025-09-16", Some(25));
        check("openjdk version \"26-ea\" 2026-03-17", Some(26));
        check("java version \"1.8.0_402\"", Some(8));
        check("The operation couldn't be completed.", None);
    }
}
