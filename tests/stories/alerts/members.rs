//! Members that fight, fail, lie about the time, and die.

use super::{MEMBERS, Watch};
use crate::telling::orders;
use tests::Stack;

/// How far the clock of one of them is off, in seconds.
const OFF: i64 = 3_600;

#[tokio::test]
async fn members_that_fail_or_die_fire_their_alerts() {
    let stack = Stack::with_partitions(2).await;
    stack.produce(orders("acme", 10)).await;
    let nowhere = stack.proxy();
    nowhere.refuse();
    let member = || stack.consumer();
    let late = member().with_clock_off(OFF).start().await;
    let one = member().start().await;
    // Members of another group take the same partitions away, again and again.
    let other = member().set("KAFKA_GROUP_ID", format!("{}_other", stack.name())).start().await;
    let cut_off = member().through(&nowhere).start().await;
    let dead = member().start().await;
    let Some(mut watch) = Watch::over(&stack, &[&late, &one, &other, &cut_off, &dead], &[]).await else {
        return;
    };
    dead.kill();
    let expected = ["ConsumerClockSkew", "ConsumerFenced", "ConsumerPostgresqlFailures", "InstanceDown"];
    watch.until_firing(&expected, async || ()).await;

    // The one that is left counts, and never says that anything is complete.
    one.kill();
    other.kill();
    cut_off.kill();
    watch.until_firing(&["ConsumerCompletenessStalled"], async || ()).await;
    watch.until_quiet("ConsumerDown").await;
    late.kill();
    watch.until_firing(&["ConsumerDown"], async || ()).await;
    watch.has_seen_all_of(MEMBERS);
}
