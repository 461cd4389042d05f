//! What memory keeps of pages, and how they are read: estimates of cost. A wrong estimate costs time or memory, and never
//! counts a record wrongly. Pure functions of plain numbers.

use crate::ledger::fingerprint_set::FingerprintSet;
use crate::ledger::page_filter::PageFilter;
use crate::ledger::stored_page::Size;

/// What decides how pages are read. Operators may set the budget; the others are measured, and tests make them small.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// Bytes of pages in memory.
    pub budget: usize,
    /// How many fingerprints can be read in a row for the cost of looking one up.
    pub lookup_cost: usize,
    /// The fewest fingerprints of a batch that become a segment of a page; fewer go to the tail.
    pub segment_min: usize,
    /// A tail is filed into the pages when it has this many rows (one a batch).
    pub tail_rows_max: usize,
    /// A tail is filed into the pages when it has this many fingerprints.
    pub tail_len_max: usize,
}

/// How many fingerprints of a page are asked for. The weight of each halves every `HALF_LIFE_ROUNDS` batches. Stored as a
/// base-2 logarithm scaled to round 0, so that ageing changes no stored value.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Demand(f64);

/// Memory, as far as decisions depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Bytes that a further page may take before the budget is exceeded.
    pub free: usize,
    /// The least worth of any page in memory.
    pub least_worth: i64,
}

/// A page with fingerprints that memory can neither confirm nor deny.
#[derive(Clone, Copy, Debug)]
pub struct OpenPage {
    /// How large it is.
    pub size: Size,
    /// Its demand, this time included.
    pub demand: Demand,
    /// Fingerprints asked for this time.
    pub asked: usize,
    /// Those of them that are unknown.
    pub unknown: usize,
    /// Fingerprints looked up since the page was read last.
    pub earlier_lookups: usize,
    /// Whether memory has a filter of it.
    pub is_filtered: bool,
}

/// How a page is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whether to read all fingerprints, also of segments that have a filter.
    pub whole: bool,
    /// What it costs, in fingerprints.
    pub cost: usize,
}

/// Batches after which earlier demand counts half.
const HALF_LIFE_ROUNDS: f64 = 4.0;
/// The share of fingerprints that are taken to be repeats. Only a page that is known whole answers them.
pub const REPEATS: f64 = 1.0 / 16.0;
/// Worth is compared in steps of a 1,024th of a power of two.
const WORTH_STEPS: f64 = 1_024.0;
/// A page replaces another only if it is worth at least twice as much; otherwise pages of equal worth would evict each
/// other in turn.
const WORTH_MARGIN: i64 = 1_024;
/// Tails may take this share of the budget.
const TAILS_SHARE: usize = 4;

impl Tuning {
    /// As measured with PostgreSQL 15 on the same machine: a lookup through `substring` takes 18 µs; a page that is read
    /// whole and made a filter of takes 50 ns a fingerprint. A page that was asked for often will be asked for again, so
    /// it is read when lookups in it have cost half as much.
    #[must_use]
    pub fn with_budget(budget: usize) -> Self {
        Self { budget, lookup_cost: 700, segment_min: 512, tail_rows_max: 512, tail_len_max: 1 << 17 }
    }

    /// Whether a partition's tail may grow to `rows` and `len` fingerprints while all tails together take `bytes_of_all`.
    #[must_use]
    pub fn keeps_tail(&self, rows: usize, len: usize, bytes_of_all: usize) -> bool {
        rows < self.tail_rows_max && len < self.tail_len_max && bytes_of_all <= self.budget / TAILS_SHARE
    }

    /// Whether a page of this many `fingerprints` may be read: it must not fill more than half the budget.
    fn allows(&self, fingerprints: usize) -> bool {
        2 * size_of::<u64>() * fingerprints <= self.budget
    }
}

impl Demand {
    /// The demand of a page when it enters memory.
    pub const INITIAL: Self = Self(0.0);
    /// The demand of a page that memory has no entry for.
    pub const LEAST: Self = Self(f64::MIN);

    /// The demand after `fingerprints` more are asked for in this round.
    #[must_use]
    pub fn plus(self, fingerprints: usize, round: u64) -> Self {
        #[allow(clippy::cast_precision_loss)] // an estimate
        let now = (fingerprints as f64).log2() + round as f64 / HALF_LIFE_ROUNDS;
        let (more, less) = if self.0 > now { (self.0, now) } else { (now, self.0) };
        Self(more + (less - more).exp2().ln_1p() / std::f64::consts::LN_2)
    }
}

/// The worth of `bytes` that answer the share `answered` of a page's demand: log2 of answers per byte, times
/// `WORTH_STEPS`.
#[must_use]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // an estimate
pub fn worth(demand: Demand, answered: f64, bytes: usize) -> i64 {
    ((demand.0 + answered.log2() - (bytes.max(1) as f64).log2()) * WORTH_STEPS) as i64
}

impl Room {
    /// Whether `bytes` that answer the share `answered` of a page's demand would be kept: they fit, or their worth is
    /// enough to replace others.
    #[must_use]
    pub fn has_for(&self, demand: Demand, answered: f64, bytes: usize) -> bool {
        bytes <= self.free || worth(demand, answered, bytes) > self.least_worth.saturating_add(WORTH_MARGIN)
    }
}

/// How to read the page; `None` if looking its unknown fingerprints up is better.
#[must_use]
pub fn reading(tuning: &Tuning, room: &Room, page: &OpenPage) -> Option<Reading> {
    let size = page.size;
    if deserves_whole(tuning, room, page) {
        return Some(Reading { whole: true, cost: size.stored });
    }
    let whole = size.read == size.stored;
    // Filters that memory has are not read again.
    let learns = whole || !page.is_filtered;
    let pays = |lookups: usize| lookups * tuning.lookup_cost >= size.read;
    let keeps = || room.has_for(page.demand, PageFilter::DENIED_MIN, PageFilter::bytes_min(size.stored));
    let pays_now = pays(page.unknown);
    let pays_in_time = || pays(page.earlier_lookups + page.unknown) && keeps();
    let reads = learns && tuning.allows(size.read) && (pays_now || pays_in_time());
    reads.then_some(Reading { whole, cost: size.read })
}

/// Whether reading the whole page costs less than looking up its repeats, and there is room to keep it. Repeats pass every
/// filter.
fn deserves_whole(tuning: &Tuning, room: &Room, page: &OpenPage) -> bool {
    let stored = page.size.stored;
    #[allow(clippy::cast_precision_loss)] // an estimate
    let pays = page.asked as f64 * REPEATS * tuning.lookup_cost as f64 >= stored as f64;
    let keeps = || room.has_for(page.demand, REPEATS, FingerprintSet::bytes_for(stored));
    pays && tuning.allows(stored) && keeps()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One lookup costs as much as 10 fingerprints read; at most 1,000 fingerprints are read of a page.
    const TUNING: Tuning =
        Tuning { budget: 16_000, lookup_cost: 10, segment_min: 8, tail_rows_max: 4, tail_len_max: 100 };
    const ROOMY: Room = Room { free: 16_000, least_worth: i64::MAX };
    const FULL: Room = Room { free: 0, least_worth: i64::MAX };
    /// Full of pages that are worth less than any other.
    const WORTHLESS: Room = Room { free: 0, least_worth: i64::MIN };

    /// A page of 400 fingerprints without stored filters, of which one fingerprint is asked for.
    const PAGE: OpenPage = OpenPage {
        size: Size { stored: 400, read: 400 },
        demand: Demand::INITIAL,
        asked: 1,
        unknown: 1,
        earlier_lookups: 0,
        is_filtered: false,
    };
    /// The same with a stored filter.
    const MERGED: OpenPage = OpenPage { size: Size { stored: 400, read: 40 }, ..PAGE };

    #[test]
    fn a_page_is_read_when_that_is_cheaper_than_lookups_and_worth_keeping() {
        let whole = |cost| Some(Reading { whole: true, cost });
        let by_filters = |cost| Some(Reading { whole: false, cost });
        let asked = |asked| OpenPage { asked, unknown: asked, ..PAGE };
        let table = [
            ("one lookup is cheaper", ROOMY, PAGE, None),
            ("40 lookups cost as much", FULL, asked(40), whole(400)),
            ("39 don't", ROOMY, asked(39), None),
            ("39 earlier ones count", ROOMY, OpenPage { earlier_lookups: 39, ..PAGE }, whole(400)),
            ("unless the page can't be kept", FULL, OpenPage { earlier_lookups: 39, ..PAGE }, None),
            ("or it replaces others", WORTHLESS, OpenPage { earlier_lookups: 39, ..PAGE }, whole(400)),
            (
                "which a page without demand never does",
                WORTHLESS,
                OpenPage { earlier_lookups: 39, demand: Demand::LEAST, ..PAGE },
                None,
            ),
            (
                "a filter is read instead of its segment",
                ROOMY,
                OpenPage { unknown: 4, ..MERGED },
                by_filters(40),
            ),
            ("but not again", ROOMY, OpenPage { unknown: 4, is_filtered: true, ..MERGED }, None),
            (
                "the whole page, if repeats alone pay for it",
                ROOMY,
                OpenPage { asked: 640, ..MERGED },
                whole(400),
            ),
            ("and it can be kept", FULL, OpenPage { asked: 640, ..MERGED }, None),
            (
                "no page that fills half the memory",
                ROOMY,
                OpenPage { size: Size::plain(1_001), ..asked(10_000) },
                None,
            ),
        ];
        for (case, room, page, expected) in table {
            assert_eq!(reading(&TUNING, &room, &page), expected, "{case}");
        }
    }

    #[test]
    fn demand_halves_every_four_rounds_and_adds_up() {
        let once = Demand::LEAST.plus(8, 0);
        assert_eq!(once, Demand(3.0), "8 fingerprints");
        assert_eq!(once.plus(8, 0), Demand(4.0), "16 of them");
        assert_eq!(once.plus(4, 4).0 - 4.0 / HALF_LIFE_ROUNDS, 3.0, "4 and, four rounds later, half of 8");
    }

    #[test]
    fn a_page_replaces_only_one_that_is_worth_less_than_half() {
        let worth = worth(Demand::INITIAL, 1.0, 64);
        let has_room = |least_worth| Room { free: 0, least_worth }.has_for(Demand::INITIAL, 1.0, 64);
        assert!(!has_room(worth) && !has_room(worth - WORTH_MARGIN) && has_room(worth - WORTH_MARGIN - 1));
    }

    #[test]
    fn a_tail_is_kept_below_each_of_its_limits() {
        assert!(TUNING.keeps_tail(3, 99, 4_000));
        assert!(!TUNING.keeps_tail(4, 99, 4_000) && !TUNING.keeps_tail(3, 100, 4_000));
        assert!(!TUNING.keeps_tail(3, 99, 4_001));
    }
}
