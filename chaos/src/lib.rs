//! `cargo xtask chaos`: real faults against the real system while records stream through it, and then every number
//! compared.
//!
//! ```text
//! schedule, kind  which faults, when, how long: by a seed       stream, transactions  records, and the truth about them
//! perform         inflicts a fault and repairs it               standing, rewinds     how far counting is, and may go back
//!    \-> stage: servers, members                                board                 the display of the run
//! verdict         all counted? every cell, every dead letter, the audit      report   the table at the end
//!    \-> log: what Kafka holds; letters
//! ```

mod board;
mod kind;
mod letters;
mod log;
mod marks;
mod member;
mod offsets;
mod perform;
mod report;
mod rewinds;
mod schedule;
mod servers;
mod stage;
mod standing;
mod stream;
mod transactions;
mod verdict;

use anyhow::Context as _;
use board::Board;
pub use kind::Kind;
use log::Log;
use machine::say;
use offsets::Offsets;
use perform::Trial;
use report::{Report, Sums};
use rewinds::Rewinds;
use schedule::{Round, Schedule};
use servers::Servers;
pub use servers::lacking;
use stack::binaries::{Binaries, Profile};
use stage::Stage;
use std::convert::Infallible;
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stream::Stream;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use transactions::Transactions;

/// The exit code that shells expect after Ctrl-C.
const INTERRUPTED: u8 = 130;
/// One for each kind of record.
const TOPICS: i32 = 3;
/// Generated seeds are below this, so that they are easy to type.
const SEEDS: u64 = 1_000_000;

/// What `--help` says at the end.
pub const HELP: &str = "\
Three members of the consumer, built in release, count a steady stream of records: 5 % are copies of earlier ones, \
10 % are up to three days late, 0.1 % are bad, 0.2 % are ahead of the clock and refused if they are read too soon. A second \
producer commits and aborts transactions. Kafka is three brokers, with three replicas of each partition; PostgreSQL is a \
primary with an asynchronous standby. Meanwhile real faults occur, one or two at a time, each kind once before any occurs \
again:

  a member is killed (SIGKILL); it hangs beyond its session and wakes (SIGSTOP, SIGCONT); all are restarted in turn
  a member's commits are cut off before, during and after COMMIT; it can't reach PostgreSQL for a while
  PostgreSQL crashes and recovers; fails over to a standby that lacks the last commits; an older backup is restored
  pg_dump holds its snapshot and its locks for a while
  all of Kafka is killed; a broker is lost and comes back; it hangs and wakes; leaders move away from it and back
  Redis goes away and comes back empty
  a producer dies in the middle of a transaction
  layouts change by the operators' procedure, with more partitions up to 16 a topic
  members are stopped and the progress of a topic is set back; dead letters are redriven

No partition may go back, except where a failover, a restore or a reset takes it back. At the end every cell of every table \
must equal an independent recount of the produced records, every bad record must be one dead letter at its place, and \
`consumer audit` must agree. Only then the exit code is 0. Otherwise the differences are listed, and logs and tables are kept \
in target/runs/ for a day.

The seed decides which faults occur and how long each lasts; their exact moments depend on the machine. To repeat the \
same faults, give the seed that was printed. Kafka, PostgreSQL and Redis are started for this and ended again; \
your own servers are never touched.

  cargo xtask chaos                        five minutes with a new seed
  cargo xtask chaos --minutes 60 --rate 10000
  cargo xtask chaos --seed 4711            repeat a run
  cargo xtask chaos --brokers 1            on a small machine: without the faults of one broker of several";

/// Which faults to inflict.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Minutes of faults; longer until each kind of fault has occurred
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_440))]
    minutes: u32,
    /// Seed of the faults, their order and duration, and the records. Without it each run makes a new one, and prints it
    #[arg(long)]
    seed: Option<u64>,
    /// Records a second
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    rate: u32,
    /// Seconds without a heartbeat after which other members get a member's partitions
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(2..=60))]
    session_timeout: u64,
    /// Kafka's brokers. Each takes some 400 MB of memory
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=5))]
    brokers: u8,
}

/// The plan of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The kinds of faults.
    pub kinds: Vec<Kind>,
    /// Kafka's brokers.
    pub brokers: usize,
    /// The minimum time of faults; each kind occurs at least once.
    pub length: Duration,
    /// The seed of everything random.
    pub seed: u64,
    /// Records a second.
    pub rate: u32,
    /// How long a member's session lasts.
    pub session: Duration,
}

/// Runs until the end or Ctrl-C. Everything it started ends with it.
///
/// # Errors
/// When something can't be started or doesn't recover, or a check at the end fails.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let seed = options.seed.unwrap_or_else(|| RandomState::new().hash_one(()) % SEEDS);
    let brokers = usize::from(options.brokers);
    let possible = |kind: &Kind| brokers > 1 || !kind.needs_brokers();
    let plan = Plan {
        kinds: Kind::ALL.into_iter().filter(possible).collect(),
        brokers,
        length: Duration::from_secs(60 * u64::from(options.minutes)),
        seed,
        rate: options.rate,
        session: Duration::from_secs(options.session_timeout),
    };
    let all = async {
        say::choice("Binaries", "building the consumer in release; the first time takes minutes");
        let binaries = tokio::task::block_in_place(|| Binaries::build(Profile::Release))?;
        inflict(plan, &binaries.consumer).await
    };
    let findings = tokio::select! {
        findings = all => findings?,
        pressed = tokio::signal::ctrl_c() => {
            return pressed.map(|()| ExitCode::from(INTERRUPTED)).map_err(Into::into);
        }
    };
    say::line("Everything that was started here has ended.");
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Inflicts faults on members and on servers that are started for this. Returns the problems found at the end, in sentences.
///
/// # Errors
/// When something can't be started or doesn't recover, or a member does something that no fault explains.
pub async fn inflict(plan: Plan, consumer: &Path) -> anyhow::Result<Vec<String>> {
    let servers = Servers::start(plan.brokers).await?;
    let logs = servers.run().to_owned();
    let Plan { seed, rate, session, brokers, .. } = plan;
    say::choice(
        "Seed",
        format_args!(
            "{seed}: again with --seed {seed} --rate {rate} --session-timeout {} --brokers {brokers}",
            session.as_secs()
        ),
    );
    let findings = on_stage(&plan, servers, consumer).await.with_context(|| {
        format!("seed {seed}, {} s of faults; logs in {}", plan.length.as_secs(), logs.display())
    })?;
    for finding in &findings {
        say::line(format_args!("WRONG: {finding}"));
    }
    if findings.is_empty() {
        say::line("Everything is counted, exactly once.");
    } else {
        say::line(format_args!("Logs and tables: {}", logs.display()));
    }
    Ok(findings)
}

async fn on_stage(plan: &Plan, servers: Servers, consumer: &Path) -> anyhow::Result<Vec<String>> {
    let stage = Arc::new(Stage::set(servers, consumer, plan.session).await?);
    let (brokers, topics) = (stage.kafka().brokers(), stage.topics());
    let stream = Stream::new(plan.seed, brokers, topics.clone(), stage::PARTITIONS)?;
    let transactions = Transactions::new(plan.seed, brokers, topics.clone());
    let (tell, counted) = watch::channel(Offsets::default());
    let (tell_ends, ends) = watch::channel(Offsets::default());
    let trial = Trial {
        stage: Arc::clone(&stage),
        stream: Arc::new(Mutex::new(stream)),
        transactions: Arc::new(Mutex::new(transactions)),
        counted: counted.clone(),
        rewinds: Rewinds::default(),
        board: Board::clean(),
        session: plan.session,
    };

    let mut watching: JoinSet<Task> = JoinSet::new();
    watching.spawn(standing::look_up(stage.database().clone(), trial.rewinds.clone(), tell));
    watching.spawn(standing::look_ahead(brokers.to_owned(), counted.clone(), tell_ends));
    watching.spawn(board::read_metrics(trial.board.clone(), stage.admins()));
    watching.spawn(board::keep(trial.board.clone(), Arc::clone(&stage), ends, counted));
    let mut flowing = JoinSet::new();
    flowing.spawn(stream::flow(Arc::clone(&trial.stream), plan.rate));
    flowing.spawn(transactions::flow(Arc::clone(&trial.transactions), Arc::clone(&trial.stream)));

    let outcome = tokio::select! {
        outcome = course(&trial, plan, &mut flowing) => outcome,
        ended = failure(&mut watching) => ended.map(|never| match never {}),
    };
    watching.shutdown().await;
    let (report, mut findings) = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            // If PostgreSQL itself has failed, nothing can be kept.
            let _ = verdict::keep(&stage).await;
            return Err(error);
        }
    };
    findings.extend(compare(&trial, &report).await?);
    if !findings.is_empty() {
        verdict::keep(&stage).await?;
    }
    Ok(findings)
}

/// Compares all numbers, and prints the report.
async fn compare(trial: &Trial, report: &Report) -> anyhow::Result<Vec<String>> {
    let (stage, mut stream) = (&trial.stage, trial.stream.lock().await);
    let log = tokio::task::block_in_place(|| Log::read(stage.kafka(), stage.topics()))?;
    let findings = verdict::compare(stage, &mut stream, &log).await?;
    let tally = stream.truth().tally;
    report.tell(&Sums {
        produced: stream.handed().now().sum(),
        transactions: stream.transactions(&log),
        redriven: log.redriven(),
        repeated: tally.repeated,
        refused: tally.refused,
        partitions: stream.partitions() * TOPICS,
        fenced: trial.board.fenced(),
        back: trial.rewinds.offsets(),
    });
    Ok(findings)
}

type Task = anyhow::Result<Infallible>;

/// Faults while records flow; then no faults and no records until everything is counted.
async fn course(
    trial: &Trial,
    plan: &Plan,
    flowing: &mut JoinSet<Task>,
) -> anyhow::Result<(Report, Vec<String>)> {
    let report = tokio::select! {
        report = faults(trial, plan) => report?,
        ended = failure(flowing) => match ended? {},
    };
    flowing.shutdown().await;
    let mut stream = trial.stream.lock().await;
    let findings = verdict::settle(&trial.stage, &mut stream, &trial.counted).await?;
    Ok((report, findings))
}

/// Round after round until the time is over and each kind has occurred.
async fn faults(trial: &Trial, plan: &Plan) -> anyhow::Result<Report> {
    let start = Instant::now();
    let mut report = Report::about(&plan.kinds);
    for round in Schedule::new(plan.seed, &plan.kinds) {
        if start.elapsed() >= plan.length && report.is_complete() {
            break;
        }
        inflict_round(trial, &round, &mut report).await?;
        stack::wait::pass(round.quiet).await;
    }
    Ok(report)
}

async fn inflict_round(trial: &Trial, round: &Round, report: &mut Report) -> anyhow::Result<()> {
    let recovered = match &*round.strokes {
        [one, other] => {
            let both = tokio::join!(trial.perform(one, round.patient), trial.perform(other, round.patient));
            both.0?.max(both.1?)
        }
        [one] => trial.perform(one, round.patient).await?,
        _ => return Ok(()),
    };
    let kinds: Vec<_> = round.strokes.iter().map(|stroke| stroke.kind).collect();
    report.take(&kinds, recovered);
    Ok(())
}

/// Ends when one of the tasks ends, which none should.
async fn failure(tasks: &mut JoinSet<Task>) -> Task {
    tasks.join_next().await.context("there is a task")??
}
