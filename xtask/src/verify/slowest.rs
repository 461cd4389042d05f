//! The slowest tests: stories by their own times, other tests by their program.

use machine::workspace;
use std::time::Duration;

/// How many are named.
const NAMED: usize = 8;

/// Test programs and stories, with the time they took.
#[derive(Debug, Default)]
pub struct Slowest {
    programs: Vec<(String, Duration)>,
    running: String,
}

impl Slowest {
    /// Begins, and removes the stories' times of the last run.
    #[must_use]
    pub fn begin() -> Self {
        // If there is no file, there is nothing to remove.
        let _ = std::fs::remove_file(workspace::story_times());
        Self::default()
    }

    /// Takes a line of cargo's output.
    pub fn take(&mut self, line: &str) {
        if let Some(program) = running(line) {
            self.running = program.to_owned();
        } else if let Some(seconds) = finished(line) {
            self.programs.push((format!("tests of {}", self.running), seconds));
        }
    }

    /// The lines to print; none if no test ran.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let stories = std::fs::read_to_string(workspace::story_times()).unwrap_or_default();
        let all = stories.lines().filter_map(story).chain(self.programs.iter().cloned());
        named(all.collect())
    }
}

/// `name<tab>seconds`.
fn story(line: &str) -> Option<(String, Duration)> {
    let (name, seconds) = line.split_once('\t')?;
    Some((format!("story {name}"), Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?))
}

fn named(mut all: Vec<(String, Duration)>) -> Vec<String> {
    all.sort_by_key(|(_, took)| std::cmp::Reverse(*took));
    all.iter()
        .take(NAMED)
        .map(|(name, took)| format!("slow: {:>6.1} s  {name}", took.as_secs_f64()))
        .collect()
}

/// From `Running unittests src/lib.rs (target/debug/deps/consumer-0123456789abcdef)`, or `Doc-tests consumer`.
fn running(line: &str) -> Option<&str> {
    let line = line.trim_start();
    if let Some(package) = line.strip_prefix("Doc-tests ") {
        return Some(package);
    }
    let path = line.strip_prefix("Running ")?.rsplit_once('(')?.1.strip_suffix(')')?;
    path.rsplit('/').next()?.rsplit_once('-').map(|(name, _)| name)
}

/// From `test result: ok. 3 passed; ...; finished in 1.23s`.
fn finished(line: &str) -> Option<Duration> {
    let seconds = line.strip_prefix("test result: ")?.rsplit_once("finished in ")?.1.strip_suffix('s')?;
    Duration::try_from_secs_f64(seconds.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_test_programs_write_them() {
        let line =
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.23s";
        assert_eq!(finished(line), Some(Duration::from_millis(1_230)));
        assert_eq!(finished("test counting::all ... ok"), None);
        let line = "     Running tests/stories/main.rs (target/debug/deps/stories-0123456789abcdef)";
        assert_eq!(running(line), Some("stories"));
        assert_eq!(running("   Doc-tests query_api"), Some("query_api"));
        assert_eq!(running("running 3 tests"), None);
    }

    #[test]
    fn the_slowest_come_first() {
        let times = (0..20).map(|n| (format!("t{n}"), Duration::from_secs(n))).collect();
        let lines = named(times);
        assert_eq!((lines.len(), &*lines[0]), (NAMED, "slow:   19.0 s  t19"));
    }
}
