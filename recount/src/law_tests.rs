//! The law: however entries are cut into runs, the cells are what a count in memory, record by record, says.

use crate::cells::{Buckets, Cell, WorkflowHour, write_runs};
use crate::channels::{ChannelDay, ChannelHour, ChannelHours, ChannelItems, FirstNames, Quarters};
use crate::content::Kind;
use crate::entry::{Effect, Entry, Run, What};
use crate::erased::Erased;
use crate::identities::Identities;
use crate::sorter::Sorter;
use crate::{Merge, Width};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A record, by small numbers, so that many are copies of one identity.
#[derive(Clone, Copy, Debug)]
struct Sketch {
    organization: u8,
    quarter: i32,
    id: u8,
    partition: i32,
    sort: u8,
    outcome: u8,
    certain: bool,
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let quarter = prop::sample::select(vec![-97, -1, 0, 3, 4, 95, 96]);
    (0..3u8, quarter, 0..4u8, 0..3i32, 0..5u8, 1..4u8, prop::bool::weighted(0.8)).prop_map(
        |(organization, quarter, id, partition, sort, outcome, certain)| Sketch {
            organization,
            quarter,
            id,
            partition,
            sort,
            outcome,
            certain,
        },
    )
}

impl Sketch {
    fn organization(self) -> String {
        "abc".repeat(1 + usize::from(self.organization))
    }

    fn id(self) -> String {
        format!("id{}", self.id)
    }

    /// Mostly the same for all copies.
    fn channel(self) -> &'static str {
        static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
            let some = ["unknown", "other", "sms", "email"].map(str::to_owned);
            some.into_iter().chain((0..60).map(|n| format!("campaign {:04}", n * 7_919 % 10_007))).collect()
        });
        &NAMES[usize::from(self.id) + usize::from(self.outcome == 3)]
    }

    fn effect(self) -> Effect<'static> {
        match self.sort {
            0 => Effect::Order,
            1 => Effect::Payment { successful: self.outcome == 1 },
            2 => Effect::Sent(self.channel()),
            3 => Effect::Delivered(self.channel()),
            _ => Effect::Run(Run {
                outcome: self.outcome,
                execution_time_ms: i64::from(self.outcome) * 100,
                finished_at: i64::from(self.partition),
                workflow: if self.outcome == 3 { "other" } else { "checkout" },
                name: "Checkout",
            }),
        }
    }
}

/// A folder of its own, deleted with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("recount-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// The entries of the records, in this order at ascending offsets, cut into runs.
fn sorted(folder: &Folder, records: &[Sketch], per_run: usize) -> Merge {
    let mut sorter = Sorter::new(&folder.0, "entries", 1 << 20, Vec::new());
    for (offset, record) in (0..).zip(records) {
        let (organization, id) = (record.organization(), record.id());
        let entry = Entry {
            organization: &organization,
            quarter: record.quarter,
            id: &id,
            partition: record.partition,
            offset,
            certain: record.certain,
            effect: record.effect(),
        };
        sorter.add(|bytes| entry.write(bytes));
        if (offset + 1) % i64::try_from(per_run).unwrap() == 0 {
            sorter.spill().unwrap();
        }
    }
    sorter.settle().unwrap();
    sorter.merge().unwrap()
}

type Cells = BTreeMap<(Width, String, i64), Cell<8>>;
/// Organization, quarter, what it belongs to, id.
type Key = (String, i32, u8, String);

/// What a count in memory says.
fn expected(records: &[Sketch]) -> Cells {
    let mut firsts: BTreeMap<Key, BTreeMap<i32, [i64; 8]>> = BTreeMap::new();
    let mut certain: BTreeMap<Key, bool> = BTreeMap::new();
    for record in records {
        let key = (record.organization(), record.quarter, record.effect().what() as u8, record.id());
        *certain.entry(key.clone()).or_default() |= record.certain;
        firsts.entry(key).or_default().entry(record.partition).or_insert(record.effect().counters());
    }
    let mut cells = Cells::new();
    for (key, copies) in firsts {
        for width in Width::ALL {
            let start = width.start(i64::from(key.1) * 900);
            let cell = cells.entry((width, key.0.clone(), start)).or_default();
            for place in 0..8 {
                let values = || copies.values().map(|values| values[place]);
                let least = if certain[&key] { i64::MAX } else { 0 };
                cell.low[place] += values().min().unwrap().min(least);
                cell.high[place] += values().max().unwrap();
            }
        }
    }
    cells
}

/// Organization, hour, channel.
type Channels = BTreeMap<(String, i64, String), Quarters>;

/// The first names and the hours that a count in memory says.
fn expected_channels(records: &[Sketch], since: i64) -> (BTreeMap<String, FirstNames>, Channels) {
    let mut copies: BTreeMap<Key, (bool, BTreeMap<i32, &str>)> = BTreeMap::new();
    for record in records {
        let key = (record.organization(), record.quarter, record.effect().what() as u8, record.id());
        let (certain, firsts) = copies.entry(key).or_default();
        *certain |= record.certain;
        firsts.entry(record.partition).or_insert(record.channel());
    }
    let mut names: BTreeMap<String, BTreeSet<(usize, &str)>> = BTreeMap::new();
    let mut named = Vec::new();
    for ((organization, quarter, what, _), (certain, firsts)) in copies {
        let channels: BTreeSet<&str> = firsts.into_values().collect();
        let is_sure = certain && channels.len() == 1;
        let second = i64::from(quarter) * 900;
        for channel in channels.into_iter().filter(|channel| *channel != "unknown") {
            if is_sure && second >= since && channel != "other" {
                names.entry(organization.clone()).or_default().insert((channel.len(), channel));
            }
            named.push((
                organization.clone(),
                second,
                usize::from(what == What::Delivered as u8),
                channel,
                is_sure,
            ));
        }
    }
    let mut channels = Channels::new();
    for (organization, second, milestone, channel, is_sure) in named {
        let first = names.get(&organization);
        let mut first = first.into_iter().flatten().take(32);
        let shown = if first.any(|(_, name)| *name == channel) { channel } else { "other" };
        let hour = Width::Hour.start(second);
        let quarters = channels.entry((organization, hour, shown.to_owned())).or_default();
        let cell = &mut quarters[usize::try_from(second - hour).unwrap() / 900];
        cell.low[milestone] += i64::from(is_sure);
        cell.high[milestone] += 1;
    }
    let first = |names: BTreeSet<(usize, &str)>| {
        let mut first = FirstNames::default();
        names.into_iter().take(32).for_each(|(_, name)| drop(first.take(name)));
        first
    };
    (names.into_iter().map(|(organization, names)| (organization, first(names))).collect(), channels)
}

proptest! {
    #[test]
    fn cells_are_those_of_a_count_in_memory(records in prop::collection::vec(sketch(), 0..120), per_run in 1..60usize) {
        let folder = Folder::new();
        let nothing = Erased::default();
        let mut identities = Identities::of(sorted(&folder, &records, per_run), &nothing).unwrap();
        let (mut buckets, mut closed, mut copies) = (Buckets::default(), Vec::new(), 0);
        while let Some(identity) = identities.take_next().unwrap() {
            copies += identity.copies;
            buckets.add(&identity, &mut closed);
        }
        buckets.close(&mut closed);
        prop_assert_eq!(copies, records.len() as u64);
        let count = closed.len();
        for width in Width::ALL {
            let keys: Vec<_> = closed.iter().filter(|cell| cell.width == width).map(|cell| (&cell.organization, cell.start)).collect();
            prop_assert!(keys.is_sorted(), "{:?}", keys);
        }
        let cells: Cells = closed.into_iter().map(|closed| ((closed.width, closed.organization, closed.start), closed.cell)).collect();
        prop_assert_eq!(cells.len(), count, "each cell is completed once");
        prop_assert_eq!(cells, expected(&records));
    }

    /// What was counted before an offset is erased: what is left is a count of the others, but for later copies of what was erased.
    #[test]
    fn what_is_erased_counts_no_more_and_neither_do_its_copies(
        records in prop::collection::vec(sketch(), 0..120),
        boundary in 0..120usize,
        per_run in 1..60usize,
    ) {
        let folder = Folder::new();
        let organization = "abc".to_owned();
        let mut erased = Erased::default();
        for kind in Kind::ALL {
            (0..3).for_each(|partition| erased.before_offset(&organization, kind, partition, boundary as i64));
        }
        let mut identities = Identities::of(sorted(&folder, &records, per_run), &erased).unwrap();
        let (mut buckets, mut closed) = (Buckets::default(), Vec::new());
        while let Some(identity) = identities.take_next().unwrap() {
            buckets.add(&identity, &mut closed);
        }
        buckets.close(&mut closed);
        let cells: Cells = closed.into_iter().map(|closed| ((closed.width, closed.organization, closed.start), closed.cell)).collect();

        let key = |record: &Sketch| (record.quarter, record.effect().what() as u8, record.id());
        let is_its = |record: &&Sketch| record.organization() == organization;
        let before: Vec<&Sketch> = records.iter().take(boundary).filter(is_its).collect();
        let counted: BTreeSet<_> = before.iter().filter(|record| record.certain).map(|record| key(record)).collect();
        let doubtful: BTreeSet<_> = before.iter().filter(|record| !record.certain).map(|record| key(record)).collect();
        let left = records.iter().enumerate().filter(|(place, record)| {
            record.organization() != organization || *place >= boundary && !counted.contains(&key(record))
        });
        let left: Vec<Sketch> = left
            .map(|(_, record)| {
                let is_doubtful = is_its(&record) && doubtful.contains(&key(record));
                Sketch { certain: record.certain && !is_doubtful, ..*record }
            })
            .collect();
        prop_assert_eq!(cells, expected(&left));
    }

    #[test]
    fn hours_of_workflows_add_up_to_the_organizations_counters(records in prop::collection::vec(sketch(), 0..80)) {
        let folder = Folder::new();
        let nothing = Erased::default();
        let mut identities = Identities::of(sorted(&folder, &records, 7), &nothing).unwrap();
        let mut hours: BTreeMap<(String, i64), Cell<4>> = BTreeMap::new();
        while let Some(identity) = identities.take_next().unwrap() {
            write_runs(&identity, |item| {
                let hour = WorkflowHour::read(item).unwrap();
                let sum = hours.entry((hour.organization, hour.start)).or_default();
                sum.low.iter_mut().zip(hour.cell.low).for_each(|(sum, value)| *sum += value);
                sum.high.iter_mut().zip(hour.cell.high).for_each(|(sum, value)| *sum += value);
            });
        }
        for ((width, organization, start), cell) in expected(&records) {
            if width == Width::Hour {
                let hour = hours.get(&(organization, start)).copied().unwrap_or_default();
                // Copies that contradict each other may be of several workflows: then only bounds are known.
                prop_assert!(hour.low[0] <= cell.low[3] && cell.high[3] <= hour.high[0]);
                prop_assert!(hour.low[3] <= cell.low[5] && cell.high[5] <= hour.high[3]);
            }
        }
    }

    #[test]
    fn hours_of_channels_are_those_of_a_count_in_memory(
        records in prop::collection::vec((sketch(), 0..60u8), 0..200),
        since in prop::sample::select(vec![i64::MIN, 0, 3_600]),
        per_run in 20..200usize,
    ) {
        let messages = records.into_iter().map(|(record, id)| Sketch { id, sort: 2 + id % 2, ..record });
        let records: Vec<Sketch> = messages.collect();
        let folder = Folder::new();
        let nothing = Erased::default();
        let mut identities = Identities::of(sorted(&folder, &records, per_run), &nothing).unwrap();
        let mut sorter = Sorter::new(&folder.0, "channels", 1 << 20, Vec::new());
        let mut items = ChannelItems::since(since);
        while let Some(identity) = identities.take_next().unwrap() {
            items.add(&identity, |item| sorter.add(|bytes| bytes.extend_from_slice(item)));
        }
        items.close(|item| sorter.add(|bytes| bytes.extend_from_slice(item)));
        sorter.settle().unwrap();
        let mut hours = ChannelHours::of(sorter.merge().unwrap()).unwrap();
        let (mut all_names, mut channels) = (BTreeMap::new(), Channels::new());
        while let Some((organization, names)) = hours.take_organization().unwrap() {
            let mut day = hours.take_day(&organization, &names).unwrap();
            while !day.is_empty() {
                prop_assert!(day.iter().all(|hour| Width::Day.start(hour.start) == ChannelDay::of(&day).start));
                let of_hour = |hour: ChannelHour| hour.channels.into_iter().map(move |(channel, quarters)| (hour.start, channel, quarters));
                for (start, channel, quarters) in day.into_iter().flat_map(of_hour) {
                    channels.insert((organization.clone(), start, channel), quarters);
                }
                day = hours.take_day(&organization, &names).unwrap();
            }
            all_names.insert(organization, names);
        }
        let (expected_names, expected) = expected_channels(&records, since);
        all_names.retain(|_, names| *names != FirstNames::default());
        prop_assert_eq!(all_names, expected_names);
        prop_assert_eq!(channels, expected);
    }
}
