//! `consumer audit`: compares two sets of books that different code keeps.

use super::console::{self, Advance};
use super::ending::Ending;
use super::moment;
use super::table::printable;
use crate::settings::BadSetting;
use crate::store::settings::Database;
use crate::store::{Books, DIFFERENCES_MAX, Difference, OperatorConnection, Pair, RollUpDifference};
use anyhow::Context as _;
use chrono::{DateTime, Days, Utc};
use domain::{BucketSize, Counters};

/// Settings of `consumer audit`.
#[derive(Debug, clap::Args)]
pub struct Audit {
    /// PostgreSQL, where the books are.
    #[command(flatten)]
    pub database: Database,
    /// Read from this replica instead; written like DATABASE_URL. DATABASE_PASSWORD_FILE and the files of certificates are for both.
    #[arg(long, env = "REPLICA_URL", hide_env_values = true)]
    pub replica_url: Option<String>,
    /// Only the UTC days that this window touches: FROM/TO, like 2026-02-25T00:00:00Z/2026-02-26T00:00:00Z.
    #[arg(long, value_parser = window, conflicts_with = "since")]
    pub window: Option<Window>,
    /// Only the UTC days from this one on: a time like 2026-02-25T10:00:00Z, or how long ago, like 3d.
    #[arg(long, value_parser = moment::moment)]
    pub since: Option<DateTime<Utc>>,
    /// How many differences are shown at most. All are counted.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub limit: u64,
}

/// A span of time, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

fn window(text: &str) -> Result<Window, String> {
    let parsed = text.split_once('/').and_then(|(from, to)| {
        let time = |text| DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
        Some(Window { from: time(from)?, to: time(to)? })
    });
    let example =
        "a window is written like 2026-02-25T00:00:00Z/2026-02-26T00:00:00Z, the earlier time first";
    parsed.filter(|window| window.from < window.to).ok_or_else(|| example.to_owned())
}

/// What has been compared so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    days: u64,
    differences: u64,
    /// Some day had more differences than were looked at.
    at_least: bool,
}

/// Compares the books.
///
/// # Errors
/// When there is nothing to compare in the window, or PostgreSQL doesn't answer.
pub async fn audit(settings: &Audit) -> anyhow::Result<Ending> {
    let mut connection = settings.open().await?;
    let books = connection.books().await.context("PostgreSQL")?;
    let extent = books.extent().await.context("PostgreSQL")?;
    let Some(reach) = extent.days else {
        console::answer("the books are empty")?;
        return Ok(Ending::Good);
    };
    let Some((first, last)) = settings.days(reach) else {
        return Err(
            BadSetting("no counters of that time are kept, so there is nothing to compare".into()).into()
        );
    };
    let ledger_from = DateTime::from_timestamp(extent.floor, 0).map(|floor| BucketSize::Day.ceil(floor));
    let is_rolled_up = books.is_rolled_up().await.context("PostgreSQL")?;
    let mut tally = Tally::default();
    let mut advance = Advance::start();
    let mut day = first;
    while day <= last {
        let of_ledger = ledger_from.is_none_or(|from| from <= day).then(|| {
            let knows_quarters = day.timestamp() >= extent.quarters_from;
            if knows_quarters { Pair::LedgerAndQuarters } else { Pair::LedgerAndHours }
        });
        compare(settings, &books, day, of_ledger, is_rolled_up, &mut tally).await?;
        advance.at(format_args!("{} compared, up to {}", tally.days, last.date_naive()));
        day = day + Days::new(1);
    }
    drop(advance);
    let ledger_from = ledger_from.map_or(first, |from| from.max(first));
    let from_to = format!("{} to {}", first.date_naive(), last.date_naive());
    let ledger = if last < ledger_from {
        "the ledger no longer has these days".to_owned()
    } else {
        format!("the ledger from {} on", ledger_from.date_naive())
    };
    console::answer(format_args!("{} days compared, {from_to}; {ledger}", tally.days))?;
    for organization in &books.being_erased {
        let organization = printable(organization);
        console::answer(format_args!(
            "{organization} is being erased: only the ledger's sums are compared with what is left"
        ))?;
    }
    tally.ending()
}

/// Compares the books of one day, and reports the differences.
async fn compare(
    settings: &Audit,
    books: &Books<'_>,
    day: DateTime<Utc>,
    of_ledger: Option<Pair>,
    is_rolled_up: bool,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    for pair in of_ledger.into_iter().chain([Pair::HoursAndDays]) {
        let differences = books.differences(pair, day).await.context("PostgreSQL")?;
        tally.at_least |= differences.len() as i64 == DIFFERENCES_MAX;
        for line in differences.iter().flat_map(|difference| lines(pair, difference)) {
            tally.report(line, settings.limit)?;
        }
    }
    let mut of_parts = vec![books.channels(day, DIFFERENCES_MAX).await.context("PostgreSQL")?];
    if is_rolled_up {
        of_parts.push(books.roll_ups(day, DIFFERENCES_MAX).await.context("PostgreSQL")?);
    }
    for differences in of_parts {
        tally.at_least |= differences.len() as i64 == DIFFERENCES_MAX;
        for line in differences.iter().map(rolled_up) {
            tally.report(line, settings.limit)?;
        }
    }
    tally.days += 1;
    Ok(())
}

/// A line for a sum that differs.
fn rolled_up(difference: &RollUpDifference) -> String {
    let RollUpDifference { organization, part, bucket, what, sum, stored } = difference;
    let part = part.as_deref().map_or(String::new(), |part| format!("  {}", printable(part)));
    let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
    format!(
        "{}  {}{part}  {what}: sum {}, stored {}",
        moment::shown(Some(*bucket)),
        printable(organization),
        shown(sum),
        shown(stored)
    )
}

impl Audit {
    /// A connection to the replica, if one is given.
    async fn open(&self) -> anyhow::Result<OperatorConnection> {
        let opened = match self.replica() {
            Some(replica) => match replica.wrong() {
                Some(wrong) => return Err(BadSetting(wrong).into()),
                None => OperatorConnection::open_replica(&replica).await,
            },
            None => OperatorConnection::open(&self.database).await,
        };
        opened.context("PostgreSQL")
    }

    /// The replica, reached with the same files as the primary.
    fn replica(&self) -> Option<Database> {
        let url = self.replica_url.as_deref().filter(|url| !url.is_empty());
        url.map(|url| self.database.for_url("REPLICA_URL", url))
    }

    /// The first and the last day to compare: those that were asked for and are kept.
    fn days(&self, reach: (DateTime<Utc>, DateTime<Utc>)) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let from = self.window.map(|window| window.from).or(self.since).unwrap_or(reach.0);
        let last = self.window.map_or(reach.1, |window| BucketSize::Day.ceil(window.to) - Days::new(1));
        let first = BucketSize::Day.floor(from).max(reach.0);
        let last = last.min(reach.1);
        (first <= last).then_some((first, last))
    }
}

impl Tally {
    /// Counts a difference, and shows it unless enough are shown.
    fn report(&mut self, line: String, limit: u64) -> std::io::Result<()> {
        self.differences += 1;
        if self.differences <= limit { console::answer(line) } else { Ok(()) }
    }

    fn ending(self) -> anyhow::Result<Ending> {
        if self.differences == 0 {
            console::answer("the books agree")?;
            return Ok(Ending::Good);
        }
        let at_least = if self.at_least { "at least " } else { "" };
        console::answer(format_args!(
            "the books differ in {at_least}{} counters of buckets",
            self.differences
        ))?;
        Ok(Ending::Bad)
    }
}

/// A line for each counter that differs.
fn lines(pair: Pair, difference: &Difference) -> Vec<String> {
    let (first, second) = match pair {
        Pair::LedgerAndQuarters => ("ledger", "quarters"),
        Pair::LedgerAndHours => ("ledger", "hours"),
        Pair::HoursAndDays => ("hours", "day"),
    };
    let whose = difference.organization.as_deref().map_or("all organizations".to_owned(), printable);
    let bucket = moment::shown(Some(difference.bucket));
    let values = difference.first.values().into_iter().zip(difference.second.values());
    let differing = Counters::NAMES.into_iter().zip(values).filter(|(_, (one, other))| one != other);
    let line = |(name, (one, other)): (&str, (i64, i64))| {
        format!(
            "{bucket}  {whose}  {name}: {first} {one}, {second} {other} ({:+})",
            i128::from(other) - i128::from(one)
        )
    };
    differing.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_two_times_in_order() {
        assert!(window("2026-02-25T00:00:00Z/2026-02-25T01:00:00Z").is_ok());
        for wrong in
            ["2026-02-25T01:00:00Z/2026-02-25T00:00:00Z", "2026-02-25T01:00:00Z", "yesterday/now", "/"]
        {
            assert!(window(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_difference_is_reported_counter_by_counter() {
        let first = Counters { orders_created: 3, messages_sent: 1, ..Counters::default() };
        let second = Counters { orders_created: 4, messages_sent: 1, ..Counters::default() };
        let bucket = DateTime::UNIX_EPOCH;
        let difference = Difference { organization: Some("acme".into()), bucket, first, second };
        let expected = "1970-01-01T00:00:00Z  acme  orders_created: hours 3, day 4 (+1)";
        assert_eq!(lines(Pair::HoursAndDays, &difference), [expected]);
    }
}
