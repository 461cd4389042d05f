//! Several hosts in `DATABASE_URL`: of those that answer, the primary is used, however the others fail.

use crate::telling::{orders, orders_created, orders_in, text, yesterday};
use chrono::Duration;
use stack::wait::{self, Seen};
use tests::{Answer, Api, Stack, Token};

/// How long it may take until the API has found the new primary.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(60);

/// The summary of acme's two hours that orders are in. Each call asks for another range, so that none is cached.
async fn ask(api: &Api, hours: i64) -> Answer {
    let to = yesterday() + Duration::hours(1);
    let path = format!("/metrics/summary?from={}&to={}", text(to - Duration::hours(hours)), text(to));
    api.get(&path, &Token::of("acme").sign()).await
}

fn ordered(answer: &Answer) -> Option<i64> {
    let answer = answer.json();
    answer["kpis"].as_array()?.iter().find(|kpi| kpi["key"] == "orders_created")?["value"].as_i64()
}

#[tokio::test]
async fn a_silent_first_host_keeps_nobody_from_the_next() {
    let stack = Stack::start().await;
    let proxy = stack.proxy();
    proxy.pause();
    let hosts = format!("{},{}", proxy.address(), stack.database().server().expect("an address"));
    let is_served = async |parameters: &str| {
        let migrated = stack.consumer().command(&["migrate"]).on(&hosts, parameters).run().await;
        assert_eq!(migrated.code, Some(0), "{migrated:#?}");
        let shown = stack.consumer().command(&["progress", "show"]).on(&hosts, parameters).run().await;
        assert_eq!(shown.code, Some(0), "{shown:#?}");
        let mut member = stack.consumer().on(&hosts, parameters).start().await;
        member.until_ready().await;
        let mut api = stack.api().on(&hosts, parameters).serve().await;
        api.until_ready().await;
        let answer = ask(&api, 2).await;
        assert_eq!(answer.status, 200, "{parameters}: {}", answer.body);
        assert_eq!(member.stop().await, Some(0));
    };
    tokio::join!(is_served(""), is_served("?target_session_attrs=read-write"));
}

#[tokio::test]
async fn a_url_that_asks_for_a_primary_is_served_by_one() {
    let stack = Stack::start().await;
    let server = stack.database().server().expect("an address");
    let mut api = stack.api().on(&server, "?target_session_attrs=read-write").serve().await;
    api.until_ready().await;
    assert_eq!(ask(&api, 2).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_everybody_finds_the_new_primary_among_the_hosts() {
    let Some(stack) = Stack::with_pair().await else { return };
    let [first, second] = stack.pair().servers();
    // The standby comes first.
    let hosts = format!("{second},{first}");
    stack.pair().until_standby_has(stack.name()).await.expect("a standby that follows");
    // What it lacks from now on an answer made of its rows would lack, too.
    stack.pair().cut_standby_off().await.expect("the standby follows no longer");
    let member = stack.consumer().on(&hosts, "").start().await;
    let mut api = stack.api().on(&hosts, "").serve().await;
    api.until_ready().await;
    stack.produce(orders("acme", 100)).await;
    stack.until_idle().await;
    assert_eq!(ordered(&ask(&api, 2).await), Some(100));

    stack.pair().fail_over().await.expect("the standby is promoted");
    stack.produce(orders_in(0, "acme", 100..150)).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(150));
    let mut hours = 2;
    let found = wait::until("the API to read from the new primary", LIMIT, async || {
        hours += 1;
        let answer = ask(&api, hours).await;
        Ok(Seen::when(answer.status == 200 && ordered(&answer) == Some(150), answer.body))
    });
    found.await.expect("answers of the new primary");
    let shown = stack.consumer().command(&["progress", "show"]).on(&hosts, "").run().await;
    assert_eq!(shown.code, Some(0), "{shown:#?}");
    let migrated = stack.consumer().command(&["migrate"]).on(&hosts, "").run().await;
    assert_eq!(migrated.code, Some(0), "{migrated:#?}");
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_asks_for_a_standby_reads_from_it() {
    let Some(stack) = Stack::with_pair().await else { return };
    let hosts = stack.pair().servers().join(",");
    stack.pair().until_standby_has(stack.name()).await.expect("a standby that follows");
    let mut api = stack.api().on(&hosts, "?target_session_attrs=read-only").serve().await;
    api.until_ready().await;
    assert_eq!(ask(&api, 2).await.status, 200);
    let client = stack.client().await;
    let sessions = "select count(*) from pg_stat_activity where application_name = 'query-api'";
    let sessions: i64 = client.query_one(sessions, &[]).await.expect("sessions").get(0);
    assert_eq!(sessions, 0, "none on the primary");
}
