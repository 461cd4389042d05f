//! Redis over TLS: with a user of its own, a certificate, and what is said of certificates that are wrong.

use super::postgres::orders_at;
use super::{secret, tells, tells_no_more, text};
use crate::doctor::{examine, stack_with_own};
use crate::documented::blocks_of;
use crate::telling::{orders, until_counted};
use stack::wait::{self, Seen};
use stack::{Redis, Service, port};
use std::collections::HashMap;
use std::time::Duration;
use tests::{Api, Authority, Certified, Collector, Flaw, Launch, Member, Stack, Token};

/// How long it may take until something is seen in Redis, a new connection included.
const LIMIT: Duration = Duration::from_secs(30);

/// A stack whose Redis speaks TLS on a port of its own, and the authority of its certificate.
struct World {
    stack: Stack,
    authority: Authority,
    port: u16,
}

impl World {
    /// `None` if this machine has no Redis, or it isn't ours.
    async fn start() -> Option<Self> {
        let stack = Stack::with_own(Service::Redis).await;
        stack.redis()?.server()?;
        let authority = Authority::new("the authority of Redis").await;
        let world = Self { stack, authority, port: port::free().expect("a port") };
        world.show(Flaw::None);
        Some(world)
    }

    fn redis(&self) -> &Redis {
        self.stack.redis().expect("this world has one")
    }

    /// Shows another certificate. Clients may show one.
    fn show(&self, flaw: Flaw) {
        let tls = self.authority.server_tls(flaw);
        self.redis().encrypt(self.port, &tls, false).expect("a Redis with TLS");
    }

    /// A process that reaches Redis by TLS, and trusts this authority.
    fn trusting<'a>(&self, launch: Launch<'a>, authority: &Authority) -> Launch<'a> {
        let launch = launch.set("REDIS_URL", format!("rediss://127.0.0.1:{}", self.port));
        launch.set("REDIS_CA_FILE", text(&authority.file()))
    }

    /// Waits until a member has announced that this organization's numbers have changed.
    async fn until_announced(&self, organization: &str) {
        let key = format!("{}:metrics:{organization}:version", self.stack.name());
        let announced = wait::until("an announcement", LIMIT, async || {
            let answer = self.redis().command(&format!("EXISTS {key}"))?;
            Ok(Seen::when(answer == ":1", answer))
        });
        announced.await.expect("a version");
    }
}

async fn until_up(api: &Member) {
    let up = wait::until("the API to reach Redis", LIMIT, async || {
        let (up, tells) =
            (api.metric("query_api_redis_up", "").await, api.metric("query_api_redis_tells", "").await);
        Ok(Seen::when(up == 1.0 && tells == 1.0, format!("up {up}, tells {tells}: {}", api.log_tail())))
    });
    up.await.expect("Redis");
}

/// The same, which shows a certificate.
fn showing<'a>(launch: Launch<'a>, Certified { certificate, key }: &Certified) -> Launch<'a> {
    launch.set("REDIS_CERT_FILE", text(certificate)).set("REDIS_KEY_FILE", text(key))
}

#[tokio::test]
async fn changes_are_announced_over_tls_and_go_on_when_the_password_is_replaced_in_its_file() {
    let Some(world) = World::start().await else { return };
    let (stack, redis) = (&world.stack, world.redis());
    redis.encrypt(world.port, &world.authority.server_tls(Flaw::None), true).expect("certificates");
    assert_eq!(redis.command("ACL SETUSER metrics on >first ~* &* +@all").expect("an answer"), "+OK");
    let address = |password: &str| format!("rediss://metrics:{password}@127.0.0.1:{}", world.port);
    let file = secret(stack, "redis-url", &address("first"));
    let certified = world.authority.client("a client");
    let within = |launch| {
        let launch = showing(world.trusting(launch, &world.authority), &certified);
        launch.without("REDIS_URL").set("REDIS_URL_FILE", &*file)
    };
    let mut member = within(stack.consumer()).start().await;
    let api = within(stack.api()).set("REDIS_TIMEOUT", "2s").serve().await;
    member.until_ready().await;
    until_up(&api).await;
    stack.produce(orders("acme", 10)).await;
    world.until_announced("acme").await;

    secret(stack, "redis-url", &address("second"));
    assert_eq!(redis.command("ACL SETUSER metrics resetpass >second").expect("an answer"), "+OK");
    redis.command("CLIENT KILL USER metrics").expect("an answer");
    // The connection that was killed takes an announcement with it: answers of before expire.
    for organization in ["beta", "gamma"] {
        stack.produce(orders(organization, 10)).await;
        until_counted(stack, organization, "orders_created", 10).await;
    }
    stack.produce(orders("delta", 10)).await;
    world.until_announced("delta").await;
    tells_no_more(&member, "away").await;
    until_up(&api).await;
    assert_eq!(member.stop().await, Some(0));
}

/// Fails the story unless member and API warn of Redis' certificate in these words, and work all the same.
async fn both_warn(world: &World, authority: &Authority, words: &[&str]) {
    let stack = &world.stack;
    let mut member = world.trusting(stack.consumer(), authority).start().await;
    let mut api = world.trusting(stack.api(), authority).set("REDIS_TIMEOUT", "2s").serve().await;
    for told in [&member, &*api] {
        tells(told, words).await;
        assert!(words.iter().all(|word| told.log_tail().contains(word)), "{}", told.log_tail());
    }
    member.until_ready().await;
    api.until_ready().await;
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_certificate_that_is_wrong_is_a_warning_that_says_what_is_wrong() {
    let Some(world) = World::start().await else { return };
    let stranger = Authority::new("a stranger").await;
    let words = ["Redis's certificate is signed by an authority that is not trusted", "REDIS_CA_FILE"];
    both_warn(&world, &stranger, &words).await;
    world.show(Flaw::Expired);
    both_warn(&world, &world.authority, &["Redis's certificate has expired (on 2021-01-01)", "renew"]).await;
    world.show(Flaw::Elsewhere);
    both_warn(&world, &world.authority, &["another name than 127.0.0.1", "elsewhere.example"]).await;
}

#[tokio::test]
async fn a_certificate_that_is_asked_for_and_not_shown_is_a_warning() {
    let Some(world) = World::start().await else { return };
    let tls = world.authority.server_tls(Flaw::None);
    world.redis().encrypt(world.port, &tls, true).expect("certificates");
    let member = world.trusting(world.stack.consumer(), &world.authority).start().await;
    tells(&member, &["Redis asks for a certificate of this client", "REDIS_CERT_FILE"]).await;
    assert_eq!(member.stop().await, Some(0));
}

/// A process that is a documented user, in another database of Redis than the first.
fn as_user<'a>(launch: Launch<'a>, redis: &Redis, user: &str) -> Launch<'a> {
    let url = redis.url().replace("redis://", &format!("redis://{user}:change-me@"));
    launch.set("REDIS_URL", format!("{url}/1"))
}

/// Makes the documented users, with rights on this story's keys alone.
fn make_users(stack: &Stack, redis: &Redis) {
    let keys = format!("~{}:metrics:*", stack.name());
    for block in blocks_of("the_documented_users_of_redis_may_do_all_that_they_need") {
        for line in block.text.replace("~metrics:*", &keys).lines() {
            let make = line.replacen("user ", "ACL SETUSER ", 1);
            assert_eq!(redis.command(&make).expect("an answer"), "+OK", "{make}");
        }
    }
}

/// What Redis has refused to its users. The name of a client's library is something that it may refuse.
async fn refusals(redis: &Redis) -> Vec<String> {
    let client = redis::Client::open(redis.url()).expect("a Redis URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let log = redis::cmd("ACL").arg("LOG").query_async(&mut connection).await;
    let log: Vec<HashMap<String, String>> = log.expect("what was refused");
    log.into_iter()
        .map(|refused| format!("{} {}", refused["username"], refused["object"]))
        .filter(|refused| !refused.ends_with("client|setinfo"))
        .collect()
}

/// Waits until Redis has a key like this in the users' database, or has none.
async fn until_kept(stack: &Stack, redis: &Redis, like: &str, is_kept: bool) {
    let client = redis::Client::open(format!("{}/1", redis.url())).expect("a Redis URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let pattern = format!("{}:metrics:acme:{like}", stack.name());
    let seen = wait::until(like, LIMIT, async || {
        let found: Vec<String> =
            redis::cmd("KEYS").arg(&pattern).query_async(&mut connection).await.expect("keys");
        Ok(Seen::when(found.is_empty() != is_kept, format!("{pattern}: {found:?}")))
    });
    seen.await.expect("what Redis keeps");
}

/// Has the API read, keep and outdate an answer, and share what it has granted.
async fn use_all_rights(api: &Api, stack: &Stack, redis: &Redis) {
    until_up(api).await;
    let shared = wait::until("rates to be shared", LIMIT, async || {
        let status = orders_at(api).await.status;
        let exchanges = api.metric("query_api_rate_exchanges_total", "outcome=\"shared\"").await;
        Ok(Seen::when(exchanges > 0.0, format!("{exchanges} exchanges; the last answer has {status}")))
    });
    shared.await.expect("an exchange");
    until_kept(stack, redis, "summary:v*", true).await;
    let token = format!("Bearer {}", Token::of("acme").claim("scope", "settings:write").sign());
    let headers = [("authorization", &*token), ("content-type", "application/json")];
    let thresholds = r#"{"thresholds":{"payment_success_low":{"warning":97.5}}}"#;
    let set = api.send(("PUT", "/settings/thresholds", thresholds), &headers).await;
    assert_eq!(set.status, 200, "{}", set.body);
}

#[tokio::test]
async fn the_documented_users_of_redis_may_do_all_that_they_need() {
    let Some(stack) = stack_with_own(Service::Redis).await else { return };
    let Some(redis) = stack.redis() else { return };
    make_users(&stack, redis);
    let collector = Collector::start().await;
    let as_member = || as_user(stack.consumer(), redis, "metrics-member");
    let member = as_member().set("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()).start().await;
    stack.produce(orders("acme", 10)).await;
    for kept in ["version", "batch"] {
        until_kept(&stack, redis, kept, true).await;
    }
    let found = examine(as_member(), &[]).await.found;
    assert!(!found.iter().any(|found| found.check.starts_with("redis")), "{found:#?}");
    let api = as_user(stack.api(), redis, "metrics-api").set("RATE_LIMIT_PER_SECOND", "20");
    let api = api.set("REDIS_TIMEOUT", "2s").set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600").serve().await;
    use_all_rights(&api, &stack, redis).await;

    let as_eraser = || as_user(stack.consumer(), redis, "metrics-eraser");
    let erased = as_eraser().command(&["erase", "--organization", "acme", "--yes"]).run().await;
    assert_eq!(erased.code, Some(0), "{erased:#?}");
    until_kept(&stack, redis, "summary:v*", false).await;
    assert_eq!(refusals(redis).await, Vec::<String>::new());

    // What a user lacks is seen: the doctor needs more than the eraser has.
    let found = examine(as_eraser(), &[]).await.found;
    assert!(found.iter().any(|found| found.check == "redis-rights"), "{found:#?}");
    assert_eq!(refusals(redis).await, ["metrics-eraser incrby"]);
    assert_eq!((member.stop().await, api.stop().await), (Some(0), Some(0)));
}
