//! What is said to the person who typed the command: one line each, on standard output.

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

/// What was chosen for `subject`, and why: subjects line up below each other.
pub fn choice(subject: &str, text: impl Display) {
    line(format_args!("{subject:<12}{text}"));
}

/// A URL as it may be shown.
#[must_use]
pub fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://...@{place}"),
        _ => url.into(),
    }
}
