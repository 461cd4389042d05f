//! Rows of counters, summed up by cell.

use crate::request::cells::Cells;
use crate::request::interval::Interval;
use crate::store::error::Error;
use chrono::{DateTime, Utc};
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

/// The counters of each interval, by one statement. Each is made of few runs of rows, each of which is a range of an index: days in
/// the middle, hours around them, quarters of an hour at the ends.
pub async fn of_intervals(
    client: &Object,
    organization: &str,
    intervals: &[Interval],
) -> Result<Vec<Counters>, Error> {
    let statement = client.prepare_cached(&intervals_sql()).await?;
    let runs = (0i32..).zip(intervals).flat_map(|(place, interval)| {
        interval.in_rows().into_iter().map(move |(size, run)| (place, seconds(size), run))
    });
    let (mut places, mut sizes, mut starts, mut ends) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (place, size, run) in runs {
        places.push(place);
        sizes.push(size);
        starts.push(run.from);
        ends.push(run.to);
    }
    let rows = client.query(&statement, &[&organization, &places, &sizes, &starts, &ends]).await?;
    let mut sums = vec![Counters::default(); intervals.len()];
    for row in &rows {
        let place: i32 = row.try_get(0)?;
        if let Some(sum) = usize::try_from(place).ok().and_then(|place| sums.get_mut(place)) {
            *sum = counters(row)?;
        }
    }
    Ok(sums)
}

/// The start of the first hour in which anything was counted. The primary key begins with the organization and has its hours in
/// order, so this reads the first of its rows, however many there are. A row that a repair has set to zeros is passed over.
pub async fn first_hour(client: &Object, organization: &str) -> Result<Option<DateTime<Utc>>, Error> {
    let sql = "
        select hour_bucket from org_hourly_metrics
        where organization_id = $1
          and orders_created + payments_total + workflows_total + messages_sent + messages_delivered > 0
        order by hour_bucket limit 1";
    let statement = client.prepare_cached(sql).await?;
    let Some(row) = client.query_opt(&statement, &[&organization]).await? else { return Ok(None) };
    Ok(Some(row.try_get(0)?))
}

fn seconds(size: BucketSize) -> i32 {
    i32::try_from(size.seconds()).expect("a day has 86,400 seconds")
}

/// Runs of rows: `$2` the places of their intervals, `$3` the seconds of their buckets, `$4` their starts and `$5` their ends. Each
/// run is added up for itself, so that it is read by its index whatever the planner knows of the number of runs.
fn intervals_sql() -> String {
    let sums = |cast: &str| Counters::NAMES.map(|name| format!("sum({name}){cast} as {name}")).join(", ");
    let of_size = |size: BucketSize| {
        let (column, table, seconds) = (size.column(), size.table(), seconds(size));
        let hours = match size {
            BucketSize::Quarter => "and hour_bucket > since - interval '1 hour' and hour_bucket < until",
            BucketSize::Hour | BucketSize::Day => "",
        };
        format!(
            "select place, added.* from runs cross join lateral (
                 select {} from {table}
                 where organization_id = $1 and {column} >= since and {column} < until {hours}
             ) as added where seconds = {seconds}",
            sums("")
        )
    };
    let sizes = BucketSize::ALL.map(of_size).join(" union all ");
    let total = Counters::NAMES.map(|name| format!("coalesce(sum({name}), 0)::bigint")).join(", ");
    format!(
        "with runs as (
             select * from unnest($2::integer[], $3::integer[], $4::timestamptz[], $5::timestamptz[])
                           as r (place, seconds, since, until)
         )
         select place, {total} from ({sizes}) as added group by place"
    )
}

/// `width_bucket` counts the edges at or before a row's bucket, which is the number of its cell, from 1.
fn sums_sql(size: BucketSize) -> String {
    let sums = Counters::NAMES.map(|name| format!("sum({name})::bigint")).join(", ");
    let of = |size: BucketSize| {
        let (table, column, counters) = (size.table(), size.column(), Counters::NAMES.join(", "));
        format!("select {column} as bucket, {counters} from {table} where {}", within(size))
    };
    let rows = match size {
        BucketSize::Hour | BucketSize::Day => of(size),
        BucketSize::Quarter => {
            let (hours, quarters) = (of(BucketSize::Hour), of(BucketSize::Quarter));
            format!("{hours} and {IN_ONE_CELL} union all {quarters} and not ({IN_ONE_CELL})")
        }
    };
    format!(
        "select width_bucket(bucket, $4::timestamptz[]) as cell, {sums} from ({rows}) as counted group by cell"
    )
}

/// Whether an hour lies in one cell. Only the others are taken apart into quarters, because there are many hours.
pub const IN_ONE_CELL: &str = "width_bucket(hour_bucket, $4::timestamptz[])
                               = width_bucket(hour_bucket + interval '45 minutes', $4::timestamptz[])";

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
