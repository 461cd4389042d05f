//! The workspace's files, and Rust without its comments and literals, for the rules.

use machine::workspace;
use std::path::Path;

/// Folders whose files are not the project's own.
const FOREIGN: [&str; 6] = ["target", ".git", "node_modules", ".venv", "fetched", "dist"];
/// The endings of text files' names.
const TEXT: [&str; 12] =
    ["rs", "md", "toml", "sql", "proto", "yaml", "yml", "sh", "svg", "xml", "properties", "conf"];

/// A file.
pub struct File {
    /// Its path from the workspace's root.
    pub path: String,
    /// Its text.
    pub text: String,
    /// The text with blanks instead of comments and of the contents of literals. Line numbers are the same.
    pub code: String,
    /// The contents of its string literals, each with its line's number.
    pub literals: Vec<(usize, String)>,
}

impl File {
    /// A file with this text.
    pub fn new(path: &str, text: &str) -> Self {
        let Stripped { code, literals, .. } = if path.ends_with(".rs") {
            strip(text)
        } else {
            Stripped { code: text.to_owned(), ..Stripped::default() }
        };
        Self { path: path.to_owned(), text: text.to_owned(), code, literals }
    }
}

/// All Rust files.
pub fn rust() -> Vec<File> {
    all().into_iter().filter(|file| file.path.ends_with(".rs")).collect()
}

/// All text files.
pub fn all() -> Vec<File> {
    let mut paths = Vec::new();
    walk(workspace::root(), &mut paths);
    paths.sort();
    paths.iter().map(|path| File::new(path, &read(path))).collect()
}

/// A file's text.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(workspace::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn walk(folder: &Path, paths: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("the workspace can be read") {
        let path = entry.expect("the workspace can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_text = path.extension().is_some_and(|end| TEXT.iter().any(|text| end == *text));
        if path.is_dir() && !FOREIGN.contains(&name.as_str()) {
            walk(&path, paths);
        } else if path.is_file() && is_text {
            let path = path.strip_prefix(workspace::root()).expect("it is below the root");
            paths.push(path.to_string_lossy().into_owned());
        }
    }
}

#[derive(Default)]
struct Stripped {
    code: String,
    literals: Vec<(usize, String)>,
    line: usize,
}

impl Stripped {
    fn keep(&mut self, c: char) {
        self.line += usize::from(c == '\n');
        self.code.push(c);
    }

    fn blank(&mut self, text: &[char]) {
        text.iter().for_each(|c| self.keep(if *c == '\n' { '\n' } else { ' ' }));
    }
}

/// The part of Rust's lexical grammar that separates code from comments and literals.
fn strip(text: &str) -> Stripped {
    let all: Vec<char> = text.chars().collect();
    let mut stripped = Stripped { line: 1, ..Stripped::default() };
    let mut at = 0;
    while at < all.len() {
        let rest = &all[at..];
        let before = at.checked_sub(1).map_or(' ', |before| all[before]);
        if let Some(length) = comment(rest) {
            stripped.blank(&rest[..length]);
            at += length;
        } else if let Some((length, held)) = string(rest, before) {
            let line = stripped.line;
            stripped.literals.push((line, rest[held.clone()].iter().collect()));
            stripped.blank(&rest[..length]);
            at += length;
        } else if let Some(length) = character(rest) {
            stripped.blank(&rest[..length]);
            at += length;
        } else {
            stripped.keep(rest[0]);
            at += 1;
        }
    }
    stripped
}

fn comment(rest: &[char]) -> Option<usize> {
    match rest {
        ['/', '/', ..] => Some(rest.iter().position(|c| *c == '\n').unwrap_or(rest.len())),
        ['/', '*', ..] => {
            let mut depth = 0;
            let mut at = 0;
            while at < rest.len() {
                match &rest[at..] {
                    ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
                    ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
                    _ => at += 1,
                }
                if depth == 0 {
                    break;
                }
            }
            Some(at)
        }
        _ => None,
    }
}

/// A string literal's length with its prefix, and the range of its contents.
fn string(rest: &[char], before: char) -> Option<(usize, std::ops::Range<usize>)> {
    let continues = before.is_alphanumeric() || before == '_';
    let prefix = rest.iter().take(2).take_while(|c| !continues && matches!(c, 'b' | 'c' | 'r')).count();
    let raw = prefix > 0 && rest[prefix - 1] == 'r';
    let hashes = rest[prefix..].iter().take_while(|c| raw && **c == '#').count();
    let begin = prefix + hashes + 1;
    if rest.get(begin - 1) != Some(&'"') {
        return None;
    }
    let mut at = begin;
    while at < rest.len() {
        match rest[at] {
            '\\' if !raw => at += 2,
            '"' if rest[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes => {
                return Some((at + 1 + hashes, begin..at));
            }
            _ => at += 1,
        }
    }
    Some((rest.len(), begin..rest.len()))
}

/// A character literal; a lifetime isn't one.
fn character(rest: &[char]) -> Option<usize> {
    match rest {
        ['\'', '\\', ..] => rest.iter().skip(3).position(|c| *c == '\'').map(|end| end + 4),
        ['\'', _, '\'', ..] => Some(3),
        _ => None,
    }
}

#[test]
fn comments_and_literals_are_not_code() {
    let check = |text: &str, code: &str| assert_eq!(File::new("a.rs", text).code, code, "{text}");
    check("a // b\nc", "a     \nc");
    check("a /* b /* c */ */ d", "a                 d");
    check("f(\"x // y\", 'a', '\\'', 'b')", "f(        ,    ,     ,    )");
    check("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)");
    check("r#\"a\"b\"# + var\"", "         + var ");
    check("b\"\\\"\" x", "      x");
    let file = File::new("a.rs", "1\n\"two\" r\"three\\\"\n");
    assert_eq!(file.literals, [(2, "two".to_owned()), (2, "three\\".to_owned())]);
}
