//! Comparing messages by channel: names of channels, their hours by quarter, and their days.

use super::differences::{Difference, Differences, Table};
use super::fixes::Fixes;
use crate::store::{ChannelNamesRow, ChannelsRow, Cursor, Error, RowFilter, TablesSnapshot};
use recount::channels::{ChannelDay, ChannelHour, ChannelHours, Channels};
use recount::{Cell, FirstNames};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

const COLUMNS: [&str; 2] = ["messages_sent", "messages_delivered"];

/// Compares all channels of the log with those of the tables; returns whether it wasn't stopped.
///
/// # Errors
/// When PostgreSQL fails, or what was read can't be read again.
pub async fn compare(
    snapshot: &TablesSnapshot<'_>,
    filter: &RowFilter,
    mut log: ChannelHours,
    mut judge: Judge<'_>,
    stop: &AtomicBool,
) -> anyhow::Result<bool> {
    let mut kept = snapshot.channel_names(filter).await?;
    let mut hour_rows = snapshot.channel_hours(filter).await?;
    let mut day_rows = snapshot.channel_days(filter).await?;
    while let Some((organization, of_log)) = log.take_organization()? {
        let of_it = |row: &ChannelNamesRow| row.organization.cmp(&organization);
        let kept = kept.find(snapshot, of_it, drop).await?.map_or(Vec::new(), |row| row.names);
        let names = judge.names(&organization, of_log, &kept);
        loop {
            let hours = log.take_day(&organization, &names)?;
            if stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            if hours.is_empty() {
                break;
            }
            for hour in &hours {
                let rest = |row| judge.hour(&Channels::default(), row, None);
                let found = at(snapshot, &mut hour_rows, &organization, hour.start, rest).await?;
                judge.hour(hour, found, Some(&names));
            }
            let day = ChannelDay::of(&hours);
            let rest = |row| judge.day(&Channels::default(), row, None);
            let found = at(snapshot, &mut day_rows, &organization, day.start, rest).await?;
            judge.day(&day, found, Some(&names));
        }
    }
    hour_rows.take_rest(snapshot, |row| judge.hour(&Channels::default(), row, None)).await?;
    day_rows.take_rest(snapshot, |row| judge.day(&Channels::default(), row, None)).await?;
    Ok(true)
}

/// The rows of a bucket. Those that come before go to `before`: the log has nothing of them.
async fn at<const PARTS: usize>(
    snapshot: &TablesSnapshot<'_>,
    rows: &mut Cursor<ChannelsRow<PARTS>>,
    organization: &str,
    start: i64,
    before: impl FnMut(ChannelsRow<PARTS>),
) -> Result<ChannelsRow<PARTS>, Error> {
    let place = |row: &ChannelsRow<PARTS>| (row.organization.as_str(), row.start).cmp(&(organization, start));
    let found = rows.find(snapshot, place, before).await?;
    let nothing = || ChannelsRow { organization: organization.to_owned(), start, channels: BTreeMap::new() };
    Ok(found.unwrap_or_else(nothing))
}

/// Judges what the tables have of channels.
pub struct Judge<'a> {
    /// Buckets before this second since the Unix epoch are not compared: members that knew no channels may have counted in them.
    pub compared_from: i64,
    /// Buckets before this second can only be too low: records are gone from the log.
    pub judged_from: i64,
    /// What is found.
    pub differences: &'a mut Differences,
    /// How to set it right.
    pub fixes: &'a mut Fixes,
}

/// Whether the log says exactly what a bucket must hold, which doesn't hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    Wrong { is_certain: bool },
}

impl Judge<'_> {
    /// The names that have rows of their own. The log may have lost records of names that the tables have kept, but what the log
    /// says was counted must be among them.
    fn names(&mut self, organization: &str, of_log: FirstNames, kept: &[String]) -> FirstNames {
        let mut names = of_log;
        for name in kept {
            names.take(name);
        }
        for name in names.iter() {
            let found = if kept.iter().any(|kept| kept == name) { name } else { "" };
            self.differences.text(name, found, |values| Difference {
                table: Table::ChannelNames,
                organization: organization.to_owned(),
                part: None,
                start: None,
                column: "channel",
                values,
            });
            if found.is_empty() && self.differences.is_complete() {
                self.fixes.channel_name(organization, name);
            }
        }
        names
    }

    /// Judges an hour.
    fn hour(&mut self, log: &ChannelHour, found: ChannelsRow<4>, names: Option<&FirstNames>) {
        match self.bucket(Table::ChannelHours, log, &found, names) {
            Verdict::Wrong { is_certain } if self.differences.is_complete() => {
                self.fixes.channel_hour(found, is_certain.then_some(log));
            }
            Verdict::Wrong { .. } | Verdict::Right => {}
        }
    }

    /// Judges a day.
    fn day(&mut self, log: &ChannelDay, found: ChannelsRow<1>, names: Option<&FirstNames>) {
        match self.bucket(Table::ChannelDays, log, &found, names) {
            Verdict::Wrong { .. } if self.differences.is_complete() => {
                self.fixes.channel_day(&found.organization, found.start);
            }
            Verdict::Wrong { .. } | Verdict::Right => {}
        }
    }

    /// Judges a bucket's parts, and the sum of them. Without `names`, channels are named as in the table.
    fn bucket<const PARTS: usize>(
        &mut self,
        table: Table,
        log: &Channels<PARTS>,
        found: &ChannelsRow<PARTS>,
        names: Option<&FirstNames>,
    ) -> Verdict {
        if found.start < self.compared_from {
            return Verdict::Right;
        }
        let rows = shown(found, names);
        let (wrong, mut is_certain) = (self.differences.wrong, true);
        let channels: BTreeSet<&str> =
            log.channels.keys().map(String::as_str).chain(rows.keys().copied()).collect();
        for channel in channels {
            let cells = log.channels.get(channel).copied().unwrap_or([Cell::default(); PARTS]);
            let values = rows.get(channel).copied().unwrap_or([[0; 2]; PARTS]);
            let (mut sum, mut sum_found) = (Cell::default(), [0; 2]);
            for ((cell, found_of_it), start) in cells.iter().zip(values).zip((found.start..).step_by(900)) {
                sum.add(cell);
                add(&mut sum_found, found_of_it);
                if PARTS > 1 {
                    let key = (found.organization.as_str(), channel, start);
                    self.cell(Table::ChannelQuarters, key, cell, found_of_it);
                }
            }
            let key = (found.organization.as_str(), channel, found.start);
            is_certain &= self.cell(table, key, &sum, sum_found);
        }
        if self.differences.wrong > wrong { Verdict::Wrong { is_certain } } else { Verdict::Right }
    }

    /// Judges a channel's values; returns whether the log says exactly what they must be.
    fn cell(&mut self, table: Table, key: (&str, &str, i64), cell: &Cell<2>, found: [i64; 2]) -> bool {
        let (organization, channel, start) = key;
        let highest = if start < self.judged_from { [i64::MAX; 2] } else { cell.high };
        for (place, column) in COLUMNS.into_iter().enumerate() {
            let range = (cell.low[place], cell.high[place], highest[place]);
            self.differences.counter(range, found[place], |values| Difference {
                table,
                organization: organization.to_owned(),
                part: Some(channel.to_owned()),
                start: Some(start),
                column,
                values,
            });
        }
        cell.low == highest
    }
}

/// What the rows have by the names that are shown.
fn shown<'a, const PARTS: usize>(
    found: &'a ChannelsRow<PARTS>,
    names: Option<&FirstNames>,
) -> BTreeMap<&'a str, [[i64; 2]; PARTS]> {
    let mut shown: BTreeMap<&str, [[i64; 2]; PARTS]> = BTreeMap::new();
    for (channel, parts) in &found.channels {
        let name = names.map_or(channel.as_str(), |names| names.shown(channel));
        let sums = shown.entry(name).or_insert([[0; 2]; PARTS]);
        sums.iter_mut().zip(parts).for_each(|(sum, part)| add(sum, *part));
    }
    shown
}

fn add(sum: &mut [i64; 2], values: [i64; 2]) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ChannelRepair;

    const HOUR: i64 = 3_600;

    fn names(of_log: &[&str]) -> FirstNames {
        let mut names = FirstNames::default();
        of_log.iter().for_each(|name| drop(names.take(name)));
        names
    }

    /// Messages sent in the second quarter: between so many and so many.
    fn sent(low: i64, high: i64) -> [Cell<2>; 4] {
        let none = Cell::default();
        [none, Cell { low: [low, 0], high: [high, 0] }, none, none]
    }

    fn stored(sent: i64) -> [[i64; 2]; 4] {
        [[0; 2], [sent, 0], [0; 2], [0; 2]]
    }

    fn row(channels: &[(&str, i64)]) -> ChannelsRow<4> {
        let channels = channels.iter().map(|(channel, sent)| ((*channel).to_owned(), stored(*sent)));
        ChannelsRow { organization: "acme".to_owned(), start: HOUR, channels: channels.collect() }
    }

    /// What is found in an hour of which the log says so much, if "sms" and "email" have rows of their own.
    #[track_caller]
    fn check(from: [i64; 2], log: &[(&str, i64, i64)], found: &[(&str, i64)], expected: &[&str]) -> Fixes {
        let (mut differences, mut fixes) = (Differences::up_to(100), Fixes::default());
        let [compared_from, judged_from] = from;
        let mut judge =
            Judge { compared_from, judged_from, differences: &mut differences, fixes: &mut fixes };
        let channels = log.iter().map(|(channel, low, high)| ((*channel).to_owned(), sent(*low, *high)));
        let hour = ChannelHour { start: HOUR, channels: channels.collect() };
        judge.hour(&hour, row(found), Some(&names(&["sms", "email"])));
        let lines: Vec<String> = differences.shown.iter().map(ToString::to_string).collect();
        assert_eq!(lines, expected);
        fixes
    }

    const ALL: [i64; 2] = [i64::MIN; 2];

    #[test]
    fn rows_are_compared_by_the_names_that_are_shown() {
        check(ALL, &[("sms", 2, 2)], &[("sms", 2)], &[]);
        let both = [("sms", 2, 2), ("other", 3, 3)];
        check(ALL, &both, &[("sms", 2), ("zz", 1), ("other", 2)], &[]);
        let fixes = check(
            ALL,
            &both,
            &[("sms", 3), ("zz", 3)],
            &[
                "1970-01-01T01:15:00Z  acme  sms  messages_sent: log 2, channel's quarter 3 (+1)",
                "1970-01-01T01:00:00Z  acme  sms  messages_sent: log 2, channel's hour 3 (+1)",
            ],
        );
        let right = both.map(|(channel, sent, _)| (channel.to_owned(), stored(sent)));
        let found = row(&[("sms", 3), ("zz", 3)]);
        let repair = ChannelRepair::Hour { found, right: BTreeMap::from(right) };
        assert_eq!(fixes.repairs[&("acme".to_owned(), 0)].channels, [repair]);
        assert_eq!(fixes.quarters.len(), 4, "records of the hour are looked at");
    }

    #[test]
    fn what_the_log_can_not_say_is_neither_judged_nor_repaired() {
        check(ALL, &[("sms", 1, 3)], &[("sms", 3)], &[]);
        let wrong = [
            "1970-01-01T01:15:00Z  acme  email  messages_sent: log 0, channel's quarter 1 (+1)",
            "1970-01-01T01:00:00Z  acme  email  messages_sent: log 0, channel's hour 1 (+1)",
        ];
        let fixes = check(ALL, &[("sms", 1, 3)], &[("sms", 2), ("email", 1)], &wrong);
        assert_eq!((fixes.impossible, fixes.repairs.len()), (1, 0));
        check([i64::MIN, HOUR + 3_600], &[("sms", 1, 1)], &[("sms", 2), ("email", 1)], &[]);
        let too_low = [
            "1970-01-01T01:15:00Z  acme  sms  messages_sent: log at least 1, channel's quarter 0 (-1)",
            "1970-01-01T01:00:00Z  acme  sms  messages_sent: log at least 1, channel's hour 0 (-1)",
        ];
        let fixes = check([i64::MIN, HOUR + 3_600], &[("sms", 1, 1)], &[], &too_low);
        assert_eq!((fixes.impossible, fixes.repairs.len()), (1, 0));
        check([HOUR + 1, i64::MIN], &[("sms", 1, 1)], &[("email", 1)], &[]);
    }

    #[test]
    fn a_name_that_the_log_has_must_be_kept_and_one_that_is_kept_counts_too() {
        let (mut differences, mut fixes) = (Differences::up_to(100), Fixes::default());
        let mut judge = Judge {
            compared_from: i64::MIN,
            judged_from: i64::MIN,
            differences: &mut differences,
            fixes: &mut fixes,
        };
        let kept: Vec<String> = (10..42).map(|n| format!("campaign-{n}")).collect();
        let found = judge.names("acme", names(&["sms", "campaign-41", "campaign-42"]), &kept);
        assert!(found.has("sms") && found.has("campaign-40") && !found.has("campaign-41"));
        let lines: Vec<String> = differences.shown.iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["acme  channel: log \"sms\", names that are kept \"\""]);
        assert_eq!(fixes.repairs.values().map(|repair| repair.channels.len()).sum::<usize>(), 1);
    }
}
