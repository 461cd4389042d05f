//! Brokers that don't answer, and groups: forbidden, or of members that belong to another database.

use super::{examine, stack, stack_with_own};
use crate::telling::orders;
use stack::{Role, Service};
use tests::{Denied, Resource};

#[tokio::test]
async fn brokers_that_cannot_be_reached_are_found_with_what_the_client_says() {
    let Some(stack) = stack().await else { return };
    let nobody = examine(stack.consumer().set("KAFKA_BROKERS", "127.0.0.1:1"), &[]).await;
    nobody.finds("fault", "brokers", &["no broker answers", "KAFKA_BROKERS"]);
    let unknown = examine(stack.consumer().set("KAFKA_BROKERS", "no-such-host.invalid:9092"), &[]).await;
    unknown.finds("fault", "brokers", &["has no address", "no-such-host.invalid", "DNS"]);
    let encrypted = examine(stack.consumer().set("KAFKA_CONFIG_SECURITY_PROTOCOL", "SSL"), &[]).await;
    encrypted.finds("fault", "brokers", &["KAFKA"]);
}

#[tokio::test]
async fn a_group_that_may_not_be_joined_is_found() {
    let Some(stack) = stack_with_own(Service::Kafka).await else { return };
    let group = Resource::Group(stack.name());
    for denied in [Denied::Read, Denied::All] {
        stack.deny(group, denied).await;
        let report = examine(stack.consumer(), &[]).await;
        report.finds("fault", "group-rights", &[stack.name(), "may not be joined", "READ"]);
        stack.allow_again(group).await;
    }
    assert_eq!(examine(stack.consumer(), &[]).await.beside(), []);
}

#[tokio::test]
async fn members_of_the_group_that_count_into_another_database_are_found() {
    let Some(stack) = stack().await else { return };
    let other = format!("{}_other", stack.name());
    let other = stack.postgres().create_database(&other).await.expect("a database");
    other.migrate_by_roles().await.expect("a schema");
    let elsewhere = stack.consumer().set("DATABASE_URL", other.of(Role::Consumer).as_str());
    let mut member = elsewhere.start().await;
    member.until_ready().await;
    let report = examine(stack.consumer(), &[]).await;
    report.finds("fault", "group-database", &["1 members", "another one", "KAFKA_GROUP_ID"]);
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn members_of_another_group_that_count_into_this_database_are_found() {
    let Some(stack) = stack().await else { return };
    let mut member = stack.consumer().set("KAFKA_GROUP_ID", format!("{}_other", stack.name())).start().await;
    member.until_ready().await;
    stack.produce(orders("acme", 10)).await;
    stack.until_idle().await;
    let report = examine(stack.consumer(), &[]).await;
    report.finds("fault", "group-database", &["the group has no members", "another group", "KAFKA_GROUP_ID"]);
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn static_members_that_were_just_stopped_are_no_fault() {
    let Some(stack) = stack().await else { return };
    let launch = || stack.consumer().set("KAFKA_CONFIG_SESSION_TIMEOUT_MS", "30000");
    let mut member = launch().set("KAFKA_CONFIG_GROUP_INSTANCE_ID", "member-0").start().await;
    stack.produce(orders("acme", 10)).await;
    stack.until_idle().await;
    member.until_ready().await;
    assert_eq!(member.stop().await, Some(0));
    assert_eq!(examine(launch(), &[]).await.beside(), [], "the group still lists it");
}
