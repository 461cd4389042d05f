//! Passwords and certificates that are replaced while records stream: none is lost, and none counts twice.

use super::kafka::{MEMBER, SUCCESSOR, World};
use super::postgres::{BY_BOTH, orders_at, showing, without_password, world};
use super::{secret, text};
use crate::telling::{orders_created, orders_in};
use stack::{Role, ServerTls};
use std::path::PathBuf;
use tests::{Authority, Flaw, Stack, put};

/// Orders that come between two replacements, in each of two partitions.
const ORDERS: usize = 300;

/// Produces the orders of this turn, while whatever comes next happens.
async fn stream(stack: &Stack, turn: usize) {
    let numbers = turn * ORDERS..(turn + 1) * ORDERS;
    stack.produce(orders_in(0, "acme", numbers.clone())).await;
    stack.produce(orders_in(1, "beta", numbers)).await;
}

async fn are_counted(stack: &Stack, turns: usize) {
    stack.until_idle().await;
    let orders = orders_created(i64::try_from(turns * ORDERS).expect("a few"));
    stack.counts("acme").await.are(orders);
    stack.counts("beta").await.are(orders);
}

/// A file that has all of these certificates.
fn bundle(stack: &Stack, name: &str, files: &[PathBuf]) -> PathBuf {
    let texts = files.iter().map(|file| std::fs::read_to_string(file).expect("a certificate"));
    let path = stack.folder().join(name);
    std::fs::write(&path, texts.collect::<String>()).expect("a file");
    path
}

#[tokio::test]
async fn the_password_of_postgresql_is_replaced_in_its_file_and_then_all_certificates() {
    let Some((stack, old)) = world(BY_BOTH).await else { return };
    let new = Authority::new("the next authority of PostgreSQL").await;
    let trusted = bundle(&stack, "trusted.pem", &[old.file()]);
    let shown = old.client("a client");
    let [consumer, api] = [Role::Consumer, Role::Api].map(|role| {
        let url = stack.database_of(role);
        let password = url.as_str().split_once('@').and_then(|(head, _)| head.rsplit_once(':'));
        secret(&stack, &format!("{role:?}"), password.expect("a password").1)
    });
    let url = |role| without_password(&stack, role, "?sslmode=verify-full");
    let member = showing(stack.consumer(), &old, &shown).set("DATABASE_URL", url(Role::Consumer));
    let member = member.set("DATABASE_PASSWORD_FILE", consumer).set("DATABASE_CA_FILE", text(&trusted));
    let launch = showing(stack.api(), &old, &shown).set("DATABASE_URL", url(Role::Api));
    let launch = launch.set("DATABASE_PASSWORD_FILE", api).set("DATABASE_CA_FILE", text(&trusted));
    let mut member = member.start().await;
    let mut api = launch.serve().await;
    member.until_ready().await;
    api.until_ready().await;
    stream(&stack, 0).await;

    let change = "alter role business_metrics_consumer password 'another'; alter role business_metrics_api password 'another'";
    stack.client().await.batch_execute(change).await.expect("another password");
    for role in [Role::Consumer, Role::Api] {
        secret(&stack, &format!("{role:?}"), "another");
    }
    stack.postgres().end_sessions().await.expect("no session of before");
    stream(&stack, 1).await;
    are_counted(&stack, 2).await;

    // Both authorities for a while, everywhere; then the certificates, and at last the new authority alone.
    let both = bundle(&stack, "both.pem", &[old.file(), new.file()]);
    put(&both, &trusted);
    let shows = |tls: ServerTls, authority: &PathBuf| ServerTls { authority: authority.clone(), ..tls };
    let of_old = shows(old.server_tls(Flaw::None), &both);
    stack.postgres().encrypt(&of_old, BY_BOTH).await.expect("both authorities");
    new.client("a client").replace(&shown);
    stack.postgres().end_sessions().await.expect("no session of before");
    stream(&stack, 2).await;
    let of_new = shows(new.server_tls(Flaw::None), &new.file());
    stack.postgres().encrypt(&of_new, BY_BOTH).await.expect("the new authority");
    put(&new.file(), &trusted);
    stack.postgres().end_sessions().await.expect("no session of before");
    stream(&stack, 3).await;
    are_counted(&stack, 4).await;
    member.until_ready().await;
    api.until_ready().await;
    let answer = orders_at(&api).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(!answer.body.contains("\"stale\""), "{}", answer.body);
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn members_are_given_another_user_of_kafka_one_after_the_other() {
    let Some(world) = World::start().await else { return };
    let stack = &world.stack;
    world.allow_member(MEMBER).await;
    let one = world.by_password(MEMBER).start().await;
    let other = world.by_password(MEMBER).start().await;
    stream(stack, 0).await;
    world.allow_member(SUCCESSOR).await;
    let mut successors = Vec::new();
    for (turn, member) in (1..).zip([one, other]) {
        assert_eq!(member.stop().await, Some(0));
        successors.push(world.by_password(SUCCESSOR).start().await);
        stream(stack, turn).await;
    }
    for (operation, resource) in world.of_members() {
        stack.allow_no_more(MEMBER, operation, resource).await;
    }
    stream(stack, 3).await;
    are_counted(stack, 4).await;
    for member in successors {
        assert_eq!(member.stop().await, Some(0));
    }
}
