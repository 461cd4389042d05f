//! How PostgreSQL is obtained: a given server, else its own programs: those on PATH, those in the folders of distributions, or
//! those fetched by Maven.

use crate::environment::Environment;
use crate::fetched::Fetched;
use anyhow::{Context as _, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest version that the schema supports.
const VERSION_MIN: u32 = 15;

/// Folders in which distributions keep the server's programs, by version, off `PATH`.
const HIDDEN_IN: [(&str, &str); 2] = [("/usr/lib/postgresql", "bin"), ("/usr/local/opt", "bin")];

/// The message if there is no way to obtain PostgreSQL.
pub const MISSING: &str = "no PostgreSQL found: set DATABASE_URL, or install one (Debian: apt-get install \
                                  postgresql), or Maven and xz to fetch one (Debian: apt-get install maven xz-utils)";

/// How PostgreSQL is obtained.
#[derive(Debug)]
pub enum PostgresPlan {
    /// `DATABASE_URL` names a server.
    Given(String),
    /// Its programs are installed, or Maven fetches them.
    Local(Programs),
    /// There is no way.
    Missing,
}

impl PostgresPlan {
    /// Checks the environment and the installed programs.
    #[must_use]
    pub fn find(environment: &Environment) -> Self {
        match &environment.database_url {
            Some(url) => Self::Given(url.clone()),
            None => Programs::find(environment).map_or(Self::Missing, Self::Local),
        }
    }

    /// What this way can't show.
    #[must_use]
    pub fn shortcoming(&self) -> Option<String> {
        matches!(self, Self::Missing).then(|| format!("PostgreSQL: {MISSING}"))
    }
}

/// Where `initdb` and `postgres` come from.
#[derive(Debug)]
pub enum Programs {
    /// They are installed.
    Installed {
        /// The folder of programs.
        folder: PathBuf,
        /// The major version.
        version: u32,
    },
    /// Maven fetches them, or has fetched them.
    Fetched(Fetched),
}

impl Programs {
    /// The installed ones, newest first, else those that Maven can fetch.
    #[must_use]
    pub fn find(environment: &Environment) -> Option<Self> {
        let on_path = environment.find("initdb").and_then(|path| path.canonicalize().ok());
        let on_path = on_path.and_then(|path| path.parent().map(Path::to_path_buf));
        let folders =
            on_path.into_iter().chain(HIDDEN_IN.into_iter().flat_map(|(all, bin)| versions_in(all, bin)));
        let newest = folders.filter_map(|folder| Some((version(&folder)?, folder))).max();
        if let Some((version, folder)) = newest.filter(|(version, _)| *version >= VERSION_MIN) {
            return Some(Self::Installed { folder, version });
        }
        let architecture = match std::env::consts::ARCH {
            "aarch64" => "arm64v8",
            _ => "amd64",
        };
        environment.find("xz")?;
        let options = [&*format!("-Darchitecture={architecture}")];
        Fetched::find("deploy/postgres", "unpack-dependencies", &options, environment).ok().map(Self::Fetched)
    }

    /// The folder of programs. Fetched ones are unpacked into `folder`, which the user who runs them must be able to read.
    ///
    /// # Errors
    /// When they can't be fetched or unpacked.
    pub fn unpack(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        match self {
            Self::Installed { folder, .. } => Ok(folder.clone()),
            Self::Fetched(fetched) => {
                let programs = folder.join("programs");
                std::fs::create_dir(&programs)?;
                unpack(&archive(fetched.get()?)?, &programs)?;
                Ok(programs.join("bin"))
            }
        }
    }

    /// Whether the client programs of this name are among them. Fetched ones have none.
    #[must_use]
    pub fn have(&self, name: &str) -> bool {
        match self {
            Self::Installed { folder, .. } => folder.join(name).is_file(),
            Self::Fetched(_) => false,
        }
    }

    /// Their origin, for people.
    #[must_use]
    pub fn origin(&self) -> String {
        match self {
            Self::Installed { version, .. } => format!("version {version} is installed"),
            Self::Fetched(_) => "none is installed, Maven fetched one".into(),
        }
    }
}

fn versions_in(all: &str, bin: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(all).into_iter().flatten().flatten();
    entries.map(|entry| entry.path().join(bin)).filter(|folder| folder.join("initdb").is_file()).collect()
}

/// Parses `postgres (PostgreSQL) 15.18 (Debian ...)`.
fn version(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    major(&String::from_utf8(output.stdout).ok()?)
}

fn major(text: &str) -> Option<u32> {
    let number = text.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn archive(folder: &Path) -> anyhow::Result<PathBuf> {
    let paths = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let mut archives = paths.filter(|path| path.extension().is_some_and(|extension| extension == "txz"));
    archives.next().with_context(|| format!("no archive of PostgreSQL in {}", folder.display()))
}

fn unpack(archive: &Path, folder: &Path) -> anyhow::Result<()> {
    let output = Command::new("tar").arg("-xJf").arg(archive).arg("-C").arg(folder).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} can't be unpacked: {said}", archive.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_postgres_writes_them() {
        let check = |text, expected| assert_eq!(major(text), expected, "{text}");
        check("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15));
        check("postgres (PostgreSQL) 19beta1\n", Some(19));
        check("something else\n", None);
    }
}
