//! Rows of refusals. They are by quarters of an hour, of which every cell is made.

use crate::answer::refusals::{EXAMPLES_MAX, EXAMPLES_OF_ONE_MAX, Example, Of, Rows, Sum};
use crate::request::cells::Cells;
use crate::store::counters::cell;
use crate::store::error::Error;
use deadpool_postgres::Object;
use futures_util::future::try_join;
use std::collections::HashMap;
use tokio_postgres::Row;

/// Of an organization (`$1`) from `$2` until `$3`.
const WITHIN: &str = "organization_id = $1 and quarter_bucket >= $2 and quarter_bucket < $3";

/// Each group is a cell, whose topic is null, or a topic's reason, whose cell is 0.
fn sums_sql() -> String {
    format!(
        "
        select coalesce(cell, 0), sum(records)::bigint, topic, reason, guessed, min(first_at), max(last_at)
        from (select width_bucket(quarter_bucket, $4::timestamptz[]) as cell, topic, reason, guessed, records, first_at, last_at
              from organization_refusals where {WITHIN}) as placed
        group by grouping sets ((cell), (topic, reason, guessed))"
    )
}

fn examples_sql() -> String {
    format!(
        "
        select topic, reason, guessed, example_partition, example_offset, example_key, example_detail, last_at
        from (select topic, reason, guessed, example_partition, example_offset, example_key, example_detail, last_at,
                     row_number() over (partition by topic, reason, guessed order by last_at desc) as place
              from organization_refusals where {WITHIN}) as newest
        where place <= {EXAMPLES_OF_ONE_MAX}
        order by last_at desc, topic, reason, guessed
        limit {EXAMPLES_MAX}"
    )
}

/// The refusals of each cell, those of all cells together by topic and reason, and the newest examples of each.
pub async fn refusals(client: &Object, organization: &str, cells: &Cells) -> Result<Rows, Error> {
    let Some((from, to)) = cells.extent() else { return Ok(Rows::default()) };
    let sums = client.prepare_cached(&sums_sql()).await?;
    let examples = client.prepare_cached(&examples_sql()).await?;
    let (sums, examples) = try_join(
        client.query(&sums, &[&organization, &from, &to, &cells.edges()]),
        client.query(&examples, &[&organization, &from, &to]),
    )
    .await?;
    let mut rows = Rows { buckets: vec![0; cells.len()], ..Rows::default() };
    for row in &sums {
        if row.try_get::<_, Option<&str>>(2)?.is_some() {
            rows.sums.push(sum(row)?);
        } else if let Some(bucket) = cell(row)?.and_then(|cell| rows.buckets.get_mut(cell)) {
            *bucket = row.try_get(1)?;
        }
    }
    rows.examples = examples.iter().map(example).collect::<Result<_, Error>>()?;
    Ok(rows)
}

/// A number for each of these organizations that changes whenever one of its records is refused; those of which none was lately
/// are left out. Numbers of which quarters leave the last day change, too, which does no harm.
pub async fn counts(client: &Object, organizations: &[&str]) -> Result<HashMap<String, u64>, Error> {
    let sql = "
        select organization_id, sum(records)::bigint from organization_refusals
        where organization_id = any($1) and quarter_bucket >= now() - interval '1 day'
        group by organization_id";
    let statement = client.prepare_cached(sql).await?;
    let rows = client.query(&statement, &[&organizations]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get::<_, i64>(1)?.unsigned_abs()))).collect()
}

fn sum(row: &Row) -> Result<Sum, Error> {
    Ok(Sum { of: of(row, 2)?, records: row.try_get(1)?, first_at: row.try_get(5)?, last_at: row.try_get(6)? })
}

fn example(row: &Row) -> Result<Example, Error> {
    Ok(Example {
        of: of(row, 0)?,
        partition: row.try_get(3)?,
        offset: row.try_get(4)?,
        key: row.try_get(5)?,
        detail: row.try_get(6)?,
        at: row.try_get(7)?,
    })
}

/// Topic, reason and whether the organization is guessed, in columns side by side.
fn of(row: &Row, column: usize) -> Result<Of, Error> {
    Ok(Of {
        topic: row.try_get(column)?,
        reason: row.try_get(column + 1)?,
        guessed: row.try_get(column + 2)?,
    })
}
