//! A list of an answer as CSV (RFC 4180): a header row, then a row for each item. Pure.
//!
//! It is made of the answer's JSON, so that both have the same numbers, and one cache serves both. Text is in quotes, numbers and what
//! is unknown are not. A list or an object in a cell is JSON.
//!
//! Spreadsheets run text as a formula that begins like one, wherever it comes from. Such text gets an apostrophe before it, which
//! makes it text (OWASP, "CSV Injection"). Quotes keep a separator of another country from beginning a cell within a text.

use crate::answer::{trends, workflow_trends};
use crate::request::representation::List;
use crate::request::scope::Scope;
use bytes::Bytes;
use serde_json::Value;
use std::fmt::Write as _;

/// What a formula begins with, or what is skipped before one. The last four are the wide forms that East Asian keyboards have.
const BEGINS_FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// What makes a formula text.
const IS_TEXT: char = '\'';

/// Rows end so.
const END: &str = "\r\n";

/// A list as CSV, and what its file and the next page are named by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csv {
    /// The rows.
    pub body: Bytes,
    /// The start and the end of the answer's range.
    pub range: [String; 2],
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

impl Csv {
    /// The list of an answer whose JSON is `json`; `None` if that is no answer of the scope.
    #[must_use]
    pub fn of(json: &[u8], scope: Scope, list: List) -> Option<Self> {
        let answer: Value = serde_json::from_slice(json).ok()?;
        let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let range = [text("/range/from")?, text("/range/to")?];
        let next = list.next_page().and_then(|(member, _)| text(&format!("/{member}")));
        let columns = columns(scope, list, answer.get("workflow").is_some());
        // Where nothing is compared there are no previous buckets.
        let items = answer.get(list.name()).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Some(Self { body: table(&columns, items).into(), range, next })
    }
}

/// The columns of a KPI.
const KPIS: &str = "key label value unit decimals trend deltaPercent deltaPoints comparedValue previousValue better \
    severity thresholds description base.numerator base.denominator base.noun";

/// The columns of an alert.
const ALERTS: &str = "key kpi severity title message value threshold thresholdSource sample";

/// The columns of a bucket's messages.
const MESSAGES: &str = "bucket open messages_sent messages_delivered message_delivery_rate";

/// The columns of a bucket of refused records.
const REFUSED: &str = "bucket open records";

/// The columns of what was refused for one reason.
const REFUSALS: &str = "topic reason sentence organizationFrom records firstAt lastAt";

/// The columns of a record that was refused.
const EXAMPLES: &str = "topic partition offset key keyHex reason sentence detail organizationFrom at";

/// The columns of a workflow.
const WORKFLOWS: &str = "workflowId workflowName total failed failedSafetyLimit failureRate avgExecutionTimeMs \
    p50ExecutionTimeMs p95ExecutionTimeMs p99ExecutionTimeMs";

/// The columns of a failed run.
const FAILURES: &str = "executionId workflowId workflowName outcome errorMessage executionTimeMs finishedAt";

/// The columns of a group of failures.
const GROUPS: &str =
    "key pattern message count firstSeen lastSeen outcomes workflowCount workflows executionId";

/// The columns of a channel.
const CHANNELS: &str = "channel sent delivered deliveryRate";

/// The columns of an insight.
const INSIGHTS: &str = "key kpi severity title sentence period.from period.to comparedWith.from comparedWith.to numbers next \
    workflow.workflowId workflow.workflowName";

/// The columns of a list: members of its items, or of objects in them.
fn columns(scope: Scope, list: List, of_workflow: bool) -> Vec<&'static str> {
    let columns = match (list, scope) {
        (List::Series, Scope::DeliveryHealth) => MESSAGES,
        (List::Series, Scope::Refusals) => REFUSED,
        (List::Series | List::PreviousSeries, _) if of_workflow => return workflow_trends::members(),
        (List::Series | List::PreviousSeries, _) => return trends::members(),
        (List::Kpis, _) => KPIS,
        (List::Alerts, _) => ALERTS,
        (List::Workflows, _) => WORKFLOWS,
        (List::RecentFailures | List::Failures, _) => FAILURES,
        (List::Groups, _) => GROUPS,
        (List::Channels, _) => CHANNELS,
        (List::Insights, _) => INSIGHTS,
        (List::Refusals, _) => REFUSALS,
        (List::Examples, _) => EXAMPLES,
    };
    columns.split_whitespace().collect()
}

fn table(columns: &[&str], items: &[Value]) -> String {
    let mut table = String::new();
    row(&mut table, columns.iter().map(|column| Value::from(*column)));
    for item in items {
        let cell = |column: &&str| {
            let members = column.split('.');
            members.fold(item, |value, member| &value[member]).clone()
        };
        row(&mut table, columns.iter().map(cell));
    }
    table
}

fn row(table: &mut String, cells: impl Iterator<Item = Value>) {
    for (place, value) in cells.enumerate() {
        if place > 0 {
            table.push(',');
        }
        match value {
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) => {
                write!(table, "{value}").expect("text can be written to text")
            }
            Value::String(text) => quoted(table, &text),
            Value::Array(_) | Value::Object(_) => quoted(table, &value.to_string()),
        }
    }
    table.push_str(END);
}

fn quoted(table: &mut String, text: &str) {
    table.push('"');
    if text.starts_with(BEGINS_FORMULA) {
        table.push(IS_TEXT);
    }
    table.push_str(&text.replace('"', "\"\""));
    table.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// The rows, as a reader of others reads them.
    fn read(table: &str) -> Vec<Vec<String>> {
        let reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(table.as_bytes());
        reader.into_records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn text_is_quoted_and_numbers_are_not() {
        let items = [
            json!({"a": "plain", "b": 42, "c": true, "d": {"e": "x"}}),
            json!({"a": "say \"hi\", then\r\nleave; ok", "b": -16.7, "c": null, "d": {}}),
            json!({"a": ["F"], "b": 0, "d": {"e": {"f": 1}}}),
        ];
        let expected = concat!(
            "\"a\",\"b\",\"c\",\"d.e\"\r\n",
            "\"plain\",42,true,\"x\"\r\n",
            "\"say \"\"hi\"\", then\r\nleave; ok\",-16.7,,\r\n",
            "\"[\"\"F\"\"]\",0,,\"{\"\"f\"\":1}\"\r\n",
        );
        assert_eq!(table(&["a", "b", "c", "d.e"], &items), expected);
        assert_eq!(table(&["a"], &[]), "\"a\"\r\n", "there is a header whatever there is below it");
    }

    #[test]
    fn text_is_no_formula() {
        let check = |text: &str, is_guarded: bool| {
            let seen = read(&table(&["a"], &[json!({"a": text})])).pop().unwrap().pop().unwrap();
            assert_eq!(seen, if is_guarded { format!("'{text}") } else { text.to_owned() });
        };
        for text in ["=1+1", "+1", "-1", "-", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠A1"]
        {
            check(text, true);
        }
        for text in ["", "1+1", "a=1", " =1", "'=1", "2026-02-25T10:00:00.000Z", "\"=1"] {
            check(text, false);
        }
    }

    proptest! {
        #[test]
        fn another_reader_reads_what_was_written(texts in prop::collection::vec("[ -~=\\r\\n\"',;é＝]{0,12}", 1..5)) {
            let columns = ["a", "b", "c", "d"];
            let item: Value = columns.iter().zip(&texts).map(|(name, text)| ((*name).to_owned(), json!(text))).collect::<serde_json::Map<_, _>>().into();
            let columns = &columns[..texts.len()];
            let rows = read(&table(columns, std::slice::from_ref(&item)));
            prop_assert_eq!(&rows[0], columns);
            for (seen, text) in rows[1].iter().zip(&texts) {
                prop_assert_eq!(seen.strip_prefix('\'').filter(|_| !text.starts_with('\'')).unwrap_or(seen), text);
                prop_assert!(!seen.starts_with(BEGINS_FORMULA), "{:?}", seen);
            }
        }
    }

    #[test]
    fn an_answer_that_is_none_makes_no_table() {
        assert_eq!(Csv::of(b"", Scope::Trends, List::Series), None);
        assert_eq!(Csv::of(b"{}", Scope::Trends, List::Series), None);
        let json = br#"{"range":{"from":"a","to":"b"},"nextCursor":"c","failures":[]}"#;
        let seen = Csv::of(json, Scope::Failures, List::Failures).unwrap();
        assert_eq!((seen.range, seen.next.as_deref()), (["a", "b"].map(str::to_owned), Some("c")));
    }
}
