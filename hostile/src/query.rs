//! Query strings: whatever is asked for, the range is one that can be answered, or the question is refused.

use crate::Verdict;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use query_api::range::{Range, RawRange, Settings};

/// 2026-02-25T10:20:30Z, when all of these are asked.
const NOW: i64 = 1_772_014_830;

/// Reads `bytes` as pairs of names and values; the first byte is the longest range in days.
///
/// # Panics
/// When a range is accepted that is no range of whole buckets, or exceeds what is allowed.
pub fn check(bytes: &[u8]) -> Verdict {
    let Some((days, text)) = bytes.split_first() else { return Verdict::Refused };
    let settings = Settings { max_range_days: u16::from(*days).max(1) };
    let text = String::from_utf8_lossy(text);
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let raw = RawRange::from_pairs(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let now = DateTime::from_timestamp(NOW, 0).expect("a time");
    match raw.and_then(|raw| raw.normalise(now, &settings)) {
        Ok(range) => {
            holds(&range, now, &settings);
            Verdict::Accepted
        }
        Err(bad) => {
            assert!(["from", "to", "granularity"].contains(&bad.name) && !bad.detail.is_empty());
            Verdict::Refused
        }
    }
}

fn holds(range: &Range, now: DateTime<Utc>, settings: &Settings) {
    let (size, width) =
        (range.granularity().size(), TimeDelta::seconds(range.granularity().size().seconds()));
    let (from, to) = (range.from(), range.to());
    assert!(from < to, "{range:?}");
    assert_eq!((size.floor(from), size.floor(to)), (from, to), "whole buckets");
    assert!(from <= now && to <= size.floor(now) + width, "not of the future: {range:?}");
    let longest = TimeDelta::days(settings.max_range_days.into()) + width * 2;
    assert!(to - from <= longest, "not longer than allowed: {range:?}");
    assert_eq!(range.buckets().count() as i64, (to - from).num_seconds() / size.seconds());
    assert!(range.closed_until() <= now && range.closed_until() <= to);
    assert!(range.compared_from().is_none_or(|before| before < from));
    again(range, now);
}

/// What was made of a range is made of itself: it is a cache's key.
fn again(range: &Range, now: DateTime<Utc>) {
    let text = |time: DateTime<Utc>| Some(time.to_rfc3339_opts(SecondsFormat::Millis, true));
    let granularity = Some(range.granularity().name().to_owned());
    let raw = RawRange { from: text(range.from()), to: text(range.to()), granularity };
    // The year 0 and before are nothing that RFC 3339 can say.
    if let Ok(same) = raw.normalise(now, &Settings { max_range_days: 3_660 }) {
        assert_eq!(same.key(), range.key());
    }
}
