//! A million records with everything wrong that can be: every cell agrees with an independent recount.

use chrono::Utc;
use load::{Horizon, Load, Produced, Rng, Truth};
use tests::Stack;

/// How many records, repeats and bad ones included.
const RECORDS: u64 = 1_000_000;

/// How many at a time are made and handed to Kafka.
const CHUNK: usize = 50_000;

/// 500 organizations over three days, the member killed twice on the way. The seed is new each time, and printed.
#[tokio::test]
async fn a_million_records_are_exact() {
    let now = Utc::now().timestamp_nanos_opt().unwrap_or_default().unsigned_abs();
    let seed = Rng::new(now).below(1 << 32);
    machine::say::line(format_args!("a million records, seed {seed}"));
    let stack = Stack::with_partitions(8).await;
    let load = Load { records: RECORDS, companies: 500, window: 100_000, ..Load::mixed(seed, Utc::now()) };
    let mut truth = Truth::new(Horizon::at(Utc::now()));
    let mut records = load.records();
    let mut produced = 0;
    let mut member = stack.consumer().start().await;
    loop {
        let chunk: Vec<Produced> = records.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            break;
        }
        chunk.iter().for_each(|record| truth.take(record));
        produced += chunk.len();
        stack.produce(chunk).await;
        if [6 * CHUNK, 13 * CHUNK].contains(&produced) {
            stack.until_some_are_counted().await;
            member.kill();
            member = stack.consumer().start().await;
        }
    }
    stack.until_idle().await;
    let differences = load::check(&stack.client().await, &truth).await.expect("tables that can be read");
    assert!(differences.is_empty(), "seed {seed}: {differences}");
    assert_eq!(member.stop().await, Some(0));
}
