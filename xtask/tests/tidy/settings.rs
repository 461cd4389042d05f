//! The README's tables of settings, compared with the code: the names in both directions, and the defaults.

use crate::source::File;
use std::collections::{BTreeMap, BTreeSet};

/// A binary, and where its settings are.
#[derive(Clone, Copy)]
pub struct Binary {
    /// The README's heading above its table.
    heading: &'static str,
    /// The folders of its code, and the files of the settings that it shares.
    code: &'static [&'static str],
    /// Variables that are not read by clap.
    beside: &'static [&'static str],
}

/// The settings that both binaries have.
const DATABASE: &str = "database/src/settings.rs";
const CACHE: &str = "shared-cache/src/settings.rs";
const TRACES: &str = "traces/src/settings.rs";

/// Both binaries.
pub const BINARIES: [Binary; 2] = [
    Binary {
        heading: "### `consumer run`",
        code: &["consumer/src/", DATABASE, CACHE, TRACES],
        beside: &["KAFKA_CONFIG_<SETTING>", "RUST_LOG"],
    },
    Binary { heading: "### `query-api`", code: &["query-api/src/", DATABASE, CACHE, TRACES], beside: &[] },
];

/// Defaults by name; `None` if there is no default, or none that the table shows literally.
type Settings = BTreeMap<String, Option<String>>;

/// Settings that are only in the table or only in the code, and defaults that differ.
pub fn compare(readme: &str, binary: Binary, files: &[File]) -> Vec<String> {
    let table = table(readme, binary.heading);
    let is_its = |file: &&File| binary.code.iter().any(|code| file.path.starts_with(code));
    let code: Settings = files.iter().filter(is_its).flat_map(declared).collect();
    let known = |name: &String| code.contains_key(name) || binary.beside.contains(&name.as_str());
    let invented = table.keys().filter(|name| !known(name)).map(|name| format!("{name} is in no code"));
    let kept_quiet =
        code.keys().filter(|name| !table.contains_key(*name)).map(|name| format!("{name} is in no table"));
    let differ = code.iter().filter_map(|(name, default)| {
        let (default, said) = (default.as_ref()?, table.get(name)?.as_deref().unwrap_or("another"));
        (default != said).then(|| format!("{name} is said to be {said} by default, and is {default}"))
    });
    let all = invented.chain(kept_quiet).chain(differ);
    all.map(|what| format!("README, {}: {what}", binary.heading)).collect()
}

/// The names of a binary's settings. One that ends with `<SETTING>` stands for all that begin like it.
pub fn names(binary: Binary, files: &[File]) -> BTreeSet<String> {
    let is_its = |file: &&File| binary.code.iter().any(|code| file.path.starts_with(code));
    let declared = files.iter().filter(is_its).flat_map(declared).map(|(name, _)| name);
    declared.chain(binary.beside.iter().map(ToString::to_string)).collect()
}

/// The rows below a heading: | `NAME` | default | ...
fn table(readme: &str, heading: &str) -> Settings {
    let below = readme.lines().skip_while(|line| !line.starts_with(heading)).skip(1);
    let rows = below.take_while(|line| !line.starts_with('#')).filter(|line| line.starts_with("| `"));
    let row = |line: &str| {
        let mut cells = line.split(" | ");
        let name = cells.next()?.trim_start_matches("| ").trim_matches('`').to_owned();
        let default = cells.next()?.trim();
        let literal = default.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
        Some((name, literal.or((default == "empty").then_some("")).map(str::to_owned)))
    };
    rows.filter_map(row).collect()
}

/// Settings that a file declares: `#[arg(..., env = "NAME", ...)]`, or `env` alone, which is the field's name.
fn declared(file: &File) -> Vec<(String, Option<String>)> {
    let starts = file.text.match_indices("#[arg(").filter(|(at, _)| !is_comment(&file.text, *at));
    let settings = starts.filter_map(|(at, _)| {
        let (arguments, field) = file.text[at..].split_once(")]\n")?;
        let name = name(arguments, field)?;
        Some((name, default(arguments)))
    });
    settings.collect()
}

fn is_comment(text: &str, at: usize) -> bool {
    text[..at].lines().next_back().is_some_and(|line| line.trim_start().starts_with("//"))
}

fn name(arguments: &str, field: &str) -> Option<String> {
    if let Some(named) = after(arguments, "env = \"") {
        return named.split('"').next().map(str::to_owned);
    }
    let plain = arguments.split([',', '(', ')']).any(|argument| argument.trim() == "env");
    let field = field.trim_start().trim_start_matches("pub ").split(':').next()?;
    plain.then(|| field.to_uppercase())
}

fn default(arguments: &str) -> Option<String> {
    if let Some(text) = after(arguments, "default_value = \"") {
        return text.split('"').next().map(str::to_owned);
    }
    let value = after(arguments, "default_value_t = ")?.split([',', ')']).next()?.trim();
    let last = value.rsplit("::").next()?;
    Some(last.replace('_', "").to_lowercase())
}

fn after<'a>(text: &'a str, what: &str) -> Option<&'a str> {
    text.split_once(what).map(|(_, rest)| rest)
}

#[test]
fn a_table_that_disagrees_is_found() {
    let binary = Binary { heading: "### `b`", code: &["b/"], beside: &["BESIDE"] };
    let code = "#[arg(long, env = \"ONE\", default_value_t = 1_000, value_parser = x(y).range(1..))]\npub one: u32,\n\
                #[arg(long, env, default_value = \"2s\")]\npub two: Duration,\n\
                #[arg(long)]\npub flag: bool,\n\
                #[arg(long, env = \"THREE\", default_value = \"\")]\npub three: String,\n";
    let check = |rows: &str, expected: &[&str]| {
        let readme =
            format!("### `b`\n\n| variable | default |\n|---|---|\n{rows}\n### `c`\n| `OTHER` | x | y |\n");
        let complaints = compare(&readme, binary, &[File::new("b/x.rs", code)]);
        assert_eq!(complaints.len(), expected.len(), "{complaints:?}");
        assert!(
            complaints.iter().zip(expected).all(|(complaint, part)| complaint.contains(part)),
            "{complaints:?}"
        );
    };
    let right = "| `ONE` | `1000` | x |\n| `TWO` | `2s` | x |\n| `THREE` | empty | x |\n| `BESIDE` | | x |";
    check(right, &[]);
    check(&format!("{right}\n| `FOUR` | `1` | x |"), &["FOUR is in no code"]);
    check(&right.replace("TWO", "BESIDE"), &["TWO is in no table"]);
    check(&right.replace("1000", "100"), &["ONE is said to be 100 by default, and is 1000"]);
}
