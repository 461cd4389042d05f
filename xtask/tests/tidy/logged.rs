//! The lines of the log that the operators' page has in its tables, compared with the code that writes them.

use crate::source::File;

/// Where the binaries' code is.
const CODE: [&str; 7] = [
    "admin/src/",
    "consumer/src/",
    "credentials/src/",
    "database/src/",
    "query-api/src/",
    "shared-cache/src/",
    "traces/src/",
];

/// Lines of the tables below the page's heading that no code writes. A line is the beginning of a literal.
pub fn unwritten(page: &File, heading: &str, files: &[File]) -> Vec<String> {
    let below = page.text.split(heading).nth(1).unwrap_or_default();
    let section = below.split("\n## ").next().unwrap_or_default();
    let lines: Vec<&str> =
        section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    if lines.is_empty() {
        return vec![format!("{}: no line of the log is below {heading:?}", page.path)];
    }
    let is_code = |file: &&File| CODE.iter().any(|folder| file.path.starts_with(folder));
    let literals: Vec<String> = files
        .iter()
        .filter(is_code)
        .flat_map(|file| &file.literals)
        .map(|(_, literal)| joined(literal))
        .collect();
    let is_written = |line: &&str| literals.iter().any(|literal| literal.starts_with(*line));
    let missing = lines.into_iter().filter(|line| !is_written(line));
    missing.map(|line| format!("{}: no code logs `{line}`", page.path)).collect()
}

/// A literal that goes on in a further line of code, in one.
fn joined(literal: &str) -> String {
    let mut parts = literal.split("\\\n");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |before, part| before + part.trim_start())
}

#[test]
fn a_line_that_is_logged_no_more_is_found() {
    let page = |line: &str| {
        File::new(
            "x.md",
            &format!("\n## Logs\n\n| line | level |\n|---|---|\n| `{line}` | warn |\n\n## Next\n"),
        )
    };
    let code = "tracing::warn!(why, \"it is \\\n    away\");";
    let files = [File::new("consumer/src/x.rs", code), File::new("tests/x.rs", "\"a story's\"")];
    let check = |line: &str, expected: usize| {
        assert_eq!(unwritten(&page(line), "\n## Logs\n", &files).len(), expected, "{line}");
    };
    check("it is away", 0);
    check("it is", 0);
    check("it is back", 1);
    check("a story's", 1);
    assert_eq!(unwritten(&page("it is away"), "\n## Other\n", &files).len(), 1);
}
