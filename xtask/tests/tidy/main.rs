//! Rules of this repository that can be checked by reading its files. Needs no server.
//!
//! ```text
//! source    the workspace's files; Rust without its comments and literals
//! rooms     which file imports which
//! rules     rules about a file's text; pure, each returns its complaints
//! logged    the lines of the log that the operators' page has, compared with the code
//! portable  rules about SQL: a cluster of nodes must run it, too
//! settings  the README's tables of settings, compared with the code
//! deployed  what deploy/ says, compared with the code and with itself
//! ```

mod deployed;
mod logged;
mod portable;
mod rooms;
mod rules;
mod settings;
mod source;

use source::File;

/// Pure rooms and files: no I/O, no clock, no metrics, no log. A folder ends with a slash.
const PURE: [&str; 28] = [
    "consumer/src/batch/",
    "consumer/src/decide/",
    "consumer/src/ledger/",
    "consumer/src/operator/doctor/cache.rs",
    "consumer/src/operator/doctor/check.rs",
    "consumer/src/operator/doctor/finding.rs",
    "consumer/src/operator/doctor/group.rs",
    "consumer/src/operator/doctor/layouts.rs",
    "consumer/src/operator/doctor/report.rs",
    "consumer/src/operator/doctor/standing.rs",
    "consumer/src/operator/doctor/topic.rs",
    "consumer/src/operator/redrive/erased.rs",
    "consumer/src/operator/redrive/refused.rs",
    "consumer/src/record/",
    "consumer/src/refused/",
    "consumer/src/store/rows.rs",
    "domain/src/",
    "proto/src/",
    "query-api/src/answer/",
    "query-api/src/cache/frame.rs",
    "query-api/src/cache/memory.rs",
    "query-api/src/cache/slots.rs",
    "query-api/src/cache/versions.rs",
    "query-api/src/request/",
    "query-api/src/routes/contract/html.rs",
    "query-api/src/webhooks/",
    "traces/src/traceparent.rs",
    "xtask/tests/tidy/rooms.rs",
];

/// Exceptions in pure rooms: the tokens' keys are read from a file.
const IMPURE: [&str; 1] = ["query-api/src/request/token"];

/// Where crates may be used: the crate, the package that the rule is about, the only places in it that may use the crate.
const KNOWN_TO: [(&str, &str, &[&str]); 19] = [
    ("rdkafka", "consumer/", &["consumer/src/source/"]),
    ("rdkafka_sys", "consumer/", &["consumer/src/source/"]),
    ("tokio_postgres", "consumer/", &["consumer/src/store/"]),
    ("database", "consumer/", &["consumer/src/store/"]),
    ("database", "query-api/", &["query-api/src/store/"]),
    ("migrations", "consumer/", &["consumer/src/store/", "consumer/src/migrate.rs"]),
    ("redis", "consumer/", &["consumer/src/announce"]),
    ("shared_cache", "consumer/", &["consumer/src/announce"]),
    ("prost_reflect", "consumer/", &["consumer/src/record/json.rs"]),
    ("warp", "consumer/", &[]),
    ("rdkafka", "query-api/", &[]),
    ("tokio_postgres", "query-api/", &["query-api/src/store/"]),
    ("deadpool_postgres", "query-api/", &["query-api/src/store/"]),
    ("redis", "query-api/", &["query-api/src/cache/shared"]),
    ("shared_cache", "query-api/", &["query-api/src/cache/shared"]),
    ("warp", "query-api/", &["query-api/src/routes/"]),
    (
        "jsonwebtoken",
        "query-api/",
        &["query-api/jwt/", "query-api/src/request/token", "query-api/src/routes/tests.rs"],
    ),
    ("moka", "query-api/", &["query-api/src/cache/"]),
    ("tokio", "domain/", &[]),
];

/// Where the two binaries have their SQL.
const SQL_IN: [(&str, &[&str]); 2] =
    [("consumer/src/", &["consumer/src/store/"]), ("query-api/src/", &["query-api/src/store/"])];

/// Applies a rule to every Rust file of the workspace.
fn each_file(rule: impl Fn(&File) -> Vec<String>) {
    let files = source::rust();
    assert!(files.len() > 50, "the workspace's files are not where they are looked for");
    none(files.iter().flat_map(rule).collect());
}

fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n  {}\n", complaints.join("\n  "));
}

#[test]
fn pure_files_do_no_io_and_read_no_clock() {
    let files = source::rust();
    let named = PURE.iter().chain(&IMPURE);
    let missing = named.filter(|path| !files.iter().any(|file| file.path.starts_with(**path)));
    none(missing.map(|path| format!("{path}: said to be pure, or not, but there is none")).collect());
    let is_in = |file: &File, paths: &[&str]| paths.iter().any(|path| file.path.starts_with(path));
    each_file(|file| if is_in(file, &PURE) && !is_in(file, &IMPURE) { rules::io(file) } else { Vec::new() });
}

#[test]
fn one_module_each_knows_kafka_sql_redis_and_http() {
    for (name, package, places) in KNOWN_TO {
        each_file(|file| rules::stays_in(file, name, package, places));
    }
    for (package, places) in SQL_IN {
        each_file(|file| rules::sql(file, package, places));
    }
}

#[test]
fn a_cluster_of_nodes_runs_all_sql() {
    let folders: Vec<&str> = SQL_IN.iter().flat_map(|(_, places)| places.iter().copied()).collect();
    each_file(|file| portable::unportable(file, &folders));
}

#[test]
fn nothing_imports_in_a_circle() {
    let files = source::rust();
    let folders: std::collections::BTreeSet<&str> =
        files.iter().filter_map(|file| file.path.find("src/").map(|at| &file.path[..at + 4])).collect();
    assert!(folders.contains("consumer/src/"), "{folders:?}");
    none(folders.iter().flat_map(|folder| rooms::circles(folder, &files)).collect());
}

#[test]
fn functions_and_files_can_be_overlooked() {
    each_file(rules::long_functions);
    each_file(rules::long_file);
}

#[test]
fn every_file_says_what_it_is() {
    let generated = |file: &File| file.path.starts_with("proto/src/generated/");
    each_file(|file| if generated(file) { Vec::new() } else { rules::no_introduction(file) });
}

#[test]
fn nothing_is_left_lying_about() {
    let files = source::all();
    assert!(files.iter().any(|file| file.path == "README.md"));
    none(files.iter().flat_map(rules::left_over).collect());
}

#[test]
fn the_readme_names_the_settings_there_are() {
    let readme = source::read("README.md");
    let files = source::rust();
    for binary in settings::BINARIES {
        none(settings::compare(&readme, binary, &files));
    }
}

#[test]
fn the_documented_lines_of_the_log_are_logged() {
    let page = File::new("docs/operating.md", &source::read("docs/operating.md"));
    none(logged::unwritten(&page, "\n## Logs\n", &source::rust()));
}

#[test]
fn every_failure_has_a_test() {
    let page = File::new("ARCHITECTURE.md", &source::read("ARCHITECTURE.md"));
    none(rules::rows_without_test(&page, "## What fails, and what happens then", &source::rust()));
}

#[test]
fn relative_links_lead_somewhere() {
    none(source::all().iter().flat_map(rules::dead_links).collect());
}
