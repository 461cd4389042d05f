//! The end of a run: everything is counted, and every number compared.

use super::letters::{self, Letters};
use super::log::Log;
use super::offsets::Offsets;
use super::stage::Stage;
use super::standing;
use super::stream::{EARLY_UNTIL, FUTURE, Stream};
use anyhow::{Context as _, ensure};
use machine::say;
use stack::run::process::Process;
use stack::wait;
use std::io::Write as _;
use std::time::Duration;
use tokio::sync::watch;
use tokio_postgres::Client;

/// How long it may take until more of the remaining records are counted.
const SETTLE_LIMIT: Duration = Duration::from_secs(180);
/// How long an operator's command may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(120);

/// Tables that are kept if something differs. They have most of what explains a difference.
const KEPT: [&str; 10] = [
    "consumer_progress",
    "ledger_segments",
    "ledger_tails",
    "ledger_floor",
    "ledger_key",
    "dead_letters",
    "org_hourly_metrics",
    "org_daily_metrics",
    "workflow_hourly_metrics",
    "organizations",
];

/// Waits until everything is counted, also what was too early when it was produced. Returns the problems, in sentences.
///
/// # Errors
/// When Kafka or a command fails, which should not happen without faults.
pub async fn settle(
    stage: &Stage,
    stream: &mut Stream,
    counted: &watch::Receiver<Offsets>,
) -> anyhow::Result<Vec<String>> {
    say::line("Faults are off; waiting until everything is counted");
    stream.flush()?;
    wait::pass(EARLY_UNTIL).await;
    let mut findings = Vec::new();
    findings.extend(uncounted(stage, counted).await?);
    // Records that were refused as too early count from now on.
    let mut process = Process::start(stage.redrive())?;
    let status = process.wait(COMMAND_LIMIT).await.context("the last redrive")?;
    ensure!(status.success(), "the last redrive ended with {status}:\n{}", process.log_tail());
    findings.extend(uncounted(stage, counted).await?);
    Ok(findings)
}

/// Waits until everything is counted that Kafka has. If it takes too long, says what is missing.
async fn uncounted(stage: &Stage, counted: &watch::Receiver<Offsets>) -> anyhow::Result<Option<String>> {
    let ends = tokio::task::block_in_place(|| stage.ends())?;
    let settled = standing::until_counted(&ends, counted, SETTLE_LIMIT).await;
    Ok(settled.err().map(|error| format!("{error:#}")))
}

/// Ends the members, and compares every number with what Kafka holds. Returns the problems, in sentences.
///
/// # Errors
/// When a service fails, which should not happen without faults.
pub async fn compare(stage: &Stage, stream: &mut Stream, log: &Log) -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    for member in stage.members() {
        findings.extend(member.lock().await.end().await.err().map(|error| format!("{error:#}")));
    }
    findings.extend(log.unlike(&stream.handed().now(), stream.bad()));
    findings.extend(stream.take_transactions(log));
    let client = stage.database().connect().await?;
    findings.extend(wrong_letters(stream, log, &client).await?);
    let differences = load::check(&client, stream.truth()).await?;
    if differences.is_empty() {
        say::line(format_args!("All {} values are equal to the recount", differences.compared()));
    } else {
        findings.push(differences.to_string());
    }
    for book in ["audit", "recount"] {
        findings.extend(agrees(stage, book).await?);
    }
    Ok(findings)
}

/// Every bad record in Kafka must be one dead letter. The stream then expects as many letters as there must be.
async fn wrong_letters(stream: &mut Stream, log: &Log, client: &Client) -> anyhow::Result<Vec<String>> {
    let expected: Vec<_> = log.letters(stream.bad())?.collect();
    let mut found = letters::in_postgres(client).await?;
    stream.expect_letters(FUTURE, found.take_early(log.early()).try_into()?);
    for (_, reason, _) in expected.iter().filter(|(_, _, redriven)| *redriven) {
        stream.expect_letters(reason, 1);
    }
    let expected: Letters = expected.into_iter().map(|(place, reason, _)| (place, reason)).collect();
    let differences = expected.unlike(&found);
    if differences.is_empty() {
        say::line(format_args!(
            "All {} bad records in Kafka are dead letters, each once, at their places",
            found.count()
        ));
    }
    Ok(differences)
}

/// The operators' own commands must find the same.
async fn agrees(stage: &Stage, book: &str) -> anyhow::Result<Option<String>> {
    let mut process = Process::start(stage.command(book))?;
    let status = process.wait(COMMAND_LIMIT).await.with_context(|| format!("consumer {book}"))?;
    if status.success() {
        say::line(format_args!("consumer {book} agrees"));
        return Ok(None);
    }
    Ok(Some(format!("consumer {book} ended with {status}:\n{}", process.log_tail())))
}

/// Writes the tables into the run's folder, a row of JSON a line.
///
/// # Errors
/// When they can't be read or written.
pub async fn keep(stage: &Stage) -> anyhow::Result<()> {
    let client = stage.database().connect().await?;
    let folder = stage.run().join("tables");
    std::fs::create_dir_all(&folder)?;
    for table in KEPT {
        let rows = client.query(&format!("select to_jsonb(t)::text from {table} t"), &[]).await?;
        let mut file = std::io::BufWriter::new(std::fs::File::create(folder.join(format!("{table}.jsonl")))?);
        for row in rows {
            writeln!(file, "{}", row.get::<_, &str>(0))?;
        }
        file.flush()?;
    }
    say::choice("Tables", folder.display());
    Ok(())
}
