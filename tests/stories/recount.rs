//! The third book: the log, read anew, is compared with the tables.

use crate::documented::blocks_of;
use crate::operators::{answer, forty_channels, operate, sent_by};
use crate::resets::{forget_before, forget_of};
use crate::telling::{
    count, counted, orders, orders_created, orders_in, plain, text, until_waiting_for_locks, yesterday,
};
use chrono::{Duration, Utc};
use domain::{BucketSize, Counters};
use load::{Load, Message, Produced};
use proto::v1::message_delivery::Status;
use proto::v1::workflow_terminal::Outcome;
use stack::wait::{self, Seen};
use std::path::{Path, PathBuf};
use tests::Stack;

/// How long the command may take until it has read something.
const READ_LIMIT: std::time::Duration = std::time::Duration::from_secs(60);

pub const EQUAL: &str = "the tables are equal to the log";

/// What a recount says of a copy that says something else.
const CONTRADICTS: &str = "1 copies contradict the first one in their partition";

/// Everything in the contract: copies, late ones, bad ones, frames and JSON.
fn mixed(records: u64) -> Vec<Produced> {
    Load { records, partitions: 4, ..Load::mixed(11, Utc::now()) }.records().collect()
}

fn noon() -> String {
    format!("{}Z", &text(yesterday())[..19])
}

#[tokio::test]
async fn the_tables_are_equal_to_the_log_after_a_mixed_load_however_little_memory_there_is() {
    let stack = counted(mixed(20_000)).await;
    let said = answer(&stack, &["recount"]).await;
    assert!(said.contains("20000 records read") && said.contains(EQUAL), "{said}");
    assert_eq!(answer(&stack, &["recount", "--recount-memory-mb", "1"]).await, said, "sorted on disk");
    assert!(!state(&stack, "consumer-recount").exists(), "nothing is left behind");
}

#[tokio::test]
async fn records_refused_for_the_clocks_sake_are_not_counted_anew() {
    let stack = Stack::start().await;
    let floor = yesterday();
    let client = stack.client().await;
    client.execute("update ledger_floor set floor = $1", &[&floor]).await.expect("a floor");
    let order = |id, at| Message::order("acme", id, at);
    let too_old = order("o1", floor - Duration::seconds(1));
    stack.produce(plain([too_old, order("o2", floor), order("o3", Utc::now() + Duration::hours(2))])).await;
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(1));
    assert!(answer(&stack, &["recount"]).await.contains(EQUAL));
}

/// Tampers with a table, which differs from the log in so many values then, one of which is as expected; and repairs it.
async fn differs(stack: &Stack, tamper: &str, differing: u32, expected: &str) {
    stack.client().await.batch_execute(&format!("update {tamper}")).await.expect("a row");
    let ended = operate(stack, &["recount"]).await;
    assert_eq!(ended.code, Some(1), "{tamper}: {ended:#?}");
    let differing = format!("{differing} values differ");
    assert!(ended.output.contains(expected) && ended.output.contains(&differing), "{tamper}: {ended:#?}");
    assert!(ended.output.contains("no record makes a difference"), "{tamper}: {ended:#?}");
    answer(stack, &["recount", "--repair"]).await;
    assert!(answer(stack, &["recount"]).await.contains(EQUAL), "{tamper}");
}

#[tokio::test]
async fn a_cell_of_any_table_that_differs_is_named_with_by_how_much_and_set_right() {
    let run = |id, millis| Message::workflow("acme", id, yesterday(), Outcome::Success, millis);
    let named = Message::update("acme", "u1", yesterday(), "Acme", ("p", "Pro"));
    let stack = counted([orders("acme", 10), plain([run("r1", 5), run("r2", 7), named])].concat()).await;
    let noon = noon();
    let midnight = format!("{}T00:00:00Z", &noon[..10]);
    for (tamper, differing, expected) in [
        // What a quarter has too much, the first has too little.
        (
            "org_hourly_metrics set orders_created_q3 = 1",
            2,
            format!("{noon}  acme  orders_created: log 10, quarter 9 (-1)"),
        ),
        // An hour has its quarters.
        (
            "org_hourly_metrics set orders_created = 12",
            2,
            format!("{noon}  acme  orders_created: log 10, hour 12 (+2)"),
        ),
        (
            "org_daily_metrics set messages_sent = 1",
            1,
            format!("{midnight}  acme  messages_sent: log 0, day 1 (+1)"),
        ),
        (
            "workflow_hourly_metrics set runs = 3",
            1,
            format!("{noon}  acme  checkout  runs: log 2, workflow's hour 3 (+1)"),
        ),
        ("workflow_hourly_metrics set durations = 1", 1, "durations: log".to_owned()),
        (
            "organizations set name = 'Other'",
            1,
            "acme  name | plan_id | plan_name | event_id: log \"Acme | p | Pro | u1\"".to_owned(),
        ),
    ] {
        differs(&stack, tamper, differing, &expected).await;
    }
    let delete = "delete from org_hourly_metrics; delete from workflow_hourly_metrics";
    stack.client().await.batch_execute(delete).await.expect("rows");
    answer(&stack, &["recount", "--repair"]).await;
    assert!(answer(&stack, &["recount"]).await.contains(EQUAL));
    assert!(answer(&stack, &["audit"]).await.contains("the books agree"));
}

#[tokio::test]
async fn a_row_of_a_channel_that_differs_is_named_with_by_how_much_and_set_right() {
    let stack = counted([sent_by("sms")]).await;
    let noon = noon();
    let midnight = format!("{}T00:00:00Z", &noon[..10]);
    for (tamper, differing, expected) in [
        (
            "channel_hourly_metrics set messages_delivered_q3 = 1",
            2,
            format!("{noon}  acme  sms  messages_delivered: log 0, channel's quarter -1 (-1)"),
        ),
        (
            "channel_hourly_metrics set messages_sent = 3",
            2,
            format!("{noon}  acme  sms  messages_sent: log 1, channel's hour 3 (+2)"),
        ),
        (
            "channel_hourly_metrics set channel = 'fax'",
            4,
            format!("{noon}  acme  other  messages_sent: log 0, channel's hour 1 (+1)"),
        ),
        (
            "channel_daily_metrics set messages_sent = 0",
            1,
            format!("{midnight}  acme  sms  messages_sent: log 1, channel's day 0 (-1)"),
        ),
        (
            "organization_channels set channel = 'fax'",
            1,
            "acme  channel: log \"sms\", names that are kept \"\"".to_owned(),
        ),
    ] {
        differs(&stack, tamper, differing, &expected).await;
    }
    let delete = "delete from channel_hourly_metrics; delete from channel_daily_metrics; delete from organization_channels";
    stack.client().await.batch_execute(delete).await.expect("rows");
    answer(&stack, &["recount", "--repair"]).await;
    assert!(answer(&stack, &["recount"]).await.contains(EQUAL));
    assert!(answer(&stack, &["audit"]).await.contains("the books agree"));
}

#[tokio::test]
async fn a_record_counted_twice_is_found_though_both_books_agree_and_is_set_right() {
    let stack = Stack::with_partitions(2).await;
    stack.produce(orders_in(0, "acme", 0..10)).await;
    let run = Message::workflow("acme", "r1", yesterday(), Outcome::Failed, 5);
    let sent = Message::delivery("acme", "m1", yesterday(), yesterday(), Status::Sent);
    let both = [run, sent].map(Produced::plain);
    let copies_in = |partition| both.clone().map(|record| Produced { partition: Some(partition), ..record });
    stack.produce(copies_in(0)).await;
    // Copies where their keys don't belong.
    stack.produce(orders_in(1, "acme", 3..4)).await;
    stack.produce(copies_in(1)).await;
    count(&stack).await;
    let counted = |orders_created, others| Counters {
        orders_created,
        workflows_total: others,
        workflows_failed: others,
        total_execution_time_ms: 5 * others,
        messages_sent: others,
        ..Counters::default()
    };
    stack.counts("acme").await.are(counted(11, 2));
    assert!(answer(&stack, &["audit"]).await.contains("the books agree"), "they took the same decision");

    let ended = operate(&stack, &["recount"]).await;
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let noon = noon();
    for expected in [
        format!("{noon}  acme  orders_created: log 10, quarter 11 (+1)"),
        format!("{noon}  acme  order o3: counted 2 times, in partitions 0 and 1; 2 copies in"),
        "partition 0 offset 3, partition 1 offset 0".to_owned(),
        format!("{noon}  acme  workflow execution r1: counted 2 times, in partitions 0 and 1; 2 copies in"),
        format!("{noon}  acme  sending of message m1: counted 2 times, in partitions 0 and 1; 2 copies in"),
        format!("{noon}  acme  checkout  runs: log 1, workflow's hour 2 (+1)"),
        format!("{noon}  acme  email  messages_sent: log 1, channel's hour 2 (+1)"),
        "21 values differ".to_owned(),
    ] {
        assert!(ended.output.contains(&expected), "{expected}: {ended:#?}");
    }
    let dry = operate(&stack, &["recount", "--repair", "--dry-run"]).await;
    assert_eq!(dry.code, Some(1), "{dry:#?}");
    let would =
        "acme  3 buckets, 1 workflows' hours, 1 channels' hours, 1 channels' days, 3 pages of the ledger";
    assert!(dry.output.contains(would), "{dry:#?}");
    stack.counts("acme").await.are(counted(11, 2));

    answer(&stack, &["recount", "--repair"]).await;
    stack.counts("acme").await.are(counted(10, 1));
    assert!(answer(&stack, &["recount"]).await.contains(EQUAL));
    assert!(answer(&stack, &["audit"]).await.contains("the books agree"));
    stack.produce(orders_in(0, "acme", 0..12)).await;
    stack.produce(orders_in(1, "acme", 3..4)).await;
    stack.produce(copies_in(1)).await;
    count(&stack).await;
    stack.counts("acme").await.are(counted(12, 1));
    assert!(answer(&stack, &["audit"]).await.contains("the books agree"));
}

#[tokio::test]
async fn a_record_that_was_skipped_is_found_and_counted_once_by_a_repair() {
    let stack = Stack::with_partitions(1).await;
    stack.produce(orders("acme", 7)).await;
    count(&stack).await;
    stack.produce(orders("acme", 10)).await;
    // Of a day of which nothing is counted.
    stack.produce(plain([Message::order("acme", "old", yesterday() - Duration::days(20))])).await;
    let to = |to| ["progress", "reset", "--topic", &*stack.topics().events, "--to", to];
    answer(&stack, &to("latest")).await;
    let ended = operate(&stack, &["recount"]).await;
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let expected = format!("{}  acme  order o8: never counted; 1 copies in", noon());
    assert!(ended.output.contains(&expected) && ended.output.contains("partition 0 offset 15"), "{ended:#?}");

    // From now on a member has the page in memory, without the records that were skipped.
    let mut member = stack.consumer().start().await;
    member.until_ready().await;
    stack.produce(orders_in(0, "acme", 10..11)).await;
    stack.until_idle().await;
    answer(&stack, &["recount", "--repair"]).await;
    stack.counts("acme").await.are(orders_created(12));
    stack.produce(orders("acme", 11)).await;
    stack.until_idle().await;
    assert_eq!(member.stop().await, Some(0));
    stack.counts("acme").await.are(orders_created(12));
    assert!(answer(&stack, &["audit"]).await.contains("the books agree"));
    answer(&stack, &to("earliest")).await;
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(12));
    assert!(answer(&stack, &["recount"]).await.contains(EQUAL));
}

#[tokio::test]
async fn a_repair_is_refused_when_members_have_counted_on() {
    let stack = counted(orders("acme", 3)).await;
    let client = stack.client().await;
    client.batch_execute("update org_hourly_metrics set orders_created = 5").await.expect("a row");
    // Whoever moves a partition between the comparison and the repair.
    let lock = client.batch_execute("begin; update consumer_progress set next_offset = next_offset + 1");
    lock.await.expect("a transaction");
    let meanwhile = async {
        until_waiting_for_locks(&stack, 1).await;
        client.batch_execute("commit").await.expect("a commit");
    };
    let (refused, ()) = tokio::join!(operate(&stack, &["recount", "--repair"]), meanwhile);
    assert_eq!(refused.code, Some(3), "{refused:#?}");
    assert!(refused.errors.contains("members have counted on"), "{refused:#?}");
    let row = client.query_one("select orders_created from org_hourly_metrics", &[]).await.expect("a row");
    assert_eq!(row.get::<_, i64>(0), 5, "nothing is changed");
}

#[tokio::test]
async fn a_repair_is_refused_when_rows_of_channels_were_changed_by_others() {
    let stack = counted([sent_by("sms")]).await;
    let client = stack.client().await;
    client.batch_execute("update channel_hourly_metrics set messages_sent = 5").await.expect("a row");
    let lock = "begin; select from consumer_progress for update; update channel_hourly_metrics set messages_sent = 6";
    client.batch_execute(lock).await.expect("a transaction");
    let meanwhile = async {
        until_waiting_for_locks(&stack, 1).await;
        client.batch_execute("commit").await.expect("a commit");
    };
    let (refused, ()) = tokio::join!(operate(&stack, &["recount", "--repair"]), meanwhile);
    assert_eq!(refused.code, Some(3), "{refused:#?}");
    assert!(refused.errors.contains("a row was changed"), "{refused:#?}");
    let row = client.query_one("select messages_sent from channel_hourly_metrics", &[]).await.expect("a row");
    assert_eq!(row.get::<_, i64>(0), 6, "nothing is changed");
}

#[tokio::test]
async fn a_recount_that_is_killed_and_paused_goes_on_where_it_was_and_says_the_same() {
    const RECORDS: usize = 200_000;
    let stack = Stack::with_partitions(2).await;
    stack.produce((0..20).flat_map(|n| orders(&format!("org{n}"), RECORDS / 20))).await;
    count(&stack).await;
    let folder = state(&stack, "paused");
    let args = ["recount", "--recount-memory-mb", "1", "--state", &shown(&folder)];
    let mut before = 0;
    for is_killed in [true, false] {
        let recount = stack.consumer().command(&args).begin();
        let read = wait::until("some records to be read", READ_LIMIT, async || {
            let read = read_so_far(&folder);
            Ok(if read > before { Seen::Ready(read) } else { Seen::NotYet(format!("{read} are")) })
        });
        before = read.await.expect("records that are read");
        assert!(before < RECORDS as u64, "some are left");
        assert!(recount.peak_memory() < 200 << 20, "{} bytes", recount.peak_memory());
        if is_killed {
            recount.kill();
        } else {
            assert_eq!(recount.interrupt().await, Some(130), "it says that it is paused");
        }
    }
    let elsewhere = operate(&stack, &[&args[..], &["--organization", "org1"]].concat()).await;
    assert_eq!(elsewhere.code, Some(2), "the state is another recount's: {elsewhere:#?}");
    let said = answer(&stack, &args).await;
    assert!(
        said.contains(&format!("{RECORDS} records read, {RECORDS} identities")) && said.contains(EQUAL),
        "{said}"
    );
}

#[tokio::test]
async fn what_is_gone_from_the_log_is_said_and_only_too_little_is_held_against_the_tables() {
    let stack = Stack::with_partitions(1).await;
    stack.produce(orders("acme", 10)).await;
    count(&stack).await;
    forget_before(&stack, 0, 4).await;
    let said = answer(&stack, &["recount"]).await;
    assert!(
        said.contains("6 records read")
            && said.contains("orders_created to payments_successful: judged from"),
        "{said}"
    );
    assert!(said.contains("9 values can't be judged"), "{said}");
    stack
        .client()
        .await
        .batch_execute("update org_daily_metrics set orders_created = 5")
        .await
        .expect("a row");
    let ended = operate(&stack, &["recount", "--repair"]).await;
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.output.contains("orders_created: log at least 6, day 5 (-1)"), "{ended:#?}");
    assert!(ended.output.contains("1 rows have wrong values that are left as they are"), "{ended:#?}");
}

#[tokio::test]
async fn orders_are_set_right_where_the_log_has_lost_messages_of_the_same_hour() {
    let stack = Stack::with_partitions(1).await;
    let sent = |n| Message::delivery("acme", &format!("m{n}"), yesterday(), yesterday(), Status::Sent);
    stack.produce(orders("acme", 10)).await;
    stack.produce(plain((0..6).map(sent))).await;
    count(&stack).await;
    forget_of(&stack, &stack.topics().message_deliveries, 0, 4).await;
    let client = stack.client().await;
    let tamper = "update org_hourly_metrics set orders_created = orders_created + 5; \
                  update org_daily_metrics set orders_created = orders_created + 5";
    client.batch_execute(tamper).await.expect("rows");
    assert_eq!(operate(&stack, &["audit"]).await.code, Some(1));
    let said = answer(&stack, &["recount", "--repair"]).await;
    assert!(said.contains("everything is set right"), "{said}");
    let counts = Counters { orders_created: 10, messages_sent: 6, ..Counters::default() };
    stack.counts("acme").await.are(counts);
    assert!(answer(&stack, &["audit"]).await.contains("the books agree"));
    assert!(answer(&stack, &["recount"]).await.contains(EQUAL));
}

#[tokio::test]
async fn records_that_contradict_each_other_are_no_wrong_count() {
    let stack = Stack::with_partitions(2).await;
    let payment = |partition, successful| {
        let message = Message::payment("acme", "p1", yesterday(), successful);
        Produced { partition: Some(partition), ..Produced::plain(message) }
    };
    // In one partition the first counts, which the log shows, in whichever batches the copies were.
    stack.produce([payment(0, true), payment(0, true)]).await;
    count(&stack).await;
    assert!(!answer(&stack, &["recount"]).await.contains("contradict"));
    stack.produce([payment(0, false)]).await;
    count(&stack).await;
    let said = answer(&stack, &["recount"]).await;
    assert!(said.contains(CONTRADICTS) && said.contains(EQUAL), "{said}");
    stack.produce([payment(1, false)]).await;
    answer(&stack, &["progress", "reset", "--topic", &stack.topics().events, "--to", "latest"]).await;
    let said = answer(&stack, &["recount"]).await;
    assert!(
        said.contains("3 values are among several that the log allows") && said.contains(EQUAL),
        "{said}"
    );
}

#[tokio::test]
async fn copies_of_a_message_that_name_different_channels_are_no_wrong_count() {
    let stack = Stack::with_partitions(2).await;
    let copy = |partition, channel: &str| {
        let mut copy = Produced { partition: Some(partition), ..sent_by(channel) };
        if let Some(Message::Delivery(delivery)) = &mut copy.content {
            "m1".clone_into(&mut delivery.message_id);
        }
        let message = copy.content.expect("a message");
        Produced { partition: Some(partition), ..Produced::plain(message) }
    };
    stack.produce([copy(0, "email"), copy(0, "sms")]).await;
    count(&stack).await;
    let said = answer(&stack, &["recount"]).await;
    assert!(said.contains(CONTRADICTS) && said.contains(EQUAL), "{said}");
    stack.produce([copy(1, "sms")]).await;
    let deliveries = &stack.topics().message_deliveries;
    answer(&stack, &["progress", "reset", "--topic", deliveries, "--to", "latest"]).await;
    let said = answer(&stack, &["recount"]).await;
    assert!(
        said.contains("6 values are among several that the log allows") && said.contains(EQUAL),
        "{said}"
    );
}

#[tokio::test]
async fn more_channels_than_have_rows_agree_and_a_name_that_is_missing_is_added() {
    let stack = forty_channels().await;
    assert!(answer(&stack, &["recount"]).await.contains(EQUAL));
    assert!(answer(&stack, &["recount", "--from", "2d"]).await.contains(EQUAL));
    let client = stack.client().await;
    client.batch_execute("delete from organization_channels where channel = 'c31'").await.expect("a name");
    let ended = operate(&stack, &["recount"]).await;
    assert!(ended.output.contains("acme  channel: log \"c31\", names that are kept \"\""), "{ended:#?}");
    assert!(ended.output.contains("1 values differ"), "{ended:#?}");
    let said = answer(&stack, &["recount", "--repair"]).await;
    assert!(said.contains("set right: acme  1 channels' names"), "{said}");
    let shown = "select sum(messages_sent)::bigint from channel_hourly_metrics \
                 join kept_channels using (organization_id, channel)";
    let shown: i64 = client.query_one(shown, &[]).await.expect("a sum").get(0);
    assert_eq!(shown, 32, "one message of each channel that has rows");
    assert!(answer(&stack, &["recount"]).await.contains(EQUAL));
}

#[tokio::test]
async fn channels_are_not_judged_before_all_members_counted_them() {
    let stack = counted([sent_by("sms")]).await;
    let client = stack.client().await;
    client.batch_execute("delete from channel_hourly_metrics").await.expect("a row");
    let since = async |since: &str| {
        client.batch_execute(&format!("update roll_ups set channels_since = {since}")).await.expect("a row");
        answer(&stack, &["recount"]).await
    };
    let said = since("'infinity'").await;
    assert!(said.contains("messages by channel: not compared before `consumer migrate --finish`"), "{said}");
    let said = since("now()").await;
    assert!(said.contains("messages by channel: compared from") && said.contains(EQUAL), "{said}");
    // A record may have been an hour ahead of the clock of a member that knew no channels.
    let noon = yesterday();
    since(&format!("'{}'", text(noon - Duration::minutes(59)))).await;
    let an_hour_before =
        format!("update roll_ups set channels_since = '{}'", text(noon - Duration::hours(1)));
    client.batch_execute(&an_hour_before).await.expect("a row");
    let ended = operate(&stack, &["recount"]).await;
    assert!(ended.output.contains("acme  sms  messages_sent: log 1, channel's hour 0 (-1)"), "{ended:#?}");
}

#[tokio::test]
async fn a_partition_that_was_set_back_is_compared_with_what_it_has_counted_before() {
    let stack = counted(orders("acme", 10)).await;
    answer(&stack, &["progress", "reset", "--topic", &stack.topics().events, "--to", "earliest"]).await;
    let said = answer(&stack, &["recount"]).await;
    assert!(said.contains("3 values are among several") && said.contains(EQUAL), "{said}");
    stack
        .client()
        .await
        .batch_execute("update org_daily_metrics set orders_created = 11")
        .await
        .expect("a row");
    let ended = operate(&stack, &["recount"]).await;
    assert!(ended.output.contains("orders_created: log 0 to 10, day 11 (+1)"), "{ended:#?}");
}

#[tokio::test]
async fn a_part_is_recounted_and_nonsense_is_refused() {
    let stack = counted([orders("acme", 3), orders("beta", 4)].concat()).await;
    let client = stack.client().await;
    let tamper =
        "update org_hourly_metrics set orders_created = 9, messages_sent = 1 where organization_id = 'beta'";
    client.batch_execute(tamper).await.expect("a row");
    let events = &*stack.topics().events;
    let deliveries = &*stack.topics().message_deliveries;
    for (args, expected) in [
        (vec!["--organization", "acme"], EQUAL),
        (vec!["--organization", "beta"], "4 values differ"),
        (vec!["--topic", events], "orders_created: log 4, hour 9 (+5)"),
        (vec!["--topic", deliveries], "messages_sent: log 0, hour 1 (+1)"),
        (vec!["--from", "2d"], "4 values differ"),
        (vec!["--to", "2020-01-01T00:00:00Z"], EQUAL),
    ] {
        let _ = std::fs::remove_dir_all(state(&stack, "consumer-recount"));
        let ended = operate(&stack, &[&["recount"], &args[..]].concat()).await;
        assert_eq!(ended.code, Some(i32::from(expected != EQUAL)), "{args:?}: {ended:#?}");
        assert!(ended.output.contains(expected), "{args:?}: {ended:#?}");
    }
    for wrong in [
        vec!["--topic", "nowhere"],
        vec!["--from", "1h", "--to", "2d"],
        vec!["--dry-run"],
        vec!["--to", "soon"],
    ] {
        let ended = operate(&stack, &[&["recount"], &wrong[..]].concat()).await;
        assert_eq!(ended.code, Some(2), "{wrong:?}: {ended:#?}");
    }
    let nobody = "postgres://nobody@127.0.0.1:1/nothing";
    let away = stack.consumer().command(&["recount"]).set("DATABASE_URL", nobody).run().await;
    assert_eq!(away.code, Some(3), "{away:#?}");
}

fn state(stack: &Stack, name: &str) -> PathBuf {
    stack.folder().join(name)
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// How many records are noted as read.
fn read_so_far(folder: &Path) -> u64 {
    let text = std::fs::read(folder.join("state.json")).unwrap_or_default();
    let state: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    state["records"].as_u64().unwrap_or(0)
}

#[tokio::test]
async fn the_documented_correction_makes_the_books_agree() {
    let day = BucketSize::Day.floor(yesterday());
    // In the hour and the quarter that the page speaks of.
    let at = day + Duration::minutes(10 * 60 + 20);
    let order = |n| Message::order("acme", &format!("o{n}"), at);
    let stack = counted(plain((0..9).map(order))).await;
    let client = stack.client().await;
    let tampered = "update org_hourly_metrics
                    set orders_created = orders_created + 5, orders_created_q2 = orders_created_q2 + 5;
                    update org_daily_metrics set orders_created = orders_created + 5";
    client.batch_execute(tampered).await.expect("rows");
    assert_eq!(operate(&stack, &["audit"]).await.code, Some(1), "the audit sees it");

    for block in blocks_of("the_documented_correction_makes_the_books_agree") {
        let of_now = block.text.replace("2026-02-25", &day.format("%Y-%m-%d").to_string());
        client.batch_execute(&of_now).await.expect("rows that are put right");
    }
    assert!(answer(&stack, &["audit"]).await.contains("the books agree"));
    stack.counts("acme").await.are(orders_created(9));
}
