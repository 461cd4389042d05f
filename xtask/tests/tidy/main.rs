//! Keeps what matters and can be checked by reading source. Needs no server.
//!
//! ```text
//! source    the workspace's files; Rust without its comments and literals
//! rules     what must hold of a file's text: pure, each returns its complaints
//! settings  what the README says of settings, and what the code does
//! ```

mod rules;
mod settings;
mod source;

use source::File;

/// All of these hold nothing but values: no I/O, no clock, no metrics, no log.
const PURE: [&str; 45] = [
    "consumer/src/allowance.rs",
    "consumer/src/batch.rs",
    "consumer/src/changes.rs",
    "consumer/src/dead_letter.rs",
    "consumer/src/decode.rs",
    "consumer/src/fingerprint_set.rs",
    "consumer/src/frame.rs",
    "consumer/src/identity.rs",
    "consumer/src/ledger.rs",
    "consumer/src/progress.rs",
    "consumer/src/reason.rs",
    "consumer/src/record.rs",
    "consumer/src/refused.rs",
    "consumer/src/store/rows.rs",
    "consumer/src/texts.rs",
    "consumer/src/wire.rs",
    "domain/src/bucket.rs",
    "domain/src/cache_key.rs",
    "domain/src/counters.rs",
    "domain/src/durations.rs",
    "domain/src/lib.rs",
    "proto/src/lib.rs",
    "query-api/src/answer.rs",
    "query-api/src/asked.rs",
    "query-api/src/cells.rs",
    "query-api/src/compare.rs",
    "query-api/src/decimal.rs",
    "query-api/src/insights.rs",
    "query-api/src/insights/past.rs",
    "query-api/src/insights/rules.rs",
    "query-api/src/limit.rs",
    "query-api/src/listing.rs",
    "query-api/src/percentiles.rs",
    "query-api/src/places.rs",
    "query-api/src/problem.rs",
    "query-api/src/range.rs",
    "query-api/src/range/tests.rs",
    "query-api/src/registry.rs",
    "query-api/src/routes/contract/html.rs",
    "query-api/src/summary.rs",
    "query-api/src/trends.rs",
    "query-api/src/versions.rs",
    "query-api/src/workflow_health.rs",
    "query-api/src/zone.rs",
    "query-api/src/zone/tests.rs",
];

/// Who may know what: a crate, the package this is about, the only places in it that may use the crate.
const KNOWN_TO: [(&str, &str, &[&str]); 15] = [
    ("rdkafka", "consumer/", &["consumer/src/source/"]),
    ("rdkafka_sys", "consumer/", &["consumer/src/source/"]),
    // The databases' URLs are parsed where settings are, so that a wrong one is named before anything starts.
    (
        "tokio_postgres",
        "consumer/",
        &["consumer/src/store/", "consumer/src/settings.rs", "consumer/src/operator/audit.rs"],
    ),
    ("migrations", "consumer/", &["consumer/src/store/", "consumer/src/migrate.rs"]),
    ("redis", "consumer/", &["consumer/src/announce.rs"]),
    ("prost_reflect", "consumer/", &["consumer/src/frame.rs"]),
    ("warp", "consumer/", &[]),
    ("rdkafka", "query-api/", &[]),
    ("tokio_postgres", "query-api/", &["query-api/src/store.rs", "query-api/src/store/"]),
    ("deadpool_postgres", "query-api/", &["query-api/src/store.rs", "query-api/src/store/"]),
    ("redis", "query-api/", &["query-api/src/shared.rs", "query-api/src/shared/"]),
    ("warp", "query-api/", &["query-api/src/routes.rs", "query-api/src/routes/"]),
    (
        "jsonwebtoken",
        "query-api/",
        &["query-api/src/token.rs", "query-api/src/token/", "query-api/src/routes/tests.rs"],
    ),
    ("moka", "query-api/", &["query-api/src/cache.rs"]),
    ("tokio", "domain/", &[]),
];

/// Where the two binaries keep their SQL.
const SQL_IN: [(&str, &[&str]); 2] = [
    ("consumer/src/", &["consumer/src/store/"]),
    ("query-api/src/", &["query-api/src/store.rs", "query-api/src/store/"]),
];

/// Functions that are lists rather than thoughts: a line a column. Nothing else may be longer than a screen.
const LISTS: [&str; 1] = ["consumer/src/store/fenced_transaction.rs: writes"];

/// Looks at every Rust file of the workspace.
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
    let missing = PURE.iter().filter(|path| !files.iter().any(|file| file.path == **path));
    none(missing.map(|path| format!("{path}: said to be pure, but there is none")).collect());
    each_file(|file| if PURE.contains(&file.path.as_str()) { rules::io(file) } else { Vec::new() });
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
fn functions_and_files_can_be_overlooked() {
    each_file(|file| rules::long_functions(file, &LISTS));
    each_file(rules::long_file);
}

#[test]
fn every_file_says_what_it_is() {
    each_file(rules::no_introduction);
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
fn every_failure_has_a_test() {
    let page = File::new("ARCHITECTURE.md", &source::read("ARCHITECTURE.md"));
    none(rules::rows_without_test(&page, "## What fails, and what happens then", &source::rust()));
}

#[test]
fn relative_links_lead_somewhere() {
    none(source::all().iter().flat_map(rules::dead_links).collect());
}
