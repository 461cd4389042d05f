//! Messages by channel as rows of hours. Their days, and the names of channels, are made of them by statements. Pure.

use crate::batch::texts::{Text, Texts};
use crate::decide::changes::{Messages, PartitionChanges};
use crate::store::columns::{SparseColumn, TextColumn};
use chrono::{DateTime, Utc};
use domain::{BucketSize, Quarter, channels};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What is added to the hours of channels.
#[derive(Default)]
#[allow(missing_docs)]
pub struct ChannelRows {
    pub organization: TextColumn,
    pub channel: Vec<String>,
    pub hour: Vec<DateTime<Utc>>,
    /// Messages sent, and messages delivered.
    pub messages: [Vec<i64>; 2],
    /// What of them the second, third and fourth quarter of the hour added. Empty for a quarter that added nothing anywhere.
    pub quarters: [[SparseColumn; 2]; 3],
}

impl ChannelRows {
    /// The rows of these changes, in no order: the statements sort them. Of an organization's names those that can't be among
    /// its first are replaced, so that no batch has many.
    pub fn of(changes: &[&PartitionChanges], texts: &Arc<Texts>) -> Self {
        let of_all = || changes.iter().flat_map(|changes| &changes.channels);
        let names =
            Names::of(of_all().map(|((organization, channel, _), _)| (*organization, *channel)), texts);
        let added =
            |((organization, channel, quarter), messages): (&(Text, Text, Quarter), &Messages)| Added {
                organization: *organization,
                channel: names.counted(*organization, texts.get(*channel)),
                quarter: *quarter,
                messages: *messages,
            };
        let mut all: Vec<Added<'_>> = of_all().map(added).collect();
        all.sort_unstable_by_key(|added| (added.organization, added.channel, added.quarter));
        let of_one = |a: &Added<'_>, b: &Added<'_>| a.row() == b.row();
        let count = all.chunk_by(of_one).count();
        let mut later = [false; 3];
        for quarter in all.iter().filter_map(|added| added.quarter.of_hour().checked_sub(1)) {
            later[quarter] = true;
        }
        let column = || Vec::with_capacity(count);
        let mut rows = Self {
            organization: TextColumn::for_so_many(count, texts),
            channel: Vec::with_capacity(count),
            hour: Vec::with_capacity(count),
            messages: [column(), column()],
            quarters: Default::default(),
        };
        for row in all.chunk_by(of_one) {
            rows.add(row, later);
        }
        rows
    }

    fn add(&mut self, row: &[Added<'_>], later: [bool; 3]) {
        let (organization, channel, hour) = row[0].row();
        self.organization.push(organization);
        self.channel.push(channel.to_owned());
        self.hour.push(hour);
        let mut quarters = [Messages::default(); 4];
        row.iter().for_each(|added| quarters[added.quarter.of_hour()] += added.messages);
        let mut sum = Messages::default();
        quarters.into_iter().for_each(|messages| sum += messages);
        for (column, value) in self.messages.iter_mut().zip([sum.sent, sum.delivered]) {
            column.push(value);
        }
        let columns = self.quarters.iter_mut().zip(&quarters[1..]).zip(later).filter(|(_, given)| *given);
        for ((columns, messages), _) in columns {
            for (column, value) in columns.iter_mut().zip([messages.sent, messages.delivered]) {
                column.push(value);
            }
        }
    }

    /// What each quarter of a row's hour adds, with the quarter.
    #[must_use]
    pub fn quarters_add(&self, row: usize) -> [(Quarter, Messages); 4] {
        let later = self.quarters.each_ref().map(|columns| {
            let [sent, delivered] = columns.each_ref().map(|column| column.of(row));
            Messages { sent, delivered }
        });
        let [mut sent, mut delivered] = self.messages.each_ref().map(|column| column[row]);
        for messages in later {
            sent -= messages.sent;
            delivered -= messages.delivered;
        }
        let [second, third, fourth] = later;
        let start = self.hour[row].timestamp();
        let mut seconds = (start..).step_by(900);
        [Messages { sent, delivered }, second, third, fourth].map(|messages| {
            let quarter = seconds.next().and_then(Quarter::of_second).expect("the decoder bounds times");
            (quarter, messages)
        })
    }
}

/// What a partition adds to a quarter of an hour of a channel.
struct Added<'a> {
    organization: Text,
    channel: &'a str,
    quarter: Quarter,
    messages: Messages,
}

impl<'a> Added<'a> {
    /// The row that it is added to.
    fn row(&self) -> (Text, &'a str, DateTime<Utc>) {
        (self.organization, self.channel, self.quarter.bucket(BucketSize::Hour))
    }
}

/// The organizations that have more names in a batch than may have one of their own, each with the last that may.
struct Names<'a>(HashMap<Text, (usize, &'a str)>);

impl<'a> Names<'a> {
    fn of(used: impl Iterator<Item = (Text, Text)>, texts: &'a Texts) -> Self {
        let mut names: HashMap<Text, BTreeSet<(usize, &str)>, foldhash::fast::RandomState> =
            HashMap::default();
        let named = used.map(|(organization, channel)| (organization, texts.get(channel)));
        for (organization, channel) in named.filter(|(_, channel)| *channel != channels::OTHER) {
            let names = names.entry(organization).or_default();
            names.insert(channels::rank(channel));
            if names.len() > channels::CHANNELS_MAX + 1 {
                names.pop_last();
            }
        }
        let crowded = names.into_iter().filter(|(_, names)| names.len() > channels::CHANNELS_MAX);
        let last = |names: BTreeSet<(usize, &'a str)>| names.into_iter().nth(channels::CHANNELS_MAX - 1);
        Self(crowded.filter_map(|(organization, names)| Some((organization, last(names)?))).collect())
    }

    /// The name that a channel has in the rows.
    fn counted(&self, organization: Text, channel: &'a str) -> &'a str {
        match self.0.get(&organization) {
            Some(last) if channels::rank(channel) > *last => channels::OTHER,
            Some(_) | None => channel,
        }
    }
}
