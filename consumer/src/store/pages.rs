//! Reading the ledger's pages.

use super::page_statements::{self, PageAsked};
use super::{Connection, Error};
use crate::ledger::filter::Filter;
use crate::ledger::fingerprint_set::from_stored;
use crate::ledger::segment::PageKey;
use crate::ledger::{PageRead, Size};
use futures_util::TryStreamExt as _;
use std::collections::HashMap;
use std::pin::pin;

/// How far from its expected place a fingerprint is searched for, in square roots of the array's length. The first stretch
/// holds 99 of 100, the second all but one in a million, the last is the whole array.
const STRETCHES: [f64; 3] = [1.25, 2.5, 1e9];

impl Connection {
    /// How large these pages are in the database. Pages that it has nothing of are left out.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn page_sizes(&mut self, pages: &[PageAsked]) -> Result<HashMap<PageKey, Size>, Error> {
        let asked = page_statements::Pages::of(&self.topics, pages.iter().copied());
        let rows = self.client.query(&self.statements.page_sizes, &asked.parameters()).await?;
        rows.iter()
            .map(|row| {
                let size = |column: usize| {
                    let bytes = usize::try_from(row.get::<_, i64>(column));
                    bytes.map_err(|_| Error::Unexpected("a page of negative size"))
                };
                let (stored, read) = (size(1)? / size_of::<u64>(), size(2)? / size_of::<u64>());
                Ok((question_of(row, pages)?.0, Size { stored, read }))
            })
            .collect()
    }

    /// Reads pages, each with whether to read it whole; otherwise segments that have a filter are read by that. All pages
    /// are answered.
    ///
    /// # Errors
    /// When PostgreSQL fails, or a segment is not made of fingerprints.
    pub async fn load_pages(
        &mut self,
        pages: &[(PageAsked, bool)],
    ) -> Result<HashMap<PageKey, PageRead>, Error> {
        let asked = page_statements::Load {
            pages: page_statements::Pages::of(&self.topics, pages.iter().map(|(page, _)| *page)),
            whole: pages.iter().map(|(_, whole)| *whole).collect(),
        };
        let rows = self.client.query_raw(&self.statements.load_pages, asked.parameters()).await?;
        let mut rows = pin!(rows);
        let mut loaded: HashMap<PageKey, PageRead> =
            pages.iter().map(|((key, _), _)| (*key, PageRead::default())).collect();
        while let Some(row) = rows.try_next().await? {
            let ((key, _), _) = question_of(&row, pages)?;
            let page = loaded.entry(*key).or_default();
            match row.get::<_, Option<&[u8]>>(1) {
                Some(filter) => {
                    let filter = Filter::from_stored(filter);
                    page.filters.push(filter.ok_or(Error::Unexpected("a filter that is none"))?);
                }
                None => page.others.extend(fingerprints(row.get(2))?),
            }
        }
        loaded.values_mut().for_each(|page| page.others.sort_unstable());
        Ok(loaded)
    }

    /// Looks fingerprints up in their pages without reading those; returns those that the pages have, ascending. All pages
    /// are answered.
    ///
    /// # Errors
    /// When PostgreSQL fails, or a segment is not made of fingerprints.
    pub async fn look_up(
        &mut self,
        lookups: &[(PageAsked, Vec<u64>)],
    ) -> Result<HashMap<PageKey, Vec<u64>>, Error> {
        let mut found: HashMap<PageKey, Vec<u64>> =
            lookups.iter().map(|((key, _), _)| (*key, Vec::new())).collect();
        let mut open: Vec<(PageAsked, u64)> = lookups
            .iter()
            .flat_map(|(page, fingerprints)| fingerprints.iter().map(|fingerprint| (*page, *fingerprint)))
            .collect();
        for stretch in STRETCHES {
            if !open.is_empty() {
                open = self.look_along(&open, stretch, &mut found).await?;
            }
        }
        found.values_mut().for_each(|page| page.sort_unstable());
        Ok(found)
    }

    /// Looks along a stretch of each segment; returns the fingerprints that may lie beyond it.
    async fn look_along(
        &mut self,
        open: &[(PageAsked, u64)],
        stretch: f64,
        found: &mut HashMap<PageKey, Vec<u64>>,
    ) -> Result<Vec<(PageAsked, u64)>, Error> {
        let asked = self.look_up_of(open, stretch)?;
        let rows = self.client.query_raw(&self.statements.look_up, asked.parameters()).await?;
        let mut rows = pin!(rows);
        let mut beyond = Vec::new();
        while let Some(row) = rows.try_next().await? {
            let &(page, fingerprint) = question_of(&row, open)?;
            let stretch = Stretch { at_start: row.get(1), at_end: row.get(2), fingerprints: row.get(3) };
            match stretch.has(fingerprint)? {
                Some(true) => found.entry(page.0).or_default().push(fingerprint),
                Some(false) => {}
                None => beyond.push((page, fingerprint)),
            }
        }
        Ok(beyond)
    }

    /// The parameters that look fingerprints up; those of one page are neighbours.
    fn look_up_of(&self, open: &[(PageAsked, u64)], stretch: f64) -> Result<page_statements::LookUp, Error> {
        let pages: Vec<&[(PageAsked, u64)]> = open.chunk_by(|(page, _), (next, _)| page == next).collect();
        let (mut firsts, mut lasts) = (Vec::with_capacity(pages.len()), Vec::with_capacity(pages.len()));
        let mut last = 0;
        for page in &pages {
            firsts.push(last + 1);
            last += i32::try_from(page.len()).map_err(|_| Error::Unexpected("too many questions"))?;
            lasts.push(last);
        }
        Ok(page_statements::LookUp {
            pages: page_statements::Pages::of(&self.topics, pages.iter().map(|page| page[0].0)),
            shares: open.iter().map(|(_, fingerprint)| share(*fingerprint)).collect(),
            firsts,
            lasts,
            stretch,
        })
    }
}

/// Consecutive fingerprints of a segment.
struct Stretch<'a> {
    at_start: bool,
    at_end: bool,
    fingerprints: &'a [u8],
}

impl Stretch<'_> {
    /// Whether the segment has the fingerprint; `None` if it may lie outside of the stretch.
    fn has(&self, fingerprint: u64) -> Result<Option<bool>, Error> {
        let sorted: Vec<u64> = fingerprints(self.fingerprints)?.collect();
        Ok(match sorted.binary_search(&fingerprint) {
            Ok(_) => Some(true),
            Err(0) if !self.at_start => None,
            Err(place) if place == sorted.len() && !self.at_end => None,
            Err(_) => Some(false),
        })
    }
}

/// The share of all 64-bit numbers that are smaller than the fingerprint.
#[allow(clippy::cast_precision_loss)] // an estimate of where to look
fn share(fingerprint: u64) -> f64 {
    fingerprint as f64 / u64::MAX as f64
}

/// The fingerprints of a stored array.
pub(super) fn fingerprints(stored: &[u8]) -> Result<impl Iterator<Item = u64>, Error> {
    from_stored(stored).ok_or(Error::Unexpected("an array of fingerprints whose length is no multiple of 8"))
}

/// The question that a row answers.
fn question_of<'a, T>(row: &tokio_postgres::Row, questions: &'a [T]) -> Result<&'a T, Error> {
    let place = usize::try_from(row.get::<_, i32>(0)).ok();
    place.and_then(|place| questions.get(place)).ok_or(Error::Unexpected("another page than was asked for"))
}
