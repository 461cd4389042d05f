//! Messages by channel: which channels of an organization have rows of their own, and what the hours of channels must hold.
//!
//! ```text
//! organization 00 | hour, 8 | channel 00 | (place, 1 | lowest, 8 | highest, 8) for each value of a quarter that isn't zero
//! ```
//! An organization's first names are only known once all its messages are. So hours are written as such items, under the names
//! that records give, and sorted. They are read back under the names that have rows.

use crate::cells::{Cell, Width};
use crate::entry::{Effect, Reader, sortable64, text};
use crate::identities::Identity;
use crate::says::{OTHER, UNKNOWN};
use crate::sorter::Merge;
use std::collections::BTreeMap;
use std::io;

/// How many channels of an organization have rows of their own.
const NAMES_MAX: usize = 32;
/// Channels of an hour that are added up in memory at once: each record may name another.
const CHANNELS_AT_ONCE: usize = 100;
/// The hour of items that are an organization's first names. It sorts before all others.
const NAMES: i64 = i64::MIN;

/// The channels of an organization that have rows of their own: short names before long ones, then by their bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstNames(Vec<String>);

impl FirstNames {
    /// Takes a name in. Returns the one that is no longer among the first, if there is one.
    pub fn take(&mut self, name: &str) -> Option<String> {
        if name == OTHER || name == UNKNOWN {
            return None;
        }
        if let Err(place) = self.place(name)
            && place < NAMES_MAX
        {
            self.0.insert(place, name.to_owned());
        }
        (self.0.len() > NAMES_MAX).then(|| self.0.pop()).flatten()
    }

    /// Whether the name is among them.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }

    /// The name under which a channel's messages are shown.
    #[must_use]
    pub fn shown<'a>(&self, name: &'a str) -> &'a str {
        if self.has(name) { name } else { OTHER }
    }

    /// The names, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The name's place, or the one that it would have.
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|known| (known.len(), known.as_str()).cmp(&(name.len(), name)))
    }
}

/// Messages sent and messages delivered, in each quarter of an hour.
pub type Quarters = [Cell<2>; 4];

/// What messages add to a channel's hour.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    organization: String,
    hour: i64,
    channel: String,
    quarters: Quarters,
}

impl Item {
    fn write(
        organization: &str,
        hour: i64,
        channel: &str,
        quarters: &Quarters,
        item: &mut impl FnMut(&[u8]),
    ) {
        let mut bytes = Vec::new();
        text(&mut bytes, organization);
        bytes.extend(sortable64(hour));
        text(&mut bytes, channel);
        let values = quarters.iter().flat_map(|cell| cell.low.into_iter().zip(cell.high));
        for (place, (low, high)) in (0..).zip(values).filter(|(_, (_, high))| *high != 0) {
            bytes.push(place);
            bytes.extend(sortable64(low));
            bytes.extend(sortable64(high));
        }
        item(&bytes);
    }

    /// The item of such bytes; `None` if they are none.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = Reader(bytes);
        let organization = rest.text()?.to_owned();
        let hour = rest.number64()?;
        let channel = rest.text()?.to_owned();
        let mut quarters = Quarters::default();
        while let Some(place) = rest.byte().map(usize::from) {
            let cell = quarters.get_mut(place / 2)?;
            cell.low[place % 2] = rest.number64()?;
            cell.high[place % 2] = rest.number64()?;
        }
        Some(Self { organization, hour, channel, quarters })
    }
}

/// Writes what messages add to hours of channels. Identities come by organization and time.
pub struct ChannelItems {
    since: i64,
    organization: String,
    names: FirstNames,
    hour: i64,
    sums: BTreeMap<String, Quarters>,
}

impl ChannelItems {
    /// Channels are counted for certain from this second since the Unix epoch on.
    #[must_use]
    pub const fn since(since: i64) -> Self {
        Self {
            since,
            organization: String::new(),
            names: FirstNames(Vec::new()),
            hour: NAMES,
            sums: BTreeMap::new(),
        }
    }

    /// Adds an identity; items that are complete then go to `item`. Copies that contradict each other may be of several channels.
    pub fn add(&mut self, identity: &Identity, mut item: impl FnMut(&[u8])) {
        let mut named: Vec<(&str, usize)> =
            identity.entries().filter_map(|entry| named(&entry.effect)).collect();
        named.sort_unstable();
        named.dedup();
        if named.is_empty() {
            return;
        }
        if self.organization != identity.organization {
            self.close(&mut item);
            self.organization.clone_from(&identity.organization);
        }
        let second = i64::from(identity.quarter) * Width::Quarter.seconds();
        let hour = Width::Hour.start(second);
        if self.hour != hour || self.sums.len() >= CHANNELS_AT_ONCE {
            self.write_hour(&mut item);
            self.hour = hour;
        }
        let is_sure = identity.certain && named.len() == 1;
        let quarter = usize::try_from((second - hour) / Width::Quarter.seconds()).expect("one of four");
        for (channel, milestone) in named.into_iter().filter(|(channel, _)| *channel != UNKNOWN) {
            if is_sure && second >= self.since {
                self.names.take(channel);
            }
            let cell = &mut self.sums.entry(channel.to_owned()).or_default()[quarter];
            cell.low[milestone] += i64::from(is_sure);
            cell.high[milestone] += 1;
        }
    }

    /// Completes the last organization.
    pub fn close(&mut self, mut item: impl FnMut(&[u8])) {
        self.write_hour(&mut item);
        for name in std::mem::take(&mut self.names).iter() {
            Item::write(&self.organization, NAMES, name, &Quarters::default(), &mut item);
        }
    }

    fn write_hour(&mut self, item: &mut impl FnMut(&[u8])) {
        for (channel, quarters) in std::mem::take(&mut self.sums) {
            Item::write(&self.organization, self.hour, &channel, &quarters, item);
        }
    }
}

/// The channel of a message, and the place of what it adds.
fn named<'a>(effect: &Effect<'a>) -> Option<(&'a str, usize)> {
    match effect {
        Effect::Sent(channel) => Some((channel, 0)),
        Effect::Delivered(channel) => Some((channel, 1)),
        Effect::Order | Effect::Payment { .. } | Effect::Run(_) | Effect::Update(_) => None,
    }
}

/// The channels of a bucket, by the names under which they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Channels<const PARTS: usize> {
    /// The bucket's start, in seconds since the Unix epoch.
    pub start: i64,
    /// What each channel must hold, in each part of the bucket: messages sent, and messages delivered.
    pub channels: BTreeMap<String, [Cell<2>; PARTS]>,
}

/// An hour, by quarter.
pub type ChannelHour = Channels<4>;

/// A UTC day.
pub type ChannelDay = Channels<1>;

impl ChannelDay {
    /// The day of these hours.
    #[must_use]
    pub fn of(hours: &[ChannelHour]) -> Self {
        let start = hours.first().map_or(0, |first| Width::Day.start(first.start));
        let mut day = Self { start, ..Self::default() };
        for (channel, quarters) in hours.iter().flat_map(|hour| &hour.channels) {
            let [sum] = day.channels.entry(channel.clone()).or_default();
            quarters.iter().for_each(|quarter| sum.add(quarter));
        }
        day
    }
}

/// The hours of channels, from sorted items.
pub struct ChannelHours {
    merge: Merge,
    next: Option<Item>,
}

impl ChannelHours {
    /// The hours of sorted items.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn of(merge: Merge) -> io::Result<Self> {
        let mut hours = Self { merge, next: None };
        hours.advance()?;
        Ok(hours)
    }

    /// The next organization, with the first names of those that were counted for certain.
    ///
    /// # Errors
    /// When items can't be read.
    pub fn take_organization(&mut self) -> io::Result<Option<(String, FirstNames)>> {
        let Some(organization) = self.next.as_ref().map(|item| item.organization.clone()) else {
            return Ok(None);
        };
        let mut names = FirstNames::default();
        while let Some(item) = self.take_of(&organization, NAMES)? {
            names.take(&item.channel);
        }
        Ok(Some((organization, names)))
    }

    /// The hours of the organization's next UTC day, if these are the names that have rows of their own; none after the last.
    ///
    /// # Errors
    /// When items can't be read.
    pub fn take_day(&mut self, organization: &str, names: &FirstNames) -> io::Result<Vec<ChannelHour>> {
        let mut hours: Vec<ChannelHour> = Vec::new();
        while let Some(next) = self.next.as_ref().filter(|item| item.organization == organization) {
            let day = |start| Width::Day.start(start);
            if hours.first().is_some_and(|first| day(first.start) != day(next.hour)) {
                break;
            }
            let mut hour = ChannelHour { start: next.hour, ..ChannelHour::default() };
            while let Some(item) = self.take_of(organization, hour.start)? {
                let sums = hour.channels.entry(names.shown(&item.channel).to_owned()).or_default();
                sums.iter_mut().zip(&item.quarters).for_each(|(sum, adds)| sum.add(adds));
            }
            hours.push(hour);
        }
        Ok(hours)
    }

    /// The next item, if it is of this hour.
    fn take_of(&mut self, organization: &str, hour: i64) -> io::Result<Option<Item>> {
        let is_next = |item: &Item| item.organization == organization && item.hour == hour;
        if self.next.as_ref().is_some_and(is_next) { self.advance() } else { Ok(None) }
    }

    /// Takes the next item, and reads the one after it.
    fn advance(&mut self) -> io::Result<Option<Item>> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a run is damaged");
        let read = |bytes| Item::read(bytes).ok_or_else(damaged);
        let next = self.merge.take_next()?.map(read).transpose()?;
        Ok(std::mem::replace(&mut self.next, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Entry, What};

    fn first(names: &[&str]) -> FirstNames {
        let mut first = FirstNames::default();
        for name in names {
            first.take(name);
        }
        first
    }

    #[test]
    fn short_names_come_first_then_smaller_ones_and_no_name_twice() {
        let names = first(&["sms", "email", "b", "a", "sms", OTHER, UNKNOWN]);
        assert_eq!(names.iter().collect::<Vec<_>>(), ["a", "b", "sms", "email"]);
        assert_eq!((names.shown("sms"), names.shown("push")), ("sms", OTHER));
        assert!(!names.has(OTHER));
    }

    #[test]
    fn only_the_first_names_are_kept_and_the_one_that_goes_is_told() {
        let long: Vec<String> = (10..42).map(|n| format!("campaign-{n}")).collect();
        let mut names = first(&long.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(names.take("campaign-42"), None);
        assert_eq!(names.take("campaign-41"), None, "it is among them");
        assert!(names.has("campaign-41") && !names.has("campaign-42"));
        assert_eq!(names.take("sms").as_deref(), Some("campaign-41"));
        assert_eq!((names.iter().count(), names.shown("campaign-41")), (NAMES_MAX, OTHER));
    }

    #[test]
    fn items_sort_by_organization_hour_and_channel_with_the_names_first() {
        let quarters = |low, high| {
            let mut quarters = Quarters::default();
            quarters[3] = Cell { low: [0, low], high: [0, high] };
            quarters
        };
        let items = [
            ("a", NAMES, "sms", Quarters::default()),
            ("a", -3_600, "email", quarters(0, 1)),
            ("a", 0, "email", quarters(2, 2)),
            ("a", 0, "sms", quarters(0, 3)),
            ("ab", NAMES, "a", Quarters::default()),
        ];
        let mut written: Vec<Vec<u8>> = Vec::new();
        for (organization, hour, channel, quarters) in &items {
            Item::write(organization, *hour, channel, quarters, &mut |item| written.push(item.to_vec()));
        }
        assert!(written.is_sorted());
        for ((organization, hour, channel, quarters), bytes) in items.into_iter().zip(written) {
            let (organization, channel) = (organization.to_owned(), channel.to_owned());
            assert_eq!(Item::read(&bytes), Some(Item { organization, hour, channel, quarters }));
            assert_eq!(Item::read(&bytes[..5]), None);
        }
    }

    #[test]
    fn an_hour_of_many_channels_is_written_in_parts_that_add_up() {
        let mut items = ChannelItems::since(i64::MIN);
        let mut written: Vec<Item> = Vec::new();
        for n in 0..600 {
            let (id, channel) = (format!("m{n}"), format!("c{:03}", n % 150));
            let entry = Entry {
                organization: "acme",
                quarter: 1,
                id: &id,
                partition: 0,
                offset: n,
                certain: true,
                effect: Effect::Sent(&channel),
            };
            let mut bytes = Vec::new();
            entry.write(&mut bytes);
            let identity = Identity {
                organization: "acme".to_owned(),
                quarter: 1,
                what: What::Sent,
                id: id.clone(),
                firsts: vec![bytes],
                copies: 1,
                contradicting: 0,
                certain: true,
            };
            items.add(&identity, |item| written.extend(Item::read(item)));
            assert!(items.sums.len() <= CHANNELS_AT_ONCE);
        }
        items.close(|item| written.extend(Item::read(item)));
        let (names, hours): (Vec<Item>, Vec<Item>) = written.into_iter().partition(|item| item.hour == NAMES);
        assert_eq!(names.len(), NAMES_MAX);
        assert_eq!(hours.len(), 600, "none is met again before the others");
        assert!(hours.iter().all(|item| item.quarters[1] == Cell { low: [1, 0], high: [1, 0] }));
    }
}
