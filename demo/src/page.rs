//! The dashboard's page for the demo: as it was built, or built now where Node.js is there.

use machine::environment::Environment;
use machine::page::{self, modified};
use machine::say;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What the page is made of; what is newer than the page makes it old.
const SOURCES: [&str; 6] =
    ["src", "public", "index.html", "package.json", "package-lock.json", "vite.config.ts"];

/// How the page is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// As it stands.
    Built,
    /// By building it.
    Build,
    /// As it stands, though its sources are newer: it can't be built here.
    Old,
    /// Not at all.
    None,
}

/// The folder with the page; `None`, after saying why, where there is none.
pub fn folder(environment: &Environment) -> Option<PathBuf> {
    let (sources, built) = (dashboard::folder(), dashboard::built());
    let missing = dashboard::build_shortcoming(environment);
    match plan(modified(&built.join("index.html")), newest(&sources), missing.is_none()) {
        Plan::Built => {
            say::choice("Page", "dashboard/dist, as it was built");
            Some(built)
        }
        Plan::Old => {
            let why = missing.unwrap_or_default();
            say::choice("Page", format_args!("dashboard/dist, built before its sources changed; {why}"));
            Some(built)
        }
        Plan::Build => build().then_some(built),
        Plan::None if sources.exists() => {
            say::choice("Page", format_args!("none: it is not built; {}", missing.unwrap_or_default()));
            None
        }
        Plan::None => None,
    }
}

fn plan(built: Option<SystemTime>, sources: Option<SystemTime>, can_build: bool) -> Plan {
    match (built, sources, can_build) {
        (Some(built), Some(sources), true) if sources > built => Plan::Build,
        (Some(built), Some(sources), false) if sources > built => Plan::Old,
        (Some(_), _, _) => Plan::Built,
        (None, Some(_), true) => Plan::Build,
        (None, _, _) => Plan::None,
    }
}

/// Builds it, npm's words shown. The system is worth showing without its page, so failing is no error.
fn build() -> bool {
    say::choice("Page", "building the dashboard; the first time fetches its packages and takes a minute");
    let fetch = (!dashboard::is_fetched()).then_some(&["ci"][..]);
    for args in fetch.into_iter().chain([&["run", "build"][..]]) {
        if !dashboard::npm(args).status().is_ok_and(|status| status.success()) {
            say::choice("Page", format_args!("none: `npm {}` failed; see its words above", args.join(" ")));
            return false;
        }
    }
    true
}

/// When the newest of the sources was changed; `None` without any.
fn newest(sources: &Path) -> Option<SystemTime> {
    let mut waiting: Vec<_> = SOURCES.iter().map(|name| sources.join(name)).collect();
    let mut newest = None;
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            waiting.extend(entries.map(|entry| entry.path()));
        } else {
            newest = newest.max(modified(&path));
        }
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_page_is_built_where_it_is_missing_or_old_and_can_be() {
        let at = |second: u64| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(second));
        assert_eq!(plan(None, None, true), Plan::None);
        assert_eq!(plan(None, at(1), true), Plan::Build);
        assert_eq!(plan(None, at(1), false), Plan::None);
        assert_eq!(plan(at(2), at(1), true), Plan::Built);
        assert_eq!(plan(at(2), at(1), false), Plan::Built);
        assert_eq!(plan(at(1), at(2), true), Plan::Build);
        assert_eq!(plan(at(1), at(2), false), Plan::Old);
        assert_eq!(plan(at(1), None, true), Plan::Built);
    }
}
