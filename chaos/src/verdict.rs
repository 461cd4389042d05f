//! The end of a run: everything is counted, and every number compared.

use super::letters;
use super::offsets::Offsets;
use super::stage::Stage;
use super::stream::Stream;
use anyhow::Context as _;
use machine::say;
use stack::run::process::Process;
use stack::wait::{self, Seen};
use std::io::Write as _;
use std::time::Duration;
use tokio::sync::watch;
use tokio_postgres::Client;

/// How long counting the remaining records may take.
const SETTLE_LIMIT: Duration = Duration::from_secs(180);
/// How long the audit may take.
const AUDIT_LIMIT: Duration = Duration::from_secs(120);

/// Tables that are kept if something differs. They have most of what explains a difference.
const KEPT: [&str; 11] = [
    "consumer_progress",
    "ledger_segments",
    "ledger_tails",
    "ledger_floor",
    "ledger_key",
    "dead_letters",
    "org_quarter_hourly_metrics",
    "org_hourly_metrics",
    "org_daily_metrics",
    "workflow_hourly_metrics",
    "organizations",
];

/// Waits until everything is counted. Returns the problems, in sentences.
///
/// # Errors
/// When Kafka fails, which should not happen without faults.
pub async fn settle(
    stage: &Stage,
    stream: &mut Stream,
    counted: &watch::Receiver<Offsets>,
) -> anyhow::Result<Vec<String>> {
    say::line("Faults are off; waiting until everything is counted");
    stream.flush()?;
    let handed = stream.handed().now();
    let mut findings: Vec<String> = unlike_kafka(stage, &handed)?.into_iter().collect();
    let settled = wait::until("everything to be counted", SETTLE_LIMIT, async || {
        Ok(handed.ahead_of(&counted.borrow()).map_or(Seen::Ready(()), Seen::NotYet))
    });
    findings.extend(settled.await.err().map(|error| format!("{error:#}")));
    Ok(findings)
}

/// Ends the members, and compares every number. Returns the problems, in sentences.
///
/// # Errors
/// When a service fails, which should not happen without faults.
pub async fn compare(stage: &Stage, stream: &Stream) -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    for member in stage.members() {
        findings.extend(member.lock().await.end().await.err().map(|error| format!("{error:#}")));
    }
    let client = stage.database().connect().await?;
    let differences = load::check(&client, stream.truth()).await?;
    if differences.is_empty() {
        say::line(format_args!("All {} values are equal to the recount", differences.compared()));
    } else {
        findings.push(differences.to_string());
    }
    findings.extend(wrong_letters(stage, stream, &client).await?);
    findings.extend(audit(stage).await?);
    Ok(findings)
}

/// Kafka must have exactly the records that were produced: if the producer sent one twice, the system would be blamed.
fn unlike_kafka(stage: &Stage, handed: &Offsets) -> anyhow::Result<Option<String>> {
    let mut held = Offsets::default();
    for topic in stage.topics().all() {
        for (partition, end) in (0..).zip(tokio::task::block_in_place(|| stage.kafka().ends(topic))?) {
            held.set(topic, partition, end);
        }
    }
    let unlike = handed.ahead_of(&held).or_else(|| held.ahead_of(handed));
    Ok(unlike.map(|place| format!("Kafka doesn't hold what was produced, each once: {place}")))
}

async fn wrong_letters(stage: &Stage, stream: &Stream, client: &Client) -> anyhow::Result<Vec<String>> {
    let read = || letters::in_kafka(stage.kafka(), stage.topics(), stream.letters());
    let expected = tokio::task::block_in_place(read)?;
    let found = letters::in_postgres(client).await?;
    let differences = expected.unlike(&found);
    if differences.is_empty() {
        say::line(format_args!(
            "All {} bad records are dead letters, each once, at their places",
            found.count()
        ));
    }
    Ok(differences)
}

/// The operators' own command must find the same.
async fn audit(stage: &Stage) -> anyhow::Result<Option<String>> {
    let mut process = Process::start(stage.command("audit"))?;
    let status = process.wait(AUDIT_LIMIT).await.context("consumer audit")?;
    if status.success() {
        say::line("consumer audit agrees");
        return Ok(None);
    }
    Ok(Some(format!("consumer audit ended with {status}:\n{}", process.log_tail())))
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
