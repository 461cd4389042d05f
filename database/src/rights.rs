//! The rights on tables that operators give each role, and which of them the role of a connection lacks.

use tokio_postgres::Client;

/// What operators run. Whoever looks for rights looks for these, so there is no second list of them.
const ROLES: &str = include_str!("../../deploy/roles.sql");
/// The rights that stand behind the word `counted` there.
const COUNTED: &str = "select, insert, update, delete";
/// Tables that the consumer's role owns by its membership, and so has no rights granted on.
const OWNED: (&str, &str) = ("ledger_segments", "select, insert, delete");

/// A table that doesn't exist lacks no right: the schema is another finding.
const LACKING: &str = "
select upper(w.privilege) || ' on ' || w.name from unnest($1::text[], $2::text[]) as w (name, privilege)
where not has_table_privilege(to_regclass(quote_ident(w.name))::oid, w.privilege) order by 1";

/// A right on a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// The table's or view's name.
    pub table: &'static str,
    /// `select`, `insert`, `update` or `delete`.
    pub privilege: &'static str,
}

/// What `consumer run` and the commands of the same role need.
#[must_use]
pub fn of_consumer() -> Vec<Right> {
    let given = rows().filter_map(|[table, _, consumer]| Some((table?, consumer?)));
    given.chain([OWNED]).flat_map(each).collect()
}

/// What query-api needs to answer, and, `with_webhooks`, to send them. What else it may do is to write settings: where it may not,
/// only that is refused.
#[must_use]
pub fn of_api(with_webhooks: bool) -> Vec<Right> {
    let given = rows().filter_map(|[table, api, _]| Some((table?, api?)));
    // Tables that it alone counts in are those of webhooks.
    let is_needed = |right: &Right, given: &str| {
        if given == COUNTED { with_webhooks } else { right.privilege == "select" }
    };
    given.flat_map(|row| each(row).filter(move |right| is_needed(right, row.1))).collect()
}

/// Which of these rights the connection's role lacks, as `SELECT on table`.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn lacking(client: &Client, rights: &[Right]) -> Result<Vec<String>, tokio_postgres::Error> {
    let (tables, privileges): (Vec<_>, Vec<_>) =
        rights.iter().map(|right| (right.table, right.privilege)).unzip();
    let lacking = client.query(LACKING, &[&tables, &privileges]).await?;
    Ok(lacking.iter().map(|row| row.get(0)).collect())
}

fn each((table, privileges): (&'static str, &'static str)) -> impl Iterator<Item = Right> {
    privileges
        .split(", ")
        .filter(|privilege| !privilege.is_empty())
        .map(move |privilege| Right { table, privilege })
}

/// The rows of the list of tables with the rights of query-api and of the consumer.
fn rows() -> impl Iterator<Item = [Option<&'static str>; 3]> {
    let table = ROLES.split_once("select name, of_api, of_consumer").map(|(_, rows)| rows);
    let rows = table.and_then(|rows| rows.split_once("as all_of_them")).map_or("", |(rows, _)| rows);
    rows.lines().filter_map(row)
}

/// A row like `('consumer_progress', 'select', counted),`: the table, and the rights of query-api and of the consumer.
fn row(line: &str) -> Option<[Option<&str>; 3]> {
    let (values, _) = line.trim_start().strip_prefix('(')?.split_once(')')?;
    let mut rest = values;
    Some(std::array::from_fn(|_| {
        rest = rest.trim_start_matches([',', ' ']);
        let value;
        (value, rest) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'')?,
            None => (COUNTED, rest.strip_prefix("counted")?),
        };
        Some(value)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(rights: &[Right], table: &str, privilege: &str) -> bool {
        rights.iter().any(|right| (right.table, right.privilege) == (table, privilege))
    }

    #[test]
    fn the_rights_are_those_that_operators_give() {
        let consumer = of_consumer();
        for privilege in ["select", "insert", "update", "delete"] {
            assert!(has(&consumer, "consumer_progress", privilege), "{privilege}: {consumer:?}");
            assert!(has(&consumer, "org_hourly_metrics", privilege), "{privilege}: {consumer:?}");
        }
        assert!(has(&consumer, "ledger_floor", "update") && has(&consumer, "ledger_segments", "insert"));
        assert!(has(&consumer, "ledger_key", "select") && !has(&consumer, "ledger_key", "update"));
        let is_of_api =
            |right: &Right| ["webhook_endpoints", "organization_thresholds"].contains(&right.table);
        assert!(!consumer.iter().any(is_of_api), "those are the API's");
        let known = ["select", "insert", "update", "delete"];
        assert!(consumer.iter().all(|right| known.contains(&right.privilege)), "{consumer:?}");
    }

    #[test]
    fn the_api_needs_to_read_and_to_write_what_it_sends_by() {
        let [without, with] = [false, true].map(of_api);
        for table in ["org_hourly_metrics", "roll_ups", "organization_thresholds", "refinery_schema_history"]
        {
            assert!(has(&without, table, "select"), "{table}: {without:?}");
        }
        assert!(without.iter().all(|right| right.privilege == "select" && !right.table.contains("webhook")));
        assert!(has(&with, "webhook_deliveries", "delete") && !has(&with, "settings_changes", "insert"));
        assert_eq!(with.iter().filter(|right| !without.contains(right)).count(), 4 * 4, "{with:?}");
    }

    #[test]
    fn rows_are_read_whoever_gets_what() {
        let check = |line: &'static str, expected: Option<[&'static str; 3]>| {
            assert_eq!(row(line), expected.map(|values| values.map(Some)), "{line}");
        };
        check("    ('a', 'select', counted),", Some(["a", "select", COUNTED]));
        check("('a', counted, ''),", Some(["a", COUNTED, ""]));
        check("('a', 'select, insert', 'select, update'),", Some(["a", "select, insert", "select, update"]));
        check("('a', '', 'select') -- Why.", Some(["a", "", "select"]));
        check("-- With 'words' of 'people'.", None);
        check("", None);
    }
}
