//! Faults of many kinds, some at once, while records stream through; and then every number compared.

use chaos::{self, Kind, Plan};
use std::time::Duration;
use tests::binaries;

/// Another seed is `cargo xtask chaos --seed`; this one is the same for everybody, so that what fails is the code. It changes the
/// layout first, and then faults meet.
const SEED: u64 = 9;

/// The kinds that need no second broker and that other stories don't show for themselves, for a minute of them. The others
/// occur in `cargo xtask chaos`.
const KINDS: [Kind; 9] = [
    Kind::Hang,
    Kind::Cut,
    Kind::Kafka,
    Kind::Failover,
    Kind::Restore,
    Kind::Abandon,
    Kind::Layout,
    Kind::Reset,
    Kind::Redrive,
];

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_many_kinds_cost_no_record_and_count_none_twice() {
    if let Some(lacking) = chaos::lacking() {
        return machine::say::line(format_args!("skipped: faults of many kinds, for {lacking}"));
    }
    let plan = Plan {
        kinds: KINDS.into(),
        brokers: 1,
        length: Duration::from_secs(40),
        seed: SEED,
        rate: 1_000,
        session: Duration::from_secs(3),
    };
    let findings = chaos::inflict(plan, &binaries().consumer).await.expect("a run to its end");
    assert!(findings.is_empty(), "{findings:?}");
}
