//! Signatures by published vectors, what callbacks say, and the tables of the documentation.

use super::*;
use crate::callback::{Meaning, Verdict};
use crate::echo::Echo;
use crate::refusal::Refusal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::header::{HeaderName, HeaderValue};
use proto::v1::message_delivery::Status;
use std::collections::BTreeMap;

/// What a test asks a provider about.
struct Asked {
    path_and_query: &'static str,
    headers: HeaderMap,
    body: String,
}

impl Asked {
    fn new(path_and_query: &'static str, headers: &[(&'static str, &str)], body: &str) -> Self {
        let header = |(name, value): &(&'static str, &str)| {
            let value = value.parse::<HeaderValue>().expect("a header's value");
            (name.parse::<HeaderName>().expect("a header's name"), value)
        };
        let headers = headers.iter().map(header).collect();
        Self { path_and_query, headers, body: body.to_owned() }
    }

    fn request(&self) -> Request<'_> {
        Request { path_and_query: self.path_and_query, headers: &self.headers, body: self.body.as_bytes() }
    }

    fn is_authentic_to(&self, provider: &dyn Provider) -> bool {
        provider.is_authentic(&self.request())
    }

    fn says_to(&self, provider: &dyn Provider) -> Vec<Callback> {
        provider.callbacks(&self.request()).expect("a body of the provider")
    }
}

/// How a key of P-256 begins in DER.
const P256_PREFIX: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200";

/// DER in base64: of a key, from the halves of its point, or of a signature, from its two numbers. Each has something before it.
fn der_of(prefix: &[u8], separators: [&[u8]; 2], halves: [&str; 2]) -> String {
    let half = |place: usize| [separators[place].to_vec(), of_hex(halves[place])].concat();
    BASE64.encode([prefix.to_vec(), half(0), half(1)].concat())
}

fn of_hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).expect("digits"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits")).collect()
}

#[test]
fn the_example_of_twilios_documentation_is_authentic_and_nothing_else_is() {
    let form =
        "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
    let signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    let check = |token: &str, path: &'static str, form: &str, signature: &str, right: bool| {
        let asked = Asked::new(path, &[("x-twilio-signature", signature)], form);
        let twilio = Twilio::new(token, "https://mycompany.com/");
        assert_eq!(asked.is_authentic_to(&twilio), right, "{token} {path} {form} {signature}");
    };
    let path = "/myapp.php?foo=1&bar=2";
    check("12345", path, form, signature, true);
    let reversed: Vec<&str> = form.split('&').rev().collect();
    check("12345", path, &reversed.join("&"), signature, true);
    check("12346", path, form, signature, false);
    check("12345", "/myapp.php?foo=1&bar=3", form, signature, false);
    check("12345", path, &form.replace("Digits=1234", "Digits=1235"), signature, false);
    check("12345", path, &form.replace("&Digits=1234", ""), signature, false);
    check("12345", path, form, "", false);
    check("12345", path, form, "not base64", false);
}

#[test]
fn a_signature_of_rfc_6979_is_authentic_to_sendgrid_and_nothing_else_is() {
    // Its message is "sample": in two parts, as the time and the body are.
    let prefix = of_hex(P256_PREFIX);
    let point = [
        "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
    ];
    let key = der_of(&prefix, [&[0x04], &[]], point);
    let numbers = [
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    ];
    let signature = der_of(&[0x30, 0x46], [&[0x02, 0x21, 0x00], &[0x02, 0x21, 0x00]], numbers);
    let sendgrid = SendGrid::new(&key).expect("a key of P-256");
    let check = |time: &str, body: &str, signature: &str, right: bool| {
        let headers = [
            ("x-twilio-email-event-webhook-timestamp", time),
            ("x-twilio-email-event-webhook-signature", signature),
        ];
        let asked = Asked::new("/sendgrid", &headers, body);
        assert_eq!(asked.is_authentic_to(&sendgrid), right, "{time} {body} {signature}");
    };
    check("sam", "ple", &signature, true);
    check("sam", "ples", &signature, false);
    check("san", "ple", &signature, false);
    check("sam", "ple", "", false);
    check("sam", "ple", &BASE64.encode("no signature"), false);
    let longer = format!("{}AAAA", &key[..120]);
    let wrong: [&str; 5] = ["", "not base64", "AAAA", &key[..40], &longer];
    for wrong in wrong {
        assert!(SendGrid::new(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn a_signature_of_rfc_4231_is_authentic_to_whatsapp_and_nothing_else_is() {
    let check = |secret: &str, body: &str, signature: &str, right: bool| {
        let asked = Asked::new("/whatsapp", &[("x-hub-signature-256", signature)], body);
        assert_eq!(asked.is_authentic_to(&WhatsApp::new(secret, None)), right, "{secret} {body} {signature}");
    };
    let body = "what do ya want for nothing?";
    let digits = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let signature = format!("sha256={digits}");
    check("Jefe", body, &signature, true);
    check("Jefe", body, &signature.to_uppercase().replace("SHA", "sha"), true);
    check("Jeff", body, &signature, false);
    check("Jefe", "what do ya want for something?", &signature, false);
    check("Jefe", body, digits, false);
    check("Jefe", body, &signature[..signature.len() - 1], false);
    check("Jefe", body, "sha256=", false);
    check("Jefe", body, "", false);
}

#[test]
fn postmarks_credentials_are_those_of_its_url() {
    let check = |authorization: &str, right: bool| {
        let asked = Asked::new("/postmark", &[("authorization", authorization)], "");
        let postmark = Postmark::new("Aladdin:open sesame");
        assert_eq!(asked.is_authentic_to(&postmark), right, "{authorization}");
    };
    // The example of RFC 7617.
    check("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", true);
    check("Basic QWxhZGRpbjpvcGVuIHNlc2FtZR==", false);
    check("Basic ", false);
    check("", false);
}

#[test]
fn a_subscription_is_confirmed_to_whoever_knows_the_token() {
    let whatsapp = WhatsApp::new("secret", Some("token"));
    let check = |query: &str, challenge: Option<&str>| {
        assert_eq!(whatsapp.confirmation(query).as_deref(), challenge, "{query}");
    };
    check("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=token", Some("1158201444"));
    check("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=guess", None);
    check("hub.mode=subscribe&hub.challenge=1158201444", None);
    check("hub.verify_token=token", None);
    assert_eq!(WhatsApp::new("secret", None).confirmation("hub.challenge=1&hub.verify_token="), None);
}

const ECHO: &str = "organization_id=acme&sent_at=2026-02-25T10:00:00Z";

fn callback(status: Status, id: &str, occurred_at: Option<&str>, channel: &'static str) -> Callback {
    Callback {
        meaning: Meaning::Reached(status),
        message_id: id.into(),
        occurred_at: occurred_at.map_or(Told::Nothing, |text| Told::At(text.parse().expect("a time"))),
        channel,
        echo: Echo::from_query(ECHO),
    }
}

#[test]
fn twilio_says_one_thing_in_a_form() {
    let twilio = Twilio::new("", "");
    let path = "/twilio?organization_id=acme&sent_at=2026-02-25T10:00:00Z";
    let says = |form: &str| Asked::new(path, &[], form).says_to(&twilio);
    let sms = "MessageSid=SM1&MessageStatus=delivered&To=%2B18005551212&From=%2B14158675309";
    assert_eq!(says(sms), [callback(Status::Delivered, "SM1", None, "sms")]);
    let whatsapp = "MessageSid=SM2&MessageStatus=read&From=whatsapp%3A%2B14158675309";
    assert_eq!(says(whatsapp), [callback(Status::Read, "SM2", None, "whatsapp")]);
    assert_eq!(says("MessageStatus=lost")[0].meaning, Meaning::Unknown);
    let other = Asked::new(path, &[], "CallSid=CA1");
    let unreadable = twilio.callbacks(&other.request()).expect_err("no status");
    assert_eq!(unreadable.to_string(), "the body is not what twilio sends: it has no MessageStatus");
}

#[test]
fn sendgrid_says_many_things_in_an_array() {
    let half = "00".repeat(32);
    let key = der_of(&of_hex(P256_PREFIX), [&[0x04], &[]], [&half, &half]);
    let sendgrid = SendGrid::new(&key).expect("something of a key's form");
    let body = r#"[
        {"email": "a@example.org", "timestamp": 1772013601, "event": "delivered", "sg_message_id": "sg1",
         "organization_id": "acme", "sent_at": "2026-02-25T10:00:00Z", "category": ["x"], "response": "250 OK"},
        {"email": "a@example.org", "timestamp": 1772013660, "event": "open", "sg_message_id": "sg1",
         "organization_id": "acme", "sent_at": "2026-02-25T10:00:00Z", "sg_machine_open": false},
        {"email": "b@example.org", "timestamp": 1772013660, "event": "deferred", "attempt": "5"}]"#;
    let says = Asked::new("/sendgrid", &[], body).says_to(&sendgrid);
    assert_eq!(says[0], callback(Status::Delivered, "sg1", Some("2026-02-25T10:00:01Z"), "email"));
    assert_eq!(says[1], callback(Status::Read, "sg1", Some("2026-02-25T10:01:00Z"), "email"));
    assert_eq!((says[2].meaning, says[2].echo.is_empty()), (Meaning::Nothing, true));
    let asked = Asked::new("/sendgrid", &[], "[\n{\"event\": \"open\", \"secret\": x}]");
    let unreadable = sendgrid.callbacks(&asked.request()).expect_err("no JSON").to_string();
    assert!(unreadable.starts_with("the body is not what sendgrid sends: line 2, column "), "{unreadable}");
    assert!(!unreadable.contains("secret"), "{unreadable}");
}

#[test]
fn an_odd_event_leaves_the_others_of_its_request_as_they_are() {
    let half = "00".repeat(32);
    let key = der_of(&of_hex(P256_PREFIX), [&[0x04], &[]], [&half, &half]);
    let sendgrid = SendGrid::new(&key).expect("something of a key's form");
    let good = r#"{"event": "delivered", "timestamp": 1772013601, "sg_message_id": "sg1", "organization_id": "acme",
                   "sent_at": "2026-02-25T10:00:00Z"}"#;
    let now = "2026-02-25T10:01:00Z".parse().expect("a time");
    let check = |odd: &str, refusal| {
        let says = Asked::new("/sendgrid", &[], &format!("[{odd}, {good}]")).says_to(&sendgrid);
        let [odd, good] = <[Callback; 2]>::try_from(says).expect("two callbacks");
        assert_eq!(odd.judged(now), Verdict::Refuse(refusal));
        assert!(matches!(good.judged(now), Verdict::Publish(_)));
    };
    check(&good.replace(r#""2026-02-25T10:00:00Z""#, "5"), Refusal::OddSentAt);
    check(&good.replace(r#""acme""#, "42"), Refusal::OddOrganization);
    check(&good.replace(r#""delivered""#, "{}"), Refusal::OddCallback);
    check(&good.replace(r#""sg1""#, "7"), Refusal::NoId);
    check("5", Refusal::OddCallback);
    check("null", Refusal::OddCallback);
    for timestamp in ["null", "1772013601000", "\"yesterday\"", "1.5", "99999999999999999999"] {
        check(&good.replace("1772013601", timestamp), Refusal::OddTime);
    }
    check(&good.replace(r#""timestamp": 1772013601, "#, ""), Refusal::OddTime);
}

#[test]
fn an_odd_status_or_time_of_another_provider_is_that_callbacks_alone() {
    let now = "2026-02-25T10:01:00Z".parse().expect("a time");
    let whatsapp = WhatsApp::new("", None);
    let check = |status: &str, timestamp: &str, refusal| {
        let of = |status: &str, timestamp: &str| {
            format!(
                r#"{{"id": "wamid.1", "status": {status}, "timestamp": {timestamp}, "biz_opaque_callback_data": "{ECHO}"}}"#
            )
        };
        let both = [of(status, timestamp), of("\"read\"", "\"1772013601\"")].join(", ");
        let body = format!(r#"{{"entry": [{{"changes": [{{"value": {{"statuses": [{both}]}}}}]}}]}}"#);
        let says = Asked::new("/whatsapp", &[], &body).says_to(&whatsapp);
        let [odd, good] = <[Callback; 2]>::try_from(says).expect("two callbacks");
        assert_eq!(odd.judged(now), Verdict::Refuse(refusal), "{body}");
        assert!(matches!(good.judged(now), Verdict::Publish(_)), "{body}");
    };
    check("null", "\"1772013601\"", Refusal::OddCallback);
    check("\"read\"", "null", Refusal::OddTime);
    check("\"read\"", "\"1772013601000\"", Refusal::OddTime);
    let body = r#"{"RecordType": "Delivery", "MessageID": "pm1", "DeliveredAt": 5,
                   "Metadata": {"organization_id": "acme", "sent_at": "2026-02-25T10:00:00Z"}}"#;
    let says = Asked::new("/postmark", &[], body).says_to(&Postmark::new("a:b"));
    assert_eq!(says[0].clone().judged(now), Verdict::Refuse(Refusal::OddTime));
}

#[test]
fn postmark_says_one_thing_in_an_object() {
    let postmark = Postmark::new("a:b");
    let says = |record: &str, time: &str| {
        let body = format!(
            r#"{{"RecordType": "{record}", "MessageID": "pm1", "Recipient": "a@example.org", {time}
                "Metadata": {{"organization_id": "acme", "sent_at": "2026-02-25T10:00:00Z", "user": 43}}}}"#
        );
        Asked::new("/postmark", &[], &body).says_to(&postmark)
    };
    let delivered = says("Delivery", r#""DeliveredAt": "2026-02-25T10:00:02Z","#);
    assert_eq!(delivered, [callback(Status::Delivered, "pm1", Some("2026-02-25T10:00:02Z"), "email")]);
    let opened = says("Open", r#""ReceivedAt": "2026-02-25T11:00:00.1234567+01:00","#);
    assert_eq!(opened, [callback(Status::Read, "pm1", Some("2026-02-25T10:00:00.1234567Z"), "email")]);
    let bounced = says("Bounce", r#""BouncedAt": "2026-02-25T10:00:03Z", "Type": "HardBounce","#);
    assert_eq!(bounced, [callback(Status::Failed, "pm1", Some("2026-02-25T10:00:03Z"), "email")]);
    assert_eq!(says("SpamComplaint", "")[0].meaning, Meaning::Nothing);
}

#[test]
fn whatsapp_says_many_things_in_entries_and_other_things_too() {
    let whatsapp = WhatsApp::new("", None);
    let body = format!(
        r#"{{"object": "whatsapp_business_account", "entry": [
            {{"id": "1", "changes": [{{"field": "messages", "value": {{"messaging_product": "whatsapp", "statuses": [
                {{"id": "wamid.1", "status": "sent", "timestamp": "1772013601", "recipient_id": "16505551234",
                  "biz_opaque_callback_data": "{ECHO}"}},
                {{"id": "wamid.1", "status": "read", "timestamp": "1772013660", "recipient_id": "16505551234",
                  "biz_opaque_callback_data": "{ECHO}"}}]}}}}]}},
            {{"id": "1", "changes": [{{"field": "messages", "value": {{"messages": [{{"text": "hello"}}]}}}}]}}]}}"#
    );
    let says = Asked::new("/whatsapp", &[], &body).says_to(&whatsapp);
    let expected = [
        callback(Status::Sent, "wamid.1", Some("2026-02-25T10:00:01Z"), "whatsapp"),
        callback(Status::Read, "wamid.1", Some("2026-02-25T10:01:00Z"), "whatsapp"),
    ];
    assert_eq!(says, expected);
}

/// The documentation's table of what this field of a provider means.
fn documented(provider: &str, field: &str) -> BTreeMap<String, String> {
    let page = include_str!("../../../../docs/providers.md");
    let section = page.split(&format!("\n## {provider}\n")).nth(1).expect("a section of the provider");
    let section = section.split("\n## ").next().unwrap_or_default();
    let head = format!("| `{field}` |");
    let rows = section.lines().skip_while(|line| !line.starts_with(&head)).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let in_row = |row: &str| {
        let mut cells = row.split('|').skip(1);
        let words: Vec<String> =
            cells.next().unwrap_or_default().split('`').skip(1).step_by(2).map(str::to_owned).collect();
        // A status, or the word "nothing"; an explanation may follow.
        let meaning = cells.next().unwrap_or_default().trim().trim_start_matches('`');
        let end = meaning.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(meaning.len());
        let meaning = meaning[..end].to_owned();
        words.into_iter().map(move |word| (word, meaning.clone())).collect::<Vec<_>>()
    };
    rows.flat_map(in_row).collect()
}

#[test]
fn the_tables_of_statuses_are_the_documented_ones() {
    let all = [
        ("Twilio", "MessageStatus", twilio::STATUSES),
        ("SendGrid", "event", sendgrid::STATUSES),
        ("Postmark", "RecordType", postmark::STATUSES),
        ("WhatsApp Cloud API", "status", whatsapp::STATUSES),
    ];
    for (provider, field, statuses) in all {
        let meaning = |status: &Option<Status>| {
            let name = status.map(|status| status.as_str_name().trim_start_matches("STATUS_"));
            name.unwrap_or("nothing").to_owned()
        };
        let ours: BTreeMap<_, _> =
            statuses.iter().map(|(word, status)| ((*word).to_owned(), meaning(status))).collect();
        assert_eq!(ours.len(), statuses.len(), "{provider}: a word is there twice");
        assert_eq!(documented(provider, field), ours, "{provider}");
    }
}
