//! What a recount has found.

use crate::operator::console;
use crate::operator::moment;
use crate::operator::table::printable;
use chrono::DateTime;
use std::fmt;

/// A value of the tables that the log doesn't allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which table's.
    pub table: Table,
    /// The row's organization.
    pub organization: String,
    /// The row's workflow or channel, in tables of those.
    pub part: Option<String>,
    /// The start of the row's bucket, in seconds since the Unix epoch, if it has one.
    pub start: Option<i64>,
    /// The column.
    pub column: &'static str,
    /// What the log says, and what the table has.
    pub values: Values,
}

/// What the log says, and what the table has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// A counter, which must be in a range.
    Counter {
        /// The lowest right value.
        low: i64,
        /// The highest.
        high: i64,
        /// What the table has.
        found: i64,
    },
    /// A text.
    Text {
        /// The right one.
        right: String,
        /// What the table has.
        found: String,
    },
}

/// A table that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// `org_quarter_metrics`.
    Quarters,
    /// `org_hourly_metrics`.
    Hours,
    /// `org_daily_metrics`.
    Days,
    /// `workflow_hourly_metrics`.
    Workflows,
    /// `organizations`.
    Organizations,
    /// `organization_channels`.
    ChannelNames,
    /// `channel_quarter_metrics`.
    ChannelQuarters,
    /// `channel_hourly_metrics`.
    ChannelHours,
    /// `channel_daily_metrics`.
    ChannelDays,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Quarters => "quarter",
            Self::Hours => "hour",
            Self::Days => "day",
            Self::Workflows => "workflow's hour",
            Self::Organizations => "organization",
            Self::ChannelNames => "names that are kept",
            Self::ChannelQuarters => "channel's quarter",
            Self::ChannelHours => "channel's hour",
            Self::ChannelDays => "channel's day",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(start) = self.start.and_then(|start| DateTime::from_timestamp(start, 0)) {
            write!(f, "{}  ", moment::shown(Some(start)))?;
        }
        write!(f, "{}  ", printable(&self.organization))?;
        if let Some(part) = &self.part {
            write!(f, "{}  ", printable(part))?;
        }
        let (column, table) = (self.column, self.table.name());
        match &self.values {
            Values::Counter { low, high, found } => {
                let right = if low == high { low.to_string() } else { range(*low, *high) };
                let nearest = (*found).clamp(*low, *high);
                let by = i128::from(*found) - i128::from(nearest);
                write!(f, "{column}: log {right}, {table} {found} ({by:+})")
            }
            Values::Text { right, found } => {
                write!(f, "{column}: log {:?}, {table} {:?}", printable(right), printable(found))
            }
        }
    }
}

fn range(low: i64, high: i64) -> String {
    if high == i64::MAX { format!("at least {low}") } else { format!("{low} to {high}") }
}

/// The differences: all are counted, some are kept.
#[derive(Debug, Default)]
pub struct Differences {
    /// How many values were compared.
    pub compared: u64,
    /// Values that are not what the log says.
    pub wrong: u64,
    /// Values of which records contradict each other, or may have been refused: the log allows several, and this is one.
    pub several: u64,
    /// Values that can't be judged, because records are gone from the log.
    pub unknown: u64,
    /// Those that are shown.
    pub shown: Vec<Difference>,
    limit: usize,
}

impl Differences {
    /// None yet; at most `limit` are kept.
    pub fn up_to(limit: u64) -> Self {
        Self { limit: usize::try_from(limit).unwrap_or(usize::MAX), ..Self::default() }
    }

    /// Whether all that were found are kept.
    pub fn is_complete(&self) -> bool {
        self.wrong == self.shown.len() as u64
    }

    /// Compares a counter. `highest` is the highest right value, `high` the highest that the log alone would allow.
    pub fn counter(
        &mut self,
        (low, high, highest): (i64, i64, i64),
        found: i64,
        difference: impl FnOnce(Values) -> Difference,
    ) {
        self.compared += 1;
        if found < low || found > highest {
            self.keep(difference(Values::Counter { low, high: highest, found }));
        } else if highest > high {
            self.unknown += 1;
        } else if low < high {
            self.several += 1;
        }
    }

    /// Compares a text.
    pub fn text(&mut self, right: &str, found: &str, difference: impl FnOnce(Values) -> Difference) {
        self.compared += 1;
        if right != found {
            self.keep(difference(Values::Text { right: right.to_owned(), found: found.to_owned() }));
        }
    }

    /// Says which values differ, and by how much.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn report(&self) -> std::io::Result<()> {
        self.shown.iter().try_for_each(console::answer)?;
        match self.wrong - self.shown.len() as u64 {
            0 => Ok(()),
            more => console::answer(format_args!("and {more} more")),
        }
    }

    fn keep(&mut self, difference: Difference) {
        self.wrong += 1;
        if self.shown.len() < self.limit {
            self.shown.push(difference);
        }
    }
}
