//! `docs/deploying.md`: what of it runs without containers, a cluster or root.

use crate::documented::{blocks_of, lacks, row, run};
use machine::workspace;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tests::Stack;
use tests::documented::{Block, Check, Row};

const PAGE: &str = "docs/deploying.md";

/// Why blocks about deploying are only shown.
const DOCKER: &str = "it needs a Docker engine; cargo xtask images runs the images, and checks compose.yaml";
const CLUSTER: &str = "it needs a cluster; cargo xtask kubernetes checks the chart on an API server";
const VALUES: &str = "the chart's schema checks it: xtask/tests/tidy";
const ROOT: &str = "it installs on the machine, as root; xtask/tests/tidy has systemd check the units";

/// How each block of the page is checked.
pub const ROWS: &[Row] = &[
    row(PAGE, "for target in", Check::Shown("it pushes to a registry; cargo xtask images builds")),
    row(PAGE, "psql --set", Check::Run("roles_get_their_passwords_from_files")),
    row(PAGE, "for topic in", Check::Shown("it needs a cluster of Kafka's")),
    row(PAGE, "sh deploy/secrets.sh\ncp", Check::Run("secrets_are_made_once_and_are_for_nobody_else")),
    row(
        PAGE,
        "docker compose --file deploy/compose.yaml up --build --wait\ndocker compose --file deploy/compose.yaml ps",
        Check::Shown(DOCKER),
    ),
    row(PAGE, "docker compose --file deploy/compose.yaml --profile", Check::Shown(DOCKER)),
    row(
        PAGE,
        "docker compose --file deploy/compose.yaml up --build --wait\ndocker compose --file deploy/compose.yaml run",
        Check::Shown(DOCKER),
    ),
    row(PAGE, "sh deploy/secrets.sh\ndocker", Check::Shown(DOCKER)),
    row(PAGE, "sh deploy/secrets.sh\nkubectl", Check::Shown(CLUSTER)),
    row(PAGE, "cat > business-metrics.yaml", Check::Shown(VALUES)),
    row(PAGE, "helm upgrade --install", Check::Shown(CLUSTER)),
    row(PAGE, "helm upgrade business-metrics", Check::Shown(CLUSTER)),
    row(PAGE, "cat >> business-metrics.yaml <<'END'\nconsumer:", Check::Shown(VALUES)),
    row(PAGE, "cat >> business-metrics.yaml <<'END'\nnetworkPolicy:", Check::Shown(VALUES)),
    row(PAGE, "cargo build --locked", Check::Shown(ROOT)),
    row(PAGE, "sudo install --directory --mode 755", Check::Shown(ROOT)),
    row(PAGE, "sudo install --directory /etc/systemd/system/business-metrics-consumer@", Check::Shown(ROOT)),
    row(PAGE, "sudo install --directory /etc/systemd/system/business-metrics-query-api", Check::Shown(ROOT)),
    row(PAGE, "sudo systemctl start", Check::Shown(ROOT)),
    row(PAGE, "sudo install target", Check::Shown(ROOT)),
    row(PAGE, "acls=", Check::Shown("it needs Kafka's own scripts; encryption::rights allows the like")),
    row(PAGE, "docker compose --file deploy/compose.yaml exec", Check::Shown(DOCKER)),
    row(PAGE, "mkdir -p \"$HOME/recount\"", Check::Shown(DOCKER)),
    row(PAGE, "docker compose --file deploy/compose.yaml run", Check::Shown(DOCKER)),
    row(PAGE, "kubectl --namespace metrics exec", Check::Shown(CLUSTER)),
    row(
        PAGE,
        "kubectl --namespace metrics annotate scaledobject business-metrics-consumer \
         autoscaling.keda.sh/paused-replicas=0",
        Check::Shown(CLUSTER),
    ),
    row(
        PAGE,
        "helm template business-metrics deploy/helm/business-metrics --namespace metrics \
         --values business-metrics.yaml \\\n  \
         --show-only templates/operator.yaml \\\n",
        Check::Shown(CLUSTER),
    ),
    row(
        PAGE,
        "kubectl --namespace metrics annotate scaledobject business-metrics-consumer \
         autoscaling.keda.sh/paused-replicas-",
        Check::Shown(CLUSTER),
    ),
    row(
        PAGE,
        "helm template business-metrics deploy/helm/business-metrics --namespace metrics \
         --values business-metrics.yaml \\\n  \
         --show-only templates/operator.yaml --set operator.role",
        Check::Shown(CLUSTER),
    ),
    row(
        PAGE,
        "sudo systemd-run --pipe --wait --property=DynamicUser=yes \
         --property=EnvironmentFile=/etc/business-metrics/consumer.env \\\n  \
         --property=LoadCredential=database-password:/etc/business-metrics/secrets/consumer-password \\\n  \
         --property=StateDirectory",
        Check::Shown(ROOT),
    ),
    row(
        PAGE,
        "sudo systemd-run --pipe --wait --property=DynamicUser=yes \
         --property=EnvironmentFile=/etc/business-metrics/consumer.env \\\n  \
         --property=LoadCredential=database-password:/etc/business-metrics/secrets/consumer-password \\\n  \
         --property=LoadCredential=kafka-password",
        Check::Shown(ROOT),
    ),
    row(PAGE, "sudo systemctl stop", Check::Shown(ROOT)),
    row(
        PAGE,
        "sudo systemd-run --pipe --wait --property=DynamicUser=yes \
         --property=EnvironmentFile=/etc/business-metrics/migrate.env",
        Check::Shown(ROOT),
    ),
];

/// The roles that get a password, and the files that have it.
const PASSWORDS: [(&str, &str); 4] = [
    ("business_metrics_owner", "owner_password"),
    ("business_metrics_consumer", "consumer_password"),
    ("business_metrics_api", "api_password"),
    ("business_metrics_eraser", "eraser_password"),
];

#[tokio::test]
async fn secrets_are_made_once_and_are_for_nobody_else() {
    if lacks("the example of secrets", "openssl") {
        return;
    }
    let stack = Stack::start().await;
    let deploy = stack.folder().join("deploy");
    std::fs::create_dir(&deploy).expect("a folder");
    for file in ["secrets.sh", ".env.example"] {
        let from = workspace::root().join("deploy").join(file);
        std::fs::copy(from, deploy.join(file)).expect("a copy");
    }
    let mut before = BTreeMap::new();
    for block in blocks_of("secrets_are_made_once_and_are_for_nobody_else") {
        run(&stack, &block).await;
        let made = contents(&deploy.join("secrets"));
        assert!(PASSWORDS.iter().all(|(_, file)| made[*file].len() == 64), "{:?}", made.keys());
        assert!(made["jwt_hs256_secret"].len() >= 32);
        run(&stack, &block).await;
        assert_eq!(contents(&deploy.join("secrets")), made, "a secret that is there stays");
        before = made;
    }
    assert!(before.values().collect::<std::collections::BTreeSet<_>>().len() == before.len(), "one twice");
    let mode = std::fs::metadata(deploy.join("secrets")).expect("a folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(deploy.join(".env").is_file());
}

#[tokio::test]
async fn roles_get_their_passwords_from_files() {
    if lacks("the example of roles", "psql") {
        return;
    }
    // Roles are the whole server's, and other stories log in as them.
    let stack = Stack::with_own(stack::Service::Postgres).await;
    if stack.postgres().server().is_none() {
        return;
    }
    let secrets = stack.folder().join("secrets");
    std::fs::create_dir(&secrets).expect("a folder");
    for (role, file) in PASSWORDS {
        std::fs::write(secrets.join(file), format!("it's {role}'s \\ own\n")).expect("a file");
    }
    let deploy = format!("{}/", workspace::root().join("deploy").display());
    for block in blocks_of("roles_get_their_passwords_from_files") {
        let text =
            block.text.replace("--dbname metrics", &format!("--dbname '{}'", stack.database().as_str()));
        let text = text.replace("deploy/secrets", &secrets.display().to_string());
        run(&stack, &Block { text: text.replace(" deploy/", &format!(" {deploy}")), ..block }).await;
    }
    let none =
        format!("psql '{}' --file {deploy}passwords.sql --set secrets=/nowhere", stack.database().as_str());
    let ended = stack.consumer().shell(&none).run().await;
    assert!(ended.code != Some(0) && ended.errors.contains("no password was set"), "{ended:#?}");
    for (role, _) in PASSWORDS {
        let with = |password: &str| stack.database().as_role(role, password);
        // In a URL: it's <role>'s \ own
        let set = format!("it%27s%20{role}%27s%20%5C%20own");
        assert!(with(&set).connect().await.is_ok(), "{role} can't log in with its new password");
        assert!(with("of-a-story").connect().await.is_err(), "{role} can log in with its old password");
    }
}

/// The files of a folder, and what is in them.
fn contents(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let read = |path: &Path| std::fs::read_to_string(path).expect("a secret");
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), read(&entry.path()))).collect()
}
