//! Layouts: in which numbered way a topic's records are spread over its partitions at each offset. Pure.
//!
//! A *cut* ends a layout at an offset of each partition. It stands in the database and in a topic of Kafka that only
//! operators write ([`Announced`]), so that an emptied or restored database learns it again before anything is decided.
//! Which layout a record has is therefore a function of partition and offset, whenever it is read.
//!
//! A cut is safe wherever it lies. Records of one layout are looked up in the pages of all other layouts, in all
//! partitions, and these pages stand still, because no record of a layout is decided before all partitions have passed
//! the end of the layout before.

use super::Offset;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The greatest number of a layout: a record with a greater one was written by no command of ours.
const LAYOUT_MAX: i32 = 1_000_000;

/// The ends of one layout, by partition: the offset of the first record of the next layout. A partition that is missing
/// has nothing of the layout: it was added later.
pub type Ends = BTreeMap<i32, Offset>;

/// The layouts of one topic, as long as it has one id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layouts {
    /// The number of the first layout: one more than those of topics of that name before.
    first: i32,
    /// By the cut's number, ascending along every partition. Numbers may be left out.
    cuts: BTreeMap<i32, Ends>,
}

impl Default for Layouts {
    fn default() -> Self {
        Self::from(1)
    }
}

impl Layouts {
    /// A topic whose layout was never changed, and whose first has this number.
    #[must_use]
    pub fn from(first: i32) -> Self {
        Self { first, cuts: BTreeMap::new() }
    }

    /// Adds an end of a cut.
    pub fn add_end(&mut self, number: i32, partition: i32, end: Offset) {
        self.cuts.entry(number).or_default().insert(partition, end);
    }

    /// The number of the layout that new records have.
    #[must_use]
    pub fn present(&self) -> i32 {
        self.first + self.cuts.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// The cuts, by number.
    #[must_use]
    pub fn cuts(&self) -> &BTreeMap<i32, Ends> {
        &self.cuts
    }

    /// The layout of the record at this offset of a partition.
    #[must_use]
    pub fn at(&self, partition: i32, offset: Offset) -> i32 {
        let passed = |(_, ends): &(&i32, &Ends)| end_in(ends, partition) <= offset;
        self.first + self.cuts.iter().rfind(passed).map_or(0, |(number, _)| *number)
    }

    /// Where the layout of the record at this offset ends in the partition; `None` for the present one.
    #[must_use]
    pub fn end_after(&self, partition: i32, offset: Offset) -> Option<Offset> {
        let passed = self.at(partition, offset) - self.first;
        self.cuts.range(passed + 1..).map(|(_, ends)| end_in(ends, partition)).min()
    }

    /// The partitions that have not reached a layout, ascending: until they have, nothing of it may be decided. `next` is the
    /// offset of a partition's next record to count.
    pub fn behind(&self, layout: i32, next: impl Fn(i32) -> Offset) -> Vec<i32> {
        let ends = self.cuts.get(&(layout - self.first)).into_iter().flatten();
        ends.filter(|(partition, end)| next(**partition) < **end).map(|(partition, _)| *partition).collect()
    }

    /// How many partitions the topic had when the layout ended; `None` for the present one.
    #[must_use]
    pub fn partitions(&self, layout: i32) -> Option<i32> {
        let (_, ends) = self.cuts.range(layout - self.first + 1..).next()?;
        ends.last_key_value().map(|(last, _)| last + 1)
    }

    /// Whether a cut of this number and these ends fits between the others: in every partition it lies behind those of
    /// smaller numbers and before those of greater. Otherwise layouts would wait for each other in a circle.
    #[must_use]
    pub fn fits(&self, number: i32, ends: &Ends) -> bool {
        let is_before = |earlier: &Ends, later: &Ends| {
            let mut partitions = earlier.keys().chain(later.keys());
            partitions.all(|partition| end_in(earlier, *partition) <= end_in(later, *partition))
        };
        let before = self.cuts.range(..number).next_back();
        let after = self.cuts.range(number..).next();
        before.is_none_or(|(_, before)| is_before(before, ends))
            && after.is_none_or(|(other, after)| *other != number && is_before(ends, after))
    }
}

/// How a claimed partition stands among the layouts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can be read.
    Open(Reading),
    /// It stands at the end of the layout before `layout`, which other partitions have not passed.
    Waits {
        /// The layout of its next record.
        layout: i32,
        /// The partitions that are behind, ascending.
        behind: Vec<i32>,
    },
}

/// What a partition is read under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The layout of the records that come next.
    pub layout: i32,
    /// Where that layout ends, and reading with it; `None` for the present layout.
    pub until: Option<Offset>,
    /// How many partitions the topic had when that layout ended; `None` for the present layout.
    pub partitions: Option<i32>,
    /// Whether the topic has no other layout, so that no other partition has pages to look into.
    pub is_only_layout: bool,
}

impl Reading {
    /// That of a topic whose layout was never changed.
    pub const ONLY: Self = Self { layout: 1, until: None, partitions: None, is_only_layout: true };
}

impl Layouts {
    /// How a partition stands whose next record to count is at `offset`.
    pub fn standing(&self, partition: i32, offset: Offset, next: impl Fn(i32) -> Offset) -> Standing {
        let layout = self.at(partition, offset);
        let behind = self.behind(layout, next);
        if behind.is_empty() {
            let is_only_layout = self.first == 1 && self.cuts.is_empty();
            let (until, partitions) = (self.end_after(partition, offset), self.partitions(layout));
            Standing::Open(Reading { layout, until, partitions, is_only_layout })
        } else {
            Standing::Waits { layout, behind }
        }
    }
}

fn end_in(ends: &Ends, partition: i32) -> Offset {
    ends.get(&partition).copied().unwrap_or(Offset(0))
}

/// A cut as Kafka keeps it: the value of a record of the layouts' topic, in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Announced {
    /// The topic's name.
    pub topic: String,
    /// Kafka's id of the topic; empty where it can't be learned. A topic made anew has another, and no layouts yet.
    pub topic_id: String,
    /// The cut's number, which is also that of the layout that it ends, as the topic's layouts are counted from 1.
    pub layout: i32,
    /// Where that layout ends in partition 0, in partition 1, and so on.
    pub ends: Vec<i64>,
}

impl Announced {
    /// Reads a record's value; `None` for anything else than an announcement.
    #[must_use]
    pub fn read(value: &[u8]) -> Option<Self> {
        let read: Self = serde_json::from_slice(value).ok()?;
        let is_sound = (1..=LAYOUT_MAX).contains(&read.layout)
            && !read.ends.is_empty()
            && read.ends.iter().all(|end| *end >= 0);
        is_sound.then_some(read)
    }

    /// A record's value.
    #[must_use]
    pub fn written(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("names and numbers are JSON")
    }

    /// Whether it is about this topic.
    #[must_use]
    pub fn is_about(&self, topic: &str, topic_id: &str) -> bool {
        self.topic == topic && (self.topic_id == topic_id || self.topic_id.is_empty() || topic_id.is_empty())
    }

    /// The ends by partition.
    #[must_use]
    pub fn ends(&self) -> Ends {
        (0..).zip(&self.ends).map(|(partition, end)| (partition, Offset(*end))).collect()
    }
}

/// What a topic's announcements amount to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Those that count, in order.
    pub cuts: Vec<Announced>,
    /// One that would count if its ends existed.
    pub beyond: Option<Announced>,
}

/// Judges the announcements about a topic, in their order. One counts if its number is new, it lies behind those before it,
/// and its ends exist: `acknowledged` is where a partition ends now.
///
/// So a record that no command wrote does no harm. Nothing waits for an offset that may never come, nor in a circle; and
/// a cut at other offsets, if it is forged, only costs looking into more pages. `layout change` writes none behind one that
/// is `beyond`: in a log read later, whose ends have grown, that one would come first.
pub fn heard(announced: &[&Announced], acknowledged: impl Fn(i32) -> Option<Offset>) -> Heard {
    let (mut heard, mut layouts) = (Heard::default(), Layouts::default());
    for announced in announced {
        let ends = announced.ends();
        let is_next = layouts.cuts.last_key_value().is_none_or(|(last, _)| *last < announced.layout);
        let exists =
            |(partition, end): (&i32, &Offset)| acknowledged(*partition).is_some_and(|now| *end <= now);
        if !is_next || !layouts.fits(announced.layout, &ends) {
            continue;
        }
        if ends.iter().all(exists) {
            layouts.cuts.insert(announced.layout, ends);
            heard.cuts.push((*announced).clone());
        } else {
            heard.beyond = Some((*announced).clone());
        }
    }
    heard
}

impl Heard {
    /// Whether a cut of this number and these ends is among those that count.
    #[must_use]
    pub fn has(&self, number: i32, ends: &Ends) -> bool {
        let is_same = |cut: &Announced| {
            let heard = cut.ends();
            let mut partitions = heard.keys().chain(ends.keys());
            partitions.all(|partition| end_in(&heard, *partition) == end_in(ends, *partition))
        };
        self.cuts.iter().any(|cut| cut.layout == number && is_same(cut))
    }
}

/// A number for the next cut, greater than those that are known and heard; `None` if there is none left.
#[must_use]
pub fn next_number(known: &Layouts, heard: &Heard) -> Option<i32> {
    let known = known.cuts.last_key_value().map_or(0, |(number, _)| *number);
    let heard = heard.cuts.last().map_or(0, |cut| cut.layout);
    Some(known.max(heard) + 1).filter(|number| *number <= LAYOUT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn layouts(cuts: &[(i32, &[i64])]) -> Layouts {
        let mut layouts = Layouts::default();
        for (number, ends) in cuts {
            layouts.cuts.insert(*number, announced(*number, ends).ends());
        }
        layouts
    }

    fn announced(layout: i32, ends: &[i64]) -> Announced {
        Announced { topic: "events".into(), topic_id: "id".into(), layout, ends: ends.to_vec() }
    }

    #[test]
    fn a_record_has_the_layout_that_its_offset_lies_in() {
        let layouts = layouts(&[(1, &[100, 50]), (2, &[300, 50, 20])]);
        let at = |partition, offset| {
            (layouts.at(partition, Offset(offset)), layouts.end_after(partition, Offset(offset)))
        };
        assert_eq!(at(0, 99), (1, Some(Offset(100))));
        assert_eq!(at(0, 100), (2, Some(Offset(300))));
        assert_eq!(at(0, 300), (3, None));
        assert_eq!(at(1, 49), (1, Some(Offset(50))));
        assert_eq!(at(1, 50), (3, None), "nothing of layout 2 is in partition 1");
        assert_eq!(at(2, 0), (2, Some(Offset(20))), "partition 2 was added in layout 2");
        assert_eq!(at(3, 0), (3, None));
        assert_eq!((layouts.present(), Layouts::default().at(0, Offset(7))), (3, 1));
        assert_eq!([1, 2, 3].map(|layout| layouts.partitions(layout)), [Some(2), Some(3), None]);
    }

    #[test]
    fn a_topic_made_anew_goes_on_where_the_numbers_of_the_one_before_ended() {
        let mut layouts = Layouts::from(4);
        assert_eq!((layouts.at(0, Offset(0)), layouts.present()), (4, 4));
        layouts.add_end(2, 0, Offset(10));
        assert_eq!((layouts.at(0, Offset(9)), layouts.at(0, Offset(10)), layouts.present()), (4, 6, 6));
        assert_eq!(layouts.behind(6, |_| Offset(3)), [0]);
        let standing = Layouts::from(4).standing(0, Offset(0), |_| Offset(0));
        let reading = Reading { layout: 4, is_only_layout: false, ..Reading::ONLY };
        assert_eq!(standing, Standing::Open(reading), "the ledger has pages of the topic before");
    }

    #[test]
    fn a_layout_waits_for_the_partitions_that_have_not_passed_the_one_before() {
        let layouts = layouts(&[(1, &[100, 50])]);
        let behind = |layout, next: [i64; 2]| {
            layouts.behind(layout, |partition| Offset(if partition == 0 { next[0] } else { next[1] }))
        };
        assert_eq!(behind(2, [99, 10]), [0, 1]);
        assert_eq!(behind(2, [100, 49]), [1]);
        assert!(behind(2, [100, 50]).is_empty());
        assert!(behind(1, [0, 0]).is_empty(), "nothing was before the first");
    }

    #[test]
    fn an_announcement_counts_if_it_follows_those_before_and_its_ends_exist() {
        let check = |records: &[(i32, &[i64])], expected: &[i32], beyond: Option<i32>| {
            let records: Vec<_> = records.iter().map(|(number, ends)| announced(*number, ends)).collect();
            let heard = heard(&records.iter().collect::<Vec<_>>(), |at| (at < 2).then_some(Offset(20)));
            let numbers: Vec<i32> = heard.cuts.iter().map(|cut| cut.layout).collect();
            assert_eq!((&*numbers, heard.beyond.map(|cut| cut.layout)), (expected, beyond), "{records:?}");
        };
        check(&[], &[], None);
        check(&[(1, &[10, 10]), (3, &[10, 12])], &[1, 3], None);
        check(&[(1, &[10, 10]), (1, &[11, 11])], &[1], None);
        check(&[(2, &[10, 10]), (1, &[11, 11])], &[2], None);
        check(&[(1, &[10, 10]), (2, &[9, 11])], &[1], None);
        check(&[(1, &[10, 99]), (2, &[10, 10])], &[2], Some(1));
        check(&[(1, &[1, 1, 1])], &[], Some(1));
        let first = Heard { cuts: vec![announced(5, &[1])], beyond: None };
        let has = |number, ends: &[i64]| first.has(number, &announced(number, ends).ends());
        assert!(
            has(5, &[1]) && has(5, &[1, 0]) && !has(5, &[2]) && !has(4, &[1]),
            "a partition without records"
        );
        assert_eq!(next_number(&layouts(&[(4, &[1])]), &first), Some(6));
        assert_eq!(next_number(&layouts(&[(7, &[1])]), &first), Some(8));
        assert_eq!(next_number(&layouts(&[(LAYOUT_MAX, &[1])]), &first), None);
    }

    #[test]
    fn a_cut_fits_between_those_of_smaller_and_greater_numbers() {
        let layouts = layouts(&[(1, &[10, 10]), (4, &[20, 20, 5])]);
        let fits = |number, ends: &[i64]| layouts.fits(number, &announced(number, ends).ends());
        assert!(fits(2, &[10, 20]) && fits(2, &[15, 15, 5]) && fits(5, &[20, 20, 5]));
        assert!(
            !fits(2, &[9, 20]) && !fits(2, &[15, 15, 6]) && !fits(5, &[20, 20]) && !fits(4, &[20, 20, 5])
        );
    }

    #[test]
    fn other_records_are_no_announcements() {
        let good = announced(1, &[10]);
        assert_eq!(Announced::read(&good.written()), Some(good));
        let with = |layout: i32, ends: &str| {
            format!(r#"{{"topic":"t","topicId":"","layout":{layout},"ends":{ends}}}"#)
        };
        for other in
            ["", "{}", "[1]", &with(0, "[1]"), &with(1, "[-1]"), &with(1, "[]"), &with(2_000_000, "[1]")]
        {
            assert_eq!(Announced::read(other.as_bytes()), None, "{other}");
        }
    }

    proptest! {
        /// However cuts were announced, partitions that go on while they may reach their ends.
        #[test]
        fn partitions_never_wait_in_a_circle_and_layouts_ascend(
            records in prop::collection::vec((1_i32..6, prop::collection::vec(0_i64..20, 1..4)), 0..6)
        ) {
            let records: Vec<_> = records.iter().map(|(number, ends)| announced(*number, ends)).collect();
            let heard = heard(&records.iter().collect::<Vec<_>>(), |at| (at < 3).then_some(Offset(20)));
            let mut layouts = Layouts::default();
            for cut in &heard.cuts {
                prop_assert!(layouts.fits(cut.layout, &cut.ends()));
                layouts.cuts.insert(cut.layout, cut.ends());
            }
            let mut next = [Offset(0); 3];
            let mut read = [0; 3];
            while next.iter().any(|next| *next < Offset(20)) {
                let open: Vec<(usize, Reading)> = (0..3)
                    .filter(|at| next[*at] < Offset(20))
                    .filter_map(|at| match layouts.standing(at as i32, next[at], |other| next[other as usize]) {
                        Standing::Open(reading) => Some((at, reading)),
                        Standing::Waits { .. } => None,
                    })
                    .collect();
                prop_assert!(!open.is_empty(), "all wait at {next:?} among {:?}", layouts);
                let (at, reading) = open[0];
                prop_assert!(open.iter().all(|(_, other)| other.layout == reading.layout));
                prop_assert!(read[at] < reading.layout);
                read[at] = reading.layout;
                next[at] = reading.until.unwrap_or(Offset(20)).min(Offset(20));
            }
        }
    }
}
