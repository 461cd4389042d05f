//! Commands and settings: what is right works twice, what is wrong is said in a sentence.

use stack::Role;
use tests::Stack;

#[tokio::test]
async fn two_migrations_at_once_and_one_more_change_nothing_twice() {
    let stack = Stack::start().await;
    let fresh = format!("{}_fresh", stack.name());
    let url = stack.postgres().create_database(&fresh).await.expect("a database");
    url.grant_roles().await.expect("roles");
    let owner = url.of(Role::Owner);
    let migrate = || stack.consumer().command(&["migrate"]).set("DATABASE_URL", owner.as_str()).run();
    let (one, other) = tokio::join!(migrate(), migrate());
    assert_eq!((one.code, other.code), (Some(0), Some(0)), "{one:#?} {other:#?}");
    let again = migrate().await;
    assert_eq!(again.code, Some(0), "{again:#?}");
    let client = url.connect().await.expect("a connection");
    let rows = client.query("select version from refinery_schema_history", &[]).await.expect("a history");
    assert!(rows.len() >= 2, "every migration stands in the history once");
}

#[tokio::test]
async fn a_migration_that_was_edited_after_it_landed_is_refused() {
    let stack = Stack::start().await;
    stack
        .client()
        .await
        .execute("update refinery_schema_history set checksum = '1'", &[])
        .await
        .expect("a history");
    let ended = stack.consumer().command(&["migrate"]).run().await;
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.errors.contains("V1"), "the sentence names the migration: {ended:#?}");
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_character_is_refused_in_a_sentence() {
    let stack = Stack::start().await;
    let name = format!("{}_latin", stack.name());
    let make = format!(
        "create database \"{name}\" encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0"
    );
    let client = stack.postgres().url().connect().await.expect("a connection");
    client.batch_execute(&make).await.expect("a database");
    let url = stack.database().database(&name);
    let launches = [
        stack.consumer().command(&["migrate"]),
        stack.consumer(),
        stack.consumer().command(&["dead-letters", "list"]),
        stack.api(),
    ];
    for launch in launches {
        let refused = launch.set("DATABASE_URL", url.as_str()).run().await;
        assert!(refused.code.is_some_and(|code| code != 0), "{refused:#?}");
        let said = refused.errors.lines().last().unwrap_or_default();
        assert!(said.contains("LATIN1") && said.contains("encoding 'UTF8'"), "{refused:#?}");
    }
}

#[tokio::test]
async fn a_bad_setting_of_the_consumer_is_named_and_nothing_starts() {
    let stack = Stack::start().await;
    let cases = [
        ("BATCH_RECORDS_MAX", "many"),
        ("BATCH_AGE_MAX", "soon"),
        ("START_OFFSET", "middle"),
        ("LEDGER_MEMORY_MB", "-1"),
        ("ADMIN_ADDR", "nowhere"),
        ("DATABASE_URL", "not a url"),
        ("KAFKA_CONFIG_ENABLE_AUTO_COMMIT", "true"),
    ];
    for (name, value) in cases {
        let ended = stack.consumer().set(name, value).run().await;
        assert_eq!(ended.code, Some(2), "{name}={value}: {ended:#?}");
        let said = ended.errors.to_uppercase().replace('-', "_");
        assert!(said.contains(name), "{name} is named: {ended:#?}");
    }
}

#[tokio::test]
async fn a_bad_setting_of_the_api_is_named_and_nothing_starts() {
    let stack = Stack::start().await;
    let cases = [
        ("JWT_HS256_SECRET", "short"),
        ("LISTEN_ADDR", "nowhere"),
        ("MAX_RANGE_DAYS", "long"),
        ("CORS_ORIGINS", "nonsense"),
    ];
    for (name, value) in cases {
        let ended = stack.api().set(name, value).run().await;
        assert_eq!(ended.code, Some(2), "{name}={value}: {ended:#?}");
        let said = ended.errors.to_uppercase().replace('-', "_");
        assert!(said.contains(name), "{name} is named: {ended:#?}");
        assert!(!ended.errors.contains("starting"), "no start is claimed: {ended:#?}");
    }
    let keyless = stack.api().without("JWT_HS256_SECRET").run().await;
    assert_eq!(keyless.code, Some(2), "without a key the service doesn't start: {keyless:#?}");
}

#[tokio::test]
async fn health_readiness_and_metrics_are_served() {
    let stack = Stack::start().await;
    let mut consumer = stack.consumer().start().await;
    let mut api = stack.api().serve().await;
    consumer.until_ready().await;
    api.until_ready().await;
    for member in [&consumer, &*api] {
        assert_eq!(member.admin("/healthz").await.status, 200);
        let metrics = member.admin("/metrics").await;
        assert!(metrics.body.contains("# HELP"), "{}", metrics.body);
    }
}

#[tokio::test]
async fn a_variable_that_is_no_text_is_named_if_it_is_a_setting_and_passed_over_otherwise() {
    let stack = Stack::start().await;
    let show = |name: &str| {
        let script = format!("export {name}=$(printf '\\377')\nexec consumer progress show");
        stack.consumer().shell(&script).run()
    };
    let foreign = show("LESS_TERMCAP_mb").await;
    assert_eq!(foreign.code, Some(0), "{foreign:#?}");
    for name in ["DATABASE_URL", "KAFKA_GROUP_ID", "KAFKA_CONFIG_CLIENT_ID"] {
        let refused = show(name).await;
        assert_eq!(refused.code, Some(2), "{refused:#?}");
        assert!(refused.errors.contains(&format!("{name} is not UTF-8")), "{refused:#?}");
    }
    for name in ["DATABASE_URL", "REDIS_URL"] {
        let script = format!("export {name}=$(printf '\\377')\nexec query-api");
        let refused = stack.api().shell(&script).run().await;
        assert_eq!(refused.code, Some(2), "{refused:#?}");
        assert!(refused.errors.contains(&format!("{name} is not UTF-8")), "{refused:#?}");
    }
}

#[tokio::test]
async fn a_database_url_that_cannot_be_read_is_named_and_never_shown() {
    let stack = Stack::start().await;
    for url in [
        "postgres://u:opensesame@h:port/d",
        "postgres://u:opensesame@h/d?odd=1",
        "host=h password=opensesame x",
    ] {
        let launches = [
            stack.consumer(),
            stack.consumer().command(&["migrate"]),
            stack.consumer().command(&["audit"]),
            stack.api(),
        ];
        for launch in launches {
            let refused = launch.set("DATABASE_URL", url).run().await;
            assert_eq!(refused.code, Some(2), "{refused:#?}");
            assert!(refused.errors.contains("DATABASE_URL"), "{refused:#?}");
            assert!(!refused.errors.contains("opensesame"), "{refused:#?}");
        }
    }
}
