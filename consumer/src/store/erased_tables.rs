//! The tables that have rows of organizations, and how these are found and deleted some at a time. Pure.

use domain::{BucketSize, Counters};

/// A table with rows of organizations.
#[derive(Debug)]
pub struct ErasedTable {
    /// Its name.
    pub name: &'static str,
    /// The organization's rows, whose id is `$1`, by an index.
    rows: &'static str,
    /// The columns that name one of them, with their types, in that index's order. None if an organization has one row.
    key: &'static [(&'static str, &'static str)],
}

/// A row's key, each column as text.
pub type RowKey = Vec<String>;

/// An organization's rows where the table has an index by it.
const OF_ORGANIZATION: &str = "organization_id = $1";
/// Messages to endpoints are found by their endpoint.
const OF_ENDPOINTS: &str =
    "endpoint_id in (select endpoint_id from webhook_endpoints where organization_id = $1)";

const fn table(name: &'static str, key: &'static [(&'static str, &'static str)]) -> ErasedTable {
    ErasedTable { name, rows: OF_ORGANIZATION, key }
}

/// What query-apis write. Whoever evaluates alerts locks the row in `alert_evaluations`. It goes after the endpoints, so that
/// no message follows, and after the states, of which the last go with it.
pub static OF_SETTINGS: [ErasedTable; 7] = [
    ErasedTable {
        name: "webhook_deliveries",
        rows: OF_ENDPOINTS,
        key: &[("endpoint_id", "text"), ("message_id", "text")],
    },
    table("webhook_endpoints", &[("endpoint_id", "text")]),
    table("alert_states", &[("alert_key", "text")]),
    table("alert_evaluations", &[]),
    table("organization_thresholds", &[]),
    table("organization_links", &[]),
    table("settings_changes", &[("setting", "text"), ("revision", "bigint")]),
];

/// What members write in each batch, but for dead letters, which are found otherwise.
pub static OF_BATCHES: [ErasedTable; 10] = [
    table(HOURS, &[("hour_bucket", "timestamptz")]),
    table(BucketSize::Day.table(), &[("day_bucket", "timestamptz")]),
    table("workflow_hourly_metrics", &[("workflow_id", "text"), ("hour_bucket", "timestamptz")]),
    table("workflow_daily_metrics", &[("workflow_id", "text"), ("day_bucket", "timestamptz")]),
    table("channel_hourly_metrics", &[("hour_bucket", "timestamptz"), ("channel", "text")]),
    table("channel_daily_metrics", &[("day_bucket", "timestamptz"), ("channel", "text")]),
    table("workflow_failures", &[("execution_id", "text")]),
    table("organization_channels", &[("channel", "text")]),
    table("organizations", &[]),
    table(
        "organization_refusals",
        &[("quarter_bucket", "timestamptz"), ("topic", "text"), ("reason", "text"), ("guessed", "boolean")],
    ),
];

/// The table of hours, whose counters stay in the ledger's sums.
const HOURS: &str = BucketSize::Hour.table();

/// Dead letters, which no index finds by organization. A record whose value names no organization is of the one that its key names.
pub const DEAD_LETTERS: &str = "dead_letters";
/// An organization's dead letters, whose id is `$1`.
pub const LETTERS_OF_ORGANIZATION: &str = "(organization_id = $1 or organization_from_key = $1)";

/// The audit of erasures, which stays.
const AUDIT: &str = "erasures";

/// The names of all tables with organizations' ids that an erasure knows.
pub fn known() -> Vec<&'static str> {
    let all = OF_SETTINGS.iter().chain(&OF_BATCHES).map(|table| table.name);
    all.chain([DEAD_LETTERS, AUDIT]).collect()
}

impl ErasedTable {
    /// Counts the organization's rows.
    pub fn count(&self) -> String {
        format!("select count(*) from {} where {}", self.name, self.rows)
    }

    /// Whether the ledger has sums of what these rows count.
    pub fn is_booked(&self) -> bool {
        self.name == HOURS
    }

    /// How many columns the key has.
    pub fn key_columns(&self) -> usize {
        self.key.len()
    }

    /// The key of the last of so many rows; no row if there are no more than that. Its values are the organization and, if there
    /// is one, the key `after` which they are.
    pub fn last_of(&self, rows: i64, after: Option<&RowKey>) -> String {
        // Under other names, so that rows are in the order of the columns, not of the texts.
        let as_text = (0..).zip(self.key).map(|(n, (column, _))| format!("{column}::text as key_{n}"));
        let as_text: Vec<String> = as_text.collect();
        format!(
            "select {} from {} where {} order by {} offset {rows} - 1 limit 1",
            as_text.join(", "),
            self.name,
            self.between(after, None),
            self.columns()
        )
    }

    /// Deletes the organization's rows after a key and up to another one, as far as there are such. Its values are the
    /// organization, and the keys. What is booked is returned.
    pub fn delete(&self, after: Option<&RowKey>, until: Option<&RowKey>) -> String {
        let returned = if self.is_booked() { format!(" returning {}", counted()) } else { String::new() };
        format!("delete from {} where {}{returned}", self.name, self.between(after, until))
    }

    fn between(&self, after: Option<&RowKey>, until: Option<&RowKey>) -> String {
        let mut rows = self.rows.to_owned();
        let mut first = 2;
        for (sign, _) in [(">", after), ("<=", until)].into_iter().filter(|(_, key)| key.is_some()) {
            let values = (first..).zip(self.key).map(|(n, (_, sort))| format!("${n}::text::{sort}"));
            let values: Vec<String> = values.collect();
            rows += &format!(" and ({}) {sign} ({})", self.columns(), values.join(", "));
            first += self.key.len();
        }
        rows
    }

    fn columns(&self) -> String {
        let columns: Vec<&str> = self.key.iter().map(|(column, _)| *column).collect();
        columns.join(", ")
    }
}

/// An hour and its counters, then what its second, third and fourth quarter added to them.
fn counted() -> String {
    let later = (1..=3).flat_map(|quarter| {
        Counters::NAMES.map(|name| format!("coalesce({}, 0)", Counters::quarter_column(name, quarter)))
    });
    let all = std::iter::once(BucketSize::Hour.column().to_owned());
    all.chain(Counters::NAMES.map(str::to_owned)).chain(later).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_their_keys() {
        let [key, later] = [vec!["w1".to_owned(), "t".to_owned()], vec!["w2".to_owned(), "t".to_owned()]];
        let workflows = &OF_BATCHES[2];
        assert_eq!(
            workflows.last_of(10, Some(&key)),
            "select workflow_id::text as key_0, hour_bucket::text as key_1 from workflow_hourly_metrics \
             where organization_id = $1 \
             and (workflow_id, hour_bucket) > ($2::text::text, $3::text::timestamptz) \
             order by workflow_id, hour_bucket offset 10 - 1 limit 1"
        );
        assert_eq!(
            workflows.delete(Some(&key), Some(&later)),
            "delete from workflow_hourly_metrics where organization_id = $1 \
             and (workflow_id, hour_bucket) > ($2::text::text, $3::text::timestamptz) \
             and (workflow_id, hour_bucket) <= ($4::text::text, $5::text::timestamptz)"
        );
        assert_eq!(
            workflows.delete(None, Some(&later)),
            "delete from workflow_hourly_metrics where organization_id = $1 \
             and (workflow_id, hour_bucket) <= ($2::text::text, $3::text::timestamptz)"
        );
        assert_eq!(OF_BATCHES[8].delete(None, None), "delete from organizations where organization_id = $1");
    }

    #[test]
    fn hours_alone_are_booked_with_their_quarters() {
        let booked: Vec<&str> =
            OF_BATCHES.iter().filter(|table| table.is_booked()).map(|table| table.name).collect();
        assert_eq!(booked, ["org_hourly_metrics"]);
        assert_eq!(counted().split(", ").filter(|part| *part != "0)").count(), 1 + 4 * Counters::NAMES.len());
        let delete = OF_BATCHES[0].delete(None, None);
        assert!(delete.contains("returning hour_bucket, orders_created, "), "{delete}");
        assert!(delete.ends_with("coalesce(messages_delivered_q4, 0)"), "{delete}");
    }

    #[test]
    fn a_table_is_known_once() {
        let mut names = known();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), OF_SETTINGS.len() + OF_BATCHES.len() + 2);
    }
}
