//! Days of other zones: what the API answers against a recount of the raw records by PostgreSQL's own calendar.

use crate::telling::{plain, text};
use chrono::{DateTime, Datelike as _, Duration, NaiveDate, NaiveTime, Utc};
use load::{Message, Produced};
use serde_json::Value;
use tests::{Api, Stack, Token};
use tokio_postgres::Client;

/// Zones, and a day after which their clocks are changed within three. Kathmandu's and Kolkata's never are.
const WINDOWS: [(&str, &str); 10] = [
    ("Europe/Berlin", "2025-03-28"),
    ("Europe/Berlin", "2025-10-24"),
    ("America/New_York", "2025-03-07"),
    ("America/New_York", "2025-10-31"),
    ("Australia/Lord_Howe", "2025-04-04"),
    ("Australia/Lord_Howe", "2025-10-03"),
    ("America/St_Johns", "2025-03-07"),
    ("Asia/Kathmandu", "2025-06-14"),
    ("Asia/Kolkata", "2025-06-14"),
    ("UTC", "2025-06-14"),
];

/// How many days of a window are asked for; the week before has records, too.
const DAYS: i32 = 4;

fn window(day: &str) -> NaiveDate {
    day.parse().expect("a date")
}

fn a_year_before(day: NaiveDate) -> NaiveDate {
    day.with_year(day.year() - 1).expect("no leap day")
}

/// An order every 41 minutes from eight days before each window to two after it, and one on either side of every quarter
/// of an hour around its days' ends; and the same a year before.
fn times() -> Vec<DateTime<Utc>> {
    let mut times = Vec::new();
    let windows = WINDOWS.into_iter().flat_map(|(_, day)| [window(day), a_year_before(window(day))]);
    for day in windows {
        let start = day.and_time(NaiveTime::MIN).and_utc();
        times.extend((0..500).map(|n| start - Duration::days(8) + Duration::minutes(41 * n)));
        let quarters = (-60..460).map(|n| start + Duration::minutes(15 * n));
        times.extend(quarters.flat_map(|quarter| [quarter - Duration::seconds(1), quarter]));
    }
    times.sort_unstable();
    times.dedup();
    times
}

fn records(times: &[DateTime<Utc>]) -> Vec<Produced> {
    plain(times.iter().enumerate().map(|(n, at)| Message::order("acme", &format!("o{n}"), *at)))
}

/// The zone's days from `day` on, by PostgreSQL: when each begins, and how many of `times` are of its date.
async fn recount(
    client: &Client,
    times: &[DateTime<Utc>],
    zone: &str,
    day: NaiveDate,
) -> Vec<(DateTime<Utc>, i64)> {
    let query = "
        select d at time zone $2, (select count(*) from unnest($1::timestamptz[]) t where (t at time zone $2)::date = d::date)
        from generate_series($3::timestamp, $3::timestamp + make_interval(days => $4), '1 day') d order by 1";
    let rows = client.query(query, &[&times, &zone, &day.and_time(NaiveTime::MIN), &DAYS]).await;
    rows.expect("a recount").iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// How many of `times` are in an interval.
fn within(times: &[DateTime<Utc>], from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    times.iter().filter(|time| from <= **time && **time < to).count() as i64
}

/// The first of these days, as many as are asked for, the last one cut or stretched so that together they last exactly `length`:
/// clocks may have been changed.
fn as_long(
    times: &[DateTime<Utc>],
    mut days: Vec<(DateTime<Utc>, i64)>,
    length: Duration,
) -> Vec<(DateTime<Utc>, i64)> {
    days.truncate(usize::try_from(DAYS).expect("a few"));
    let end = days[0].0 + length;
    if let Some((start, orders)) = days.last_mut() {
        *orders = within(times, *start, end);
    }
    days
}

/// A series' buckets and orders.
fn series(answer: &Value, name: &str) -> Vec<(DateTime<Utc>, i64)> {
    let points = answer[name].as_array().unwrap_or_else(|| panic!("no {name}: {answer}"));
    let point = |point: &Value| {
        let bucket = point["bucket"].as_str().and_then(|time| time.parse().ok()).expect("a time");
        (bucket, point["orders_created"].as_i64().expect("a count"))
    };
    points.iter().map(point).collect()
}

async fn ask(api: &Api, path: &str) -> Value {
    let answer = api.get(path, &Token::of("acme").sign()).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

/// Asks for the window's days, against the week before, and checks every number.
async fn check(api: &Api, client: &Client, times: &[DateTime<Utc>], zone: &str, day: NaiveDate) {
    let expected = recount(client, times, zone, day).await;
    let days = usize::try_from(DAYS).expect("a few");
    let (from, to) = (expected[0].0, expected[days].0);
    let before = as_long(times, recount(client, times, zone, day - Duration::days(7)).await, to - from);
    let question = |from: DateTime<Utc>, to: DateTime<Utc>, more: &str| {
        format!("from={}&to={}&timezone={zone}&{more}", text(from), text(to))
    };
    let week = question(from, to, "granularity=day&compare=previous_week");
    let trends = ask(api, &format!("/metrics/trends?{week}")).await;
    assert_eq!(series(&trends, "series"), expected[..days], "{zone} from {day}");
    assert_eq!(series(&trends, "previousSeries"), before, "{zone} a week before {day}");
    assert_eq!(trends["range"]["timezone"], zone);

    let sum = |days: &[(DateTime<Utc>, i64)]| days.iter().map(|(_, orders)| orders).sum::<i64>();
    let summary = ask(api, &format!("/metrics/summary?{week}")).await;
    assert_eq!(summary["kpis"][0]["value"], sum(&expected[..days]), "{zone} from {day}");
    assert_eq!(summary["kpis"][0]["previousValue"], sum(&before), "{zone} a week before {day}");

    let year = question(from, to, "granularity=day&compare=previous_year");
    let year_before = as_long(times, recount(client, times, zone, a_year_before(day)).await, to - from);
    let trends = ask(api, &format!("/metrics/trends?{year}")).await;
    assert_eq!(trends.get("exactFrom"), None, "{zone}");
    let orders = |days: &[(DateTime<Utc>, i64)]| days.iter().map(|(_, orders)| *orders).collect::<Vec<i64>>();
    let found = series(&trends, "previousSeries");
    assert_eq!(orders(&found), orders(&year_before), "{zone} a year before {day}");

    // Each day against as much time before it, and by its hours.
    for pair in expected[..=days].windows(2) {
        let [(start, orders), (end, _)] = pair else { unreachable!("windows of two") };
        let day = question(*start, *end, "granularity=hour");
        let summary = ask(api, &format!("/metrics/summary?{day}")).await;
        let before = within(times, *start - (*end - *start), *start);
        assert_eq!(summary["kpis"][0]["previousValue"], before, "{zone} before {start}");
        let hours = series(&ask(api, &format!("/metrics/trends?{day}")).await, "series");
        assert_eq!(sum(&hours), *orders, "{zone} hours of {start}");
        for (bucket, next) in hours.iter().zip(hours.iter().skip(1)) {
            assert_eq!(bucket.1, within(times, bucket.0, next.0), "{zone} hour {}", bucket.0);
        }
    }
}

#[tokio::test]
async fn days_are_those_of_the_zone_that_is_asked_for() {
    let times = times();
    let stack = Stack::start().await;
    let records = records(&times);
    stack.produce(records.clone()).await;
    let consumer = stack
        .consumer()
        .set("LEDGER_RETENTION_DAYS", "3650")
        .set("FAILURE_RETENTION_DAYS", "3650")
        .start()
        .await;
    stack.until_idle().await;
    assert_eq!(consumer.stop().await, Some(0));
    stack.agrees_with(&records).await;

    let api = stack.api().serve().await;
    let client = stack.client().await;
    for (zone, day) in WINDOWS {
        check(&api, &client, &times, zone, window(day)).await;
    }
}

#[tokio::test]
async fn a_zone_nobody_knows_is_a_problem_in_words() {
    let stack = Stack::start().await;
    let api = stack.api().serve().await;
    let token = Token::of("acme").sign();
    for (query, parameter) in [("timezone=Mars/Olympus", "timezone"), ("compare=yesterday", "compare")] {
        let answer = api.get(&format!("/metrics/trends?{query}"), &token).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (400, "application/problem+json"),
            "{query}"
        );
        assert_eq!(answer.json()["parameter"], parameter);
    }
}
