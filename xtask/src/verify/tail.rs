//! The last lines of an output: they say why something failed.

use std::collections::VecDeque;

/// The last lines that were taken, as many as `MOST`. Blank ones are left out.
#[derive(Debug, Default)]
pub struct Tail<const MOST: usize>(VecDeque<String>);

impl<const MOST: usize> Tail<MOST> {
    /// Takes a line.
    pub fn take(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(line.to_owned());
    }

    /// The lines, indented below what they are about.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|line| format!("    {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_without_blank_ones() {
        let mut tail = Tail::<2>::default();
        assert_eq!(tail.lines().count(), 0);
        ["one", "", "two", "  ", "three", ""].iter().for_each(|line| tail.take(line));
        assert_eq!(tail.lines().collect::<Vec<_>>(), ["    two", "    three"]);
    }
}
