//! What failed tests said, to be read again at the end: much else is printed after them.

use crate::verify::tail::Tail;

/// How many lines are kept of each: its last ones, which say why.
const LINES_MAX: usize = 12;

/// The last words of each test that failed.
#[derive(Debug, Default)]
pub struct Failures {
    tests: Vec<(String, Tail<LINES_MAX>)>,
    is_reading: bool,
}

impl Failures {
    /// Takes a line of cargo's output. Rust's tests repeat there what those that failed have printed.
    pub fn take(&mut self, line: &str) {
        if let Some(name) = begun(line) {
            self.tests.push((name.to_owned(), Tail::default()));
            self.is_reading = true;
        } else if line == "failures:" {
            self.is_reading = false;
        } else if let Some((_, words)) = self.tests.last_mut().filter(|_| self.is_reading) {
            words.take(line);
        }
    }

    /// The lines to print; none if no test failed.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.tests
            .iter()
            .flat_map(|(name, words)| std::iter::once(format!("failed: {name}")).chain(words.lines()))
    }
}

/// From `---- counting::all stdout ----`.
fn begun(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_of_each_failed_test_are_kept() {
        let mut failures = Failures::default();
        let many = (0..LINES_MAX).map(|n| format!("line {n}"));
        let output =
            ["test a ... FAILED", "", "failures:", "", "---- a stdout ----", "first"].map(str::to_owned);
        let then =
            ["", "---- b stdout ----", "why", "", "", "failures:", "    a", "    b"].map(str::to_owned);
        output.into_iter().chain(many).chain(then).for_each(|line| failures.take(&line));
        let lines: Vec<String> = failures.lines().collect();
        assert_eq!((lines.len(), &*lines[0], &*lines[1]), (LINES_MAX + 3, "failed: a", "    line 0"));
        assert_eq!(lines[lines.len() - 2..], ["failed: b", "    why"]);
    }
}
