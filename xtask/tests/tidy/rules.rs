//! Rules about a file's text. Each returns its complaints; the tests below show that it finds some.

use crate::source::File;

/// A longer function doesn't fit on a screen.
const FUNCTION_LINES_MAX: usize = 70;
/// A longer file has more than one noun.
const FILE_LINES_MAX: usize = 600;

/// Paths that pure code must not use.
const IO: [&str; 20] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::io",
    "Utc::now",
    "Local::now",
    "Instant::now",
    "SystemTime",
    "tokio",
    "rdkafka",
    "rdkafka_sys",
    "tokio_postgres",
    "deadpool_postgres",
    "redis",
    "warp",
    "hyper",
    "metrics",
    "tracing",
];

/// Uses of I/O, clocks and the other things that pure code must not use.
pub fn io(file: &File) -> Vec<String> {
    let found = IO.iter().flat_map(|name| {
        // A path without a parent begins with a crate, so only its beginning is compared.
        let needle = if name.contains("::") || *name == "SystemTime" {
            (*name).to_owned()
        } else {
            format!("{name}::")
        };
        lines_with(before_tests(&file.code), &needle).into_iter().map(move |line| (line, *name))
    });
    found.map(|(line, name)| format!("{}:{line}: pure code uses {name}", file.path)).collect()
}

/// Uses of the crate `name` in `package` outside `places`.
pub fn stays_in(file: &File, name: &str, package: &str, places: &[&str]) -> Vec<String> {
    let meant = file.path.starts_with(package) && !places.iter().any(|place| file.path.starts_with(place));
    let lines = if meant { lines_with(before_tests(&file.code), &format!("{name}::")) } else { Vec::new() };
    lines
        .into_iter()
        .map(|line| format!("{}:{line}: {name} is used outside of {places:?}", file.path))
        .collect()
}

/// SQL in string literals of `package` outside `places`.
pub fn sql(file: &File, package: &str, places: &[&str]) -> Vec<String> {
    let meant = file.path.starts_with(package) && !places.iter().any(|place| file.path.starts_with(place));
    let is_sql = |text: &str| {
        let text = text.trim_start().to_lowercase();
        let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
        (begins(&["select ", "delete ", "with "]) && text.contains(" from "))
            || begins(&["insert into ", "create table ", "alter table ", "drop table "])
            || (begins(&["update "]) && text.contains(" set "))
    };
    let found = file.literals.iter().filter(|(_, text)| meant && is_sql(text));
    found.map(|(line, _)| format!("{}:{line}: SQL outside of {places:?}", file.path)).collect()
}

/// Functions that are too long.
pub fn long_functions(file: &File) -> Vec<String> {
    let lines: Vec<&str> = file.code.lines().collect();
    let mut complaints = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = function(line) else { continue };
        let length = length(&lines[index..]);
        if length >= FUNCTION_LINES_MAX {
            complaints.push(format!("{}:{}: {name} has {length} lines", file.path, index + 1));
        }
    }
    complaints
}

/// The name of the function that begins on this line.
fn function(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let starts = before.is_empty() || before.ends_with(' ') || before.ends_with('(');
    let name = after.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    (starts && !name.is_empty()).then_some(name)
}

/// The number of lines of the item that begins on the first one: to its last brace, or to a semicolon if it has no body.
fn length(lines: &[&str]) -> usize {
    let (mut braces, mut brackets) = (0_i32, 0_i32);
    for (index, line) in lines.iter().enumerate() {
        for c in line.chars() {
            match c {
                '{' => braces += 1,
                '}' => braces -= 1,
                '(' | '[' => brackets += 1,
                ')' | ']' => brackets -= 1,
                _ => {}
            }
            let ends = (c == '}' && braces <= 0) || (c == ';' && braces == 0 && brackets == 0);
            if ends {
                return index + 1;
            }
        }
    }
    lines.len()
}

/// A file that is too long.
pub fn long_file(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    let long = lines >= FILE_LINES_MAX;
    long.then(|| format!("{}: {lines} lines", file.path)).into_iter().collect()
}

/// A file that doesn't begin with a sentence about it.
pub fn no_introduction(file: &File) -> Vec<String> {
    let says = file.text.starts_with("//! ") && file.text.lines().next().is_some_and(|line| line.len() > 12);
    (!says).then(|| format!("{}: doesn't begin with `//!` and a sentence", file.path)).into_iter().collect()
}

/// Notes to oneself, and paths of a developer's machine.
pub fn left_over(file: &File) -> Vec<String> {
    // Concatenated here, so that this file doesn't contain them.
    let notes =
        [["TO", "DO"], ["FIX", "ME"], ["X", "XX"], ["todo", "!("], ["dbg", "!("]].map(|parts| parts.concat());
    let paths = ["home", "root", "work", "Users"].map(|folder| format!("/{folder}/"));
    let found = file.text.lines().enumerate().flat_map(|(index, line)| {
        let note = notes.iter().find(|note| has_word(line, note));
        let path = paths.iter().find(|path| is_path(line, path));
        note.or(path).map(|what| format!("{}:{}: {what}", file.path, index + 1))
    });
    found.collect()
}

/// Relative links to files that don't exist.
pub fn dead_links(file: &File) -> Vec<String> {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let targets = file.text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let relative = targets.filter(|target| file.path.ends_with(".md") && !target.contains("://"));
    let dead = relative.filter(|target| {
        let path = target.split('#').next().unwrap_or_default();
        !path.is_empty() && !machine::workspace::root().join(folder).join(path).exists()
    });
    dead.map(|target| format!("{}: the link to {target} leads nowhere", file.path)).collect()
}

/// Rows of the page's table under `heading` that name no test, and names, as `file::test`, of tests that don't exist.
pub fn rows_without_test(page: &File, heading: &str, files: &[File]) -> Vec<String> {
    let is_there = |name: &str| {
        name.split_once("::").is_some_and(|(file, test)| {
            let place = format!("/{file}.rs");
            files.iter().any(|file| file.path.ends_with(&place) && file.code.contains(&format!("fn {test}(")))
        })
    };
    let section =
        page.text.split(heading).nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with('|')).skip(2).collect();
    let mut complaints = Vec::new();
    if rows.is_empty() {
        complaints.push(format!("{}: no table under {heading}", page.path));
    }
    for row in rows {
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        let names: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            complaints.push(format!("{}: no test is named: {row}", page.path));
        }
        let missing = names.iter().filter(|name| !is_there(name));
        complaints.extend(missing.map(|name| format!("{}: there is no test {name}", page.path)));
    }
    complaints
}

/// A file's code before its tests, which are last and may use anything.
fn before_tests(code: &str) -> &str {
    code.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
}

/// The numbers of the lines with `path`, the beginning of a Rust path.
fn lines_with(code: &str, path: &str) -> Vec<usize> {
    let has = |line: &str| {
        line.match_indices(path).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':')
        })
    };
    code.lines().enumerate().filter(|(_, line)| has(line)).map(|(index, _)| index + 1).collect()
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !letter(line[..at].chars().next_back()) && !letter(line[at + word.len()..].chars().next())
    })
}

/// Whether an absolute path begins here: the character before it doesn't belong to a path.
fn is_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        line[..at]
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '/' | '-' | '_' | '}'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complains(rule: impl Fn(&File) -> Vec<String>, text: &str, expected: &str) {
        let complaints = rule(&File::new("a/src/b.rs", text));
        assert!(complaints.iter().any(|complaint| complaint.contains(expected)), "{text}: {complaints:?}");
    }

    #[test]
    fn a_row_without_its_test_is_found() {
        let files = [File::new("tests/stories/a.rs", "async fn b_is_c() {}")];
        let rows = |last: &str| {
            let page = File::new("A.md", &format!("# A\n## F\n| x | y |\n|---|---|\n| z | {last} |\n## G\n"));
            rows_without_test(&page, "## F", &files)
        };
        assert_eq!(rows("`a::b_is_c`"), Vec::<String>::new());
        assert!(rows("none")[0].contains("no test is named"));
        assert!(rows("`a::b_is_c` `a::other`")[0].contains("no test a::other"));
        assert!(rows_without_test(&File::new("A.md", "# A"), "## F", &files)[0].contains("no table"));
    }

    fn is_fine(rule: impl Fn(&File) -> Vec<String>, text: &str) {
        assert_eq!(rule(&File::new("a/src/b.rs", text)), Vec::<String>::new(), "{text}");
    }

    #[test]
    fn impure_code_is_found() {
        complains(io, "//! A.\nuse tokio::sync::mpsc;", "b.rs:2: pure code uses tokio");
        complains(io, "let now = chrono::Utc::now();\nlet now = Utc::now();", "b.rs:2");
        complains(io, "    std::fs::read(x)", "std::fs");
        complains(io, "use redis::Client;", "redis");
        is_fine(
            io,
            "// tokio::spawn\nlet text = \"redis::Client\"; watch::redis(x); use std::time::Instant;",
        );
    }

    #[test]
    fn a_crate_in_the_wrong_module_is_found() {
        let rule = |file: &File| stays_in(file, "redis", "a/", &["a/src/shared.rs"]);
        complains(rule, "use redis::Client;", "outside of");
        is_fine(rule, "mod redis; use crate::redis::x;");
        is_fine(|file| stays_in(file, "redis", "a/", &["a/src/b.rs"]), "use redis::Client;");
        is_fine(|file| stays_in(file, "redis", "z/", &[]), "use redis::Client;");
    }

    #[test]
    fn sql_in_the_wrong_module_is_found() {
        let rule = |file: &File| sql(file, "a/", &["a/src/store.rs"]);
        complains(rule, "let q = \"select 1 from t\";", "SQL");
        complains(rule, "let q = \"\n insert into t values (1)\";", "SQL");
        complains(rule, "let q = \"update t set x = 1\";", "SQL");
        is_fine(rule, "let q = \"select one of these\"; // select 1 from t");
        is_fine(|file| sql(file, "a/", &["a/src/"]), "let q = \"select 1 from t\";");
    }

    #[test]
    fn long_functions_and_files_are_found() {
        let body = |lines: usize| {
            format!("impl A {{\n    pub async fn long() {{\n{}    }}\n}}\n", "        x();\n".repeat(lines))
        };
        complains(long_functions, &body(68), "long has 70 lines");
        is_fine(long_functions, &body(67));
        is_fine(long_functions, &format!("trait A {{\n fn f(x: [u8; 2]);\n{}\n}}", "x\n".repeat(99)));
        complains(long_file, &"x\n".repeat(600), "600 lines");
        is_fine(long_file, &"x\n".repeat(599));
    }

    #[test]
    fn a_file_without_introduction_is_found() {
        complains(no_introduction, "use std::fs;", "doesn't begin");
        complains(no_introduction, "//! A\n", "doesn't begin");
        is_fine(no_introduction, "//! What this is.\n");
    }

    #[test]
    fn what_is_left_lying_about_is_found() {
        complains(left_over, &format!("// {}{}: later", "TO", "DO"), "b.rs:1");
        complains(left_over, &format!("see /{}/someone/x", "home"), "b.rs:1");
        complains(left_over, &format!("\"/{}/x\"", "work"), "b.rs:1");
        is_fine(left_over, "method, mastodon, https://example.org/work/x, src/root/x");
    }

    #[test]
    fn a_dead_link_is_found() {
        let check = |text: &str| dead_links(&File::new("docs/x.md", text)).len();
        assert_eq!(
            check("[a](nowhere.md) and [b](../README.md#ask), [c](https://example.org), [d](#here)"),
            1
        );
    }
}
