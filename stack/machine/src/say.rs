//! Messages to the person who typed the command: one line each, on standard output.

use std::fmt::Display;
use std::io::Write as _;

/// Prints a line.
pub fn line(text: impl Display) {
    // If the reader has gone away (`| head`), that is no reason to fail.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints a problem on standard error.
pub fn problem(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints what was chosen for `subject`, and why. The subjects are aligned.
pub fn choice(subject: &str, text: impl Display) {
    line(format_args!("{subject:<12}{text}"));
}

/// A URL without its user and password.
#[must_use]
pub fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://...@{place}"),
        _ => url.into(),
    }
}
