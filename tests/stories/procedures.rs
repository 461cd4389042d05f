//! The procedures' pages among the runbooks, and the commands that compare books: their blocks are run on a system that needs them.

use crate::documented::{blocks_of, lacks, row};
use crate::operators::answer;
use crate::recount::EQUAL;
use crate::telling::{count, counted, orders, orders_created, text, yesterday};
use chrono::Duration;
use machine::workspace;
use serde_json::Value;
use stack::{Role, Service};
use tests::documented::{Block, Check, Row};
use tests::{Ended, Launch, Stack, Token};

const RESTORE: &str = "docs/runbooks/backup-and-restore.md";
const FAILOVER: &str = "docs/runbooks/failover.md";
const ROLLBACK: &str = "docs/runbooks/rollback.md";
const ERASE: &str = "docs/runbooks/erase.md";

/// How each block of these pages is checked.
pub const ROWS: &[Row] = &[
    row(RESTORE, "pg_basebackup", Check::Run("a_base_backup_is_taken")),
    row(RESTORE, "install --directory", Check::Shown("it makes a folder of PostgreSQL's user, as root")),
    row(RESTORE, "archive_mode", Check::Shown("settings of a server; restores:: has a story with the like")),
    row(RESTORE, "pg_dump", Check::Run("a_dump_is_taken_and_restored")),
    row(
        RESTORE,
        "systemctl",
        Check::Shown("it replaces a server's data, as root; restores:: does it otherwise"),
    ),
    row(
        RESTORE,
        "restore_command",
        Check::Run("a_point_in_time_is_gone_back_to_and_what_came_after_is_counted_again"),
    ),
    row(RESTORE, "psql \"$ADMIN_URL\"", Check::Run("a_dump_is_taken_and_restored")),
    row(
        RESTORE,
        "psql \"$METRICS_URL\"",
        Check::Shown("roles are the whole server's, which stories share; deploying:: runs the like"),
    ),
    row(
        RESTORE,
        "docker compose --file deploy/compose.yaml exec -T postgres pg_dump",
        Check::Shown("it needs a Docker engine; the blocks without Compose are run"),
    ),
    row(
        RESTORE,
        "docker compose --file deploy/compose.yaml exec -T postgres psql",
        Check::Shown("it needs a Docker engine; the blocks without Compose are run"),
    ),
    row(RESTORE, "set -- -e -u", Check::Run("versions_are_raised_after_a_restore")),
    row(RESTORE, "consumer audit", Check::Run("the_books_are_compared_after_a_restore")),
    row(RESTORE, "consumer recount --repair", Check::Run("a_difference_is_set_right_after_a_restore")),
    row(FAILOVER, "select pg_is_in_recovery()", Check::Run("queries_for_procedures_are_answered")),
    row(FAILOVER, "psql", Check::Shown("it needs a standby; failovers:: promotes one in the same way")),
    row(ROLLBACK, "select max(version)", Check::Run("queries_for_procedures_are_answered")),
    row(ERASE, "consumer erase", Check::Run("an_organization_is_erased_as_documented")),
    row(ERASE, "select erasure_id", Check::Run("the_list_of_erasures_has_them")),
];

/// The story's launch of a shell with what the pages call by these names: the URLs of a superuser.
fn operator(stack: &Stack) -> Launch<'_> {
    stack
        .consumer()
        .set("ADMIN_URL", stack.postgres().url().as_str())
        .set("METRICS_URL", stack.database().as_str())
}

/// Runs a block with the story's database in place of the documented one. It must succeed.
async fn run(launch: Launch<'_>, stack: &Stack, block: &Block) -> Ended {
    let roles = workspace::root().join("deploy/roles.sql");
    let script = block.text.replace("metrics with (force)", &format!("\"{}\" with (force)", stack.name()));
    let script = script.replace("create database metrics", &format!("create database \"{}\"", stack.name()));
    let script = script.replace("deploy/roles.sql", &roles.to_string_lossy());
    let ended = launch.shell(&script).run().await;
    assert_eq!(ended.code, Some(0), "{block}: {ended:#?}");
    ended
}

#[tokio::test]
async fn a_base_backup_is_taken() {
    if lacks("the example of a base backup", "pg_basebackup") {
        return;
    }
    let stack = Stack::with_own(Service::Postgres).await;
    if stack.postgres().server().is_none() {
        return;
    }
    for block in blocks_of("a_base_backup_is_taken") {
        run(operator(&stack), &stack, &block).await;
        let folders = std::fs::read_dir(stack.folder()).expect("the story's folder").filter_map(Result::ok);
        let dated =
            folders.filter(|folder| folder.file_name().to_string_lossy().starts_with("metrics-base-2"));
        let backups = dated.filter(|folder| folder.path().join("PG_VERSION").exists());
        assert_eq!(backups.count(), 1, "{block}");
    }
}

#[tokio::test]
async fn a_dump_is_taken_and_restored() {
    if lacks("the example of a dump", "pg_dump") || lacks("the example of a dump", "pg_restore") {
        return;
    }
    let stack = counted(orders("acme", 10)).await;
    let blocks = blocks_of("a_dump_is_taken_and_restored");
    let [dump, restore] = &blocks[..] else { panic!("{} blocks", blocks.len()) };
    run(operator(&stack), &stack, dump).await;
    stack.produce(orders("acme", 15)).await;
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(15));

    let member = stack.consumer().start().await;
    run(operator(&stack), &stack, restore).await;
    stack.until_idle().await;
    assert_eq!(member.stop().await, Some(0));
    stack.counts("acme").await.are(orders_created(15));
    assert!(answer(&stack, &["recount"]).await.contains(EQUAL));
}

#[tokio::test]
async fn versions_are_raised_after_a_restore() {
    if lacks("the example about Redis", "redis-cli") {
        return;
    }
    let stack = counted(orders("acme", 10)).await;
    if stack.redis().is_none() {
        return;
    }
    let api = stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600").serve().await;
    let orders_now = async || -> Value {
        let from = yesterday();
        let path = format!("/metrics/summary?from={}&to={}", text(from), text(from + Duration::hours(1)));
        api.get(&path, &Token::of("acme").sign()).await.json()["kpis"][0]["value"].clone()
    };
    assert_eq!(orders_now().await, 10);
    // Another database behind the same Redis, as after a restore.
    let older = "update org_hourly_metrics set orders_created = 7";
    stack.client().await.batch_execute(older).await.expect("an older row");
    assert_eq!(orders_now().await, 10, "the answer is kept for an hour");
    for block in blocks_of("versions_are_raised_after_a_restore") {
        let said = run(operator(&stack), &stack, &block).await;
        assert!(!said.output.is_empty(), "{said:#?}");
        let seen = stack::wait::until(
            "an answer of the restored database",
            std::time::Duration::from_secs(2),
            async || {
                let orders = orders_now().await;
                Ok(stack::wait::Seen::when(orders == 7, orders.to_string()))
            },
        );
        seen.await.expect("a version that is known to have changed");
    }
}

#[tokio::test]
async fn the_books_are_compared_after_a_restore() {
    let stack = counted(orders("acme", 10)).await;
    for block in blocks_of("the_books_are_compared_after_a_restore") {
        let said = run(operator(&stack), &stack, &block).await.output;
        assert!(said.contains("the books agree") && said.contains(EQUAL), "{said}");
    }
}

#[tokio::test]
async fn the_audit_finds_that_the_books_agree() {
    let stack = counted(orders("acme", 10)).await;
    for block in blocks_of("the_audit_finds_that_the_books_agree") {
        let said = run(operator(&stack), &stack, &block).await.output;
        assert_eq!(said.matches("the books agree").count(), block.text.lines().count(), "{said}");
    }
}

#[tokio::test]
async fn the_recount_finds_that_the_tables_are_equal_to_the_log() {
    let stack = counted(orders("acme", 10)).await;
    for block in blocks_of("the_recount_finds_that_the_tables_are_equal_to_the_log") {
        let said = run(operator(&stack), &stack, &block).await.output;
        let equal = said.matches(EQUAL).count();
        assert_eq!(equal, block.text.lines().count(), "{said}");
    }
}

#[tokio::test]
async fn a_difference_is_set_right_after_a_restore() {
    for block in blocks_of("a_difference_is_set_right_after_a_restore") {
        let stack = counted(orders("acme", 10)).await;
        let client = stack.client().await;
        client.batch_execute("update org_daily_metrics set orders_created = 11").await.expect("a difference");
        // The first line finds a difference, and says so by its exit code.
        let going_on = Block { text: format!("set +e\n{}", block.text), ..block };
        let said = run(operator(&stack), &stack, &going_on).await.output;
        assert!(said.contains("would be set right") && said.contains("everything is set right"), "{said}");
        stack.counts("acme").await.are(orders_created(10));
    }
}

#[tokio::test]
async fn queries_for_procedures_are_answered() {
    let stack = Stack::start().await;
    let client = stack.client().await;
    for block in blocks_of("queries_for_procedures_are_answered") {
        let rows = client.query(&*block.text, &[]).await;
        assert_eq!(rows.map(|rows| rows.len()).ok(), Some(1), "{block}");
    }
}

#[tokio::test]
async fn an_organization_is_erased_as_documented() {
    let stack = counted([orders("acme", 10), orders("other", 10)].concat()).await;
    let member = stack.consumer().start().await;
    let eraser = || operator(&stack).set("DATABASE_URL", stack.database_of(Role::Eraser).as_str());
    for block in blocks_of("an_organization_is_erased_as_documented") {
        let said = run(eraser(), &stack, &block).await.output;
        assert!(said.contains("rows of acme") && said.contains("erased acme: erasure 1"), "{said}");
    }
    assert_eq!(member.stop().await, Some(0));
    stack.counts("acme").await.are(orders_created(0));
    stack.counts("other").await.are(orders_created(10));
}

#[tokio::test]
async fn the_list_of_erasures_has_them() {
    let stack = counted(orders("acme", 10)).await;
    answer(&stack, &["erase", "--organization", "acme", "--yes", "--despite-lag"]).await;
    for block in blocks_of("the_list_of_erasures_has_them") {
        let rows = stack.client().await.query(&*block.text, &[]).await.expect("a list");
        assert_eq!((rows.len(), rows[0].get::<_, &str>("organization_id")), (1, "acme"), "{block}");
    }
}
