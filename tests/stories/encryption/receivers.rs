//! Webhooks over TLS: to receivers whose certificates an authority of their own has signed, and to those that nobody trusts.

use super::text;
use crate::webhooks::{endpoint, send, telling, until, with_a_warning};
use serde_json::{Value, json};
use tests::{Api, Authority, Flaw, Launch, Receiver, Stack, put};

/// So many attempts, soon, that none of them is the last before the story has seen it.
const SCHEDULE: &str =
    "100ms,100ms,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s";

/// An API that tells over TLS alone.
fn telling_by_tls(stack: &Stack) -> Launch<'_> {
    telling(stack).without("WEBHOOK_ALLOW_HTTP").set("WEBHOOK_RETRY_SCHEDULE", SCHEDULE)
}

/// What has become of a test that is sent to this endpoint.
async fn tested(api: &Api, path: &str) -> Value {
    send(api, "POST", &format!("{path}/test"), "acme", None).await.json()
}

#[tokio::test]
async fn a_receiver_that_is_not_trusted_gets_the_same_message_once_its_authority_is() {
    let (stack, authority) = (with_a_warning().await, Authority::new("the authority of receivers").await);
    let trusted = stack.folder().join("receivers-authorities.pem");
    put(&Authority::new("a stranger").await.file(), &trusted);
    let receiver = Receiver::start_with(&authority.server(Flaw::None)).await;
    let api =
        telling_by_tls(&stack).set("WEBHOOK_CA_FILE", text(&trusted)).set("RUST_LOG", "warn").serve().await;
    let (path, secret) = endpoint(&api, "acme", &receiver.url()).await;
    let words =
        ["the receiver's certificate is signed by an authority that is not trusted", "WEBHOOK_CA_FILE"];
    let is_tried = |attempts: i64| {
        move |json: &Value| {
            let delivery = &json["deliveries"][0];
            let said = delivery["lastError"].as_str().unwrap_or_default();
            delivery["attempts"].as_i64() >= Some(attempts) && words.iter().all(|word| said.contains(word))
        }
    };
    let pending = format!("{path}/deliveries?state=pending");
    let tried = until(&api, &pending, is_tried(2)).await;

    // A file that can't be used changes nothing, and is told of once, however often it is read.
    std::fs::write(&trusted, "no certificate").expect("a file");
    let attempts = tried["deliveries"][0]["attempts"].as_i64().expect("a number");
    let refused = until(&api, &pending, is_tried(attempts + 3)).await;
    let told = api.log_tail().matches("a file of authorities can't be used").count();
    assert_eq!(told, 1, "{}", api.log_tail());
    let refused = &refused["deliveries"][0];
    assert_eq!(refused["lastStatus"], Value::Null, "{refused:#}");
    assert!(refused["nextAttemptAt"].is_string(), "{refused:#}");
    assert_eq!(receiver.received().len(), 0, "nothing is sent to whom nobody trusts");

    // The file is read again for each attempt.
    put(&authority.file(), &trusted);
    let is_delivered = |json: &Value| json["deliveries"][0]["state"] == "delivered";
    let delivered = until(&api, &format!("{path}/deliveries"), is_delivered).await;
    let delivered = &delivered["deliveries"][0];
    let received = receiver.received();
    assert_eq!((received.len(), &delivered["id"]), (1, &json!(received[0].id)));
    assert_eq!(received[0].signatures_by(&secret), 1);
    assert_eq!((&delivered["id"], &delivered["lastError"]), (&refused["id"], &Value::Null));
    assert!(delivered["attempts"].as_i64() >= refused["attempts"].as_i64(), "{delivered:#}");
}

#[tokio::test]
async fn an_authority_of_the_operators_is_trusted_beside_the_systems_and_a_bad_certificate_is_told() {
    let stack = Stack::start().await;
    let (own, public) =
        (Authority::new("an authority of the operators").await, Authority::new("a public one").await);
    let api = telling_by_tls(&stack)
        .set("SSL_CERT_FILE", text(&public.file()))
        .set("WEBHOOK_CA_FILE", text(&own.file()))
        .serve()
        .await;
    for authority in [&own, &public] {
        let receiver = Receiver::start_with(&authority.server(Flaw::None)).await;
        let (path, secret) = endpoint(&api, "acme", &receiver.url()).await;
        let told = tested(&api, &path).await;
        assert_eq!((&told["state"], &told["lastStatus"]), (&json!("delivered"), &json!(204)), "{told:#}");
        assert_eq!(receiver.received()[0].signatures_by(&secret), 1);
    }
    for (flaw, words) in [
        (Flaw::Expired, ["the receiver's certificate has expired (on 2021-01-01)", "renew"]),
        (Flaw::Elsewhere, ["another name than 127.0.0.1", "elsewhere.example"]),
    ] {
        let receiver = Receiver::start_with(&own.server(flaw)).await;
        let (path, _) = endpoint(&api, "acme", &receiver.url()).await;
        let told = tested(&api, &path).await;
        let said = told["lastError"].as_str().unwrap_or_default();
        assert_eq!((&told["state"], &told["lastStatus"]), (&json!("dead"), &Value::Null), "{told:#}");
        assert!(words.iter().all(|word| said.contains(word)), "{told:#}");
        assert_eq!(receiver.received().len(), 0);
    }
}
