//! Rules about SQL that must also run on a cluster of nodes (Citus). Each returns its complaints; the tests below show that it
//! finds some.

use crate::source::File;

/// Functions whose value each node would find for itself. In `do update set` the coordinator refuses them; the column's default,
/// as `excluded.updated_at`, is found once.
const VOLATILE: [&str; 8] = [
    "now()",
    "clock_timestamp()",
    "statement_timestamp()",
    "transaction_timestamp()",
    "current_timestamp",
    "random()",
    "gen_random_uuid()",
    "nextval(",
];

/// What a statement begins with. What only sets a session's parameters may stand before others.
const BEGINNINGS: [&str; 10] =
    ["select", "insert", "update", "delete", "with", "create", "alter", "drop", "lock", "truncate"];

/// How names of tables that are distributed begin.
const DISTRIBUTED: [&str; 4] = ["org_", "organization", "workflow_", "channel_"];

/// SQL in string literals of `folders` that one server runs and a cluster refuses.
pub fn unportable(file: &File, folders: &[&str]) -> Vec<String> {
    let meant = folders.iter().any(|folder| file.path.starts_with(folder));
    let literals = file.literals.iter().filter(|_| meant);
    let found = literals.flat_map(|(line, text)| {
        let text = in_a_line(text);
        let rules = [row_places(&text), volatile(&text), several(&text), correlated(&text)];
        rules.into_iter().flatten().map(move |what| format!("{}:{line}: a cluster refuses {what}", file.path))
    });
    found.collect()
}

/// Lower case, with single blanks, and without the signs that continue a literal on the next line.
fn in_a_line(text: &str) -> String {
    let lower = text.replace("\\\n", " ").to_lowercase();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Rows named by their place: each node has its own places.
fn row_places(text: &str) -> Option<String> {
    let is_word = |word: &str| word.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == "ctid");
    (is_sql(text) && is_word(text)).then(|| "`ctid`: name rows by their key".into())
}

fn volatile(text: &str) -> Option<String> {
    let (_, set) = text.split_once("do update set")?;
    let function = VOLATILE.iter().find(|function| set.contains(**function))?;
    Some(format!("`{function}` in `do update set`: set what is excluded"))
}

/// Several statements in one command. A part that begins with a placeholder may be one.
fn several(text: &str) -> Option<String> {
    let begins = |part: &str| BEGINNINGS.iter().any(|word| part.split(' ').next() == Some(word));
    let mut parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    let first = parts.next()?;
    let is_more = |part: &str| begins(part) || part.starts_with('{');
    let is_many = (begins(first) && parts.clone().next().is_some_and(is_more)) || parts.any(begins);
    is_many.then(|| "several statements in one command: send them one by one".into())
}

/// A subquery that asks of a distributed table about each row of `unnest`.
fn correlated(text: &str) -> Option<String> {
    let asks = text.split("exists (select").skip(1).any(|subquery| {
        let table = subquery.split("from ").nth(1).unwrap_or_default();
        DISTRIBUTED.iter().any(|name| table.starts_with(name))
    });
    (text.contains("unnest(") && asks).then(|| "`exists` about rows of `unnest`: join instead".into())
}

fn is_sql(text: &str) -> bool {
    BEGINNINGS.iter().any(|word| text.starts_with(&format!("{word} "))) || text.contains(" where ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(text: &str) -> Vec<String> {
        unportable(&File::new("a/src/store/b.rs", text), &["a/src/store/"])
    }

    fn complains(text: &str, expected: &str) {
        let complaints = complaints(text);
        assert!(complaints.iter().any(|complaint| complaint.contains(expected)), "{text}: {complaints:?}");
    }

    fn is_fine(text: &str) {
        assert_eq!(complaints(text), Vec::<String>::new(), "{text}");
    }

    #[test]
    fn rows_named_by_their_place_are_found() {
        complains("let q = \"delete from t where ctid in (select ctid from t limit 9)\";", "b.rs:1");
        is_fine("let q = \"delete from t where (a, b) in (select a, b from t limit 9)\"; // ctid");
        is_fine("let text = \"ctid is a word\";");
        let elsewhere = File::new("a/src/b.rs", "let q = \"delete from t where ctid = $1\";");
        assert_eq!(unportable(&elsewhere, &["a/src/store/"]), Vec::<String>::new());
    }

    #[test]
    fn a_volatile_function_in_an_upsert_is_found() {
        let upsert = |value: &str| {
            format!(
                "let q = \"insert into t values ($1, now()) on conflict (a) \\\n do update\nset b = 1, c = {value}\";"
            )
        };
        complains(&upsert("now()"), "`now()`");
        complains(&upsert("CURRENT_TIMESTAMP"), "`current_timestamp`");
        is_fine(&upsert("excluded.c"));
        is_fine("let q = \"update t set c = now() where a = $1\";");
    }

    #[test]
    fn several_statements_in_one_command_are_found() {
        complains(
            "let q = \"create table {name} (a int); \\\n alter table t attach partition {name}\";",
            "several",
        );
        complains("let q = \"lock table t in exclusive mode; {update}\";", "several");
        complains("let q = \"set local lock_timeout = '1s'; update t set a = 1; delete from t\";", "several");
        is_fine("let q = \"set jit = off; set timezone = 'UTC'\";");
        is_fine("let q = \"select 1;\"; let text = \"select a row; then go on\";");
    }

    #[test]
    fn a_subquery_about_rows_of_unnest_is_found() {
        let names = |table: &str| {
            format!(
                "let q = \"select o from unnest($1) o where not exists (select from {table} k where k.o = o)\";"
            )
        };
        complains(&names("organization_channels"), "`exists`");
        is_fine(&names("consumer_progress"));
    }
}
