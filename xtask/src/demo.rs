//! `cargo demo`: the whole system at work on this machine, for a person to watch.
//!
//! ```text
//! stage     services, schema, topics, both binaries
//! play      30 days of history, then the present
//! standing  what has been counted so far        verdict  produced and counted, counter by counter
//! ```

mod http;
mod play;
mod stage;
mod standing;
mod token;
mod verdict;

use crate::say;
use anyhow::ensure;
use chrono::{Days, Utc};
use play::Play;
use stage::Stage;
use std::process::ExitCode;

/// What a shell expects of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;
/// The most the mock cluster can hold of one topic's partition, with room to spare.
const MOCK_RECORDS_MAX: u64 = 20_000;

/// What to show.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Stop after the history; exit code 0 only if produced equals counted, counter by counter
    #[arg(long)]
    once: bool,
    /// Records per second once the history is told
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Keep what was made: with --once everything stays up until Ctrl-C; on servers of yours the database and topics stay
    #[arg(long)]
    keep: bool,
    /// Records of the history, about
    #[arg(long, default_value_t = 300_000)]
    records: u64,
    /// Days of history
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=30))]
    days: u32,
    /// Partitions of each topic
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(i32).range(1..=1_000))]
    partitions: i32,
    /// Decides all that is left to chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the demo until it is over or Ctrl-C ends it. Everything it started ends with it.
///
/// # Errors
/// When something can't be started, or ends too early.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let stage = tokio::select! {
        stage = Stage::set(options.partitions, options.keep) => stage?,
        pressed = interrupted() => return pressed,
    };
    let shown = tokio::select! {
        biased;
        shown = perform(&stage, &options) => shown,
        pressed = interrupted() => pressed,
    };
    let cleared = stage.clear().await;
    say::line("Everything that was started here has been ended.");
    let code = shown?;
    cleared.map(|()| code)
}

async fn perform(stage: &Stage, options: &Options) -> anyhow::Result<ExitCode> {
    let mut play = Play::new(stage, history(stage, options))?;
    stage.invite(play.companies())?;
    play.past().await?;
    if !options.once {
        tokio::select! {
            ended = play.present(options.rate) => ended?,
            pressed = tokio::signal::ctrl_c() => pressed?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    let right = verdict::pronounce(stage.client(), play.truth()).await?;
    if options.keep {
        say::line("Everything stays up until Ctrl-C.");
        tokio::signal::ctrl_c().await?;
    }
    ensure!(right, "what was counted is not what was produced");
    Ok(ExitCode::SUCCESS)
}

async fn interrupted() -> anyhow::Result<ExitCode> {
    tokio::signal::ctrl_c().await?;
    Ok(ExitCode::from(INTERRUPTED))
}

fn history(stage: &Stage, options: &Options) -> bench::History {
    let until = Utc::now();
    let records = match stage.kafka_limits() {
        None => options.records,
        Some(limits) => {
            say::line(format_args!("At most {MOCK_RECORDS_MAX} records of history: {limits}"));
            options.records.min(MOCK_RECORDS_MAX)
        }
    };
    bench::History {
        seed: options.seed,
        records,
        partitions: options.partitions,
        from: domain::BucketSize::Hour.floor(until - Days::new(u64::from(options.days))),
        until,
    }
}
