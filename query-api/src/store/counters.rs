//! Rows of counters, summed up by cell.

use crate::request::cells::Cells;
use crate::store::error::Error;
use deadpool_postgres::Object;
use domain::{BucketSize, Counters};
use tokio_postgres::Row;

/// The counters of each cell. Whole rows fill each cell, so the sums are exact.
pub async fn sums(client: &Object, organization: &str, cells: &Cells) -> Result<Vec<Counters>, Error> {
    let Some((from, to)) = cells.extent() else { return Ok(Vec::new()) };
    let statement = client.prepare_cached(&sums_sql(cells.rows())).await?;
    let rows = client.query(&statement, &[&organization, &from, &to, &cells.edges()]).await?;
    let mut sums = vec![Counters::default(); cells.len()];
    for row in &rows {
        if let Some(cell) = cell(row)?.and_then(|cell| sums.get_mut(cell)) {
            *cell = counters(row)?;
        }
    }
    Ok(sums)
}

/// `width_bucket` counts the edges at or before a row's bucket, which is the number of its cell, from 1.
fn sums_sql(size: BucketSize) -> String {
    let (table, column) = (size.table(), size.column());
    let sums = Counters::NAMES.map(|name| format!("sum({name})::bigint")).join(", ");
    format!(
        "select width_bucket({column}, $4::timestamptz[]) as cell, {sums} from {table}
         where {} group by cell",
        within(size)
    )
}

/// Of an organization (`$1`) from `$2` until `$3`: its rows of this size, in a table or a view of any counters.
pub fn within(size: BucketSize) -> String {
    let column = size.column();
    // Quarters are found by their hours, which have an index.
    let hours = match size {
        BucketSize::Quarter => " and hour_bucket > $2::timestamptz - interval '1 hour' and hour_bucket < $3",
        BucketSize::Hour | BucketSize::Day => "",
    };
    format!("organization_id = $1 and {column} >= $2 and {column} < $3{hours}")
}

/// The index of a row's cell, whose number is the first column.
pub fn cell(row: &Row) -> Result<Option<usize>, Error> {
    let number: i32 = row.try_get(0)?;
    Ok(usize::try_from(number - 1).ok())
}

/// The counters of a row, from its second column on.
fn counters(row: &Row) -> Result<Counters, Error> {
    let mut values = [0; Counters::NAMES.len()];
    for (index, value) in values.iter_mut().enumerate() {
        *value = row.try_get(index + 1)?;
    }
    Ok(Counters::from_values(values))
}
