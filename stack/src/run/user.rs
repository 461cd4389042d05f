//! Another user for PostgreSQL, which refuses to run as root.

use anyhow::{Context as _, bail};
use std::path::Path;
use std::process::Command;

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Its group's number.
    pub gid: u32,
}

impl User {
    /// The user that PostgreSQL runs as: `None`, meaning the current user, unless that is root; then `postgres` if it exists,
    /// else `nobody`.
    ///
    /// # Errors
    /// When the current user is root and neither exists.
    pub fn for_postgres() -> anyhow::Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        match ["postgres", "nobody"].into_iter().find_map(Self::named) {
            Some(user) => Ok(Some(user)),
            None => bail!("PostgreSQL can't run as root, and there is neither a user postgres nor nobody"),
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(Self { name: name.into(), uid: number("-u", name)?, gid: number("-g", name)? })
    }

    /// Gives it the ownership of a file or folder.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn own(&self, path: &Path) -> anyhow::Result<()> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
            .with_context(|| format!("{} can't be given to {}", path.display(), self.name))
    }
}

/// `id` also knows users that are not in /etc/passwd.
fn number(which: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([which, name]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
