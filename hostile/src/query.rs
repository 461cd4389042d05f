//! Query strings: any bytes make a range that can be answered, or are refused.

use crate::verdict::Verdict;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use query_api::request::range::Range;
use query_api::request::raw_range::{RawRange, Settings};

/// 2026-02-25T10:20:30Z, the time of all requests here.
const NOW: i64 = 1_772_014_830;

/// Reads `bytes` as pairs of names and values; the first byte is `MAX_RANGE_DAYS`.
///
/// # Panics
/// When a range is accepted that isn't made of whole buckets or exceeds its limits.
pub fn check(bytes: &[u8]) -> Verdict {
    let Some((days, text)) = bytes.split_first() else { return Verdict::Refused };
    let settings = Settings { max_range_days: u16::from(*days).max(1) };
    let text = String::from_utf8_lossy(text);
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let raw = RawRange::from_pairs(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let now = DateTime::from_timestamp(NOW, 0).expect("a time");
    match raw.and_then(|raw| Ok((raw.normalise(now, &settings)?, raw))) {
        Ok((range, raw)) => {
            holds(&range, now, &settings);
            is_canonical(&range, &raw, now);
            Verdict::Accepted
        }
        Err(bad) => {
            let known = ["from", "to", "granularity", "timezone", "compare"];
            assert!(known.contains(&&*bad.name) && !bad.detail.is_empty());
            Verdict::Refused
        }
    }
}

fn holds(range: &Range, now: DateTime<Utc>, settings: &Settings) {
    let (zone, granularity) = (range.zone(), range.granularity());
    let floor = |time| zone.floor(time, granularity);
    let (from, to) = (range.from(), range.to());
    assert!(from < to, "{range:?}");
    assert_eq!((floor(from), floor(to)), (from, to), "whole buckets");
    assert!(from <= now && to <= zone.end(now, granularity), "nothing after now: {range:?}");
    // A zone's day may be as long as two days of UTC: clocks have skipped a date.
    let longest = TimeDelta::days(i64::from(settings.max_range_days) + 4);
    assert!(to - from <= longest, "no longer than allowed: {range:?}");
    assert!(range.buckets().all(|bucket| floor(bucket) == bucket && bucket < to));
    assert!(range.closed_until() <= now && range.closed_until() <= to);
    if let Some(seen) = range.comparison() {
        assert_eq!((seen.current.from, seen.current.to), (from, range.compared_until()));
        assert_eq!(seen.previous.to - seen.previous.from, seen.current.to - seen.current.from, "as long");
        assert!(seen.previous.from < from, "{seen:?}");
    }
}

/// A canonical range, spelled out and read again, has the same key: it is the cache's key.
fn is_canonical(range: &Range, raw: &RawRange, now: DateTime<Utc>) {
    let text = |time: DateTime<Utc>| Some(time.to_rfc3339_opts(SecondsFormat::Millis, true));
    let granularity = Some(range.granularity().name().to_owned());
    let raw = RawRange { from: text(range.from()), to: text(range.to()), granularity, ..raw.clone() };
    // RFC 3339 can't spell the year 0 and those before.
    if let Ok(same) = raw.normalise(now, &Settings { max_range_days: 3_660 }) {
        assert_eq!(same.key(), range.key());
    }
}
