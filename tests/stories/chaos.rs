//! Faults of every kind, some at once, while records stream through; and then every number compared.

use chaos::{self, Plan};
use stack::{Purpose, Services};
use std::time::Duration;
use tests::binaries;

/// Another seed is `cargo xtask chaos --seed`; this one is the same for everybody, so that what fails is the code.
const SEED: u64 = 1;

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_every_kind_cost_no_record_and_count_none_twice() {
    let services = Services::start(Purpose::Chaos).await.expect("services");
    if let Some(lacking) = chaos::lacking(&services) {
        return machine::say::line(format_args!("skipped: faults of every kind, for {lacking}"));
    }
    let plan =
        Plan { length: Duration::from_secs(45), seed: SEED, rate: 1_000, session: Duration::from_secs(3) };
    let findings = chaos::inflict(plan, services, &binaries().consumer).await.expect("a run to its end");
    assert!(findings.is_empty(), "{findings:?}");
}
