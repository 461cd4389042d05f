//! How soon a record is visible: from sending it to Kafka's client to an answer of the query API that includes it, while a
//! constant stream of other records is counted.
//!
//! The figure is that of a dashboard that polls, without the first seconds. Beside it is one that asks when the stream of changes says so. At the end
//! every counter is compared with the truth.

use super::chart::{Bar, Chart, grouped};
use super::finding::Finding;
use super::latencies::Latencies;
use super::markers::{Markers, Watch};
use super::record::{Outputs, Row};
use super::round::{Bench, as_float, drop_database};
use super::serving::Serving;
use super::stage::{Stage, must_be_right};
use ::load::{Horizon, Load, Message, Mix, Produced, Producer, Topics, Truth};
use anyhow::{Context as _, bail, ensure};
use chrono::{TimeDelta, Utc};
use machine::say;
use serde::Serialize;
use stack::run::process::Process;
use stack::token::Secret;
use stack::wait::{self, Seen};
use std::thread;
use std::time::{Duration, Instant};
use tokio::task::block_in_place;
use tokio_postgres::Client;

/// Records per second, markers aside.
const RATE: u64 = 10_000;
/// How many records are sent at once.
const AT_ONCE: u64 = 50;
/// A marker precedes each group of this many records: 20 times a second.
const PER_MARKER: u64 = 500;
/// How many markers at the start are not part of the figures, 5 seconds of them: meanwhile the producer connects, and a broker
/// that has just started compiles its own code.
const WARM_UP_MARKERS: usize = 100;
/// The target for 99 of 100 markers.
const P99_MAX_MS: f64 = 600.0;
/// The rate was held if producing took at most this factor longer than planned.
const SLOWNESS_MAX: f64 = 1.05;
/// The markers' organization.
const MARKED: &str = "org_marked";
const PARTITIONS: i32 = 8;
const ORGANIZATIONS: usize = 1_000;
const SEED: u64 = 1;

/// How long Kafka may take to store the last records at the end.
const FLUSH_LIMIT: Duration = Duration::from_secs(60);
/// How long the consumer may take to claim its partitions, and to count the last records at the end.
const CONSUMER_LIMIT: Duration = Duration::from_secs(60);

/// Options of `freshness`.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub struct Options {
    /// 15 seconds instead of 60
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    #[serde(skip)]
    outputs: Outputs,
}

/// Measures, prints and saves the figures.
///
/// # Errors
/// When something can't be started, the rate isn't held, or a sum is wrong.
pub async fn run(options: &Options) -> anyhow::Result<Vec<Finding>> {
    let Stage { services, binaries } = Stage::set().await?;
    let name = format!("bench_freshness_{}", std::process::id());
    let database = services.postgres.create_migrated(&name).await?;
    let topics = Topics::prefixed(&format!("bench-{}-", std::process::id()));
    services.kafka.create_topics(&topics.all(), PARTITIONS).await?;
    let truth = Truth::new(Horizon::at(Utc::now() + TimeDelta::seconds(options.seconds())));
    let (records, partitions) = (options.records(), PARTITIONS);
    let mut bench = Bench { services, consumer: binaries.consumer, topics, truth, records, partitions };

    let client = database.connect().await?;
    let mut consumer = bench.start(&name, &database, &[])?;
    until_claimed(&mut consumer, &client).await?;
    let (secret, prefix) = (Secret::random()?, bench.topics.events.clone());
    let api = Serving::query_api(&binaries.query_api, &bench.services, &database, &prefix, &secret).await?;
    let (polled, told) = block_in_place(|| options.measure(&mut bench, &api, &secret.token(MARKED)?))?;
    say::line(format_args!("polling      {polled}"));
    say::line(format_args!("when told    {told}"));
    until_counted(&mut consumer, &client, bench.truth.tally.counted).await?;
    let sums = must_be_right(&client, &bench.truth).await?;
    say::line(format_args!("Every sum was right: {} values.", sums.compared()));

    let rows = [Row::new("polling", &polled)?, Row::new("when told", &told)?];
    options.outputs.write(&bench.services, "freshness", options, &rows, &chart(&polled, &told).svg()).await?;
    drop((consumer, api, client));
    drop_database(&bench.services, &name).await?;
    Ok(vec![Finding {
        what: format!("produced to visible at {} records/s", grouped(as_float(RATE))),
        target: format!("p99 at most {P99_MAX_MS} ms"),
        figure: format!("{:.0} ms", polled.p99_ms),
        met: polled.p99_ms <= P99_MAX_MS,
    }])
}

impl Options {
    fn seconds(&self) -> i64 {
        if self.quick { 15 } else { 60 }
    }

    fn records(&self) -> u64 {
        RATE * self.seconds().unsigned_abs()
    }

    /// Produces the load, and meanwhile looks for the markers, by polling and by the stream.
    fn measure(
        &self,
        bench: &mut Bench,
        api: &Serving,
        token: &str,
    ) -> anyhow::Result<(Latencies, Latencies)> {
        let from = Utc::now();
        let load = Load {
            records: self.records(),
            companies: ORGANIZATIONS,
            partitions: PARTITIONS,
            mix: Mix::ALL,
            payload_bytes: 0,
            from,
            until: from + TimeDelta::seconds(self.seconds()),
            ..Load::plain(SEED, from)
        };
        let brokers = bench.services.kafka.brokers();
        let producer = Producer::new(brokers, bench.topics.clone())?;
        let (markers, total) = (Markers::default(), usize::try_from(load.records / PER_MARKER)?);
        let watch = Watch { address: api.address(), token, markers: &markers, total };
        say::line(format_args!(
            "Producing {} records a second for {} s, and {total} markers among them",
            grouped(as_float(RATE)),
            self.seconds()
        ));
        let truth = &mut bench.truth;
        let (produced, polled, told) = thread::scope(|scope| {
            let producing = scope.spawn(|| produce(&load, producer, &markers, truth));
            let polling = scope.spawn(|| watch.poll());
            let listening = scope.spawn(|| watch.listen());
            (joined(producing), joined(polling), joined(listening))
        });
        produced?;
        let of = |ages: Vec<_>| {
            let warm = ages.into_iter().skip(WARM_UP_MARKERS).collect();
            Latencies::of(warm).context("there were no markers after the warm-up")
        };
        Ok((of(polled?)?, of(told?)?))
    }
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Sends the load at its rate, with markers.
fn produce(load: &Load, mut producer: Producer, markers: &Markers, truth: &mut Truth) -> anyhow::Result<()> {
    let bar = stack::bar::bar("produced", load.records);
    let start = Instant::now();
    for (number, record) in (0..).zip(load.records()) {
        if number % AT_ONCE == 0 {
            wait::until_instant(start + planned(number));
            producer.look()?;
            bar.set_position(number);
        }
        if number % PER_MARKER == 0 {
            let order = marker(markers.produce());
            producer.send(&order)?;
            truth.take(&order);
        }
        producer.send(&record)?;
        truth.take(&record);
    }
    let took = start.elapsed();
    producer.flush(FLUSH_LIMIT)?;
    bar.finish_and_clear();
    let most = planned(load.records).mul_f64(SLOWNESS_MAX);
    ensure!(took <= most, "producing took {took:?}: the rate wasn't held, so there is no figure");
    Ok(())
}

/// When a record is due, after the first.
fn planned(number: u64) -> Duration {
    Duration::from_micros(number * 1_000_000 / RATE)
}

fn marker(number: usize) -> Produced {
    let order = Message::order(MARKED, &format!("marker-{number}"), Utc::now());
    Produced::plain(order).placed(PARTITIONS)
}

/// Waits until the consumer has every partition.
async fn until_claimed(consumer: &mut Process, client: &Client) -> anyhow::Result<()> {
    let query = "select count(claimed_at) from consumer_progress";
    let all = i64::from(PARTITIONS) * 3;
    wait::until("the consumer to claim its partitions", CONSUMER_LIMIT, async || {
        runs(consumer)?;
        let claimed: i64 = client.query_one(query, &[]).await?.get(0);
        Ok(Seen::when(claimed == all, format!("{claimed} of {all} are claimed")))
    })
    .await
}

/// Waits until the expected number of records is counted.
async fn until_counted(consumer: &mut Process, client: &Client, records: u64) -> anyhow::Result<()> {
    let query = "select coalesce(sum(orders_created + payments_total + workflows_total + messages_sent + \
                 messages_delivered), 0)::bigint from org_daily_metrics";
    let all = i64::try_from(records)?;
    wait::until("all records to be counted", CONSUMER_LIMIT, async || {
        runs(consumer)?;
        let counted: i64 = client.query_one(query, &[]).await?.get(0);
        Ok(Seen::when(counted >= all, format!("{counted} of {all} are counted")))
    })
    .await
}

fn runs(consumer: &mut Process) -> anyhow::Result<()> {
    match consumer.ended() {
        None => Ok(()),
        Some(status) => bail!("the consumer ended ({status}):\n{}", consumer.log_tail()),
    }
}

fn chart(polled: &Latencies, told: &Latencies) -> Chart {
    Chart {
        title: "From produced to visible".into(),
        note: format!(
            "{} records/s; {} markers, looked for every 10 ms; all programs on one machine",
            grouped(as_float(RATE)),
            polled.count
        ),
        bars: vec![
            Bar::millis("p50", polled.p50_ms, true),
            Bar::millis("p99", polled.p99_ms, true),
            Bar::millis("longest", polled.max_ms, true),
            Bar::millis("p99, when told", told.p99_ms, false),
        ],
    }
}
