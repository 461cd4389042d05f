//! The statements that add to counters, prepared for the columns that batches add to. Many members add to the same rows, so a
//! transaction does this last and locks them briefly.

use super::columns::SparseColumn;
use super::page_statements::{Parameters, Write};
use super::rows::CounterRows;
use domain::{BucketSize, Counters};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement};

/// Prepared statements by the columns that they name.
pub struct CounterStatements {
    prepared: HashMap<(Table, CounterColumns), Statement>,
    pending: Pending,
}

/// What of an upgrade is not finished: until it is, members of both versions write the same tables, and triggers do the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The former table of quarters is written, and its triggers carry what it gains into the hours.
    pub quarters: bool,
    /// A trigger carries what workflows' hours gain into workflows' days and the organizations' histograms.
    pub roll_ups: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Table {
    FormerQuarters,
    Hours,
    Days,
}

/// Some of the counters' columns: most batches change few counters in one quarter of the hour, and an upsert is faster when
/// it doesn't name the others.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct CounterColumns {
    counters: [bool; Counters::NAMES.len()],
    /// The hour's second to fourth quarter.
    quarters: [bool; 3],
    /// The histogram.
    durations: bool,
}

impl CounterColumns {
    /// The columns that are not empty, and that a table takes.
    fn of(rows: &CounterRows, table: Table, pending: Pending) -> Self {
        let is_given = |columns: &[SparseColumn; 8]| columns.iter().any(|column| !column.is_empty());
        let takes_quarters = table == Table::FormerQuarters || !pending.quarters;
        Self {
            counters: rows.counters.each_ref().map(|column| !column.is_empty()),
            quarters: rows.quarters.each_ref().map(|columns| takes_quarters && is_given(columns)),
            durations: table != Table::FormerQuarters && !pending.roll_ups && !rows.durations.is_empty(),
        }
    }

    fn counters(self) -> Vec<&'static str> {
        Counters::NAMES
            .into_iter()
            .zip(self.counters)
            .filter(|(_, given)| *given)
            .map(|(name, _)| name)
            .collect()
    }

    /// The quarters, by place within the hour.
    fn quarters(self) -> Vec<usize> {
        (1..=3).zip(self.quarters).filter(|(_, given)| *given).map(|(quarter, _)| quarter).collect()
    }
}

impl CounterStatements {
    /// None are prepared yet.
    pub async fn for_database(client: &Client) -> Result<Self, Error> {
        Ok(Self { prepared: HashMap::new(), pending: Pending::of(client).await? })
    }

    /// What of an upgrade is not finished.
    pub fn pending(&self) -> Pending {
        self.pending
    }

    /// The tables that rows of a size are written to, in the order in which every member locks their rows.
    fn tables(&self, size: BucketSize) -> &'static [Table] {
        match size {
            BucketSize::Quarter => &[],
            BucketSize::Hour if self.pending.quarters => &[Table::FormerQuarters, Table::Hours],
            BucketSize::Hour => &[Table::Hours],
            BucketSize::Day => &[Table::Days],
        }
    }

    /// Prepares what these rows need, unless it is prepared.
    pub async fn prepare(
        &mut self,
        client: &Client,
        size: BucketSize,
        rows: &CounterRows,
    ) -> Result<(), Error> {
        for table in self.tables(size) {
            let columns = CounterColumns::of(rows, *table, self.pending);
            if let Entry::Vacant(place) = self.prepared.entry((*table, columns)) {
                place.insert(client.prepare(&table.statement(columns)).await?);
            }
        }
        Ok(())
    }

    /// The statements that write these rows. They must be prepared.
    pub fn writes<'a>(&'a self, size: BucketSize, rows: &'a CounterRows) -> impl Iterator<Item = Write<'a>> {
        self.tables(size).iter().map(move |table| {
            let columns = CounterColumns::of(rows, *table, self.pending);
            Write { statement: &self.prepared[&(*table, columns)], parameters: columns.parameters(rows) }
        })
    }
}

impl Pending {
    /// What the database says.
    pub async fn of(client: &Client) -> Result<Self, Error> {
        Ok(Self::after(client.query_one("select finished from ledger_floor", &[]).await?.get(0)))
    }

    /// What is pending where this is the newest migration that is finished.
    pub fn after(finished: i32) -> Self {
        Self { quarters: finished < 9, roll_ups: finished < 10 }
    }

    /// Whether anything is.
    pub fn is_any(self) -> bool {
        self.quarters || self.roll_ups
    }
}

impl CounterColumns {
    /// Organizations, buckets, counters, what quarters add to them, histograms: as far as they are named.
    fn parameters(self, rows: &CounterRows) -> Parameters<'_> {
        let mut parameters: Parameters<'_> = vec![&rows.organization, &rows.bucket];
        let given = rows.counters.iter().filter(|column| !column.is_empty());
        parameters.extend(given.map(|column| column as &(dyn ToSql + Sync)));
        let quarters = rows.quarters.iter().zip(self.quarters).filter(|(_, given)| *given);
        let given = quarters.flat_map(|(columns, _)| columns).filter(|column| !column.is_empty());
        parameters.extend(given.map(|column| column as &(dyn ToSql + Sync)));
        if self.durations {
            parameters.push(&rows.durations);
        }
        parameters
    }
}

impl Table {
    fn statement(self, columns: CounterColumns) -> String {
        match self {
            Self::Hours => upsert(BucketSize::Hour, columns),
            Self::Days => upsert(BucketSize::Day, columns),
            Self::FormerQuarters => former(&columns.counters(), &columns.quarters()),
        }
    }
}

/// The names of quarters' columns, quarter by quarter.
fn quarter_columns(counters: &[&str], quarters: &[usize]) -> Vec<String> {
    let of_quarter = |quarter: &usize| {
        let quarter = *quarter;
        counters.iter().map(move |name| Counters::quarter_column(name, quarter))
    };
    quarters.iter().flat_map(of_quarter).collect()
}

fn upsert(size: BucketSize, columns: CounterColumns) -> String {
    let (table, bucket, counters) = (size.table(), size.column(), columns.counters());
    let mut nullable = quarter_columns(&counters, &columns.quarters());
    let arrays = arrays(3, counters.len() + nullable.len());
    let durations = if columns.durations {
        nullable.push("durations".into());
        format!(", (${}::text[])::numeric[]", 2 + counters.len() + nullable.len())
    } else {
        String::new()
    };
    let names: String = counters.iter().map(|name| format!(", {name}")).collect();
    let names = nullable.iter().fold(names, |names, name| format!("{names}, {name}"));
    let sums: String = counters.iter().map(|name| format!("{name} = t.{name} + excluded.{name}, ")).collect();
    let of_nullable: String = nullable
        .iter()
        .map(|name| format!("{name} = coalesce(t.{name} + excluded.{name}, t.{name}, excluded.{name}), "))
        .collect();
    format!(
        "insert into {table} as t (organization_id, {bucket}{names}) \
         select * from unnest($1::text[], $2::timestamptz[]{arrays}{durations}) \
         on conflict (organization_id, {bucket}) do update set {sums}{of_nullable}updated_at = excluded.updated_at"
    )
}

/// Adds to the former table of quarters, whose rows are made of the hours', in the same order.
fn former(counters: &[&str], quarters: &[usize]) -> String {
    let names: String = counters.iter().map(|name| format!(", {name}")).collect();
    let columns = quarter_columns(counters, quarters);
    let given: String = columns.iter().map(|name| format!(", {name}")).collect();
    let first = counters.iter().map(|name| {
        let later = quarters.iter().map(|quarter| Counters::quarter_column(name, *quarter));
        later.fold(format!("w.{name}"), |rest, column| format!("{rest} - coalesce(w.{column}, 0)"))
    });
    let first: Vec<String> = first.collect();
    let mut rows = vec![format!("(interval '0 minutes', {})", first.join(", "))];
    for quarter in quarters {
        let values = counters.iter().map(|name| format!("w.{}", Counters::quarter_column(name, *quarter)));
        let values: Vec<String> = values.map(|value| format!("coalesce({value}, 0)")).collect();
        rows.push(format!("(interval '{} minutes', {})", 15 * quarter, values.join(", ")));
    }
    let values: String = counters.iter().map(|name| format!(", v.{name}")).collect();
    let any: Vec<String> = counters.iter().map(|name| format!("v.{name} <> 0")).collect();
    let sums: String = counters.iter().map(|name| format!("{name} = t.{name} + excluded.{name}, ")).collect();
    format!(
        "insert into org_quarter_hourly_metrics as t (organization_id, quarter_bucket{names}) \
         select w.organization_id, w.hour_bucket + v.since_hour{values} \
         from unnest($1::text[], $2::timestamptz[]{}) as w (organization_id, hour_bucket{names}{given}) \
         cross join lateral (values {}) as v (since_hour{names}) where {} \
         on conflict (organization_id, quarter_bucket) do update set {sums}updated_at = excluded.updated_at",
        arrays(3, counters.len() + columns.len()),
        rows.join(", "),
        any.join(" or ")
    )
}

/// So many more parameters, the first of them number `first`.
fn arrays(first: usize, count: usize) -> String {
    (first..first + count).map(|n| format!(", ${n}::bigint[]")).collect()
}
