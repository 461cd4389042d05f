//! A range as the request spells it, and the rules that make it canonical. Pure.

use crate::request::compare::Compare;
use crate::request::granularity::Granularity;
use crate::request::interval::Interval;
use crate::request::parameter::BadParameter;
use crate::request::range::Range;
use crate::request::zone::Zone;
use chrono::{DateTime, Datelike as _, TimeDelta, Utc};

/// Without `from`, a range starts this long before its end.
const DEFAULT_LENGTH: TimeDelta = TimeDelta::hours(24);

/// How far a request may reach.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Ranges")]
pub struct Settings {
    /// The longest range a request may ask for, in days; longer ones are shortened from their start. The default is any
    /// quarter, of up to 92 days and an hour. Raise it when people look at years, at the price of larger answers
    #[arg(long, env, default_value_t = 93, value_parser = clap::value_parser!(u16).range(1..=3660))]
    pub max_range_days: u16,
}

/// The parameters of a range, as the request spells them.
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
    /// Picks the range's parameters out of the pairs of a query string and ignores all others.
    ///
    /// # Errors
    /// When one of them occurs twice.
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
                return Err(BadParameter::repeated(name));
            }
        }
        Ok(raw)
    }

    /// The canonical range. In this order: parse, apply defaults, swap the ends if they are reversed, end both at `now`, cap
    /// the length, choose the granularity, round outward. The granularity follows from the length before rounding, so
    /// that a request for exactly 72 hours is answered by the hour at any minute.
    ///
    /// # Errors
    /// When a time can't be parsed, or the granularity, the zone or the comparison is unknown.
    pub fn normalise(&self, now: DateTime<Utc>, settings: &Settings) -> Result<Range, BadParameter> {
        let Interval { from, to } = self.ends(now)?;
        let granularity = granularity(self.granularity.as_deref())?;
        let zone = zone(self.timezone.as_deref())?.unwrap_or(Zone::UTC);
        let compare = compare(self.compare.as_deref())?;
        let from = from.max(to - TimeDelta::days(settings.max_range_days.into()));
        let granularity = granularity.unwrap_or(Granularity::of_length(to - from));
        let range = Range::around(Interval { from, to }, granularity, zone, now);
        Ok(range.compared(compare))
    }

    /// What `from` and `to` mean at `now`. Given as such, they mean the same range at any later time.
    ///
    /// # Errors
    /// When a time can't be parsed.
    pub fn ends(&self, now: DateTime<Utc>) -> Result<Interval, BadParameter> {
        let from = time("from", self.from.as_deref())?;
        let to = time("to", self.to.as_deref())?.unwrap_or(now);
        let from = from.unwrap_or(to - DEFAULT_LENGTH);
        Ok(Interval { from: from.min(to).min(now), to: from.max(to).min(now) })
    }
}

fn time(name: &'static str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, BadParameter> {
    let bad = || format!("`{name}` must be an RFC 3339 time, such as 2026-02-25T10:00:00Z");
    let parse = |text: &str| {
        let time = DateTime::parse_from_rfc3339(&with_plus(text)).ok();
        // Its years have four digits, and the calendar it means has no year 0.
        let time = time.filter(|time| (1..=9_999).contains(&time.year()));
        time.map(|time| time.to_utc()).ok_or_else(|| BadParameter::new(name, bad()))
    };
    text.map(parse).transpose()
}

/// The text with the `+` of its offset. Unescaped in a query string, a `+` means a space, so `...T10:00:00+01:00` arrives
/// as `...T10:00:00 01:00`, which can have no other meaning.
fn with_plus(text: &str) -> String {
    match text.rsplit_once(' ') {
        Some((time, offset)) if time.contains(['T', 't', ' ']) => format!("{time}+{offset}"),
        Some(_) | None => text.to_owned(),
    }
}

fn granularity(text: Option<&str>) -> Result<Option<Granularity>, BadParameter> {
    let named = |text: &str| {
        let known = Granularity::ALL.into_iter().find(|granularity| granularity.name() == text);
        known.ok_or_else(|| BadParameter::new("granularity", "`granularity` must be hour or day"))
    };
    text.map(named).transpose()
}

/// The zone of that name. A `+` in it may have become a space, as in `with_plus`.
fn zone(text: Option<&str>) -> Result<Option<Zone>, BadParameter> {
    let named = |text: &str| {
        let detail = "`timezone` must be an IANA name, such as Europe/Berlin or UTC";
        Zone::named(&text.replace(' ', "+")).ok_or_else(|| BadParameter::new("timezone", detail))
    };
    text.map(named).transpose()
}

fn compare(text: Option<&str>) -> Result<Compare, BadParameter> {
    let Some(text) = text else { return Ok(Compare::default()) };
    let names = || Compare::ALL.map(Compare::name).join(", ");
    let known = Compare::ALL.into_iter().find(|mode| mode.name() == text);
    known.ok_or_else(|| BadParameter::new("compare", format!("`compare` must be one of {}", names())))
}

#[cfg(test)]
mod tests;
