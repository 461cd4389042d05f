//! Deciding a batch: what memory doesn't know is read from the database, a bounded amount at a time.

use crate::batch::Batch;
use crate::decide::member::Member;
use crate::decide::undecided::DecidedBatch;
use crate::ledger::Size;
use crate::ledger::segment::PageKey;
use crate::measure::Meters;
use crate::record::Partition;
use crate::store::{Claimed, Connection, PageAsked, Store};
use std::collections::{BTreeSet, HashMap};

/// Bytes of pages loaded by one query.
const LOAD_BYTES_MAX: usize = 32 << 20;
/// Pages named in one query.
const ASKED_PAGES_MAX: usize = 4_096;
/// Fingerprints looked up by one query; each is answered with a few kilobytes.
const LOOKUPS_MAX: usize = 4_096;

/// Answers a member's questions about the ledger from the database.
pub struct Lookups<'a> {
    /// The member who decides.
    pub member: &'a mut Member,
    /// PostgreSQL.
    pub store: &'a mut Store,
    /// Counts what is read.
    pub meters: &'a Meters,
    /// The claims under which it is read.
    pub claims: Vec<Claimed>,
    /// Those that the server that was read from doesn't have. What was read of these partitions is worth nothing.
    pub lost: BTreeSet<Partition>,
}

impl Lookups<'_> {
    /// Decides which records of the batch count.
    pub async fn decide(&mut self, batch: Batch) -> DecidedBatch {
        let undecided = self.member.begin(batch);
        let sizes = self.sizes(undecided.unsized_pages()).await;
        let mut questions = self.member.ask(undecided, &sizes);
        let pages = std::mem::take(&mut questions.pages);
        self.meters.pages_read(pages.len());
        for pages in chunks(pages, |(_, reading)| reading.cost * size_of::<u64>(), LOAD_BYTES_MAX) {
            let pages: Vec<(PageAsked, bool)> =
                pages.into_iter().map(|(key, reading)| (self.asked(key), reading.whole)).collect();
            let load = async |connection: &mut Connection| {
                Ok((connection.lost(&self.claims).await?, connection.load_pages(&pages).await?))
            };
            let (lost, pages) = self.store.until_done("loading ledger pages", load).await;
            self.lost.extend(lost);
            for (key, page) in pages {
                self.member.page_read(&mut questions, key, page);
            }
        }
        let lookups = std::mem::take(&mut questions.lookups);
        self.meters.looked_up(lookups.iter().map(|(_, fingerprints)| fingerprints.len()).sum());
        for lookups in chunks(lookups, |(_, fingerprints)| fingerprints.len(), LOOKUPS_MAX) {
            let lookups: Vec<(PageAsked, Vec<u64>)> =
                lookups.into_iter().map(|(key, fingerprints)| (self.asked(key), fingerprints)).collect();
            let look = async |connection: &mut Connection| {
                Ok((connection.lost(&self.claims).await?, connection.look_up(&lookups).await?))
            };
            let (lost, found) = self.store.until_done("looking fingerprints up", look).await;
            self.lost.extend(lost);
            for (key, found) in found {
                self.member.looked_up(&mut questions, key, &found);
            }
        }
        questions.decided()
    }

    async fn sizes(&mut self, pages: &[PageKey]) -> HashMap<PageKey, Size> {
        let mut sizes = HashMap::new();
        for pages in pages.chunks(ASKED_PAGES_MAX) {
            let pages: Vec<PageAsked> = pages.iter().map(|key| self.asked(*key)).collect();
            let ask = async |connection: &mut Connection| {
                Ok((connection.lost(&self.claims).await?, connection.page_sizes(&pages).await?))
            };
            let (lost, found) = self.store.until_done("looking for ledger pages", ask).await;
            self.lost.extend(lost);
            sizes.extend(found);
        }
        sizes
    }

    fn asked(&self, key: PageKey) -> PageAsked {
        let reading = self.member.held().get(&key.partition).map(|held| held.reading);
        (key, reading.filter(|reading| !reading.is_only_layout).map(|reading| reading.layout))
    }
}

/// Items in groups of bounded weight. An item heavier than the bound is a group of its own.
fn chunks<T>(items: Vec<T>, weight: impl Fn(&T) -> usize, bound: usize) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    let mut room = 0;
    for item in items {
        let weight = weight(&item);
        match groups.last_mut().filter(|_| weight <= room) {
            Some(group) => group.push(item),
            None => {
                groups.push(vec![item]);
                room = bound;
            }
        }
        room = room.saturating_sub(weight);
    }
    groups
}
