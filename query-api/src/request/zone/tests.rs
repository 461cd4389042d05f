//! Days and hours where clocks are changed, and the laws of all zones.

use super::*;
use proptest::prelude::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn zone(name: &str) -> Zone {
    Zone::named(name).unwrap_or_else(|| panic!("no zone {name}"))
}

/// The starts of the zone's buckets from the one that contains `from` up to `to`.
fn starts(name: &str, granularity: Granularity, from: &str, to: &str) -> Vec<String> {
    let zone = zone(name);
    let first = zone.floor(at(from), granularity);
    let all = std::iter::successors(Some(first), |start| Some(zone.end(*start, granularity)));
    let text = |start: DateTime<Utc>| start.format("%d %H:%M").to_string();
    all.take_while(|start| *start < at(to)).map(text).collect()
}

#[test]
fn a_day_of_a_change_has_23_or_25_hours() {
    let days = |name, from, to| starts(name, Granularity::Day, from, to);
    let berlin = |from, to| days("Europe/Berlin", from, to);
    assert_eq!(
        berlin("2026-03-28T12:00:00Z", "2026-03-31T00:00:00Z"),
        ["27 23:00", "28 23:00", "29 22:00", "30 22:00"]
    );
    assert_eq!(
        berlin("2026-10-24T12:00:00Z", "2026-10-27T00:00:00Z"),
        ["23 22:00", "24 22:00", "25 23:00", "26 23:00"]
    );
    let york = days("America/New_York", "2026-03-08T04:59:59Z", "2026-03-09T12:00:00Z");
    assert_eq!(york, ["07 05:00", "08 05:00", "09 04:00"]);
    let kathmandu = days("Asia/Kathmandu", "2026-05-01T00:00:00Z", "2026-05-03T00:00:00Z");
    assert_eq!(kathmandu, ["30 18:15", "01 18:15", "02 18:15"]);
    let lord_howe = days("Australia/Lord_Howe", "2026-04-03T13:00:00Z", "2026-04-06T00:00:00Z");
    assert_eq!(lord_howe, ["03 13:00", "04 13:00", "05 13:30"]);
}

#[test]
fn hours_are_those_of_the_zones_clock() {
    let hours = |name, from, to| starts(name, Granularity::Hour, from, to);
    let kathmandu = hours("Asia/Kathmandu", "2026-05-01T00:00:00Z", "2026-05-01T02:00:00Z");
    assert_eq!(kathmandu, ["30 23:15", "01 00:15", "01 01:15"]);
    // From +11 back to +10:30 at 02:00, which is 01:30 again: half an hour of its own.
    let back = hours("Australia/Lord_Howe", "2026-04-04T13:00:00Z", "2026-04-04T17:00:00Z");
    assert_eq!(back, ["04 13:00", "04 14:00", "04 15:00", "04 15:30", "04 16:30"]);
    // From +10:30 on to +11 at 02:00, which is 02:30: the hour from 2 has half of one.
    let on = hours("Australia/Lord_Howe", "2026-10-03T13:30:00Z", "2026-10-03T17:30:00Z");
    assert_eq!(on, ["03 13:30", "03 14:30", "03 15:30", "03 16:00", "03 17:00"]);
    let berlin = hours("Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z");
    assert_eq!(berlin, ["25 00:00", "25 01:00", "25 02:00"], "02:00 comes twice, each an hour");
}

#[test]
fn midnights_that_are_left_out_and_a_whole_day() {
    // Cairo's clocks go from 00:00 to 01:00 on a Friday.
    assert_eq!(zone("Africa/Cairo").midnight("2026-04-24".parse().unwrap()), at("2026-04-23T22:00:00Z"));
    let days = starts("Africa/Cairo", Granularity::Day, "2026-04-23T00:00:00Z", "2026-04-25T00:00:00Z");
    assert_eq!(days, ["22 22:00", "23 22:00", "24 21:00"]);
    // Samoa had no 30 December 2011.
    let days = starts("Pacific/Apia", Granularity::Day, "2011-12-29T12:00:00Z", "2012-01-01T00:00:00Z");
    assert_eq!(days, ["29 10:00", "30 10:00", "31 10:00"]);
}

#[test]
fn a_time_that_comes_twice_is_the_first_and_one_left_out_is_the_change() {
    let check = |name, local: &str, expected| {
        assert_eq!(zone(name).instant(local.parse().unwrap()), at(expected), "{name} {local}");
    };
    check("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z");
    check("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:00:00Z");
    check("Europe/Berlin", "2026-03-29T03:00:00", "2026-03-29T01:00:00Z");
    check("Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04T14:45:00Z");
    check("Asia/Kathmandu", "2026-04-05T00:00:00", "2026-04-04T18:15:00Z");
}

#[test]
fn names_are_those_of_the_database() {
    assert!(Zone::named("Mars/Olympus").is_none() && Zone::named("").is_none());
    assert_eq!(zone("Asia/Calcutta").name(), "Asia/Calcutta");
    assert_eq!(zone("UTC"), Zone::UTC);
}

fn some_zone() -> impl Strategy<Value = Zone> {
    prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()).prop_map(Zone)
}

fn some_granularity() -> impl Strategy<Value = Granularity> {
    prop_oneof![Just(Granularity::Hour), Just(Granularity::Day)]
}

/// From 1900 to 2100.
fn some_time() -> impl Strategy<Value = DateTime<Utc>> {
    (-2_208_988_800_000..4_102_444_800_000i64).prop_map(|ms| DateTime::from_timestamp_millis(ms).unwrap())
}

/// From 1980 on, when all zones had come to be off by whole quarters.
fn some_modern_time() -> impl Strategy<Value = DateTime<Utc>> {
    (315_532_800..4_102_444_800i64).prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn buckets_follow_each_other(zone in some_zone(), time in some_time(), granularity in some_granularity()) {
        let (start, end) = (zone.floor(time, granularity), zone.end(time, granularity));
        prop_assert!(start <= time && time < end);
        prop_assert_eq!(zone.floor(start, granularity), start);
        prop_assert_eq!(zone.end(start, granularity), end);
        prop_assert_eq!(zone.floor(end, granularity), end, "the end is the next one's start");
        prop_assert_eq!(zone.floor(end - TimeDelta::nanoseconds(1), granularity), start);
        prop_assert_eq!(zone.ceil(start, granularity), start);
        for bound in [start, end] {
            prop_assert_eq!(BucketSize::Quarter.floor(bound), bound);
        }
        if granularity == Granularity::Hour {
            prop_assert!(end - start <= HOUR);
        }
    }

    #[test]
    fn a_clock_is_what_the_database_says(zone in some_zone(), time in some_modern_time()) {
        // St. John's and others once changed clocks a minute after midnight: within a quarter it is another's.
        let quarter = BucketSize::Quarter.floor(time);
        prop_assert_eq!(zone.local(quarter), quarter.with_timezone(&zone.0).naive_local());
    }

    #[test]
    fn days_are_the_dates_of_the_clock(zone in some_zone(), time in some_modern_time()) {
        let (start, end) = (zone.floor(time, Granularity::Day), zone.end(time, Granularity::Day));
        let date = |time| zone.local(time).date();
        let last = end - TimeDelta::seconds(QUARTER_SECONDS);
        prop_assert!(date(start) >= date(time) && date(end) > date(time));
        prop_assert!(date(last) <= date(start), "no later date within a day");
        prop_assert!(date(start - TimeDelta::seconds(1)) < date(start));
    }

    #[test]
    fn an_instant_shows_the_time_it_is_asked_for(zone in some_zone(), time in some_modern_time()) {
        let local = zone.local(BucketSize::Quarter.floor(time));
        let instant = zone.instant(local);
        prop_assert_eq!(zone.local(instant), local, "a time that was shown is not left out");
        prop_assert!(instant <= time);
    }
}
