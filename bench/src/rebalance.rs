//! How long partitions stand still when one member of three is killed, and when it comes back.
//!
//! A producer sends at a constant rate, so a counted partition advances several times a second. The progress of each
//! partition is read from PostgreSQL about every 20 ms; a standstill is the time between two reads that found progress. At
//! the end every sum is compared with the known truth.

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
use stack::run::process::Process;
use std::time::Duration;

const MEMBERS: usize = 3;
const PARTITIONS: i32 = 8;
/// The consumer's default session timeout.
const SESSION_TIMEOUT: Duration = Duration::from_secs(10);
/// The time allowed in addition to it.
const ALLOWANCE: Duration = Duration::from_secs(2);
/// The longest normal pause of a partition whose member lives.
const STOP: Duration = Duration::from_secs(1);
/// How long partitions are watched before and after each change.
const CALM: Duration = Duration::from_secs(5);
/// How long a change may take.
const CHANGE_LIMIT: Duration = Duration::from_secs(90);

/// Options of `rebalance`.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub struct Options {
    /// Records produced each second
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1_000..=1_000_000))]
    rate: u64,
    /// How often a member is killed and started again
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// One round
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    #[serde(skip)]
    outputs: Outputs,
}

/// The longest standstill of partitions, in seconds.
#[derive(Clone, Copy, Debug, Serialize)]
struct Round {
    /// Of any partition before the kill.
    calm: f64,
    /// Of the killed member's partitions.
    killed: f64,
    /// Of the others meanwhile.
    others: f64,
    /// Of the partitions that the restarted member got.
    joined: f64,
    /// Of the others meanwhile.
    others_joined: f64,
}

/// Measures, prints and saves the figures.
///
/// # Errors
/// When something can't be started, partitions are not taken over, or a sum is wrong.
pub async fn run(options: &Options) -> anyhow::Result<Vec<Finding>> {
    let Stage { services, binaries } = Stage::set().await?;
    let topics = Topics::prefixed(&format!("bench-{}-rebalance-", std::process::id()));
    create_topics(&services, &topics, PARTITIONS).await?;
    let name = format!("rebalance_{}", std::process::id());
    let database = services.postgres.create_migrated(&name).await?;
    let (consumer, topics) = (&*binaries.consumer, &topics);
    let group = Group { services: &services, consumer, topics, name: &name, database: &database };
    let rounds = options.measure(&group).await?;
    drop_database(&services, &name).await?;
    say::line("Every sum was right.");
    options.report(&services, &rounds).await
}

impl Options {
    async fn measure(&self, group: &Group<'_>) -> anyhow::Result<Vec<Round>> {
        let mut watch = group.watch(PARTITIONS).await?;
        let mut members = Vec::new();
        for number in 1..=MEMBERS {
            members.push(group.start(&format!("{}-{number}", group.name), &[])?);
        }
        let producer = group.produce(PARTITIONS, self.rate)?;
        watch
            .until("three members to share the partitions", CHANGE_LIMIT, |watch| shared(watch, &members))
            .await?;
        say::line("Seconds that a partition stood still at most");
        say::line("round    before | killed member's    others | given to the one started    others");
        let mut rounds = Vec::new();
        for number in 1..=if self.quick { 1 } else { self.rounds } {
            let victim = usize::try_from(number)? % MEMBERS;
            let round = round(group, &mut watch, &mut members, victim).await?;
            print(&number.to_string(), &round);
            rounds.push(round);
        }
        let sent = producer.end()?;
        watch.until("all to be counted", CHANGE_LIMIT, |watch| watch.committed() >= sent.records).await?;
        members.iter_mut().for_each(Process::stop);
        must_be_right(&group.database.connect().await?, &sent.truth).await?;
        Ok(rounds)
    }

    async fn report(&self, services: &Services, rounds: &[Round]) -> anyhow::Result<Vec<Finding>> {
        let worst = |figure: fn(&Round) -> f64| rounds.iter().map(figure).fold(0.0, f64::max);
        let mut rows = Vec::new();
        for (number, round) in (1..).zip(rounds) {
            rows.push(Row::new(format!("round {number}"), round)?);
        }
        let median = |figure: fn(&Round) -> f64| report::middle(rounds.iter().map(figure).collect());
        let bars = [
            ("the killed member's", median(|round| round.killed), true),
            ("the others", median(|round| round.others), true),
            ("without a change", median(|round| round.calm), false),
        ];
        let bar = |(label, value, ours): (&str, f64, bool)| Bar {
            label: label.into(),
            value,
            text: seconds(value),
            ours,
        };
        let chart = Chart {
            title: "How long partitions stand still when one member of three is killed".into(),
            note: format!(
                "session timeout {} s; {} records/s; median of rounds: {}",
                SESSION_TIMEOUT.as_secs(),
                self.rate,
                rounds.len()
            ),
            bars: bars.map(bar).into(),
        };
        self.outputs.write(services, "rebalance", self, &rows, &chart.svg()).await?;
        let most = (SESSION_TIMEOUT + ALLOWANCE).as_secs_f64();
        Ok(vec![
            Finding::at_most(
                "one member of three killed: until its partitions are counted again",
                worst(|round| round.killed),
                most,
                seconds,
            ),
            Finding::at_most(
                "… the longest that any other partition stood still",
                worst(|round| round.others),
                STOP.as_secs_f64(),
                seconds,
            ),
        ])
    }
}

/// Whether each member has partitions, and all partitions have a member.
fn shared(watch: &Watch, members: &[Process]) -> bool {
    watch.shared_by(members) && watch.all_advanced_since(Duration::ZERO)
}

/// Kills a member, waits until its partitions are taken over, and starts it again.
async fn round(
    group: &Group<'_>,
    watch: &mut Watch,
    members: &mut [Process],
    victim: usize,
) -> anyhow::Result<Round> {
    let before = watch.now();
    watch.look_on(CALM).await?;
    let all: Vec<usize> = (0..usize::try_from(PARTITIONS)?).collect();
    let (id, killed_at) = (members[victim].id(), watch.now());
    let (killed, calm) = (watch.owned_by(id), watch.moves().longest(&all, before, killed_at));
    members[victim].kill();
    watch.until("other members to take over", CHANGE_LIMIT, |watch| watch.owned_by(id).is_empty()).await?;
    let taken = watch.now();
    watch.until("all partitions to advance", CHANGE_LIMIT, |watch| watch.all_advanced_since(taken)).await?;
    watch.look_on(CALM).await?;

    let started = watch.now();
    members[victim] = group.start(&format!("{}-{}", group.name, victim + 1), &[])?;
    watch
        .until("three members to share the partitions", CHANGE_LIMIT, |watch| shared(watch, members))
        .await?;
    let joined = watch.owned_by(members[victim].id());
    let given = watch.now();
    watch.until("all partitions to advance", CHANGE_LIMIT, |watch| watch.all_advanced_since(given)).await?;
    watch.look_on(CALM).await?;

    let but = |some: &[usize]| all.iter().copied().filter(|one| !some.contains(one)).collect::<Vec<_>>();
    let longest = |some: &[usize], from, until| watch.moves().longest(some, from, until).as_secs_f64();
    Ok(Round {
        calm: calm.as_secs_f64(),
        killed: longest(&killed, killed_at, started),
        others: longest(&but(&killed), killed_at, started),
        joined: longest(&joined, started, watch.now()),
        others_joined: longest(&but(&joined), started, watch.now()),
    })
}

fn print(name: &str, round: &Round) {
    let Round { calm, killed, others, joined, others_joined } = round;
    say::line(format_args!(
        "{name:<6}{calm:>9.2} |{killed:>16.2}{others:>10.2} |{joined:>25.2}{others_joined:>10.2}"
    ));
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.2} s")
}
