//! Building the dashboard's page: taken as it was built before, or built now if Node.js is installed.

use super::modified;
use crate::environment::Environment;
use crate::say;
use std::path::Path;
use std::time::{Instant, SystemTime};

/// The page's sources. If one is newer than the page, the page is out of date.
const SOURCES: [&str; 7] = [
    "src",
    "public",
    "index.html",
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "../clients/typescript/src",
];

/// How the page is obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// It was built before, and is up to date.
    Built,
    /// It is built now.
    Build,
    /// It was built before its sources changed, and can't be built here.
    Old,
    /// There is none.
    None,
}

/// Builds the page if that is needed and possible here, and reports which page is used: one built now, one built before, or
/// none, and why.
pub fn prepare(environment: &Environment) {
    let (sources, built) = (super::folder(), super::built());
    let missing = super::build_shortcoming(environment);
    match plan(modified(&built.join("index.html")), newest(&sources), missing.is_none()) {
        Plan::Built => say::choice("Page", "dashboard/dist, as it was built"),
        Plan::Old => {
            let why = missing.unwrap_or_default();
            say::choice("Page", format_args!("dashboard/dist, built before its sources changed; {why}"));
        }
        Plan::Build => build(&built),
        Plan::None if sources.exists() => {
            say::choice("Page", format_args!("none: it is not built; {}", missing.unwrap_or_default()));
        }
        Plan::None => {}
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

/// Runs npm, and shows its output only if it fails. The system also runs without its page, so a failure is no error.
fn build(built: &Path) {
    say::choice("Page", "building the dashboard; the first time npm fetches its packages");
    let began = Instant::now();
    let fetch = (!super::is_fetched(&super::folder())).then_some(&["ci"][..]);
    for args in fetch.into_iter().chain([&["run", "build"][..]]) {
        if let Err(words) = npm(args) {
            say::problem(words);
            let which = if built.exists() { "dashboard/dist, as it was built before" } else { "none" };
            return say::choice(
                "Page",
                format_args!("{which}: `npm {}` failed; see its output above", args.join(" ")),
            );
        }
    }
    say::choice("Page", format_args!("built in {:.0} s", began.elapsed().as_secs_f64()));
}

fn npm(args: &[&str]) -> Result<(), String> {
    match super::npm(&super::folder(), args).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err([output.stdout, output.stderr]
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .concat()),
        Err(error) => Err(error.to_string()),
    }
}

/// The modification time of the newest source; `None` without any.
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
