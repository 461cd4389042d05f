//! A progress bar.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for a long wait, drawn on standard error if that is a terminal, with `name` before it and `length` records in all.
#[must_use]
pub fn bar(name: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:<12}[{bar:40}] {human_pos}/{human_len}, {per_sec}");
    let bar = ProgressBar::new(length).with_prefix(name.to_owned());
    bar.with_style(style.expect("the template is right"))
}
