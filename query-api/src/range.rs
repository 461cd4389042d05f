//! The interval a request is about, made canonical: the same question always becomes the same range, and therefore the
//! same cache key.

use chrono::{DateTime, TimeDelta, Utc};
use domain::BucketSize;
use serde::{Serialize, Serializer};

/// Without `from`, a range begins this long before its end.
const DEFAULT_LENGTH: TimeDelta = TimeDelta::hours(24);

/// Without `granularity`, ranges up to this length are shown by the hour, longer ones by the day.
const HOURLY_LENGTH_MAX: TimeDelta = TimeDelta::hours(72);

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

/// The width of a range's buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Granularity {
    /// An hour.
    Hour,
    /// A UTC day.
    Day,
}

impl Granularity {
    /// The buckets of that width.
    #[must_use]
    pub const fn size(self) -> BucketSize {
        match self {
            Self::Hour => BucketSize::Hour,
            Self::Day => BucketSize::Day,
        }
    }

    /// Its name in requests, answers and keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    fn of_length(length: TimeDelta) -> Self {
        if length <= HOURLY_LENGTH_MAX { Self::Hour } else { Self::Day }
    }
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
    /// When a time is no time or the granularity is unknown.
    pub fn normalise(&self, now: DateTime<Utc>, settings: &Settings) -> Result<Range, BadParameter> {
        let from = time("from", self.from.as_deref())?;
        let to = time("to", self.to.as_deref())?;
        let granularity = granularity(self.granularity.as_deref())?;

        let to = to.unwrap_or(now);
        let from = from.unwrap_or(to - DEFAULT_LENGTH);
        let (from, to) = (from.min(to), from.max(to));
        let (from, to) = (from.min(now), to.min(now));
        let from = from.max(to - TimeDelta::days(settings.max_range_days.into()));
        let granularity = granularity.unwrap_or(Granularity::of_length(to - from));
        Ok(Range::around(from, to, granularity, now))
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

/// A canonical, half-open interval of whole buckets. All there is to know about `now` is in `closed_until`, so an
/// answer is a function of the range and the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    granularity: Granularity,
    closed_until: DateTime<Utc>,
}

impl Range {
    fn around(from: DateTime<Utc>, to: DateTime<Utc>, granularity: Granularity, now: DateTime<Utc>) -> Self {
        let size = granularity.size();
        let (from, mut to) = (size.floor(from), size.ceil(to));
        if from == to {
            to += TimeDelta::seconds(size.seconds());
        }
        Self { from, to, granularity, closed_until: to.min(size.floor(now)) }
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

    /// The end of what is over: the start of the bucket that contains now, where that lies in the range, else its end.
    #[must_use]
    pub const fn closed_until(&self) -> DateTime<Utc> {
        self.closed_until
    }

    /// Where the period begins that `[from, closed_until)` is compared with; it ends at `from` and is as long. `None`
    /// while nothing of the range is over. Both ends are whole buckets apart, so this is a bucket's start as well.
    #[must_use]
    pub fn compared_from(&self) -> Option<DateTime<Utc>> {
        (self.from < self.closed_until).then(|| self.from - (self.closed_until - self.from))
    }

    /// Whether now is in the bucket that starts at `bucket`.
    #[must_use]
    pub fn is_open(&self, bucket: DateTime<Utc>) -> bool {
        bucket >= self.closed_until
    }

    /// The starts of its buckets.
    pub fn buckets(&self) -> impl Iterator<Item = DateTime<Utc>> + use<> {
        let (to, width) = (self.to, TimeDelta::seconds(self.granularity.size().seconds()));
        std::iter::successors(Some(self.from), move |bucket| Some(*bucket + width))
            .take_while(move |b| *b < to)
    }

    /// Its part of a cache key. Whether its last bucket is open is part of it: an answer given while an hour ran is not
    /// the answer to the same range a minute later, when the hour is over.
    #[must_use]
    pub fn key(&self) -> String {
        let state = if self.closed_until < self.to { "open" } else { "closed" };
        format!("{}/{}/{}/{state}", self.from.timestamp(), self.to.timestamp(), self.granularity.name())
    }
}

/// As answers show it: `{"from","to","granularity"}`.
impl Serialize for Range {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown {
            #[serde(serialize_with = "crate::answer::time")]
            from: DateTime<Utc>,
            #[serde(serialize_with = "crate::answer::time")]
            to: DateTime<Utc>,
            granularity: Granularity,
        }
        Shown { from: self.from, to: self.to, granularity: self.granularity }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests;
