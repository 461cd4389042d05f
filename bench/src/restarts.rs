//! How long partitions stand still when the members of a group are restarted one by one, as a new release does it.
//!
//! A producer sends at a constant rate. A member is asked to end, or killed, and started again as soon as it has ended; the next
//! one follows when all partitions are counted again. The figure of a restart is the longest time that any partition of the
//! group stood still.

use super::chart::{Bar, Chart};
use super::finding::Finding;
use super::group::{Group, create_topics};
use super::record::{Outputs, Row};
use super::report;
use super::round::drop_database;
use super::stage::{Stage, must_be_right};
use super::watch::Watch;
use ::load::Topics;
use machine::say;
use serde::Serialize;
use stack::Services;
use stack::binaries::Binaries;
use stack::run::process::Process;
use std::time::Duration;

const MEMBERS: usize = 3;
const PARTITIONS: i32 = 8;
/// How long partitions are watched after a restart.
const CALM: Duration = Duration::from_secs(4);
/// How long a restart may take.
const RESTART_LIMIT: Duration = Duration::from_secs(60);
/// The longest standstill of a partition while members are restarted.
const RESTARTED: Duration = Duration::from_millis(2_500);
/// The same if a member is killed that the group knows again.
const KILLED: Duration = Duration::from_secs(3);

/// Options of `restarts`.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub struct Options {
    /// Records produced each second
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1_000..=1_000_000))]
    rate: u64,
    /// How often each of the three members is restarted
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(usize))]
    rounds: usize,
    /// One round
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    #[serde(skip)]
    outputs: Outputs,
}

/// How members are known to the group, and how they end.
#[derive(Clone, Copy, Debug)]
struct Way {
    name: &'static str,
    is_static: bool,
    is_newer: bool,
    is_killed: bool,
    most: Option<Duration>,
}

const WAYS: [Way; 4] = [
    Way {
        name: "members that leave",
        is_static: false,
        is_newer: false,
        is_killed: false,
        most: Some(RESTARTED),
    },
    Way { name: "static members", is_static: true, is_newer: false, is_killed: false, most: Some(RESTARTED) },
    Way {
        name: "static members, killed",
        is_static: true,
        is_newer: false,
        is_killed: true,
        most: Some(KILLED),
    },
    Way { name: "the newer protocol", is_static: false, is_newer: true, is_killed: false, most: None },
];

/// The longest standstill of each restart, in seconds.
#[derive(Clone, Debug, Serialize)]
struct Seen {
    standstills: Vec<f64>,
    median: f64,
    longest: f64,
}

/// Measures, prints and saves the figures.
///
/// # Errors
/// When something can't be started, a restarted member gets no partitions, or a sum is wrong.
pub async fn run(options: &Options) -> anyhow::Result<Vec<Finding>> {
    let Stage { services, binaries } = Stage::set().await?;
    let mut rows = Vec::new();
    let (mut bars, mut findings) = (Vec::new(), Vec::new());
    say::line("Seconds that a partition stood still at most, by restart");
    for (number, way) in WAYS.iter().enumerate() {
        let seen = options.measure(&services, &binaries, way, number).await?;
        let each: Vec<String> = seen.standstills.iter().map(|seconds| format!("{seconds:.2}")).collect();
        say::line(format_args!("{:<26}{}", way.name, each.join(" ")));
        bars.push(Bar {
            label: way.name.into(),
            value: seen.median,
            text: seconds(seen.median),
            ours: way.most.is_some(),
        });
        let what = format!("members restarted one by one ({}): the longest standstill", way.name);
        findings
            .extend(way.most.map(|most| Finding::at_most(what, seen.longest, most.as_secs_f64(), seconds)));
        rows.push(Row::new(way.name, &seen)?);
    }
    let chart = Chart {
        title: "How long partitions stand still when members are restarted one by one".into(),
        note: format!("{MEMBERS} members; {} records/s; median of the longest of each restart", options.rate),
        bars,
    };
    options.outputs.write(&services, "restarts", options, &rows, &chart.svg()).await?;
    Ok(findings)
}

impl Options {
    async fn measure(
        &self,
        services: &Services,
        binaries: &Binaries,
        way: &Way,
        number: usize,
    ) -> anyhow::Result<Seen> {
        let name = format!("restarts_{}_{number}", std::process::id());
        let topics = Topics::prefixed(&format!("bench-{name}-"));
        create_topics(services, &topics, PARTITIONS).await?;
        let database = services.postgres.create_migrated(&name).await?;
        let (consumer, topics) = (&*binaries.consumer, &topics);
        let group = Group { services, consumer, topics, name: &name, database: &database };
        let mut watch = group.watch(PARTITIONS).await?;
        let mut members = Vec::new();
        for number in 0..MEMBERS {
            members.push(way.start(&group, number)?);
        }
        let producer = group.produce(PARTITIONS, self.rate)?;
        watch.until("three members to share", RESTART_LIMIT, |watch| watch.shared_by(&members)).await?;
        watch.look_on(CALM).await?;
        let mut standstills = Vec::new();
        for turn in 0..MEMBERS * if self.quick { 1 } else { self.rounds } {
            standstills.push(way.restart(&group, &mut watch, &mut members, turn % MEMBERS).await?);
        }
        let sent = producer.end()?;
        watch.until("all to be counted", RESTART_LIMIT, |watch| watch.committed() >= sent.records).await?;
        members.iter_mut().for_each(Process::stop);
        must_be_right(&database.connect().await?, &sent.truth).await?;
        drop_database(services, &name).await?;
        let longest = standstills.iter().copied().fold(0.0, f64::max);
        Ok(Seen { median: report::middle(standstills.clone()), longest, standstills })
    }
}

impl Way {
    fn start(&self, group: &Group<'_>, number: usize) -> anyhow::Result<Process> {
        let member = format!("{}-{number}", group.name);
        let mut settings = Vec::new();
        if self.is_static {
            settings.push(("KAFKA_CONFIG_GROUP_INSTANCE_ID", member.clone()));
        }
        if self.is_newer {
            settings.push(("KAFKA_CONFIG_GROUP_PROTOCOL", "consumer".into()));
        }
        group.start(&member, &settings)
    }

    /// Restarts a member, and returns the longest standstill of a partition meanwhile, in seconds.
    async fn restart(
        &self,
        group: &Group<'_>,
        watch: &mut Watch,
        members: &mut [Process],
        number: usize,
    ) -> anyhow::Result<f64> {
        let from = watch.now();
        let member = &mut members[number];
        if self.is_killed {
            member.kill();
        } else {
            member.ask_to_end();
        }
        watch.until("a member to end", RESTART_LIMIT, |_| member.ended().is_some()).await?;
        members[number] = self.start(group, number)?;
        let started = watch.now();
        watch.until("all to share again", RESTART_LIMIT, |watch| watch.shared_by(members)).await?;
        watch.until("all to advance", RESTART_LIMIT, |watch| watch.all_advanced_since(started)).await?;
        watch.look_on(CALM).await?;
        let all: Vec<usize> = (0..watch.moves().partitions()).collect();
        Ok(watch.moves().longest(&all, from, watch.now()).as_secs_f64())
    }
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.2} s")
}
