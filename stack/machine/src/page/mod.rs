//! The dashboard's page: the programs that build and visit it, and how npm is run for it.

mod build;

pub use build::prepare;

use crate::environment::Environment;
use crate::workspace;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

/// The oldest Node.js that the page's packages support, as in `dashboard/package.json`.
const NODE_MIN: (u32, u32) = (20, 19);

/// The names of Chromium's program, the smallest one first.
const BROWSERS: [&str; 3] = ["chromium-headless-shell", "chromium", "google-chrome"];

/// The folder of its sources.
#[must_use]
pub fn folder() -> PathBuf {
    workspace::root().join("dashboard")
}

/// The folder of the built page.
#[must_use]
pub fn built() -> PathBuf {
    folder().join("dist")
}

/// Why the page can't be built here, in a sentence; `None` if it can.
#[must_use]
pub fn build_shortcoming(environment: &Environment) -> Option<String> {
    let (major, minor) = NODE_MIN;
    let needed = format!("building the page needs Node.js {major}.{minor} or newer, and npm");
    let Some(node) = environment.find("node") else {
        return Some(format!("{needed}; node is not installed"));
    };
    match version(&node) {
        Some(version) if version < NODE_MIN => {
            Some(format!("{needed}; node is version {}.{}", version.0, version.1))
        }
        None => Some(format!("{needed}; {} does not say its version", node.display())),
        Some(_) if environment.find("npm").is_none() => Some(format!("{needed}; npm is not installed")),
        Some(_) => None,
    }
}

/// Why no browser here can visit the page, in a sentence; `None` if one can.
#[must_use]
pub fn browser_shortcoming(environment: &Environment) -> Option<String> {
    browser(environment).is_none().then(|| {
        format!(
            "CHROMIUM is not set and none of {} is installed (Debian: apt-get install {})",
            BROWSERS.join(", "),
            BROWSERS[0]
        )
    })
}

/// The browser that visits the page: the one `CHROMIUM` names, else an installed one.
#[must_use]
pub fn browser(environment: &Environment) -> Option<PathBuf> {
    let installed = || BROWSERS.into_iter().find_map(|name| environment.find(name));
    environment.chromium.clone().or_else(installed)
}

/// The folder of the client that the page, and others, ask the API by.
#[must_use]
pub fn client() -> PathBuf {
    workspace::root().join("clients/typescript")
}

/// npm in a folder. Like cargo, it inherits the developer's whole environment, which may name registries and proxies.
#[must_use]
pub fn npm(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.args(args).current_dir(folder).stdin(Stdio::null());
    command
}

/// Whether the packages of a folder's `package-lock.json` have been fetched since it was last changed.
#[must_use]
pub fn is_fetched(folder: &Path) -> bool {
    // npm writes this file last.
    let fetched = modified(&folder.join("node_modules/.package-lock.json"));
    fetched.is_some() && fetched >= modified(&folder.join("package-lock.json"))
}

/// The modification time of a file; `None` if there is no file.
#[must_use]
pub fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}

fn version(node: &Path) -> Option<(u32, u32)> {
    let output = Command::new(node).arg("--version").stdin(Stdio::null()).output().ok()?;
    parsed(std::str::from_utf8(&output.stdout).ok()?)
}

/// The first two numbers of `v20.19.2`.
fn parsed(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim().strip_prefix('v')?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read() {
        assert_eq!(parsed("v20.19.2\n"), Some((20, 19)));
        assert_eq!(parsed("v8.1"), Some((8, 1)));
        assert_eq!(parsed("20.19.2"), None);
        assert_eq!(parsed("v20"), None);
        assert_eq!(parsed(""), None);
    }

    #[test]
    fn what_is_missing_is_said() {
        let nothing = Environment::default();
        assert!(build_shortcoming(&nothing).is_some_and(|why| why.ends_with("node is not installed")));
        assert!(browser_shortcoming(&nothing).is_some_and(|why| why.contains("chromium-headless-shell")));
        let named = Environment { chromium: Some("/opt/chrome".into()), ..nothing };
        assert_eq!((browser_shortcoming(&named), browser(&named)), (None, Some("/opt/chrome".into())));
    }
}
