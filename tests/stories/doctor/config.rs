//! `--check-config`, the first line of the logs, and asking a process whether it is ready.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use tests::{Ended, Launch, Stack};

/// A word that nobody may see.
const SECRET: &str = "opensesame-and-some-more-letters-for-its-length";

/// Ports on which nobody may connect.
struct Untouched(Vec<TcpListener>);

impl Untouched {
    fn new(count: usize) -> Self {
        let listen = |_| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
            listener.set_nonblocking(true).expect("a listener that doesn't wait");
            listener
        };
        Self((0..count).map(listen).collect())
    }

    fn address(&self, number: usize) -> String {
        self.0[number].local_addr().expect("an address").to_string()
    }

    /// Fails the story if somebody has connected.
    fn is_true(&self) {
        for listener in &self.0 {
            let accepted = listener.accept().map_err(|error| error.kind());
            assert_eq!(accepted.err(), Some(ErrorKind::WouldBlock), "somebody has connected");
        }
    }
}

/// Fails the story unless these words are said, and the secret isn't.
fn says(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:#?}");
    let said = format!("{}\n{}", ended.output, ended.errors);
    assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {ended:#?}");
    assert!(!said.contains(SECRET), "{ended:#?}");
}

/// A member's settings with secrets of every kind, which lead to ports where nobody may connect.
fn member<'a>(stack: &'a Stack, ports: &Untouched) -> Launch<'a> {
    let [kafka, postgres, redis] = [0, 1, 2].map(|number| ports.address(number));
    stack
        .consumer()
        .set("KAFKA_BROKERS", kafka)
        .set("DATABASE_URL", format!("postgres://u:{SECRET}@{postgres}/d"))
        .set("REDIS_URL", format!("redis://:{SECRET}@{redis}"))
        .set("KAFKA_CONFIG_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
        .set("KAFKA_CONFIG_SASL_MECHANISM", "PLAIN")
        .set("KAFKA_CONFIG_SASL_USERNAME", "metrics")
        .set("KAFKA_CONFIG_SASL_PASSWORD", SECRET)
        .set("KAFKA_CONFIG_SSL_KEY_PASSWORD", SECRET)
        .command(&["run", "--check-config", "--batch-age-max", "70ms"])
}

#[tokio::test]
async fn a_members_settings_are_shown_without_secrets_and_no_server_is_touched() {
    let stack = Stack::start().await;
    let ports = Untouched::new(3);
    let shown = member(&stack, &ports).run().await;
    let words = [
        "u:***@",
        "redis://:***@",
        "(environment)",
        "70ms  (flag)",
        "(default)",
        "(not set)",
        "LEDGER_MEMORY_MB",
        "the settings can be used",
    ];
    says(&shown, 0, &words);
    let line = |name: &str| shown.output.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    assert!(line("KAFKA_CONFIG_SASL_PASSWORD").contains("***"), "{shown:#?}");
    assert!(line("KAFKA_CONFIG_SSL_KEY_PASSWORD").contains("***"), "{shown:#?}");
    assert!(line("KAFKA_CONFIG_SASL_USERNAME").contains("metrics"), "{shown:#?}");
    ports.is_true();
}

#[tokio::test]
async fn a_members_settings_that_cannot_be_used_are_named() {
    let stack = Stack::start().await;
    let ports = Untouched::new(3);
    let cases: [(&str, &str, &str); 5] = [
        ("DATABASE_CA_FILE", "/nowhere/ca.pem", "DATABASE_CA_FILE"),
        ("REDIS_URL", "127.0.0.1:6379", "REDIS_URL"),
        ("KAFKA_CONFIG_SASL_MECHANISM", "NONSENSE", "KAFKA_CONFIG"),
        ("LEDGER_RETENTION_DAYS", "91", "FAILURE_RETENTION_DAYS (90)"),
        ("KAFKA_CONFIG_SASL_PASSWORD_FILE", "/nowhere/password", "KAFKA_CONFIG_SASL_PASSWORD_FILE"),
    ];
    for (name, value, word) in cases {
        says(&member(&stack, &ports).set(name, value).run().await, 2, &[word]);
    }
    let encrypted = member(&stack, &ports).set("KAFKA_CONFIG_SECURITY_PROTOCOL", "SASL_SSL");
    let encrypted = encrypted.set("KAFKA_CONFIG_SSL_CA_LOCATION", "/nowhere/ca.pem");
    says(&encrypted.run().await, 2, &["ssl.ca.location"]);
    ports.is_true();
}

/// The API's settings, likewise.
fn api<'a>(stack: &'a Stack, ports: &Untouched) -> Launch<'a> {
    let [postgres, redis] = [0, 1].map(|number| ports.address(number));
    stack
        .api()
        .set("DATABASE_URL", format!("postgres://u:{SECRET}@{postgres}/d"))
        .set("REDIS_URL", format!("redis://:{SECRET}@{redis}"))
        .set("JWT_HS256_SECRET", SECRET)
        .command(&["--check-config"])
}

#[tokio::test]
async fn the_apis_settings_are_shown_without_secrets_and_no_server_is_touched() {
    let stack = Stack::start().await;
    let ports = Untouched::new(3);
    let shown = api(&stack, &ports).set("LISTEN_ADDR", ports.address(2)).run().await;
    says(&shown, 0, &["u:***@", "redis://:***@", "(default)", "the settings can be used"]);
    let line = |name: &str| shown.output.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    assert!(line("JWT_HS256_SECRET ").contains("***"), "{shown:#?}");
    let cases: [(&str, &str, &str); 6] = [
        ("JWT_HS256_SECRET", "short", "JWT_HS256_SECRET"),
        ("JWT_JWKS_FILE", "/nowhere/keys.json", "JWT_"),
        ("DASHBOARD_DIR", "/nowhere", "DASHBOARD_DIR"),
        ("CORS_ORIGINS", "nonsense", "CORS_ORIGINS"),
        ("DATABASE_CA_FILE", "/nowhere/ca.pem", "DATABASE_CA_FILE"),
        ("WEBHOOK_CA_FILE", "/nowhere/ca.pem", "WEBHOOK_CA_FILE"),
    ];
    for (name, value, word) in cases {
        says(&api(&stack, &ports).set(name, value).set("WEBHOOKS", "on").run().await, 2, &[word]);
    }
    let fetched = api(&stack, &ports).without("JWT_HS256_SECRET");
    let fetched = fetched.set("JWT_JWKS_URL", format!("https://{}/keys", ports.address(2)));
    says(&fetched.clone().run().await, 0, &["the settings can be used"]);
    says(&fetched.set("JWT_JWKS_CA_FILE", "/nowhere/ca.pem").run().await, 2, &["JWT_JWKS_CA_FILE"]);
    ports.is_true();
}

#[tokio::test]
async fn the_first_line_of_a_log_has_the_version_and_what_was_chosen_and_no_secret() {
    let stack = Stack::start().await;
    let version = env!("CARGO_PKG_VERSION");
    let token = "JWT_HS256_SECRET=***";
    let member = stack.consumer().set("KAFKA_CONFIG_SSL_KEY_PASSWORD", SECRET).start().await;
    let api = stack.api().set("JWT_HS256_SECRET", SECRET).serve().await;
    for (log, words) in [
        (member.log_tail(), ["business_metrics_consumer:***@", "KAFKA_CONFIG_SSL_KEY_PASSWORD=***"]),
        (api.log_tail(), ["business_metrics_api:***@", token]),
    ] {
        let line = log.lines().find(|line| line.contains("starting")).unwrap_or_default();
        assert!(line.contains(version) && words.iter().all(|word| line.contains(word)), "{log}");
        assert!(!log.contains(SECRET) && !log.contains("of-a-story"), "{log}");
    }
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_process_is_asked_whether_it_is_ready_by_its_own_binary() {
    let stack = Stack::start().await;
    let mut member = stack.consumer().start().await;
    let mut api = stack.api().serve().await;
    member.until_ready().await;
    api.until_ready().await;
    let of_member = member.admin_address().to_string();
    let of_api = api.admin_address().to_string();
    let asked = || stack.consumer().without("DATABASE_URL").without("KAFKA_BROKERS").command(&["ready"]);
    says(&asked().set("ADMIN_ADDR", &of_member).run().await, 0, &[]);
    let ask_api = || stack.api().without("DATABASE_URL").without("JWT_HS256_SECRET").command(&["--ready"]);
    says(&ask_api().set("ADMIN_ADDR", &of_api).run().await, 0, &[]);
    let unready = stack.consumer().set("KAFKA_BROKERS", "127.0.0.1:1").start().await;
    let said = asked().set("ADMIN_ADDR", unready.admin_address().to_string()).run().await;
    says(&said, 1, &["not ready", "kafka"]);
    assert_eq!(unready.stop().await, Some(0));
    assert_eq!(member.stop().await, Some(0));
    assert_eq!(api.stop().await, Some(0));
    says(&asked().set("ADMIN_ADDR", &of_member).run().await, 1, &[&of_member, "does the process run?"]);
    says(&ask_api().set("ADMIN_ADDR", &of_api).run().await, 1, &[&of_api, "does the process run?"]);
}
