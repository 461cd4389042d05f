//! The pages about securing and about certificates: each block of settings is one that can be used.

use super::{secret, text};
use crate::documented::{blocks_of, row};
use tests::documented::{Check, Row};
use tests::{Authority, Stack};

const SECURING: &str = "docs/security.md";
const CERTIFICATES: &str = "docs/runbooks/certificates.md";

/// The story that runs blocks of settings.
const SETTINGS: Check = Check::Run("the_documented_settings_of_connections_can_be_used");

/// How each block of these pages is checked.
pub const ROWS: &[Row] = &[
    row(SECURING, "DATABASE_URL=", SETTINGS),
    row(SECURING, "hostssl", Check::Shown("lines of pg_hba.conf, like those of encryption::postgres")),
    row(SECURING, "superuser", Check::Shown("lines of pg_ident.conf: they are about this machine's users")),
    row(SECURING, "KAFKA_CONFIG_SECURITY_PROTOCOL=SASL_SSL", SETTINGS),
    row(SECURING, "KAFKA_CONFIG_SECURITY_PROTOCOL=SSL", SETTINGS),
    row(SECURING, "acls=", Check::Shown("it needs Kafka's own scripts; encryption::rights allows the same")),
    row(SECURING, "REDIS_URL_FILE=", SETTINGS),
    row(SECURING, "user metrics-api", Check::Run("the_documented_users_of_redis_may_do_all_that_they_need")),
    row(SECURING, "cargo install", Check::Shown("it installs programs, and asks registries")),
    row(CERTIFICATES, "openssl s_client", Check::Shown("it looks at servers of yours")),
    row(CERTIFICATES, "select pg_terminate_backend", Check::Parse),
    row(CERTIFICATES, "docker compose", Check::Shown("it needs a Docker engine")),
    row(CERTIFICATES, "sudo systemctl restart", Check::Shown("it restarts units, as root")),
];

#[tokio::test]
async fn the_documented_settings_of_connections_can_be_used() {
    let stack = Stack::start().await;
    let authority = Authority::new("an authority").await;
    let (authorities, client) = (authority.file(), authority.client("metrics"));
    let password = secret(&stack, "password", "open sesame");
    let url = secret(&stack, "redis-url", "rediss://metrics:open-sesame@cache.internal:6379/0");
    let files = [
        ("/run/secrets/database-password", &*password),
        ("/run/secrets/kafka-password", &password),
        ("/run/secrets/redis-url", &url),
        ("/etc/ssl/metrics/postgresql-ca.pem", text(&authorities)),
        ("/etc/ssl/metrics/redis-ca.pem", text(&authorities)),
        ("/etc/ssl/kafka-ca.pem", text(&authorities)),
        ("/etc/ssl/metrics.pem", text(&client.certificate)),
        ("/etc/ssl/metrics.key", text(&client.key)),
    ];
    for block in blocks_of("the_documented_settings_of_connections_can_be_used") {
        let here =
            files.iter().fold(block.text.clone(), |settings, (path, file)| settings.replace(path, file));
        let script = format!("set -o allexport\n{here}\nset +o allexport\nconsumer run --check-config");
        let checked = stack.consumer().without("REDIS_URL").shell(&script).run().await;
        assert_eq!(checked.code, Some(0), "{block}: {checked:#?}");
    }
}
