//! The cost of a record as one dimension grows: partitions, organizations, members of the group, the ledger on disk.
//!
//! One of them grows at a time; the others are 8 partitions, 1,000 organizations, one member and an empty ledger. Members join
//! with empty topics, are paused (SIGSTOP) while the topics are filled, and then resumed. So the figures include neither
//! starting nor rebalancing. The clock stops when everything is committed in PostgreSQL. Each point's sums are compared with
//! the known truth.

use super::chart::{Bar, Chart, grouped};
use super::finding::Finding;
use super::group::Group;
use super::ingest::produce;
use super::past::Past;
use super::record::{Outputs, Row};
use super::round::{Measured, Wal, as_float, drop_database};
use super::stage::{Stage, must_be_right};
use super::watch::Watch;
use ::load::{Horizon, Load, Mix, Topics, Trouble, Truth};
use anyhow::Context as _;
use chrono::Utc;
use clap::ValueEnum;
use machine::say;
use serde::Serialize;
use stack::run::process::Process;
use stack::run::usage::{Usage, peak_memory};
use stack::{DatabaseUrl, Services};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long members may take to join, and to count everything.
const LIMIT: Duration = Duration::from_secs(900);
/// How long paused members stay in the group: longer than filling takes.
const SESSION_TIMEOUT_MS: u64 = 240_000;
/// How long the group may settle after every member has partitions.
const SETTLING: Duration = Duration::from_secs(3);
/// Share of records from the last 72 hours when the ledger grows: they need the stored pages.
const LATE: f64 = 0.10;
const FINGERPRINT_BYTES: u64 = 8;
const QUICK_RECORDS: u64 = 200_000;

/// Options of `scale`.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub struct Options {
    /// The dimensions to grow; by default all
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Axis>,
    /// Records to read at each point
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,
    /// At most 200,000 records at each point, without a million organizations and 10^8 identities
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    #[serde(skip)]
    outputs: Outputs,
}

/// A dimension that grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum Axis {
    /// Partitions of the topic
    Partitions,
    /// Organizations of the records
    Organizations,
    /// Members of the consumer's group
    Members,
    /// Messages instead of events, without and with channels
    Channels,
    /// Identities in the ledger, while a tenth of the records are up to 72 hours late
    Ledger,
}

/// One measurement.
#[derive(Clone, Copy, Debug, Serialize)]
struct Point {
    partitions: i32,
    organizations: u64,
    members: u32,
    /// Identities that were counted before.
    ledger: u64,
    /// Share of late records.
    late: f64,
    /// Messages instead of events: whether they name their channel.
    messages: Option<bool>,
}

const BASE: Point =
    Point { partitions: 8, organizations: 1_000, members: 1, ledger: 0, late: 0.0, messages: None };

/// A point's figures, for JSON.
#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    point: Point,
    #[serde(flatten)]
    measured: Measured,
}

/// Measures, prints and saves the figures. None has a target.
///
/// # Errors
/// When something can't be started, or a sum is wrong.
pub async fn run(options: &Options) -> anyhow::Result<Vec<Finding>> {
    let Stage { services, binaries } = Stage::set().await?;
    say::line(
        "                              records/s | CPU s per million: consumer  PostgreSQL  Kafka | WAL bytes/record | peak MB",
    );
    let (mut rows, mut bars) = (Vec::new(), Vec::new());
    for axis in Axis::ALL.into_iter().filter(|axis| options.only.is_empty() || options.only.contains(axis)) {
        for point in axis.points(options.quick) {
            let name = axis.name(&point);
            let ground = Ground { services: &services, consumer: &binaries.consumer, number: rows.len() };
            let measured = point.measure(&ground, options.records()).await.with_context(|| name.clone())?;
            print(&name, &measured);
            bars.push(Bar::rate(&name, measured.rate, point.is_base()));
            rows.push(Row::new(name, &Figures { point, measured })?);
        }
    }
    say::line("Every sum was right.");
    let records = grouped(as_float(options.records()));
    let chart = Chart {
        title: "Records per second as things grow".into(),
        note: format!("{records} records at each point; all programs on one machine"),
        bars,
    };
    options.outputs.write(&services, "scale", options, &rows, &chart.svg()).await?;
    Ok(Vec::new())
}

impl Options {
    fn records(&self) -> u64 {
        if self.quick { self.records.min(QUICK_RECORDS) } else { self.records }
    }
}

impl Axis {
    const ALL: [Self; 5] =
        [Self::Partitions, Self::Organizations, Self::Members, Self::Channels, Self::Ledger];

    fn points(self, quick: bool) -> Vec<Point> {
        match self {
            Self::Partitions => [1, 8, 64].map(|partitions| Point { partitions, ..BASE }).into(),
            Self::Organizations => {
                let all = [10, 1_000, 100_000, 1_000_000].into_iter();
                let some = all.filter(|organizations| !quick || *organizations < 1_000_000);
                some.map(|organizations| Point { organizations, ..BASE }).collect()
            }
            Self::Members => [1, 2, 3].map(|members| Point { members, ..BASE }).into(),
            Self::Channels => [false, true].map(|named| Point { messages: Some(named), ..BASE }).into(),
            Self::Ledger => {
                let all = [1_000_000, 100_000_000].into_iter();
                let some = all.filter(|ledger| !quick || *ledger < 100_000_000);
                some.map(|ledger| Point { ledger, late: LATE, ..BASE }).collect()
            }
        }
    }

    fn name(self, point: &Point) -> String {
        let (number, what) = match self {
            Self::Partitions => (u64::from(point.partitions.unsigned_abs()), "partitions"),
            Self::Organizations => (point.organizations, "organizations"),
            Self::Members => (point.members.into(), "members"),
            Self::Ledger => (point.ledger, "in the ledger"),
            Self::Channels if point.messages == Some(true) => return "messages by channel".into(),
            Self::Channels => return "messages without channels".into(),
        };
        let what = if number == 1 { what.trim_end_matches('s') } else { what };
        format!("{} {what}", grouped(as_float(number)))
    }
}

/// The environment of the points.
struct Ground<'a> {
    services: &'a Services,
    consumer: &'a Path,
    /// The number of this point: part of the names of topics and databases.
    number: usize,
}

impl Point {
    fn is_base(&self) -> bool {
        (self.partitions, self.organizations, self.members, self.ledger, self.messages)
            == (BASE.partitions, BASE.organizations, BASE.members, BASE.ledger, BASE.messages)
    }

    async fn measure(&self, ground: &Ground<'_>, records: u64) -> anyhow::Result<Measured> {
        let Ground { services, consumer, number } = ground;
        let name = format!("scale_{}_{number}", std::process::id());
        let topics = Topics::prefixed(&format!("bench-{}-scale-{number}-", std::process::id()));
        let topic = self.topic(&topics);
        services.kafka.create_topics(&[topic], self.partitions).await?;
        let others = topics.all().into_iter().filter(|other| *other != topic).collect::<Vec<_>>();
        services.kafka.create_topics(&others, 1).await?;
        let database = services.postgres.create_migrated(&name).await?;
        let (now, horizon) = (Utc::now(), Horizon::at(Utc::now()));
        // A message that is delivered and then read has two records of one identity.
        let mut truth =
            if self.messages.is_some() { Truth::new(horizon) } else { Truth::of_new_records(horizon) };
        self.remember(&database, &topics, &mut truth).await?;
        let load = Load {
            records,
            companies: usize::try_from(self.organizations)?,
            partitions: self.partitions,
            trouble: Trouble { stragglers: self.late, ..Trouble::NONE },
            mix: self.mix(),
            ..Load::plain(1, now)
        };
        let group = Group { services, consumer, topics: &topics, name: &name, database: &database };
        let (mut members, mut watch) = self.joined(&group).await?;
        members.iter_mut().for_each(Process::pause);
        tokio::task::block_in_place(|| produce(&load, services.kafka.brokers(), &topics, &mut truth))?;
        let client = database.connect().await?;
        let (before, wal) = (Usage::now(), Wal::now(&client).await?);
        let start = Instant::now();
        members.iter_mut().for_each(Process::resume);
        watch.until("the members to count all records", LIMIT, |watch| watch.committed() >= records).await?;
        let (time, after) = (start.elapsed(), Usage::now());
        let wal_bytes = wal.since(&client, records).await?;
        let peaks = members.iter().map(|member| peak_memory(member.id()).context("a member ended by itself"));
        let peak = peaks.collect::<anyhow::Result<Vec<u64>>>()?.into_iter().max().unwrap_or_default();
        members.iter_mut().for_each(Process::stop);
        must_be_right(&client, &truth).await?;
        drop_database(services, &name).await?;
        let cpu = |program: &str| after.since(&before, program) / (as_float(records) / 1e6);
        Ok(Measured {
            rate: as_float(records) / time.as_secs_f64(),
            program_cpu: cpu("consumer"),
            kafka_cpu: cpu("java"),
            postgres_cpu: cpu("postgres"),
            wal_bytes,
            peak_memory_mb: as_float(peak) / 1e6,
        })
    }

    /// The topic of the records. The others have one partition each, and nothing in it.
    fn topic<'a>(&self, topics: &'a Topics) -> &'a str {
        if self.messages.is_some() { &topics.message_deliveries } else { &topics.events }
    }

    fn mix(&self) -> Mix {
        self.messages.map_or(Mix::EVENTS, |names_channels| Mix { names_channels, ..Mix::MESSAGES })
    }

    /// Fills the ledger with the identities that were counted before, if any.
    async fn remember(
        &self,
        database: &DatabaseUrl,
        topics: &Topics,
        truth: &mut Truth,
    ) -> anyhow::Result<()> {
        if self.ledger == 0 {
            return Ok(());
        }
        let bytes = self.ledger * FINGERPRINT_BYTES;
        let past = Past::new(self.organizations, self.partitions, Utc::now(), bytes)?;
        past.tell(truth);
        past.fill(database, &topics.events).await
    }

    /// Starts the members, and waits until each has partitions.
    async fn joined(&self, group: &Group<'_>) -> anyhow::Result<(Vec<Process>, Watch)> {
        let partitions = usize::try_from(self.partitions)?;
        let mut watch = Watch::new(group.database, self.topic(group.topics), partitions).await?;
        let settings = [("KAFKA_CONFIG_SESSION_TIMEOUT_MS", SESSION_TIMEOUT_MS.to_string())];
        let mut members = Vec::new();
        for number in 1..=self.members {
            members.push(group.start(&format!("{}-{number}", group.name), &settings)?);
        }
        watch
            .until("the members to join", LIMIT, |watch| {
                let mut owned = members.iter().map(|member| watch.owned_by(member.id()).len());
                owned.clone().sum::<usize>() == partitions && owned.all(|count| count > 0)
            })
            .await?;
        watch.look_on(SETTLING).await?;
        Ok((members, watch))
    }
}

fn print(name: &str, measured: &Measured) {
    let Measured { rate, program_cpu, kafka_cpu, postgres_cpu, wal_bytes, peak_memory_mb } = measured;
    say::line(format_args!(
        "{name:<26}{:>13} |{program_cpu:>28.2}{postgres_cpu:>12.2}{kafka_cpu:>7.2} |{wal_bytes:>17.0} |{peak_memory_mb:>8.0}",
        grouped(*rate)
    ));
}
