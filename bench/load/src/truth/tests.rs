//! Small tables, written by hand from the contract's text.

use super::*;
use crate::flaw::Flaw;
use crate::format::Format;
use chrono::{DateTime, Utc};
use proto::v1::message_delivery::Status;

fn at(clock: &str) -> DateTime<Utc> {
    format!("2026-02-25T{clock}Z").parse().unwrap()
}

fn order(id: &str, clock: &str) -> Message {
    Message::order("acme", id, at(clock))
}

fn run(id: &str, outcome: Outcome) -> Message {
    Message::workflow("acme", id, at("10:05:00"), outcome, 100)
}

fn receipt(id: &str, status: Status) -> Message {
    Message::delivery("acme", id, at("10:05:00"), at("11:30:00"), status)
}

fn truth_of(messages: impl IntoIterator<Item = Message>) -> Truth {
    let records: Vec<_> = messages.into_iter().map(Produced::plain).collect();
    Truth::of(Horizon::at(at("12:00:00")), &records)
}

/// The counters that are not 0, as `name value, ...`.
#[track_caller]
fn check<const N: usize>(messages: [Message; N], expected: &str) {
    let totals = truth_of(messages).totals();
    let named = COUNTERS.iter().zip(totals).filter(|(_, value)| *value != 0);
    let named: Vec<_> = named.map(|(name, value)| format!("{name} {value}")).collect();
    assert_eq!(named.join(", "), expected);
}

#[test]
fn every_sort_of_record_counts_what_the_contract_says() {
    check([order("1", "10:00:00"), order("2", "10:00:00")], "orders_created 2");
    let payments = [true, false].map(|ok| Message::payment("acme", &ok.to_string(), at("10:00:00"), ok));
    check(payments, "payments_total 2, payments_successful 1");
    check(
        [run("1", Outcome::Success), run("2", Outcome::Failed), run("3", Outcome::FailedSafetyLimit)],
        "workflows_total 3, workflows_failed 2, total_execution_time_ms 300",
    );
    check([Message::update("acme", "1", at("10:00:00"), "Acme", ("p", "pro"))], "");
    check([Message::unknown("acme", "1", at("10:00:00"))], "");
    check([receipt("1", Status::Failed)], "");
}

#[test]
fn each_milestone_of_a_message_counts_once_in_any_order() {
    use Status::{Delivered, Read, Sent};
    check([Sent, Sent, Delivered, Read].map(|s| receipt("1", s)), "messages_sent 1, messages_delivered 1");
    check([Read, Delivered, Sent].map(|s| receipt("1", s)), "messages_sent 1, messages_delivered 1");
    check([Read].map(|s| receipt("1", s)), "messages_delivered 1");
}

fn sent_by(channel: &str, id: &str, clock: &str) -> Message {
    let mut message = Message::delivery("acme", id, at(clock), at(clock), Status::Sent);
    if let Message::Delivery(delivery) = &mut message {
        channel.clone_into(&mut delivery.channel);
    }
    message
}

/// The messages sent by each channel, as `channel count, ...`.
fn by_channel(truth: &Truth, width: i64) -> String {
    let cells: Vec<_> = truth
        .channels(width)
        .into_iter()
        .map(|((_, channel, _), [sent, _])| format!("{channel} {sent}"))
        .collect();
    cells.join(", ")
}

#[test]
fn messages_count_by_channel_in_buckets_of_every_size() {
    let longest = "x".repeat(64);
    let messages = [
        sent_by("email", "1", "10:00:00"),
        sent_by("email", "1", "10:01:00"),
        sent_by("email", "2", "10:15:00"),
        sent_by("", "3", "10:00:00"),
        sent_by("unknown", "4", "10:00:00"),
        sent_by("s\u{7}ms", "5", "10:00:00"),
        sent_by(&longest, "6", "11:00:00"),
        sent_by(&format!("{longest}x"), "7", "11:00:00"),
        receipt("8", Status::Read),
    ];
    let truth = truth_of(messages);
    assert_eq!(by_channel(&truth, 900), format!("email 1, email 1, other 1, other 1, {longest} 1"));
    assert_eq!(by_channel(&truth, 3_600), format!("email 2, other 1, other 1, {longest} 1"));
    assert_eq!(by_channel(&truth, 86_400), format!("email 2, other 2, {longest} 1"));
    let day = at("00:00:00").timestamp();
    assert_eq!(truth.channels(86_400)[&("acme", "email", day)], [2, 1], "sent and delivered");
}

#[test]
fn the_first_channels_have_rows_whatever_came_first_and_memory_grows_with_no_names() {
    let names = |n: u32| format!("{:07}", n * 7_919 % 10_007);
    let message = |n: u32| sent_by(&names(n), &n.to_string(), "10:00:00");
    let mut truth = Truth::of_new_records(Horizon::at(at("12:00:00")));
    (0..5_000).for_each(|n| truth.take(&Produced::plain(message(n))));
    truth.take(&Produced::plain(sent_by("sms", "a", "10:00:00")));
    let mut first: Vec<String> = (0..5_000).map(names).collect();
    first.sort();
    let mut expected: Vec<String> = first[..31].iter().map(|name| format!("{name} 1")).collect();
    expected.extend([format!("other {}", 5_000 - 31), "sms 1".to_owned()]);
    assert_eq!(by_channel(&truth, 3_600), expected.join(", "));
    assert!(truth.channel_cells.len() < 300, "{} cells", truth.channel_cells.len());
    let opposite: Vec<Message> =
        (0..5_000).rev().map(message).chain([sent_by("sms", "a", "10:00:00")]).collect();
    assert_eq!(truth_of(opposite).channels(3_600), truth.channels(3_600));
}

#[test]
fn an_identity_is_kind_organization_id_and_quarter() {
    check([order("1", "10:00:00"), order("1", "10:14:59")], "orders_created 1");
    check([order("1", "10:00:00"), order("1", "10:15:00")], "orders_created 2");
    check([order("1", "10:00:00"), Message::order("globex", "1", at("10:00:00"))], "orders_created 2");
    check(
        [order("1", "10:00:00"), run("1", Outcome::Success)],
        "orders_created 1, workflows_total 1, total_execution_time_ms 100",
    );
    // An event's body is part of its kind.
    let payment = |successful| Message::payment("acme", "1", at("10:00:00"), successful);
    check(
        [order("1", "10:00:00"), payment(true), order("1", "10:05:00"), payment(true)],
        "orders_created 1, payments_total 1, payments_successful 1",
    );
    // Of copies that contradict each other the first counts.
    check([payment(false), payment(true)], "payments_total 1");
}

#[test]
fn a_record_lies_in_one_bucket_of_every_size() {
    let truth = truth_of([order("1", "10:14:59.999"), order("2", "10:15:00"), order("3", "11:00:00")]);
    let orders = |table: usize| {
        let mut cells: Vec<_> =
            truth.cells[table].iter().map(|((_, bucket), cell)| (*bucket, cell[0])).collect();
        cells.sort_unstable();
        cells
    };
    let start = |clock| at(clock).timestamp();
    assert_eq!(orders(0), [(start("10:00:00"), 1), (start("10:15:00"), 1), (start("11:00:00"), 1)]);
    assert_eq!(orders(1), [(start("10:00:00"), 2), (start("11:00:00"), 1)]);
    assert_eq!(orders(2), [(start("00:00:00"), 3)]);
}

#[test]
fn the_newest_update_wins_and_ties_go_to_the_greater_id() {
    let update =
        |id: &str, clock: &str, name: &str| Message::update("acme", id, at(clock), name, ("p", "pro"));
    let winner = |updates: Vec<Message>| truth_of(updates).organizations["acme"].state.name.clone();
    assert_eq!(winner(vec![update("1", "10:00:00", "new"), update("2", "09:00:00", "old")]), "new");
    assert_eq!(winner(vec![update("b", "10:00:00", "b"), update("a", "10:00:00", "a")]), "b");
    assert_eq!(winner(vec![update("a", "10:00:00.000000001", "a"), update("b", "10:00:00", "b")]), "a");
}

#[test]
fn every_flaw_has_its_reason() {
    let check = |flaw: Flaw, message: Message, reason: &str| {
        let truth = Truth::of(Horizon::at(at("12:00:00")), [&flaw.spoil(message)]);
        assert_eq!(truth.dead_letters.keys().copied().collect::<Vec<_>>(), [reason], "{flaw:?}");
        assert_eq!(truth.tally.refused, 1);
    };
    for flaw in Flaw::ALL {
        let reason = match flaw {
            Flaw::Empty => "empty_payload",
            Flaw::Truncated => "malformed_payload",
            Flaw::NoOrganization => "missing_organization",
            Flaw::NoId => "missing_id",
            Flaw::NoTime => "missing_time",
            Flaw::TooManyNanos | Flaw::BeforeTheCalendar => "invalid_time",
            Flaw::FarFuture => "from_the_future",
            Flaw::Unspecified | Flaw::UnknownValue => "unspecified_outcome",
            Flaw::LongId | Flaw::LongOrganization | Flaw::Nul => "invalid_text",
            Flaw::LongDuration => "implausible_duration",
        };
        check(flaw, run("1", Outcome::Success), reason);
    }
    check(Flaw::Unspecified, receipt("1", Status::Sent), "unspecified_status");
    check(Flaw::UnknownValue, order("1", "10:00:00"), "unspecified_outcome");
}

#[test]
fn only_what_counts_can_be_too_old() {
    let horizon = Horizon { floor: at("10:00:00"), ..Horizon::at(at("12:00:00")) };
    let refused = |message: Message| refusal(message.view(), &horizon);
    assert_eq!(refused(order("1", "09:59:59")), Some("too_old"));
    assert_eq!(refused(order("1", "10:00:00")), None);
    assert_eq!(refused(Message::update("acme", "1", at("09:00:00"), "Acme", ("p", "pro"))), None);
    assert_eq!(refused(order("1", "13:00:01")), Some("from_the_future"));
}

#[test]
fn the_format_does_not_matter() {
    let formats = [Format::Plain, Format::Confluent, Format::Json];
    let records = formats.map(|format| Produced::formatted(order("1", "10:00:00"), format));
    let truth = Truth::of(Horizon::at(at("12:00:00")), &records);
    let expected = Tally { counted: 1, repeated: 2, ..Tally::default() };
    assert_eq!(truth.tally, expected);
}
