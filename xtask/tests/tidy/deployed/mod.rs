//! What `deploy/` says, compared with the binaries and with itself: each variable is a setting that the binary has, what is named is
//! there, and times and images that must agree do. No tool is needed.

mod chart;
mod compose;
mod images;
mod times;
mod units;

use crate::settings::{self, BINARIES};
use crate::source;
use machine::workspace;
use serde_json::Value;
use std::collections::BTreeSet;

/// The settings of both binaries.
struct Known {
    consumer: BTreeSet<String>,
    query_api: BTreeSet<String>,
}

/// One of the binaries, or a file that is for both.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Consumer,
    QueryApi,
    Either,
}

impl Known {
    fn read() -> Self {
        let files = source::rust();
        let [consumer, query_api] = BINARIES.map(|binary| settings::names(binary, &files));
        assert!(consumer.contains("KAFKA_BROKERS") && query_api.contains("LISTEN_ADDR"));
        Self { consumer, query_api }
    }

    fn has(&self, whose: Whose, name: &str) -> bool {
        match whose {
            Whose::Consumer => has(&self.consumer, name),
            Whose::QueryApi => has(&self.query_api, name),
            Whose::Either => has(&self.consumer, name) || has(&self.query_api, name),
        }
    }

    /// The variables among these that the binary doesn't have.
    fn complaints(&self, whose: Whose, place: &str, names: impl IntoIterator<Item = String>) -> Vec<String> {
        let unknown = names.into_iter().filter(|name| !self.has(whose, name));
        unknown.map(|name| format!("{place}: {name} is no setting")).collect()
    }
}

/// `KAFKA_CONFIG_<SETTING>` stands for all that begin like it.
fn has(names: &BTreeSet<String>, name: &str) -> bool {
    let begins = |known: &String| known.split_once('<').is_some_and(|(prefix, _)| name.starts_with(prefix));
    names.contains(name) || names.iter().any(begins)
}

/// A file of `deploy/`.
fn deployed(name: &str) -> String {
    workspace::deploy_file(name).unwrap_or_else(|error| panic!("{error:#}"))
}

/// A YAML file of `deploy/`.
fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&deployed(name)).unwrap_or_else(|error| panic!("deploy/{name}: {error}"))
}

/// Words that are written like variables of two words and more, such as `KAFKA_BROKERS`.
fn variables(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c: char| !(is_part(c) || c.is_ascii_lowercase()));
    let is_variable = |word: &&str| {
        word.chars().all(is_part)
            && word.contains('_')
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && !word.ends_with('_')
    };
    words.filter(is_variable).map(str::to_owned).collect()
}

/// The assignments of a file of variables.
fn assignments(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect()
}

#[test]
fn variables_are_words_in_capitals_with_a_line_between_them() {
    let text = "KAFKA_BROKERS: x, {{ A_B2 }}_C, KAFKA_CONFIG_{{ $x }}, tcp TCP, Max_X, _FILE, \"REDIS_URL\"";
    let expected = ["A_B2", "KAFKA_BROKERS", "REDIS_URL"].map(str::to_owned);
    assert_eq!(variables(text), BTreeSet::from(expected));
}

#[test]
fn a_family_of_settings_is_known_by_its_beginning() {
    let known = BTreeSet::from(["KAFKA_CONFIG_<SETTING>".to_owned(), "REDIS_URL".to_owned()]);
    let check = |name, expected| assert_eq!(has(&known, name), expected, "{name}");
    check("KAFKA_CONFIG_SASL_PASSWORD_FILE", true);
    check("REDIS_URL", true);
    check("REDIS_URLS", false);
    check("KAFKA_BROKERS", false);
}
