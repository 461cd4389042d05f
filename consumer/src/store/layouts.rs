//! Layouts: numbered ways to spread a topic's records over its partitions. Raising a topic's layout closes the pages of the
//! layout before: from then on they are only read, by all partitions.

use super::fenced_transaction::seconds_or_min;
use super::merge::MergedSegment;
use super::tails::pages_of;
use super::{Error, OperatorConnection};
use crate::record::Offset;
use crate::record::place::Place;
use domain::{Counters, Quarter};
use std::collections::{BTreeMap, HashMap};
use tokio_postgres::Transaction;

/// How raising a topic's layout ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raised {
    /// The topic has this layout now. Members that held its partitions can't write for them any more.
    To(i32),
    /// A partition isn't counted to its end, and nothing has changed.
    Behind(Place),
}

impl OperatorConnection {
    /// A topic's layout; `None` if no partition of it was ever seen.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn layout(&self, topic: &str) -> Result<Option<i32>, Error> {
        let query = "select max(layout) from consumer_progress where topic = $1";
        Ok(self.client.query_one(query, &[&topic]).await?.get(0))
    }

    /// Raises the layout of a topic whose partitions are all counted to these ends, and files its tails into pages. A tail
    /// is read only by the member that claims its partition, but from now on all partitions must find its fingerprints.
    ///
    /// # Errors
    /// When PostgreSQL fails; then nothing has changed.
    pub async fn raise_layout(
        &mut self,
        topic: &str,
        ends: &HashMap<Place, Offset>,
    ) -> Result<Raised, Error> {
        let transaction = self.client.transaction().await?;
        // Waits for batches under way, and locks in their order.
        let lock = "select kafka_partition, next_offset from consumer_progress where topic = $1 \
                    order by topic, kafka_partition for update";
        let mut next: BTreeMap<i32, Option<i64>> = BTreeMap::new();
        for row in transaction.query(lock, &[&topic]).await? {
            next.insert(row.get(0), row.get(1));
        }
        let is_behind = |place: &&Place| {
            next.get(&place.partition).copied().flatten().is_none_or(|next| next < ends[*place].0)
        };
        if let Some(behind) = ends.keys().filter(is_behind).min() {
            return Ok(Raised::Behind(behind.clone()));
        }
        file_tails(&transaction, topic).await?;
        let raise = "update consumer_progress set layout = layout + 1, epoch = epoch + 1, updated_at = now() \
                     where topic = $1 returning layout";
        let raised = transaction.query(raise, &[&topic]).await?;
        transaction.commit().await?;
        Ok(Raised::To(raised.first().map_or(1, |row| row.get(0))))
    }
}

/// A page's part of the tails: the end of the last batch, the fingerprints, and what they added to the counters.
type Filed = (i64, Vec<u64>, Counters);

/// Moves the topic's tails into its pages, except for quarters below the floor: their partition of the table may be gone.
async fn file_tails(transaction: &Transaction<'_>, topic: &str) -> Result<(), Error> {
    let floor = transaction.query_one("select floor from ledger_floor", &[]).await?;
    let floor = seconds_or_min(&floor)?;
    let names = Counters::NAMES.join(", ");
    let take = format!(
        "delete from ledger_tails where topic = $1 \
         returning kafka_partition, layout, until, quarters, lengths, fingerprints, {names}"
    );
    let mut pages: BTreeMap<(i32, i32, Quarter), Filed> = BTreeMap::new();
    for row in transaction.query(&take, &[&topic]).await? {
        for (quarter, fingerprints, sums) in pages_of(&row, 3)? {
            let page = pages.entry((row.get(0), row.get(1), quarter)).or_default();
            page.0 = page.0.max(row.get(2));
            page.1.extend(fingerprints);
            page.2 += &sums;
        }
    }
    for ((partition, layout, quarter), (until, fingerprints, sums)) in pages {
        let quarter = quarter.start();
        if quarter.timestamp() >= floor {
            let segment = MergedSegment { topic, partition, quarter, until, layout, fingerprints, sums };
            segment.write(transaction).await?;
        }
    }
    Ok(())
}
