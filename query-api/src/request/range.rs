//! The interval a request is about, made canonical: the same question always becomes the same range, and therefore the
//! same cache key.

use crate::request::cells::Cells;
use crate::request::compare::{self, Compare, Comparison, Interval, Periods};
use crate::request::granularity::Granularity;
use crate::request::zone::Zone;
use chrono::{DateTime, TimeDelta, Utc};
use domain::BucketSize;
use serde::{Serialize, Serializer};

/// Without `from`, a range begins this long before its end.
const DEFAULT_LENGTH: TimeDelta = TimeDelta::hours(24);

/// How far a request may reach.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Ranges")]
pub struct Settings {
    /// The longest range a request may ask for, in days; longer ones are shortened from their start. Raise it when
    /// people look at quarters or years, at the price of larger answers
    #[arg(long, env, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=3660))]
    pub max_range_days: u16,
}

/// A query parameter that can't be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct BadParameter {
    /// Which one.
    pub name: &'static str,
    /// What is wrong with it and what would be right, for people.
    pub detail: String,
}

/// A range as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawRange {
    /// The parameter `from`.
    pub from: Option<String>,
    /// The parameter `to`.
    pub to: Option<String>,
    /// The parameter `granularity`.
    pub granularity: Option<String>,
    /// The parameter `timezone`.
    pub timezone: Option<String>,
    /// The parameter `compare`.
    pub compare: Option<String>,
}

impl RawRange {
    /// Picks the range out of a query string's pairs; other parameters are ignored.
    ///
    /// # Errors
    /// When one is given twice: nobody can know which was meant.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, BadParameter> {
        let mut raw = Self::default();
        for (key, value) in pairs {
            let (name, slot) = match key.as_str() {
                "from" => ("from", &mut raw.from),
                "to" => ("to", &mut raw.to),
                "granularity" => ("granularity", &mut raw.granularity),
                "timezone" => ("timezone", &mut raw.timezone),
                "compare" => ("compare", &mut raw.compare),
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(BadParameter { name, detail: format!("`{name}` is given more than once") });
            }
        }
        Ok(raw)
    }

    /// The canonical range, by these rules in this order: parse, defaults, swap, nothing after `now`, cap, choose the
    /// granularity, round outward. (The length that chooses the granularity is the one before rounding: asking for
    /// exactly 72 hours gives hours at any minute.)
    ///
    /// # Errors
    /// When a time is no time, or the granularity, the zone or the comparison is unknown.
    pub fn normalise(&self, now: DateTime<Utc>, settings: &Settings) -> Result<Range, BadParameter> {
        let from = time("from", self.from.as_deref())?;
        let to = time("to", self.to.as_deref())?;
        let granularity = granularity(self.granularity.as_deref())?;
        let zone = zone(self.timezone.as_deref())?;
        let compare = compare(self.compare.as_deref())?;

        let to = to.unwrap_or(now);
        let from = from.unwrap_or(to - DEFAULT_LENGTH);
        let (from, to) = (from.min(to), from.max(to));
        let (from, to) = (from.min(now), to.min(now));
        let from = from.max(to - TimeDelta::days(settings.max_range_days.into()));
        let granularity = granularity.unwrap_or(Granularity::of_length(to - from));
        let range = Range::around(Interval { from, to }, granularity, zone.unwrap_or(Zone::UTC), now);
        // Who names a zone means its calendar. Without one a period is a length of time, as it always was.
        let periods = if zone.is_some() { Periods::Calendar } else { Periods::AsLong };
        Ok(range.compared(compare, periods))
    }
}

fn time(name: &'static str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, BadParameter> {
    let parse = |text: &str| {
        DateTime::parse_from_rfc3339(&with_plus(text)).map(|time| time.to_utc()).map_err(|_| BadParameter {
            name,
            detail: format!("`{name}` must be an RFC 3339 time, such as 2026-02-25T10:00:00Z"),
        })
    };
    text.map(parse).transpose()
}

/// An unescaped `+` in a query string means a space, so `...T10:00:00+01:00` arrives as `...T10:00:00 01:00`. Nothing
/// else can have been meant.
fn with_plus(text: &str) -> String {
    match text.rsplit_once(' ') {
        Some((time, offset)) if time.contains(['T', 't', ' ']) => format!("{time}+{offset}"),
        Some(_) | None => text.to_owned(),
    }
}

fn granularity(text: Option<&str>) -> Result<Option<Granularity>, BadParameter> {
    match text {
        None => Ok(None),
        Some("hour") => Ok(Some(Granularity::Hour)),
        Some("day") => Ok(Some(Granularity::Day)),
        Some(_) => {
            let detail = "`granularity` must be hour or day".to_owned();
            Err(BadParameter { name: "granularity", detail })
        }
    }
}

/// The zone of that name, whose `+` may have become a space like any other.
fn zone(text: Option<&str>) -> Result<Option<Zone>, BadParameter> {
    let named = |text: &str| Zone::named(&text.replace(' ', "+"));
    let detail = || "`timezone` must be an IANA name, such as Europe/Berlin or UTC".to_owned();
    text.map(|text| named(text).ok_or_else(|| BadParameter { name: "timezone", detail: detail() }))
        .transpose()
}

fn compare(text: Option<&str>) -> Result<Compare, BadParameter> {
    let Some(text) = text else { return Ok(Compare::default()) };
    let names = Compare::ALL.map(Compare::name).join(", ");
    let detail = || format!("`compare` must be one of {names}");
    let known = Compare::ALL.into_iter().find(|mode| mode.name() == text);
    known.ok_or_else(|| BadParameter { name: "compare", detail: detail() })
}

/// A canonical, half-open interval of whole buckets. All there is to know about `now` is in `closed_until`, so an
/// answer is a function of the range and the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    granularity: Granularity,
    zone: Zone,
    closed_until: DateTime<Utc>,
    comparison: Option<Comparison>,
}

impl Range {
    fn around(asked: Interval, granularity: Granularity, zone: Zone, now: DateTime<Utc>) -> Self {
        let from = zone.floor(asked.from, granularity);
        let to = zone.ceil(asked.to, granularity).max(zone.end(from, granularity));
        let closed_until = to.min(zone.floor(now, granularity));
        Self { from, to, granularity, zone, closed_until, comparison: None }
    }

    fn compared(self, mode: Compare, periods: Periods) -> Self {
        let over = Interval { from: self.from, to: self.closed_until };
        Self { comparison: compare::comparison(mode, over, self.zone, periods), ..self }
    }

    /// The first bucket's start.
    #[must_use]
    pub const fn from(&self) -> DateTime<Utc> {
        self.from
    }

    /// The last bucket's end.
    #[must_use]
    pub const fn to(&self) -> DateTime<Utc> {
        self.to
    }

    /// The width of its buckets.
    #[must_use]
    pub const fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// The zone whose buckets they are.
    #[must_use]
    pub const fn zone(&self) -> Zone {
        self.zone
    }

    /// The end of what is over: the start of the bucket that contains now, where that lies in the range, else its end.
    #[must_use]
    pub const fn closed_until(&self) -> DateTime<Utc> {
        self.closed_until
    }

    /// What `[from, closed_until)` is compared with; `None` while nothing of the range is over, or nothing is wanted.
    #[must_use]
    pub const fn comparison(&self) -> Option<Comparison> {
        self.comparison
    }

    /// Whether now is in the bucket that starts at `bucket`.
    #[must_use]
    pub fn is_open(&self, bucket: DateTime<Utc>) -> bool {
        bucket >= self.closed_until
    }

    /// The starts of its buckets.
    pub fn buckets(&self) -> impl Iterator<Item = DateTime<Utc>> + use<> {
        self.starts(self.from, self.to)
    }

    fn starts(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> + use<> {
        let (zone, granularity) = (self.zone, self.granularity);
        std::iter::successors(Some(from), move |bucket| Some(zone.end(*bucket, granularity)))
            .take_while(move |bucket| *bucket < to)
    }

    /// Its buckets.
    #[must_use]
    pub fn cells(&self) -> Cells {
        Cells::between(self.buckets().chain([self.to]).collect())
    }

    /// What of it is over, and what is open.
    #[must_use]
    pub fn parts(&self) -> Cells {
        Cells::between(vec![self.from, self.closed_until, self.to])
    }

    /// What it is compared with, as a whole; no cell where there is nothing.
    #[must_use]
    pub fn compared_whole(&self) -> Cells {
        let ends = |Comparison { interval, .. }: Comparison| vec![interval.from, interval.to];
        Cells::between(self.comparison.map(ends).unwrap_or_default())
    }

    /// What it is compared with, by bucket; no cell where there is nothing.
    #[must_use]
    pub fn compared_cells(&self) -> Cells {
        let buckets = |Comparison { interval: Interval { from, to }, .. }: Comparison| {
            self.starts(from, to).chain([to]).collect()
        };
        Cells::between(self.comparison.map(buckets).unwrap_or_default())
    }

    /// The same, rounded outward to hours of UTC, for what is counted by those alone.
    #[must_use]
    pub fn in_utc_hours(self) -> Self {
        let (from, to) = (BucketSize::Hour.floor(self.from), BucketSize::Hour.ceil(self.to));
        Self { from, to, ..self }
    }

    /// Its part of a cache key. Whether its last bucket is open is part of it: an answer given while an hour ran is not
    /// the answer to the same range a minute later, when the hour is over.
    #[must_use]
    pub fn key(&self) -> String {
        let state = if self.closed_until < self.to { "open" } else { "closed" };
        let compared = self.comparison.map_or_else(
            || Compare::None.name().to_owned(),
            |Comparison { mode, interval }| format!("{}@{}", mode.name(), interval.from.timestamp()),
        );
        let (from, to) = (self.from.timestamp(), self.to.timestamp());
        format!("{from}/{to}/{}/{state}/{}/{compared}", self.granularity.name(), self.zone.name())
    }
}

/// As answers show it: `{"from","to","granularity","timezone"}`.
impl Serialize for Range {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown {
            #[serde(serialize_with = "crate::request::timestamp::time")]
            from: DateTime<Utc>,
            #[serde(serialize_with = "crate::request::timestamp::time")]
            to: DateTime<Utc>,
            granularity: Granularity,
            timezone: &'static str,
        }
        let Self { from, to, granularity, .. } = *self;
        Shown { from, to, granularity, timezone: self.zone.name() }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests;
