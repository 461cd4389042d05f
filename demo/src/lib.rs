//! `cargo demo`: the whole system at work on this machine, for a person to watch.
//!
//! ```text
//! stage     services, schema, topics, both binaries
//! play      30 days of history, then live records
//! standing  how far counting is                   verdict  produced and counted, counter by counter
//! ```

mod play;
mod stage;
mod standing;
mod verdict;

use anyhow::bail;
use chrono::{Days, Utc};
use machine::say;
use play::Play;
use stage::Stage;
use std::process::ExitCode;

/// The exit code that shells expect after Ctrl-C.
const INTERRUPTED: u8 = 130;
/// The most records that a partition of the mock cluster can store, with a reserve.
const MOCK_RECORDS_MAX: u64 = 20_000;

/// Options of `cargo demo`.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Stop after the history; the exit code is 0 only if every counter equals what was produced
    #[arg(long)]
    once: bool,
    /// Live records per second, after the history
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Keep what the demo made: with --once everything runs until Ctrl-C; on your own servers the database and topics remain
    #[arg(long)]
    keep: bool,
    /// Approximate number of records in the history
    #[arg(long, default_value_t = 300_000)]
    records: u64,
    /// Days of history
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=30))]
    days: u32,
    /// Partitions of each topic
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(i32).range(1..=1_000))]
    partitions: i32,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the demo until its end or Ctrl-C. Everything it started ends with it.
///
/// # Errors
/// When something can't be started, or ends too early.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let stage = tokio::select! {
        stage = Stage::set(options.partitions, options.keep) => stage?,
        pressed = tokio::signal::ctrl_c() => return pressed.map(|()| ExitCode::from(INTERRUPTED)).map_err(Into::into),
    };
    let outcome = tokio::select! {
        outcome = perform(&stage, &options) => outcome,
        pressed = tokio::signal::ctrl_c() => pressed.map(|()| Ending::Interrupted).map_err(Into::into),
    };
    if options.keep && matches!(outcome, Ok(Ending::Right | Ending::Wrong)) {
        say::line("Everything stays up until Ctrl-C.");
        tokio::signal::ctrl_c().await?;
    }
    let cleared = stage.clear().await;
    say::line("Everything that was started here has ended.");
    let ending = outcome?;
    cleared?;
    match ending {
        Ending::Right => Ok(ExitCode::SUCCESS),
        Ending::Wrong => bail!("the counters differ from what was produced"),
        // Live records end only by Ctrl-C; with `--once` it has cut the history short.
        Ending::Interrupted => Ok(if options.once { ExitCode::from(INTERRUPTED) } else { ExitCode::SUCCESS }),
    }
}

/// How the demo ended.
enum Ending {
    /// Every counter equals what was produced.
    Right,
    /// Some counter differs.
    Wrong,
    /// By Ctrl-C.
    Interrupted,
}

async fn perform(stage: &Stage, options: &Options) -> anyhow::Result<Ending> {
    let mut play = Play::new(stage, history(stage, options))?;
    stage.invite(play.companies())?;
    play.past().await?;
    if options.once {
        let right = verdict::pronounce(stage.client(), play.truth()).await?;
        return Ok(if right { Ending::Right } else { Ending::Wrong });
    }
    match play.present(options.rate).await? {}
}

fn history(stage: &Stage, options: &Options) -> load::History {
    let until = Utc::now();
    let records = match stage.kafka_limits() {
        None => options.records,
        Some(limits) => {
            say::line(format_args!("At most {MOCK_RECORDS_MAX} records of history: {limits}"));
            options.records.min(MOCK_RECORDS_MAX)
        }
    };
    load::History {
        seed: options.seed,
        records,
        partitions: options.partitions,
        from: domain::BucketSize::Hour.floor(until - Days::new(u64::from(options.days))),
        until,
    }
}
