//! What is said to the person who typed the command: one line each, on standard output.

use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Display;
use std::io::Write as _;

/// One line.
pub fn line(text: impl Display) {
    // A reader that went away (`| head`) is no reason to fail.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// What went wrong, on standard error.
pub fn problem(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A bar for a long wait, drawn on standard error where that is a terminal: `name` at its head, `length` records in all.
pub fn bar(name: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:<12}[{bar:40}] {human_pos}/{human_len}, {per_sec}");
    let bar = ProgressBar::new(length).with_prefix(name.to_owned());
    bar.with_style(style.expect("the template is right"))
}

/// What was chosen for `subject`, and why: subjects line up below each other.
pub fn choice(subject: &str, text: impl Display) {
    line(format_args!("{subject:<12}{text}"));
}
