//! Redis: away, without rights, silent about changes, and set to evict versions.

use super::{examine, stack, stack_with_own};
use stack::Service;

#[tokio::test]
async fn a_redis_that_cannot_be_reached_is_found_and_none_at_all_is_not() {
    let Some(stack) = stack().await else { return };
    let away = examine(stack.consumer().set("REDIS_URL", "redis://:opensesame@127.0.0.1:1"), &[]).await;
    away.finds("fault", "redis", &["REDIS_URL"]);
    assert!(!format!("{away:?}").contains("opensesame"), "{away:#?}");
    assert_eq!(examine(stack.consumer().without("REDIS_URL"), &[]).await.beside(), []);
}

#[tokio::test]
async fn a_redis_that_tells_nobody_of_changes_or_evicts_versions_is_found() {
    let Some(stack) = stack_with_own(Service::Redis).await else { return };
    let Some(redis) = stack.redis() else { return };
    let does = |line: &str| assert_eq!(redis.command(line).expect("an answer"), "+OK", "{line}");
    assert_eq!(examine(stack.consumer(), &[]).await.beside(), []);
    does("ACL SETUSER default -incrby");
    let words = ["may not be raised", "`incrby`", "CACHE_KEY_PREFIX"];
    examine(stack.consumer(), &[]).await.finds("fault", "redis-rights", &words);
    does("ACL SETUSER default +incrby resetkeys ~elsewhere:*");
    examine(stack.consumer(), &[]).await.finds("fault", "redis-rights", &words);
    does("ACL SETUSER default allkeys");
    assert_eq!(examine(stack.consumer(), &[]).await.beside(), []);
    does("ACL SETUSER default -client|tracking");
    let silent = examine(stack.consumer(), &[]).await;
    silent.finds("warning", "redis-tracking", &["CLIENT TRACKING", "Redis 6"]);
    does("ACL SETUSER default +client|tracking");
    does("CONFIG SET maxmemory-policy allkeys-lru");
    let evicting = examine(stack.consumer(), &[]).await;
    evicting.finds("fault", "redis-eviction", &["allkeys-lru", "volatile-lru"]);
    does("CONFIG SET maxmemory-policy volatile-lru");
    assert_eq!(examine(stack.consumer(), &[]).await.beside(), []);
}
