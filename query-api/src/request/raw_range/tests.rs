//! The rules of ranges, one table each, and the laws of all of them together.

use super::*;
use domain::BucketSize;
use proptest::option;
use proptest::prelude::*;

const NOW: &str = "2026-02-25T10:30:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn raw(from: &str, to: &str, granularity: &str) -> RawRange {
    let given = |text: &str| (text != "-").then(|| text.to_owned());
    RawRange { from: given(from), to: given(to), granularity: given(granularity), ..RawRange::default() }
}

/// The rows that UTC's buckets are.
fn size(range: &Range) -> BucketSize {
    match range.granularity() {
        Granularity::Hour => BucketSize::Hour,
        Granularity::Day => BucketSize::Day,
    }
}

fn settings() -> Settings {
    Settings { max_range_days: 90 }
}

fn check_at(now: &str, from: &str, to: &str, granularity: &str, expected: &str) {
    let range = raw(from, to, granularity).normalise(at(now), &settings()).unwrap();
    let text = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H").to_string();
    let seen = format!("{} {} {}", text(range.from()), text(range.to()), range.granularity().name());
    assert_eq!(seen, expected, "from {from} to {to} by {granularity} at {now}");
}

fn check(from: &str, to: &str, granularity: &str, expected: &str) {
    check_at(NOW, from, to, granularity, expected);
}

fn refused(from: &str, to: &str, granularity: &str, name: &str) {
    let error = raw(from, to, granularity).normalise(at(NOW), &settings()).unwrap_err();
    assert_eq!(error.name, name, "from {from} to {to} by {granularity}");
}

#[test]
fn malformed_times_are_refused() {
    refused("yesterday", "-", "-", "from");
    refused("-", "2026-02-30T00:00:00Z", "-", "to");
    refused("2026-02-25", "-", "-", "from");
    refused("1772013600", "-", "-", "from");
    refused("", "-", "-", "from");
    refused("2026-02-25T10:00:00", "-", "-", "from");
    refused("-", "-", "minute", "granularity");
    refused("-", "-", "", "granularity");
    refused("-", "-", "Hour", "granularity");
}

#[test]
fn times_may_have_an_offset_and_its_plus_may_have_become_a_space() {
    check("2026-02-25T05:00:00+01:00", "2026-02-25T08:00:00+02:00", "-", "2026-02-25T04 2026-02-25T06 hour");
    check("2026-02-25T05:00:00 01:00", "2026-02-25T08:00:00 02:00", "-", "2026-02-25T04 2026-02-25T06 hour");
    check("2026-02-25T05:00:00-05:30", "-", "-", "2026-02-25T10 2026-02-25T11 hour");
}

#[test]
fn a_parameter_given_twice_is_refused() {
    let pairs = |pairs: &[(&str, &str)]| {
        RawRange::from_pairs(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())))
    };
    assert_eq!(pairs(&[("to", "a"), ("to", "a")]).unwrap_err().name, "to");
    assert_eq!(pairs(&[("x", "a"), ("from", "b"), ("x", "c")]).unwrap(), raw("b", "-", "-"));
}

#[test]
fn the_default_is_the_day_up_to_now() {
    check("-", "-", "-", "2026-02-24T10 2026-02-25T11 hour");
    check("-", "2026-02-20T12:00:00Z", "-", "2026-02-19T12 2026-02-20T12 hour");
    check("2026-02-25T00:00:00Z", "-", "-", "2026-02-25T00 2026-02-25T11 hour");
}

#[test]
fn ends_in_the_wrong_order_are_swapped() {
    check("2026-02-20T12:00:00Z", "2026-02-20T06:00:00Z", "-", "2026-02-20T06 2026-02-20T12 hour");
    check("2027-01-01T00:00:00Z", "-", "-", "2026-02-25T10 2026-02-25T11 hour");
}

#[test]
fn nothing_is_after_now() {
    check("2026-02-25T08:00:00Z", "2030-01-01T00:00:00Z", "-", "2026-02-25T08 2026-02-25T11 hour");
    check("2029-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "-", "2026-02-25T10 2026-02-25T11 hour");
    check("2029-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "day", "2026-02-25T00 2026-02-26T00 day");
}

#[test]
fn a_long_range_loses_its_start() {
    check("2020-01-01T00:00:00Z", "2026-02-25T00:00:00Z", "-", "2025-11-27T00 2026-02-25T00 day");
    check("2020-01-01T00:00:00Z", "-", "hour", "2025-11-27T10 2026-02-25T11 hour"); // capped, then rounded outward
    check("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "-", "2025-11-27T00 2026-02-26T00 day");
}

#[test]
fn ends_are_rounded_outward() {
    check("2026-02-25T05:59:59.999Z", "2026-02-25T08:00:00.001Z", "-", "2026-02-25T05 2026-02-25T09 hour");
    check("2026-02-25T05:00:00Z", "2026-02-25T08:00:00Z", "-", "2026-02-25T05 2026-02-25T08 hour");
    check("2026-02-23T05:00:00Z", "2026-02-24T08:00:00Z", "day", "2026-02-23T00 2026-02-25T00 day");
}

#[test]
fn an_empty_range_is_one_bucket() {
    check("2026-02-25T05:00:00Z", "2026-02-25T05:00:00Z", "-", "2026-02-25T05 2026-02-25T06 hour");
    check("2026-02-25T05:10:00Z", "2026-02-25T05:10:00Z", "-", "2026-02-25T05 2026-02-25T06 hour");
    check_at("2026-02-25T10:00:00Z", "2027-01-01T00:00:00Z", "-", "-", "2026-02-25T10 2026-02-25T11 hour");
}

#[test]
fn the_length_chooses_the_granularity() {
    check("2026-02-20T00:00:00Z", "2026-02-23T00:00:00Z", "-", "2026-02-20T00 2026-02-23T00 hour");
    check("2026-02-20T00:00:00Z", "2026-02-23T00:00:01Z", "-", "2026-02-20T00 2026-02-24T00 day");
    check("2026-02-20T00:30:00Z", "2026-02-23T00:30:00Z", "-", "2026-02-20T00 2026-02-23T01 hour");
    check("2026-02-20T00:00:00Z", "2026-02-23T00:00:01Z", "hour", "2026-02-20T00 2026-02-23T01 hour");
    check("2026-02-24T00:00:00Z", "2029-02-20T00:00:00Z", "-", "2026-02-24T00 2026-02-25T11 hour");
}

proptest! {
    /// So the pages of a list can be asked for one after the other.
    #[test]
    fn ends_mean_the_same_range_at_any_later_time(
        from in option::of(-400_000..4_000i64),
        to in option::of(-400_000..4_000i64),
        later in 0..10_000_000i64,
        by in option::of(prop::sample::select(vec!["hour", "day"])),
        zone in prop::sample::select(vec!["UTC", "Asia/Kathmandu", "America/New_York"]),
    ) {
        let now = at("2026-02-25T10:31:07.25Z");
        let spelled = |time: DateTime<Utc>| Some(time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
        let given = |minutes: Option<i64>| minutes.and_then(|minutes| spelled(now + TimeDelta::minutes(minutes)));
        let raw = RawRange {
            from: given(from), to: given(to), granularity: by.map(str::to_owned), timezone: Some(zone.into()), compare: None,
        };
        let ends = raw.ends(now).unwrap();
        let pinned = RawRange { from: spelled(ends.from), to: spelled(ends.to), ..raw.clone() };
        let range = |raw: &RawRange, now| {
            let range = raw.normalise(now, &settings()).unwrap();
            (range.from(), range.to(), range.granularity())
        };
        prop_assert_eq!(range(&raw, now), range(&pinned, now + TimeDelta::seconds(later)));
    }
}

#[test]
fn what_is_over_is_compared_with_as_much_before() {
    let compared = |now: &str, from: &str, to: &str, granularity: &str, expected: Option<(&str, &str)>| {
        let range = raw(from, to, granularity).normalise(at(now), &settings()).unwrap();
        let seen = range.comparison().map(|seen| {
            assert_eq!((seen.current.from, seen.current.to), (range.from(), range.compared_until()));
            (seen.previous.from, seen.current.to)
        });
        let expected = expected.map(|(earlier, until)| (at(earlier), at(until)));
        assert_eq!(seen, expected, "from {from} to {to} by {granularity} at {now}");
    };
    // All over: against the same length before.
    let expected = Some(("2026-02-24T14:00:00Z", "2026-02-25T10:00:00Z"));
    compared(NOW, "2026-02-25T00:00:00Z", "2026-02-25T10:00:00Z", "hour", expected);
    // Two quarters of the open hour are over, whatever the buckets.
    let expected = Some(("2026-02-24T13:30:00Z", "2026-02-25T10:30:00Z"));
    compared(NOW, "2026-02-25T00:00:00Z", NOW, "hour", expected);
    compared(NOW, "2026-02-25T00:00:00Z", NOW, "day", expected);
    compared("2026-02-25T10:44:59Z", "2026-02-25T00:00:00Z", "-", "day", expected);
    // A week with today goes back by a week, by the hour and by the day.
    let expected = Some(("2026-02-12T00:00:00Z", "2026-02-25T10:30:00Z"));
    compared(NOW, "2026-02-19T00:00:00Z", NOW, "day", expected);
    compared(NOW, "2026-02-19T00:00:00Z", NOW, "hour", expected);
    let expected = Some(("2026-02-14T13:30:00Z", "2026-02-25T10:30:00Z"));
    compared(NOW, "2026-02-20T00:00:00Z", NOW, "day", expected);
    // No quarter is over yet.
    compared("2026-02-25T10:14:59Z", "2026-02-25T10:00:00Z", "-", "hour", None);
    compared("2026-02-25T00:14:59Z", "2026-02-25T00:00:00Z", "-", "day", None);
}

#[test]
fn an_answer_of_a_quarter_of_an_hour_is_not_that_of_the_next() {
    let key =
        |now: &str| raw("2026-02-25T08:00:00Z", "2026-02-25T11:00:00Z", "-").normalise(at(now), &settings());
    let key = |now: &str| key(now).unwrap().key();
    assert_eq!(
        key("2026-02-25T10:30:00Z"),
        "1772006400/1772017200/hour/1772015400/UTC/previous_period@1771997400"
    );
    assert_eq!(key("2026-02-25T10:30:00Z"), key("2026-02-25T10:44:59.999Z"));
    assert_ne!(key("2026-02-25T10:30:00Z"), key("2026-02-25T10:45:00Z"));
    // What is over, and has settled, is always the same.
    assert_ne!(key("2026-02-25T11:45:00Z"), key("2026-02-25T12:00:00Z"));
    assert_eq!(key("2026-02-25T12:00:00Z"), key("2026-03-25T11:00:00Z"));
}

#[test]
fn a_zone_has_days_of_its_own() {
    let check = |timezone: &str, from: &str, to: &str, granularity: &str, expected: [&str; 2]| {
        let raw = RawRange { timezone: Some(timezone.into()), ..raw(from, to, granularity) };
        let range = raw.normalise(at(NOW), &settings()).unwrap();
        assert_eq!([range.from(), range.to()], expected.map(at), "{timezone} {from} {to}");
    };
    let day = ("2026-02-24T12:00:00Z", "2026-02-24T12:00:00Z", "day");
    check("Europe/Berlin", day.0, day.1, day.2, ["2026-02-23T23:00:00Z", "2026-02-24T23:00:00Z"]);
    check("Asia/Kathmandu", day.0, day.1, day.2, ["2026-02-23T18:15:00Z", "2026-02-24T18:15:00Z"]);
    check("Asia/Kathmandu", day.0, day.1, "hour", ["2026-02-24T11:15:00Z", "2026-02-24T12:15:00Z"]);
    // Today is what it is there.
    let today = ["2026-02-24T13:00:00Z", "2026-02-25T13:00:00Z"];
    check("Australia/Lord_Howe", "2026-02-25T10:00:00Z", "-", "day", today);
    check("Etc/GMT 5", day.0, day.1, day.2, ["2026-02-24T05:00:00Z", "2026-02-25T05:00:00Z"]);
}

#[test]
fn an_unknown_zone_or_comparison_is_refused() {
    let refused = |timezone: Option<&str>, compare: Option<&str>, name: &str| {
        let given = |text: Option<&str>| text.map(str::to_owned);
        let raw = RawRange { timezone: given(timezone), compare: given(compare), ..RawRange::default() };
        assert_eq!(raw.normalise(at(NOW), &settings()).unwrap_err().name, name);
    };
    for zone in ["", "Mars/Olympus", "europe/berlin", "+01:00", "Europe/Berlin\0"] {
        refused(Some(zone), None, "timezone");
    }
    for mode in ["", "yesterday", "Previous_Week", "null"] {
        refused(None, Some(mode), "compare");
    }
}

#[test]
fn zones_and_comparisons_have_keys_of_their_own() {
    let key = |timezone: Option<&str>, compare: Option<&str>| {
        let given = |text: Option<&str>| text.map(str::to_owned);
        let raw = raw("2026-02-25T00:00:00Z", "2026-02-25T10:00:00Z", "-");
        let raw = RawRange { timezone: given(timezone), compare: given(compare), ..raw };
        raw.normalise(at(NOW), &settings()).unwrap().key()
    };
    let keys = [
        key(None, None),
        key(Some("Etc/UTC"), None),
        key(None, Some("previous_week")),
        key(None, Some("previous_year")),
        key(None, Some("none")),
    ];
    let mut distinct = keys.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), keys.len(), "{keys:#?}");
    assert_eq!(key(None, None), key(None, Some("previous_period")));
    assert_eq!(key(None, None), key(Some("UTC"), None));
    assert!(keys.iter().all(|key| !key.contains(':')));
}

prop_compose! {
    fn time_near(now: DateTime<Utc>)(ms in -200 * 86_400_000..20 * 86_400_000i64) -> DateTime<Utc> {
        now + TimeDelta::milliseconds(ms)
    }
}

prop_compose! {
    fn some_now()(ms in 1_700_000_000_000..1_900_000_000_000i64, whole in any::<bool>()) -> DateTime<Utc> {
        let now = DateTime::from_timestamp_millis(ms).unwrap();
        if whole { BucketSize::Hour.floor(now) } else { now }
    }
}

prop_compose! {
    fn some_query()(now in some_now())(
        from in option::of(time_near(now)),
        to in option::of(time_near(now)),
        granularity in option::of(prop_oneof![Just("hour".to_owned()), Just("day".to_owned())]),
        now in Just(now),
    ) -> (RawRange, DateTime<Utc>) {
        let text = |time: DateTime<Utc>| time.to_rfc3339();
        (RawRange { from: from.map(text), to: to.map(text), granularity, ..RawRange::default() }, now)
    }
}

fn again(range: &Range, now: DateTime<Utc>) -> Range {
    let text = |time: DateTime<Utc>| Some(time.to_rfc3339());
    let granularity = Some(range.granularity().name().to_owned());
    let timezone = (range.zone() != Zone::UTC).then(|| range.zone().name().to_owned());
    let raw =
        RawRange { from: text(range.from()), to: text(range.to()), granularity, timezone, compare: None };
    raw.normalise(now, &settings()).unwrap()
}

proptest! {
    #[test]
    fn ranges_are_whole_buckets_up_to_now((raw, now) in some_query()) {
        let range = raw.normalise(now, &settings()).unwrap();
        let size = size(&range);
        prop_assert_eq!(size.floor(range.from()), range.from());
        prop_assert_eq!(size.floor(range.to()), range.to());
        prop_assert!(range.from() < range.to());
        prop_assert!(range.from() <= now && range.to() <= size.floor(now) + TimeDelta::seconds(size.seconds()));
        let longest = TimeDelta::days(90) + TimeDelta::seconds(size.seconds());
        prop_assert!(range.to() - range.from() <= longest);
    }

    #[test]
    fn what_is_asked_follows_the_clock_and_never_goes_back(
        (raw, now) in some_query(),
        timezone in option::of(prop::sample::select(&["Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin"][..])),
        mut later in prop::array::uniform2(0i64..400_000),
    ) {
        let raw = RawRange { timezone: timezone.map(str::to_owned), ..raw };
        later.sort_unstable();
        let [first, between, last] = [0, later[0], later[1]]
            .map(|seconds| raw.normalise(now + TimeDelta::seconds(seconds), &settings()).unwrap().key());
        if first == last {
            prop_assert_eq!(between, first);
        }
    }

    #[test]
    fn what_was_asked_for_is_in_the_range((raw, now) in some_query()) {
        let range = raw.normalise(now, &settings()).unwrap();
        let limit = TimeDelta::seconds(size(&range).seconds());
        let given = [&raw.from, &raw.to].map(|text| text.as_deref().map(at).map(|time| time.min(now)));
        if let [Some(a), Some(b)] = given {
            let (from, to) = (a.min(b).max(a.max(b) - TimeDelta::days(90)), a.max(b));
            prop_assert!(range.from() <= from && from - range.from() < limit);
            prop_assert!(to <= range.to() && range.to() - to <= limit);
        }
    }

    #[test]
    fn the_range_shown_is_its_own_range((raw, now) in some_query()) {
        let first = raw.normalise(now, &settings()).unwrap();
        let second = again(&first, now);
        if first.to() - first.from() <= TimeDelta::days(90) {
            prop_assert_eq!(second, first);
        }
        // A capped range grew by rounding; asked again it loses that, and then nothing more.
        prop_assert_eq!(again(&second, now), second);
    }

    #[test]
    fn what_is_over_is_compared_to_the_quarter_of_an_hour((raw, now) in some_query()) {
        let range = raw.normalise(now, &settings()).unwrap();
        let until = range.to().min(BucketSize::Quarter.floor(now));
        prop_assert_eq!(range.compared_until(), until);
        prop_assert_eq!(range.comparison().is_some(), range.from() < until);
        prop_assert_eq!(range.closed_until(), range.to().min(size(&range).floor(now)));
        let an_hour_before = BucketSize::Quarter.floor(now - TimeDelta::hours(1));
        prop_assert_eq!(range.older_than(TimeDelta::hours(1)), range.to().min(an_hour_before).max(range.from()));
    }

    #[test]
    fn at_most_the_bucket_of_now_is_open((raw, now) in some_query()) {
        let range = raw.normalise(now, &settings()).unwrap();
        let buckets: Vec<_> = range.buckets().collect();
        let size = size(&range);
        prop_assert_eq!(buckets.len() as i64, (range.to() - range.from()).num_seconds() / size.seconds());
        for bucket in buckets {
            prop_assert_eq!(range.is_open(bucket), bucket == size.floor(now));
        }
    }

    #[test]
    fn in_any_zone_a_range_is_whole_buckets_that_rows_fill_exactly(
        (raw, now) in some_query(),
        zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        compare in option::of(prop::sample::select(Compare::ALL.to_vec())),
    ) {
        let timezone = Some(zone.name().to_owned());
        let raw = RawRange { timezone, compare: compare.map(|mode| mode.name().to_owned()), ..raw };
        let range = raw.normalise(now, &settings()).unwrap();
        let buckets: Vec<_> = range.buckets().collect();
        for bucket in &buckets {
            prop_assert_eq!(range.zone().floor(*bucket, range.granularity()), *bucket);
            prop_assert_eq!(range.is_open(*bucket), range.zone().end(*bucket, range.granularity()) > now);
        }
        prop_assert_eq!(buckets.last().map(|last| range.zone().end(*last, range.granularity())), Some(range.to()));
        if range.to() - range.from() <= TimeDelta::days(90) {
            prop_assert_eq!(&again(&range, now).buckets().collect::<Vec<_>>(), &buckets);
        }
        for cells in [range.cells(), range.compared_cells()] {
            prop_assert!(cells.edges().is_sorted());
            prop_assert!(cells.edges().iter().all(|edge| cells.rows().floor(*edge) == *edge));
        }
        let previous = range.comparison().map(|seen| (seen.previous.from, seen.previous.to));
        prop_assert_eq!(previous, range.compared_cells().extent());
        let over = buckets.iter().filter(|bucket| **bucket < range.compared_until()).count();
        prop_assert_eq!(range.compared_cells().len(), if previous.is_some() { over } else { 0 });
    }

    #[test]
    fn no_text_makes_trouble(
        from in ".{0,40}", to in ".{0,40}", granularity in ".{0,8}", timezone in ".{0,8}", compare in ".{0,8}",
    ) {
        let given = [from, to, granularity, timezone, compare].map(Some);
        let [from, to, granularity, timezone, compare] = given;
        let raw = RawRange { from, to, granularity, timezone, compare };
        let _outcome = raw.normalise(at(NOW), &settings());
    }
}
