//! What becomes of callbacks: one by one, each limit on both sides.

use super::*;

const NOW: &str = "2026-02-25T10:00:00Z";
const SENT: &str = "2026-02-25T09:50:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn callback(query: &str) -> Callback {
    Callback {
        meaning: Meaning::Reached(Status::Delivered),
        message_id: "SM1".into(),
        occurred_at: Told::Nothing,
        channel: "sms",
        echo: Echo::from_query(query),
    }
}

fn check(callback: Callback, refusal: Option<Refusal>) {
    let verdict = callback.clone().judged(at(NOW));
    match refusal {
        Some(refusal) => assert_eq!(verdict, Verdict::Refuse(refusal), "{callback:?}"),
        None => assert!(matches!(verdict, Verdict::Publish(_)), "{callback:?}: {verdict:?}"),
    }
}

#[test]
fn a_callback_becomes_a_record_with_the_time_of_sending() {
    let Verdict::Publish(record) = callback(&format!("organization_id=acme&sent_at={SENT}")).judged(at(NOW))
    else {
        panic!("a record");
    };
    let expected = MessageDelivery {
        message_id: "SM1".into(),
        organization_id: "acme".into(),
        status: Status::Delivered.into(),
        sent_at: Some(timestamp(at(SENT))),
        occurred_at: Some(timestamp(at(NOW))),
        channel: "sms".into(),
    };
    assert_eq!(record, expected);
}

#[test]
fn the_senders_own_id_and_the_providers_time_come_first() {
    let own = callback(&format!("organization_id=acme&sent_at={SENT}&message_id=mine"));
    let occurred = at("2026-02-25T09:55:00Z");
    let Verdict::Publish(record) = Callback { occurred_at: Told::At(occurred), ..own }.judged(at(NOW)) else {
        panic!("a record");
    };
    assert_eq!((&*record.message_id, record.occurred_at), ("mine", Some(timestamp(occurred))));
}

#[test]
fn what_is_not_counted_needs_no_echo() {
    let of = |meaning| Callback { meaning, ..callback("") }.judged(at(NOW));
    assert_eq!(of(Meaning::Nothing), Verdict::Nothing);
    assert_eq!(of(Meaning::Unknown), Verdict::Unknown);
    assert_eq!(of(Meaning::Reached(Status::Sent)), Verdict::Foreign);
}

#[test]
fn an_echo_that_lacks_something_is_refused() {
    check(callback("message_id=m"), Some(Refusal::NoOrganization));
    check(callback(&format!("organization_id=&sent_at={SENT}")), Some(Refusal::NoOrganization));
    check(callback("organization_id=acme"), Some(Refusal::NoSentAt));
    check(callback("organization_id=acme&sent_at=1772013000"), Some(Refusal::SentAtNoTime));
    check(callback("organization_id=acme&sent_at=2026-02-25"), Some(Refusal::SentAtNoTime));
    let nameless =
        Callback { message_id: String::new(), ..callback(&format!("organization_id=a&sent_at={SENT}")) };
    check(nameless, Some(Refusal::NoId));
}

#[test]
fn what_came_back_otherwise_than_as_one_text_is_refused() {
    let query = format!("organization_id=acme&sent_at={SENT}&message_id=m");
    let twice = |more: &str| callback(&format!("{query}&{more}"));
    check(twice("organization_id=acme"), Some(Refusal::OddOrganization));
    check(twice("sent_at="), Some(Refusal::OddSentAt));
    check(twice("message_id=m"), Some(Refusal::OddId));
    check(Callback { meaning: Meaning::Odd, ..callback("") }, Some(Refusal::OddCallback));
}

#[test]
fn a_time_of_the_provider_that_the_contract_does_not_have_is_refused() {
    let told =
        |occurred_at| Callback { occurred_at, ..callback(&format!("organization_id=acme&sent_at={SENT}")) };
    check(told(Told::at(None)), Some(Refusal::OddTime));
    let milliseconds = DateTime::from_timestamp(at(NOW).timestamp_millis(), 0);
    assert!(milliseconds.is_some());
    check(told(Told::at(milliseconds)), Some(Refusal::OddTime));
    check(told(Told::at(Some(at("9999-12-31T23:59:59Z")))), None);
}

#[test]
fn ids_are_those_of_the_contract() {
    let ids = |organization: &str, message: &str| {
        callback(&format!("organization_id={organization}&sent_at={SENT}&message_id={message}"))
    };
    check(ids(&"o".repeat(128), &"m".repeat(256)), None);
    check(ids(&"o".repeat(129), "m"), Some(Refusal::UnfitId));
    check(ids("o", &"m".repeat(257)), Some(Refusal::UnfitId));
    check(ids("o%00", "m"), Some(Refusal::UnfitId));
    check(ids("o", "m%0A"), Some(Refusal::UnfitId));
}

#[test]
fn a_time_of_sending_is_plausible() {
    let sent = |time: &str| callback(&format!("organization_id=acme&sent_at={time}"));
    check(sent("2026-02-25T10:05:00Z"), None);
    check(sent("2026-02-25T10:05:01Z"), Some(Refusal::SentAfterwards));
    check(sent("2026-01-21T10:00:00Z"), None);
    check(sent("2026-01-21T09:59:59Z"), Some(Refusal::SentLongAgo));
    check(sent("2026-02-25T11:00:00%2B01:30"), None);
    let told = |occurred: &str| Callback { occurred_at: Told::At(at(occurred)), ..sent(SENT) };
    check(told("2026-02-25T09:45:00Z"), None);
    check(told("2026-02-25T09:44:59Z"), Some(Refusal::SentAfterwards));
    // A provider whose clock is ahead doesn't make a time of sending plausible.
    let ahead =
        Callback { occurred_at: Told::At(at("2026-02-26T10:00:00Z")), ..sent("2026-02-25T12:00:00Z") };
    check(ahead, Some(Refusal::SentAfterwards));
}
