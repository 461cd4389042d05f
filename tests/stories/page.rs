//! The dashboard's page, visited by a real browser on real servers.

use crate::telling::text;
use chrono::{DateTime, Duration, Utc};
use domain::BucketSize;
use load::{History, Message, Produced};
use machine::environment::Environment;
use machine::page;
use machine::say;
use serde_json::{Value, json};
use stack::run::process::Process;
use stack::run::program::Program;
use stack::run::server::Server;
use stack::wait::{self, Seen};
use stack::{http, port};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration as StdDuration;
use tests::{Api, Launch, Receiver, Stack, Token};

/// Whose page it is: of the history's companies the one that has failing workflows.
const ORGANIZATION: &str = "org_harbor";

/// Another of the history's companies, whose link a person may be sent.
const OTHER: &str = "org_meadow";

/// An organization that has just begun: nothing, then a few orders, then many.
const YOUNG: &str = "org_young";

/// An organization whose numbers change while the page is open.
const LIVE: &str = "org_live";

/// Days that are over, whose numbers no longer change: enough for a week on the page, and a week's beginning before it.
const DAYS: i64 = 8;

/// What there is to see: enough days to compare the week with, and for insights.
const HISTORY_DAYS: i64 = 30;

/// Little enough for any Kafka, and enough for failed runs of every workflow.
const RECORDS: u64 = 60_000;

/// The young organization's orders on the day before yesterday and on yesterday: more than ten times as many.
const YOUNG_ORDERS: [(i64, usize); 2] = [(2, 2), (1, 100)];

/// The service that the provider's tokens are for.
const AUDIENCE: &str = "https://metrics.example";

/// How long tokens of the one provider are valid, and of the other, whose sessions have to be renewed while they are looked at.
const TOKEN_SECONDS: [u32; 2] = [3_600, 6];

/// How long the visits may take together on a busy machine; the browser's driver ends them then, and says which.
const VISITS_LIMIT: StdDuration = StdDuration::from_secs(20 * 60);

/// How long the driver may take beyond that.
const REPORT_LIMIT: StdDuration = StdDuration::from_secs(60);

/// How long it may take to end its browser when it is stopped.
const GRACE: StdDuration = StdDuration::from_secs(20);

#[tokio::test]
async fn the_page_shows_the_right_numbers_in_every_state() {
    if let Some(why) = shortcoming(&Environment::read()) {
        say::line(format_args!("skipped: the page in a browser: {why}"));
        return;
    }
    let now = Utc::now();
    let to = BucketSize::Day.floor(now);
    let from = to - Duration::days(DAYS);
    let stack = Stack::start().await;
    let until = BucketSize::Hour.floor(now);
    let begin = to - Duration::days(HISTORY_DAYS);
    let history = History { seed: 1, records: RECORDS, partitions: stack.partitions(), from: begin, until };
    let records: Vec<Produced> = history.records().chain(begun(to)).collect();
    stack.produce(records.iter().cloned()).await;
    // It stays, so that the page has numbers that are complete until just now.
    let consumer = stack.consumer().start().await;
    stack.until_idle().await;
    stack.agrees_with(&records).await;

    let expected = summary(&stack, from, to).await;
    let api = with_page(stack.api()).serve().await;
    let [long, short] = TOKEN_SECONDS.map(|seconds| SignIn::start(&stack, seconds));
    let (long, short) = (long.await, short.await);
    visit(&stack, &[&api, &long.api, &short.api].map(|api| format!("http://{}", api.address())), &expected)
        .await;
    for api in [api, long.api, short.api] {
        assert_eq!(api.stop().await, Some(0));
    }
    assert_eq!(consumer.stop().await, Some(0));
}

fn with_page(api: Launch<'_>) -> Launch<'_> {
    api.set("DASHBOARD_DIR", page::built().to_str().expect("a checkout's path is text"))
}

/// A provider of OpenID Connect, and an API that trusts its tokens.
struct SignIn {
    _provider: Server,
    api: Api,
}

impl SignIn {
    async fn start(stack: &Stack, token_seconds: u32) -> Self {
        let address: SocketAddr = (Ipv4Addr::LOCALHOST, port::free().expect("a port")).into();
        let environment = stack.services().environment();
        let log = stack.services().run().join(format!("{}-provider-{token_seconds}.log", stack.name()));
        let node = environment.find("node").expect("looked for above");
        let program = Program::new("provider", node, log)
            .folder(page::folder())
            .arg("e2e/provider.mjs")
            .inherit(environment)
            .env("PORT", address.port().to_string())
            .env("PROVIDER_ORGANIZATIONS", format!("{ORGANIZATION},{OTHER}"))
            .env("TOKEN_SECONDS", token_seconds.to_string());
        let answers = async || match http::get(address, "/.well-known/openid-configuration") {
            Ok(_) => Seen::Ready(()),
            Err(error) => Seen::NotYet(error.to_string()),
        };
        let provider = Server::start(program, answers).await.expect("a provider");
        let issuer = format!("http://{address}");
        let api = with_page(stack.api())
            .without("JWT_HS256_SECRET")
            .set("JWT_JWKS_URL", format!("{issuer}/jwks"))
            .set("JWT_ISSUER", issuer.as_str())
            .set("JWT_AUDIENCE", AUDIENCE)
            .set("OIDC_ISSUER", issuer.as_str())
            .set("OIDC_CLIENT_ID", "page")
            .set("OIDC_RESOURCE", AUDIENCE)
            .set("OIDC_SCOPE", "openid profile")
            .set("ACCESS_CONTACT", "metrics-team@example.com")
            .serve()
            .await;
        Self { _provider: provider, api }
    }
}

/// The records of the young organization, and one of that whose numbers change.
fn begun(today: DateTime<Utc>) -> impl Iterator<Item = Produced> {
    let order = |organization: &str, id: &str, at| Produced::plain(Message::order(organization, id, at));
    let young = YOUNG_ORDERS.into_iter().flat_map(move |(days_ago, count)| {
        let noon = today - Duration::days(days_ago) + Duration::hours(12);
        (0..count).map(move |n| order(YOUNG, &format!("young-{days_ago}-{n}"), noon))
    });
    young.chain([order(LIVE, "live", today - Duration::hours(1))])
}

/// Why there is no visit, in a sentence; `None` where there is one.
fn shortcoming(environment: &Environment) -> Option<String> {
    let missing = page::build_shortcoming(environment).or_else(|| page::browser_shortcoming(environment));
    missing.or_else(|| {
        let ready = page::built().join("index.html").exists() && page::is_fetched(&page::folder());
        (!ready)
            .then(|| "it is not built (npm ci and npm run build in dashboard/, or cargo verify)".to_owned())
    })
}

/// The part of a summary that the visits compare with the page, by SQL alone: the values of the range, and of the one that
/// a range of more than a week is compared with.
async fn summary(stack: &Stack, from: DateTime<Utc>, to: DateTime<Utc>) -> Value {
    let before = Duration::weeks(2);
    let (name, plan, values) = sums(stack, from, to).await;
    let (.., previous) = sums(stack, from - before, to - before).await;
    let kpi = |((key, value), previous)| json!({ "key": key, "value": value, "previousValue": previous });
    let kpis: Vec<Value> = KPIS.into_iter().zip(values).zip(previous).map(kpi).collect();
    json!({
        "organizationId": ORGANIZATION,
        "organizationName": name,
        "plan": { "name": plan },
        "range": { "from": text(from), "to": text(to) },
        "kpis": kpis,
    })
}

const KPIS: [&str; 5] = [
    "orders_created",
    "payment_success_rate",
    "workflow_failure_rate",
    "avg_execution_time_ms",
    "message_delivery_rate",
];

/// The organization's name, its plan, and its KPIs between two midnights.
async fn sums(stack: &Stack, from: DateTime<Utc>, to: DateTime<Utc>) -> (String, String, Vec<f64>) {
    let query = "
        select name, plan_name,
               sum(orders_created)::float8,
               round(100 * sum(payments_successful) / sum(payments_total), 1)::float8,
               round(100 * sum(workflows_failed) / sum(workflows_total), 1)::float8,
               round(sum(total_execution_time_ms) / sum(workflows_total), 1)::float8,
               round(100 * sum(messages_delivered) / sum(messages_sent), 1)::float8
        from org_quarter_metrics join organizations using (organization_id)
        where organization_id = $1 and quarter_bucket >= $2 and quarter_bucket < $3
        group by name, plan_name";
    let row = stack.client().await.query_one(query, &[&ORGANIZATION, &from, &to]).await.expect("sums");
    (row.get(0), row.get(1), (2..2 + KPIS.len()).map(|place| row.get(place)).collect())
}

/// Has Playwright visit the page, and ends the story with all it says when something isn't as it must be.
///
/// `urls` are those of the API, and of those with providers whose tokens last, and don't.
async fn visit(stack: &Stack, urls: &[String; 3], expected: &Value) {
    let environment = stack.services().environment();
    let browser = page::browser(environment).expect("looked for above");
    let log = stack.services().run().join(format!("{}-visits.log", stack.name()));
    // Each request to it has one more order counted.
    let receiver = Receiver::start().await;
    // What `npm run e2e` runs, but as a child of ours, which ends its browser when it is stopped.
    let program = Program::new("playwright", page::folder().join("node_modules/.bin/playwright"), &log)
        .folder(page::folder())
        // The pictures need no stack: `npm run pictures` compares them.
        .args(["test", "--project", "page", "--global-timeout", &VISITS_LIMIT.as_millis().to_string()])
        .inherit(environment)
        .env("E2E_URL", &urls[0])
        .env("E2E_SIGN_IN_URL", &urls[1])
        .env("E2E_SHORT_SIGN_IN_URL", &urls[2])
        .env("E2E_TOKEN", Token::of(ORGANIZATION).sign())
        .env("E2E_OTHER_TOKEN", Token::of(OTHER).sign())
        .env("E2E_SEVERAL_TOKEN", several().sign())
        .env("E2E_WRITER_TOKEN", writer().sign())
        .env("E2E_EMPTY_TOKEN", Token::of("org_without_records").sign())
        .env("E2E_YOUNG_TOKEN", Token::of(YOUNG).sign())
        .env("E2E_LIVE_TOKEN", Token::of(LIVE).sign())
        .env("E2E_COUNT_URL", receiver.url())
        .env("E2E_EXPECTED", expected.to_string())
        .env("CHROMIUM", browser)
        .end_by(rustix::process::Signal::INT, GRACE);
    let mut driver = Process::start(program).expect("Playwright was fetched");
    let ended = tokio::select! {
        ended = driver.wait(VISITS_LIMIT + REPORT_LIMIT) => ended,
        never = count_when_asked(stack, &receiver) => match never {},
    };
    let words = std::fs::read_to_string(&log).unwrap_or_default();
    assert!(ended.as_ref().is_ok_and(std::process::ExitStatus::success), "{ended:?}\n{words}");
}

/// A token that names two organizations.
fn several() -> Token {
    Token::of(ORGANIZATION).without("organization_id").claim("organizations", json!([ORGANIZATION, OTHER]))
}

/// A token that may change thresholds.
fn writer() -> Token {
    Token::of(ORGANIZATION)
        .claim("scope", "metrics:read settings:read settings:write")
        .claim("sub", "the page's visitor")
}

/// Has one more order counted for each request that the receiver gets.
async fn count_when_asked(stack: &Stack, receiver: &Receiver) -> Infallible {
    let mut counted = 0;
    loop {
        let limit = VISITS_LIMIT + REPORT_LIMIT;
        let waiting = wait::until("an order to be asked for", limit, async || {
            Ok(Seen::when(receiver.received().len() > counted, "no further one is"))
        });
        waiting.await.expect("the visits end before");
        let order = Message::order(LIVE, &format!("live-{counted}"), Utc::now());
        stack.produce([Produced::plain(order)]).await;
        counted += 1;
    }
}
