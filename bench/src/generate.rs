//! How fast the load itself is generated and recounted, on one thread and without Kafka.

use ::load::{Horizon, Load, Truth};
use chrono::Utc;
use machine::say;
use std::time::Instant;

const RECORDS: u32 = 2_000_000;

/// Measures and prints.
pub fn run() {
    let now = Utc::now();
    let plain = Load { records: RECORDS.into(), ..Load::plain(1, now) };
    let mixed = Load { records: RECORDS.into(), ..Load::mixed(1, now) };
    for (name, load) in [("plain", plain), ("mixed", mixed)] {
        let start = Instant::now();
        let bytes: usize = load.records().map(|record| record.payload.len()).sum();
        let made = per_second(start);
        let mut truth = Truth::new(Horizon::at(now));
        let start = Instant::now();
        load.records().for_each(|record| truth.take(&record));
        let recounted = per_second(start);
        let unique = truth.tally.counted;
        say::line(format_args!(
            "{name}: {made:.0} records/s made, {recounted:.0}/s made and recounted; {bytes} bytes, {unique} unique"
        ));
    }
}

fn per_second(start: Instant) -> f64 {
    f64::from(RECORDS) / start.elapsed().as_secs_f64()
}
