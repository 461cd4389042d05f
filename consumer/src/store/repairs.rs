//! Setting cells to what the log says, and the ledger with them, in one transaction.

use super::channel_repairs::ChannelRepair;
use super::erasures::{self, Erasures};
use super::fenced_transaction::seconds_or_min;
use super::merge::MergedSegment;
use super::third_book::{MetricRow, OrganizationRow, Standing, WorkflowRow, standing};
use super::{Error, OperatorConnection};
use crate::record::place::Place;
use chrono::{DateTime, Utc};
use domain::{BucketSize, Counters, Quarter};
use std::collections::{BTreeMap, HashMap};
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

/// A row of counters: what it was found to have, and what is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricRepair {
    /// Which table's.
    pub size: BucketSize,
    /// Organization, bucket, and the values that were found: zeros, if there is no row.
    pub found: MetricRow,
    /// The right values.
    pub right: [i64; Counters::NAMES.len()],
}

/// A workflow's hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowRepair {
    /// The row that was found, if there is one.
    pub found: Option<WorkflowRow>,
    /// The right row.
    pub right: WorkflowRow,
    /// When the run ended that the name is of, in microseconds since the Unix epoch.
    pub name_as_of: i64,
}

/// What a page of the ledger lacks, or has too much.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRepair {
    /// Fingerprints to add.
    pub fingerprints: Vec<u64>,
    /// What is added to its sums.
    pub sums: [i64; Counters::NAMES.len()],
    /// The offset of the first record concerned. The page is of the layout that it lies in.
    pub offset: i64,
}

/// What is set right in one transaction: an organization's day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repair {
    /// Rows of counters.
    pub metrics: Vec<MetricRepair>,
    /// Workflows' hours.
    pub workflows: Vec<WorkflowRepair>,
    /// Organizations' right rows, each with the row that was found.
    pub organizations: Vec<(Option<OrganizationRow>, OrganizationRow)>,
    /// Messages by channel.
    pub channels: Vec<ChannelRepair>,
    /// Pages of the ledger, by partition and quarter (in seconds since the Unix epoch).
    pub pages: BTreeMap<Place, BTreeMap<i64, PageRepair>>,
}

/// How a repair ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repaired {
    /// It is done.
    Done,
    /// Members have counted on, so what is right is no longer known. Nothing is changed.
    MovedMeanwhile,
    /// A row was changed by others. Nothing is changed.
    ChangedMeanwhile,
    /// An erasure was begun, or went on: rows may be gone that are right by the log. Nothing is changed.
    ErasedMeanwhile,
}

/// Locks all partitions of the topics, in key order as batches do: whoever counts moves one of them first.
const LOCK: &str =
    "select 1 from consumer_progress where topic = any($1) order by topic, kafka_partition for update";

/// Fences the member that holds a partition: it has pages and tail in memory, and must read them again.
const FENCE: &str = "update consumer_progress set epoch = epoch + 1, updated_at = now() \
                     where topic = $1 and kafka_partition = $2";

impl OperatorConnection {
    /// Repairs, provided that the partitions stand where they stood when the tables were compared, and that the erasures are those
    /// of then.
    ///
    /// # Errors
    /// When PostgreSQL fails; then nothing is changed, unless only the answer was lost.
    pub async fn repair(
        &mut self,
        repair: &Repair,
        stood: &[Standing],
        erased: &Erasures,
    ) -> Result<Repaired, Error> {
        let mut topics: Vec<&str> = stood.iter().map(|standing| &*standing.place.topic).collect();
        topics.dedup();
        // Before anything is locked: this looks through the ledger, and what it finds doesn't change.
        let layouts = self.layouts_of_pages(repair).await?;
        let transaction = self.client.transaction().await?;
        transaction.query(LOCK, &[&topics]).await?;
        if standing(&transaction, &topics).await? != stood {
            return Ok(Repaired::MovedMeanwhile);
        }
        // An erasure draws its boundary under a lock that excludes this one. It is seen here, or finds what is repaired, and erases it.
        let floor = transaction.query_one("select floor from ledger_floor for share", &[]).await?;
        if erasures::erasures(&transaction).await? != *erased {
            return Ok(Repaired::ErasedMeanwhile);
        }
        repair.write_pages(&transaction, &layouts, seconds_or_min(&floor)?).await?;
        let is_done = repair.write_metrics(&transaction).await?
            && repair.write_workflows(&transaction).await?
            && repair.write_organizations(&transaction).await?
            && repair.write_channels(&transaction).await?;
        if !is_done {
            return Ok(Repaired::ChangedMeanwhile);
        }
        transaction.commit().await?;
        Ok(Repaired::Done)
    }

    /// The layouts of the partitions concerned, each with the least offset that the ledger has of it.
    async fn layouts_of_pages(&self, repair: &Repair) -> Result<HashMap<Place, Vec<(i32, i64)>>, Error> {
        const QUERY: &str = "
            select layout, min(until) from (
                select layout, until from ledger_segments where topic = $1 and kafka_partition = $2
                union all select layout, until from ledger_tails where topic = $1 and kafka_partition = $2
            ) pages group by layout order by layout";
        let mut layouts = HashMap::new();
        for place in repair.pages.keys() {
            let rows = self.client.query(QUERY, &[&place.topic, &place.partition]).await?;
            layouts.insert(place.clone(), rows.iter().map(|row| (row.get(0), row.get(1))).collect());
        }
        Ok(layouts)
    }
}

/// The layout that an offset lies in, by what the ledger has of a partition. In doubt it is the older one: pages of older layouts
/// are looked for in all partitions.
fn layout_at(layouts: &[(i32, i64)], offset: i64) -> i32 {
    let begun = layouts.iter().rev().find(|(_, until)| *until <= offset);
    begun.or(layouts.first()).map_or(1, |(layout, _)| *layout)
}

impl Repair {
    /// Adds a segment to each page. Pages below the floor are gone, and need none.
    async fn write_pages(
        &self,
        transaction: &Transaction<'_>,
        layouts: &HashMap<Place, Vec<(i32, i64)>>,
        floor: i64,
    ) -> Result<(), Error> {
        for (place, pages) in &self.pages {
            let layouts = layouts.get(place).map_or(&[][..], Vec::as_slice);
            let mut pages = pages.iter().filter(|(quarter, _)| **quarter >= floor).peekable();
            if pages.peek().is_some() {
                transaction.execute(FENCE, &[&place.topic, &place.partition]).await?;
            }
            for (quarter, page) in pages {
                page.write(transaction, place, time(*quarter), layout_at(layouts, page.offset)).await?;
            }
        }
        Ok(())
    }

    /// Returns whether all rows were as they were found.
    async fn write_metrics(&self, transaction: &Transaction<'_>) -> Result<bool, Error> {
        for repair in &self.metrics {
            if !repair.write(transaction).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn write_channels(&self, transaction: &Transaction<'_>) -> Result<bool, Error> {
        for repair in &self.channels {
            if !repair.write(transaction).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn write_workflows(&self, transaction: &Transaction<'_>) -> Result<bool, Error> {
        const DELETE: &str = "
            delete from workflow_hourly_metrics
            where organization_id = $1 and workflow_id = $2 and hour_bucket = $3 and workflow_name = $4
              and (runs, failed, failed_safety_limit, total_execution_time_ms) = ($5, $6, $7, $8)
              and durations = ($9::text)::numeric";
        const INSERT: &str = "
            insert into workflow_hourly_metrics (organization_id, workflow_id, hour_bucket, workflow_name, runs, failed,
                failed_safety_limit, total_execution_time_ms, durations, name_as_of)
            values ($1, $2, $3, $4, $5, $6, $7, $8, ($9::text)::numeric, $10)
            on conflict (organization_id, workflow_id, hour_bucket) do nothing";
        for WorkflowRepair { found, right, name_as_of } in &self.workflows {
            let start = time(right.start);
            if let Some(found) = found
                && transaction.execute(DELETE, &workflow_values(found, &start)).await? != 1
            {
                return Ok(false);
            }
            let name_as_of = DateTime::from_timestamp_micros(*name_as_of);
            let mut values = workflow_values(right, &start);
            values.push(&name_as_of);
            if right.values[0] > 0 && transaction.execute(INSERT, &values).await? != 1 {
                return Ok(false);
            }
            let day = BucketSize::Day.floor(start);
            for statement in [FORGET_WORKFLOW, ROLL_UP_WORKFLOW] {
                transaction.execute(statement, &[&right.organization, &right.workflow, &day]).await?;
            }
            for size in BucketSize::STORED {
                let bucket = size.floor(start);
                transaction.execute(&roll_up_durations(size), &[&right.organization, &bucket]).await?;
            }
        }
        Ok(true)
    }

    async fn write_organizations(&self, transaction: &Transaction<'_>) -> Result<bool, Error> {
        const DELETE: &str = "delete from organizations where organization_id = $1 and (name, plan_id, plan_name, event_id) = ($2, $3, $4, $5)";
        const INSERT: &str = "
            insert into organizations (organization_id, name, plan_id, plan_name, event_id, as_of, as_of_nanos)
            values ($1, $2, $3, $4, $5, $6, $7) on conflict (organization_id) do nothing";
        for (found, right) in &self.organizations {
            if let Some(found) = found
                && transaction.execute(DELETE, &organization_values(found)).await? != 1
            {
                return Ok(false);
            }
            let as_of = DateTime::from_timestamp_micros(right.as_of_micros);
            let mut values = organization_values(right);
            values.extend([&as_of as &(dyn ToSql + Sync), &right.as_of_nanos]);
            if transaction.execute(INSERT, &values).await? != 1 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl MetricRepair {
    /// Returns whether the row was as it was found. A row that is missing counts as zeros. An hour's first quarter is what the
    /// others leave, and comes right with them.
    async fn write(&self, transaction: &Transaction<'_>) -> Result<bool, Error> {
        let Self { size, found, right } = self;
        let start = time(found.start);
        let (of_row, columns) = match size {
            BucketSize::Hour | BucketSize::Day => (*size, Counters::NAMES.map(str::to_owned)),
            BucketSize::Quarter => match Quarter::of(start).of_hour() {
                0 => return Ok(true),
                later => {
                    (BucketSize::Hour, Counters::NAMES.map(|name| Counters::quarter_column(name, later)))
                }
            },
        };
        let (table, bucket, start) = (of_row.table(), of_row.column(), of_row.floor(start));
        let insert = format!(
            "insert into {table} (organization_id, {bucket}) values ($1, $2) on conflict (organization_id, {bucket}) do nothing"
        );
        transaction.execute(&insert, &[&found.organization, &start]).await?;
        let set: Vec<String> = (11..).zip(&columns).map(|(n, name)| format!("{name} = ${n}")).collect();
        let old: Vec<String> = (3..11).map(|n| format!("${n}::bigint")).collect();
        let stored = columns.map(|name| format!("coalesce({name}, 0)"));
        let update = format!(
            "update {table} set {}, updated_at = now() \
             where organization_id = $1 and {bucket} = $2 and ({}) = ({})",
            set.join(", "),
            stored.join(", "),
            old.join(", ")
        );
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&found.organization, &start];
        values.extend(found.values.iter().chain(right).map(|value| value as &(dyn ToSql + Sync)));
        let is_done = transaction.execute(&update, &values).await? == 1;
        // A row that was made anew lacks its histogram.
        transaction.execute(&roll_up_durations(of_row), &[&found.organization, &start]).await?;
        Ok(is_done)
    }
}

impl PageRepair {
    async fn write(
        &self,
        transaction: &Transaction<'_>,
        place: &Place,
        quarter: DateTime<Utc>,
        layout: i32,
    ) -> Result<(), Error> {
        let until = "select next_offset from consumer_progress where topic = $1 and kafka_partition = $2";
        let until = transaction.query_one(until, &[&place.topic, &place.partition]).await?.get(0);
        let segment = MergedSegment {
            topic: &place.topic,
            partition: place.partition,
            quarter,
            until,
            layout,
            fingerprints: self.fingerprints.clone(),
            sums: Counters::from_values(self.sums),
        };
        MergedSegment::write(vec![segment], transaction).await
    }
}

/// Sets a workflow's day to the sum of its hours.
const ROLL_UP_WORKFLOW: &str = "
    insert into workflow_daily_metrics (organization_id, workflow_id, day_bucket, workflow_name, name_as_of, runs, failed,
                                        failed_safety_limit, total_execution_time_ms, durations)
    select organization_id, workflow_id, $3, (array_agg(workflow_name order by name_as_of desc, workflow_name desc))[1],
           max(name_as_of), sum(runs), sum(failed), sum(failed_safety_limit), sum(total_execution_time_ms), sum(durations)
    from workflow_hourly_metrics
    where organization_id = $1 and workflow_id = $2 and hour_bucket >= $3 and hour_bucket < $3::timestamptz + interval '1 day'
    group by 1, 2";

/// Makes room for that.
const FORGET_WORKFLOW: &str =
    "delete from workflow_daily_metrics where organization_id = $1 and workflow_id = $2 and day_bucket = $3";

/// Sets an organization's histogram of a bucket to the sum of its workflows'.
fn roll_up_durations(size: BucketSize) -> String {
    let (table, bucket, seconds) = (size.table(), size.column(), size.seconds());
    format!(
        "update {table} set durations = (
             select sum(durations) from workflow_hourly_metrics
             where organization_id = $1 and hour_bucket >= $2
               and hour_bucket < $2::timestamptz + interval '{seconds} seconds')
         where organization_id = $1 and {bucket} = $2"
    )
}

fn workflow_values<'a>(row: &'a WorkflowRow, start: &'a DateTime<Utc>) -> Vec<&'a (dyn ToSql + Sync)> {
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&row.organization, &row.workflow, start, &row.name];
    values.extend(row.values.iter().map(|value| value as &(dyn ToSql + Sync)));
    values.push(&row.durations);
    values
}

fn organization_values(row: &OrganizationRow) -> Vec<&(dyn ToSql + Sync)> {
    let [name, plan_id, plan_name] = &row.state;
    vec![&row.organization, name, plan_id, plan_name, &row.event_id]
}

fn time(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_of_the_layout_that_had_begun_before_it() {
        let check = |layouts: &[(i32, i64)], offset, expected| {
            assert_eq!(layout_at(layouts, offset), expected, "{layouts:?} {offset}");
        };
        check(&[], 7, 1);
        check(&[(2, 10)], 7, 2);
        check(&[(1, 10), (2, 20)], 5, 1);
        check(&[(1, 10), (2, 20)], 19, 1);
        check(&[(1, 10), (2, 20)], 20, 2);
    }
}
