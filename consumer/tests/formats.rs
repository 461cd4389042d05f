//! Values as real serializers make them are counted or refused as `tests/golden/index.json` says, and `docs/formats.md` says the
//! same.

#[path = "../examples/formats.rs"]
#[allow(dead_code, missing_docs)] // its `main` writes what is compared here
mod formats;

use formats::{HINT, Named, goldens, table, table_in};
use recount::{Content, Horizon, Kind};
use std::collections::BTreeSet;

#[test]
fn every_value_is_counted_or_refused_as_the_index_says() {
    for golden in goldens() {
        assert_eq!(golden.read().1, golden.refused, "{}", golden.name);
    }
}

#[test]
fn the_third_book_counts_the_same_values() {
    for golden in goldens() {
        let kind = match golden.message {
            Named::Event => Kind::Event,
            Named::WorkflowTerminal => Kind::Workflow,
            Named::MessageDelivery => Kind::Delivery,
        };
        let (headers, value) = (golden.headers(), golden.value());
        let declared = recount::declared(headers.iter().map(|(name, value)| (&**name, Some(&**value))));
        let read = recount::read(kind, declared, Some(&value));
        let reason = match &read {
            Ok(content) => recount::refusal(content.view(), &Horizon::NONE),
            Err(reason) => Some(*reason),
        };
        assert_eq!(reason, golden.refused.as_ref().map(|refused| &*refused.reason), "{}", golden.name);
        if golden.refused.is_none() {
            let id = read.as_ref().ok().map(Content::view).map(|content| content.id());
            assert_eq!(id, Some(&*golden.name), "the record has the value's name for an id");
        }
    }
}

#[test]
fn names_are_unique_and_every_sort_of_outcome_occurs() {
    let goldens = goldens();
    let names: BTreeSet<&str> = goldens.iter().map(|golden| &*golden.name).collect();
    assert_eq!(names.len(), goldens.len());
    let refused = goldens.iter().filter(|golden| golden.refused.is_some()).count();
    assert!(refused > 9 && goldens.len() - refused > 20, "{refused} of {}", goldens.len());
}

#[test]
fn the_document_has_the_table() {
    let written = table_in(include_str!("../../docs/formats.md")).expect("a place for the table");
    let made = table(&goldens());
    for (written, made) in written.lines().zip(made.lines()) {
        assert_eq!(written, made, "{HINT}");
    }
    assert_eq!(written, made, "{HINT}");
}
