//! Layouts: where they end (`topic_layouts`), and how a claimed partition stands among them.

use super::fenced_transaction::seconds_or_min;
use super::merge::MergedSegment;
use super::tails::pages_of;
use super::{Connection, Error, OperatorConnection};
use crate::record::layouts::{Announced, Layouts, Standing};
use crate::record::place::Place;
use crate::record::{Offset, Partition, Topic};
use database::rights::{self, Right};
use domain::{Counters, Quarter};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tokio_postgres::{GenericClient, Transaction};

/// How ending a layout went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The layout has ended. Members that held the topic's partitions can't write for them any more.
    Done,
    /// A partition isn't counted to the layout's end, and nothing has changed.
    Behind(Place),
}

/// A claimed partition, as it is asked about.
#[derive(Clone, Copy, Debug)]
pub struct ClaimedPartition {
    /// Which partition.
    pub partition: Partition,
    /// Its claim's number.
    pub epoch: i64,
    /// The offset of its next record to count.
    pub position: Offset,
    /// The leader's epoch of the record before that, if it is known.
    pub leader_epoch: Option<i32>,
}

/// Makes members begin the layouts of a topic one after the other.
const LAYOUTS_LOCK: i64 = 0x6d65_7472_6963_7303;

/// A topic of another id was made anew: its first layout follows on all that the ledger may have pages of.
const BEGIN: &str = "
insert into topic_incarnations (topic, topic_id, first_layout)
select w.topic, w.topic_id, coalesce(max(i.first_layout + l.cuts) + 1, 1)
from unnest($1::text[], $2::text[]) as w (topic, topic_id)
left join topic_incarnations i on i.topic = w.topic
left join lateral (select coalesce(max(cut), 0) as cuts from topic_layouts
                   where topic = i.topic and topic_id in (i.topic_id, '')) l on true
group by 1, 2 having count(*) filter (where i.topic_id = w.topic_id) = 0
returning topic, first_layout";

const FIRST: &str =
    "select coalesce(min(first_layout), 1) from topic_incarnations where topic = $1 and topic_id = $2";

const ENDS: &str = "
select cut, kafka_partition, ends_at from topic_layouts
where topic = $1 and (topic_id = $2 or topic_id = '' or $2 = '')";

const ADD: &str = "
insert into topic_layouts (topic, topic_id, cut, kafka_partition, ends_at)
select $1, $2, $3, e.place - 1, e.ends_at from unnest($4::bigint[]) with ordinality as e (ends_at, place)
on conflict do nothing";

/// Takes the topic's partitions away from whoever holds them: they must be claimed again, under the layouts that there are
/// now.
pub(super) const FENCE: &str =
    "update consumer_progress set epoch = epoch + 1, updated_at = now() where topic = $1";

/// Waits for batches under way, and locks in their order.
pub(super) const LOCK: &str = "
select kafka_partition, epoch, next_offset from consumer_progress where topic = $1
order by topic, kafka_partition for update";

/// Where the id is not known now, one that was known before stays.
const STORE_ID: &str = "
update consumer_progress set topic_id = $3 where topic = $1 and kafka_partition = any($2) and $3 <> ''";

const PROGRESS: &str = "select kafka_partition, epoch, next_offset from consumer_progress where topic = $1";

impl Connection {
    /// The layouts of a topic. `topic_id` is Kafka's id of it, empty if that is not known.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn layouts(&mut self, topic: Topic, topic_id: &str) -> Result<Layouts, Error> {
        layouts_of(&self.client, self.topics.of(topic), topic_id).await
    }

    /// Begins the first layout of each topic that this database has not seen under this id.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn begin_layouts(&mut self, topic_ids: &HashMap<Topic, String>) -> Result<(), Error> {
        let topics: Vec<&str> = topic_ids.keys().map(|topic| self.topics.of(*topic)).collect();
        let ids: Vec<&str> = topic_ids.values().map(String::as_str).collect();
        let transaction = self.client.transaction().await?;
        transaction.execute("select pg_advisory_xact_lock($1)", &[&LAYOUTS_LOCK]).await?;
        for begun in transaction.query(BEGIN, &[&topics, &ids]).await? {
            let (topic, first): (&str, i32) = (begun.get(0), begun.get(1));
            if first > 1 {
                // Batches of the topic before must not be decided beside those of the new one.
                transaction.query(LOCK, &[&topic]).await?;
                transaction.execute(FENCE, &[&topic]).await?;
            }
        }
        Ok(transaction.commit().await?)
    }

    /// Takes over announced ends of layouts that still fit, and takes the topics' partitions away from whoever holds them.
    ///
    /// # Errors
    /// When PostgreSQL fails; then nothing has changed.
    pub async fn adopt_layouts(&mut self, announced: &[Announced]) -> Result<(), Error> {
        let transaction = self.client.transaction().await?;
        for announced in announced {
            transaction.query(LOCK, &[&announced.topic]).await?;
            // Another member may have learned of others meanwhile.
            let known = layouts_of(&transaction, &announced.topic, &announced.topic_id).await?;
            if known.fits(announced.layout, &announced.ends()) {
                add(&transaction, announced).await?;
            }
        }
        Ok(transaction.commit().await?)
    }

    /// Those of the partitions of a topic that stand in a layout which all others have reached.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn released(
        &mut self,
        topic: Topic,
        topic_id: &str,
        waiting: &[Partition],
    ) -> Result<Vec<Partition>, Error> {
        let name = self.topics.of(topic);
        let layouts = layouts_of(&self.client, name, topic_id).await?;
        let progress = progress_of(&self.client, PROGRESS, name).await?;
        let next = |partition| next_of(&progress, partition);
        let is_released = |partition: &&Partition| {
            let standing = layouts.standing(partition.number, next(partition.number), next);
            matches!(standing, Standing::Open(_))
        };
        Ok(waiting.iter().filter(is_released).copied().collect())
    }

    /// How claimed partitions of a topic stand among its layouts. Those whose claim is lost are left out, and all of them if
    /// the database lacks one of the cuts `learned`: it was restored since they were added. Stores `topic_id` beside the
    /// progress. For partitions that can be read, tails of other layouts are filed into pages: a tail is read only by the member that claims its
    /// partition, but all partitions must find its fingerprints.
    ///
    /// The answer holds for as long as the claim does: whoever sets a partition back below the end of a layout takes all
    /// partitions of the topic away in the same transaction.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn standings(
        &mut self,
        topic: Topic,
        topic_id: &str,
        learned: &BTreeSet<i32>,
        claimed: &[ClaimedPartition],
    ) -> Result<HashMap<Partition, Standing>, Error> {
        let name = self.topics.of(topic).to_owned();
        let names = vec![name.as_str(); claimed.len()];
        let numbers: Vec<i32> = claimed.iter().map(|claimed| claimed.partition.number).collect();
        let transaction = self.client.transaction().await?;
        transaction.query(&self.statements.lock_progress, &[&names, &numbers]).await?;
        let layouts = layouts_of(&transaction, &name, topic_id).await?;
        if !learned.iter().all(|cut| layouts.cuts().contains_key(cut)) {
            return Ok(HashMap::new());
        }
        let progress = progress_of(&transaction, PROGRESS, &name).await?;
        let is_held = |claimed: &&ClaimedPartition| {
            progress.get(&claimed.partition.number).is_some_and(|row| row.epoch == claimed.epoch)
        };
        let next = |partition| next_of(&progress, partition);
        let standing = |claimed: &ClaimedPartition| {
            (claimed.partition, layouts.standing(claimed.partition.number, claimed.position, next))
        };
        let standings: HashMap<_, _> = claimed.iter().filter(is_held).map(standing).collect();
        let held: Vec<i32> = standings.keys().map(|partition| partition.number).collect();
        transaction.execute(STORE_ID, &[&name, &held, &topic_id]).await?;
        let open = standings.values().find_map(|standing| match standing {
            Standing::Open(reading) if !reading.is_only_layout => Some(reading.layout),
            Standing::Open(_) | Standing::Waits { .. } => None,
        });
        if let Some(layout) = open {
            file_tails(&transaction, &name, layout).await?;
        }
        transaction.commit().await?;
        Ok(standings)
    }
}

impl OperatorConnection {
    /// The layouts of a topic. `topic_id` is Kafka's id of it, empty if that is not known.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn layouts(&self, topic: &str, topic_id: &str) -> Result<Layouts, Error> {
        layouts_of(&self.client, topic, topic_id).await
    }

    /// Ends a layout of a topic whose partitions are all counted to its end, and takes the partitions away from whoever
    /// holds them.
    ///
    /// # Errors
    /// When PostgreSQL fails; then nothing has changed.
    pub async fn close_layout(&mut self, announced: &Announced) -> Result<Closed, Error> {
        let transaction = self.client.transaction().await?;
        let progress = progress_of(&transaction, LOCK, &announced.topic).await?;
        let ends = announced.ends();
        let behind = ends.iter().find(|(partition, end)| {
            // A partition that was never read is behind, even if it is empty.
            progress.get(partition).and_then(|row| row.next_offset).is_none_or(|next| next < **end)
        });
        if let Some((partition, _)) = behind {
            return Ok(Closed::Behind(Place { topic: announced.topic.clone(), partition: *partition }));
        }
        add(&transaction, announced).await?;
        transaction.commit().await?;
        Ok(Closed::Done)
    }

    /// The rights on tables that ending a layout needs and this role lacks, as `RIGHT on table`.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn rights_lacking_for_layouts(&self) -> Result<Vec<String>, Error> {
        let right = |table, privilege| Right { table, privilege };
        let needed = [
            right("consumer_progress", "select"),
            right("consumer_progress", "update"),
            right("topic_layouts", "select"),
            right("topic_layouts", "insert"),
        ];
        Ok(rights::lacking(&self.client, &needed).await?)
    }
}

/// A row of the progress.
struct Row {
    epoch: i64,
    next_offset: Option<Offset>,
}

async fn progress_of(
    client: &impl GenericClient,
    query: &str,
    topic: &str,
) -> Result<HashMap<i32, Row>, Error> {
    let rows = client.query(query, &[&topic]).await?;
    let row = |row: &tokio_postgres::Row| {
        (row.get(0), Row { epoch: row.get(1), next_offset: row.get::<_, Option<i64>>(2).map(Offset) })
    };
    Ok(rows.iter().map(row).collect())
}

fn next_of(progress: &HashMap<i32, Row>, partition: i32) -> Offset {
    progress.get(&partition).and_then(|row| row.next_offset).unwrap_or(Offset(0))
}

/// The layouts of a topic.
pub(super) async fn layouts_of(
    client: &impl GenericClient,
    topic: &str,
    topic_id: &str,
) -> Result<Layouts, Error> {
    let first = client.query_one(FIRST, &[&topic, &topic_id]).await?;
    let mut layouts = Layouts::from(first.get(0));
    for row in client.query(ENDS, &[&topic, &topic_id]).await? {
        layouts.add_end(row.get(0), row.get(1), Offset(row.get(2)));
    }
    Ok(layouts)
}

async fn add(transaction: &Transaction<'_>, announced: &Announced) -> Result<(), Error> {
    let Announced { topic, topic_id, layout, ends } = announced;
    transaction.execute(ADD, &[topic, topic_id, layout, ends]).await?;
    transaction.execute(FENCE, &[topic]).await?;
    Ok(())
}

/// A page's part of the tails: the end of the last batch, the fingerprints, and what they added to the counters.
type Filed = (i64, Vec<u64>, Counters);

/// Moves the topic's tails of other layouts than `layout` into pages, except for quarters below the floor: their partition
/// of the table may be gone. Nobody adds to these tails: their partitions have passed those layouts, or wait.
async fn file_tails(transaction: &Transaction<'_>, topic: &str, layout: i32) -> Result<(), Error> {
    let floor = transaction.query_one("select floor from ledger_floor", &[]).await?;
    let floor = seconds_or_min(&floor)?;
    let names = Counters::NAMES.join(", ");
    let take = format!(
        "delete from ledger_tails where topic = $1 and layout <> $2 \
         returning kafka_partition, layout, until, quarters, lengths, fingerprints, {names}"
    );
    let mut pages: BTreeMap<(i32, i32, Quarter), Filed> = BTreeMap::new();
    for row in transaction.query(&take, &[&topic, &layout]).await? {
        for (quarter, fingerprints, sums) in pages_of(&row, 3)? {
            let page = pages.entry((row.get(0), row.get(1), quarter)).or_default();
            page.0 = page.0.max(row.get(2));
            page.1.extend(fingerprints);
            page.2 += &sums;
        }
    }
    pages.retain(|(.., quarter), _| quarter.start().timestamp() >= floor);
    let segments = pages.into_iter().map(|((partition, layout, quarter), (until, fingerprints, sums))| {
        MergedSegment { topic, partition, quarter: quarter.start(), until, layout, fingerprints, sums }
    });
    // There may be one for each quarter of a month in each partition, and whoever claims one of them waits for this.
    MergedSegment::write(segments.collect(), transaction).await
}
