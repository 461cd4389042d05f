//! `consumer dead-letters list` and `show`: a page of refused records, or all that is kept of one.

use super::ending::Ending;
use super::table::{Table, printable};
use super::{console, moment, shown};
use crate::record::place::Place;
use crate::record::reason::Reason;
use crate::store::settings::Database;
use crate::store::{Letter, LetterFilter, LetterLine, LetterPlace, OperatorConnection, Redriven, RunLine};
use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use serde_json::json;

/// Selects the dead letters that match everything given.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "letters")]
pub struct Filter {
    /// Refused for this reason. May be given several times.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(Reason::ALL.map(Reason::code)))]
    pub reason: Vec<String>,
    /// Read from this topic.
    #[arg(long)]
    pub topic: Option<String>,
    /// Read from this partition.
    #[arg(long, value_parser = clap::value_parser!(i32).range(0..))]
    pub partition: Option<i32>,
    /// Read at this offset.
    #[arg(long, value_parser = clap::value_parser!(i64).range(0..))]
    pub offset: Option<i64>,
    /// Sent by this organization. Where the value names none, its id is looked for in the key.
    #[arg(long)]
    pub organization: Option<String>,
    /// Refused at this time or later: a time like 2026-02-25T10:00:00Z, or how long ago, like 2h.
    #[arg(long, value_parser = moment::moment)]
    pub since: Option<DateTime<Utc>>,
    /// Refused before this time, written likewise.
    #[arg(long, value_parser = moment::moment)]
    pub until: Option<DateTime<Utc>>,
}

impl Filter {
    /// The filter for the store.
    #[must_use]
    pub fn letters(&self) -> LetterFilter {
        LetterFilter {
            reasons: (!self.reason.is_empty()).then(|| self.reason.clone()),
            topic: self.topic.clone(),
            partition: self.partition,
            offset: self.offset,
            organization: self.organization.clone(),
            since: self.since,
            until: self.until,
        }
    }
}

/// Settings of `consumer dead-letters list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// PostgreSQL, where the dead letters are.
    #[command(flatten)]
    pub database: Database,
    /// Which are listed.
    #[command(flatten)]
    pub filter: Filter,
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub limit: i64,
    /// Continue after this one, as an earlier page named it: TOPIC/TOPIC_ID/PARTITION/OFFSET.
    #[arg(long, value_parser = place)]
    pub after: Option<LetterPlace>,
    /// Answer with a JSON object, for programs: "deadLetters"; "next" for --after, null at the end; "runs", the records of
    /// which only places are kept; and "total" of both over all pages.
    #[arg(long)]
    pub json: bool,
}

/// Settings of `consumer dead-letters show`.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// PostgreSQL, where the dead letters are.
    #[command(flatten)]
    pub database: Database,
    /// Its topic.
    #[arg(long)]
    pub topic: String,
    /// Its partition.
    #[arg(long, value_parser = clap::value_parser!(i32).range(0..))]
    pub partition: i32,
    /// Its offset.
    #[arg(long, value_parser = clap::value_parser!(i64).range(0..))]
    pub offset: i64,
}

/// Records of one topic, partition and offset at most: one for each time the topic was made anew.
const SHOWN_MAX: i64 = 10;
/// Characters of a key that a table shows.
const KEY_CHARS_MAX: usize = 40;

/// Lists them.
///
/// # Errors
/// When PostgreSQL doesn't answer.
pub async fn list(settings: &List) -> anyhow::Result<Ending> {
    let connection = OperatorConnection::open(&settings.database).await.context("PostgreSQL")?;
    let filter = settings.filter.letters();
    // One more than asked for shows whether more follow.
    let lines = connection.letter_lines(&filter, settings.after.as_ref(), settings.limit + 1).await;
    let mut lines = lines.context("PostgreSQL")?;
    let more = lines.len() as i64 > settings.limit;
    lines.truncate(usize::try_from(settings.limit)?);
    let next = lines.last().filter(|_| more).map(|line| token(&line.at));
    let runs = connection.run_lines(&filter).await.context("PostgreSQL")?;
    let kept = connection.count_letters(&filter, Redriven::Too).await.context("PostgreSQL")?;
    let places_only: i64 = runs.iter().map(|run| run.records).sum();
    if settings.json {
        let letters: Vec<_> = lines.iter().map(as_json).collect();
        let runs: Vec<_> = runs.iter().map(run_as_json).collect();
        let total = json!({ "kept": kept, "placesOnly": places_only });
        let page = json!({ "deadLetters": letters, "next": next, "runs": runs, "total": total });
        console::answer(serde_json::to_string_pretty(&page)?)?;
        return Ok(Ending::Good);
    }
    if !lines.is_empty() {
        console::answer(as_table(&lines))?;
    }
    if let Some(next) = next {
        console::tell(format_args!("there are more: --after {next}"));
    }
    if !runs.is_empty() {
        let gap = if lines.is_empty() { "" } else { "\n" };
        console::answer(format_args!("{gap}{}", runs_as_table(&runs)))?;
    }
    console::tell(match (kept, places_only) {
        (0, 0) => "there are none".to_owned(),
        (kept, 0) => format!("{kept} in all"),
        (kept, places) => format!("{} in all: {kept} kept, and only the places of {places}", kept + places),
    });
    Ok(Ending::Good)
}

/// Shows what is kept of it.
///
/// # Errors
/// When there is none at that place, or PostgreSQL doesn't answer.
pub async fn show(settings: &Show) -> anyhow::Result<Ending> {
    let connection = OperatorConnection::open(&settings.database).await.context("PostgreSQL")?;
    let filter = LetterFilter {
        topic: Some(settings.topic.clone()),
        partition: Some(settings.partition),
        offset: Some(settings.offset),
        ..LetterFilter::default()
    };
    let letters = connection.letters(&filter, Redriven::Too, None, SHOWN_MAX).await.context("PostgreSQL")?;
    let runs = connection.run_lines(&filter).await.context("PostgreSQL")?;
    if letters.is_empty() && runs.is_empty() {
        bail!(
            "no dead letter was read from {} {} at {}",
            settings.topic,
            settings.partition,
            settings.offset
        );
    }
    for letter in &letters {
        for line in in_full(letter) {
            console::answer(line)?;
        }
    }
    for line in runs.iter().flat_map(|run| place_in_full(run, settings.offset)) {
        console::answer(line)?;
    }
    Ok(Ending::Good)
}

fn as_table(lines: &[LetterLine]) -> Table<10> {
    let mut table = Table::new([
        "TOPIC",
        "PARTITION",
        "OFFSET",
        "REASON",
        "ORGANIZATION",
        "KEY",
        "REFUSED",
        "REDRIVEN",
        "BYTES",
        "DETAIL",
    ]);
    for line in lines {
        table.add([
            line.at.place.topic.clone(),
            line.at.place.partition.to_string(),
            line.at.offset.to_string(),
            line.reason.clone(),
            organization(line),
            shown::cell(line.key.as_deref(), KEY_CHARS_MAX),
            moment::shown(Some(line.rejected_at)),
            moment::shown(line.redriven_at),
            length(line),
            line.detail.clone(),
        ]);
    }
    table
}

/// The organization of a dead letter, and whether only its key says so.
fn organization(line: &LetterLine) -> String {
    let guessed = line.organization_from_key.as_ref().map(|guessed| format!("{guessed} (by its key)"));
    line.organization.clone().or(guessed).unwrap_or_default()
}

/// The payload's length, and whether the record was cut.
fn length(line: &LetterLine) -> String {
    let bytes = line.payload_bytes.map(|bytes| bytes.to_string()).unwrap_or_default();
    if line.is_whole { bytes } else { format!("{bytes} (cut)") }
}

fn runs_as_table(runs: &[RunLine]) -> Table<9> {
    let mut table = Table::new([
        "ONLY PLACES OF",
        "PARTITION",
        "REASON",
        "RECORDS",
        "FIRST OFFSET",
        "LAST OFFSET",
        "FIRST REFUSED",
        "LAST REFUSED",
        "REDRIVEN",
    ]);
    for run in runs {
        table.add([
            run.place.topic.clone(),
            run.place.partition.to_string(),
            run.reason.clone(),
            run.records.to_string(),
            run.first_offset.to_string(),
            run.last_offset.to_string(),
            moment::shown(Some(run.first_rejected_at)),
            moment::shown(Some(run.last_rejected_at)),
            run.redriven.to_string(),
        ]);
    }
    table
}

fn run_as_json(run: &RunLine) -> serde_json::Value {
    json!({
        "topic": run.place.topic,
        "topicId": run.topic_id,
        "partition": run.place.partition,
        "reason": run.reason,
        "records": run.records,
        "firstOffset": run.first_offset,
        "lastOffset": run.last_offset,
        "firstRejectedAt": moment::exact(Some(run.first_rejected_at)),
        "lastRejectedAt": moment::exact(Some(run.last_rejected_at)),
        "redriven": run.redriven,
    })
}

fn place_in_full(run: &RunLine, offset: i64) -> Vec<String> {
    let Place { topic, partition } = &run.place;
    vec![
        format!("place         {} at {offset}", run.place),
        format!("topic id      {}", if run.topic_id.is_empty() { "-" } else { &run.topic_id }),
        format!("reason        {}", run.reason),
        format!("refused       {}", moment::exact(Some(run.last_rejected_at)).unwrap_or_default()),
        "payload       not kept: too many records were refused in that hour (DEAD_LETTERS_WHOLE_PER_HOUR)"
            .into(),
        format!(
            "              as long as Kafka has it: kcat -C -b BROKERS -t {topic} -p {partition} -o {offset} -c 1, or redrive it"
        ),
    ]
}

fn as_json(line: &LetterLine) -> serde_json::Value {
    let (key, key_hex) = shown::for_programs(line.key.as_deref());
    json!({
        "topic": line.at.place.topic,
        "topicId": line.at.topic_id,
        "partition": line.at.place.partition,
        "offset": line.at.offset,
        "reason": line.reason,
        "detail": line.detail,
        "organizationId": line.organization,
        "organizationFromKey": line.organization_from_key,
        "key": key,
        "keyHex": key_hex,
        "timestamp": moment::exact(line.broker_timestamp),
        "rejectedAt": moment::exact(Some(line.rejected_at)),
        "redrivenAt": moment::exact(line.redriven_at),
        "redrives": line.redrives,
        "payloadBytes": line.payload_bytes,
        "keptWhole": line.is_whole,
    })
}

fn in_full(letter: &Letter) -> Vec<String> {
    let Letter { line, headers, payload } = letter;
    let sender = Some(organization(line)).filter(|sender| !sender.is_empty());
    let mut lines = vec![
        format!("place         {} at {}", line.at.place, line.at.offset),
        format!("topic id      {}", if line.at.topic_id.is_empty() { "-" } else { &line.at.topic_id }),
        format!("reason        {}: {}", line.reason, printable(&line.detail)),
        format!("organization  {}", printable(sender.as_deref().unwrap_or("-"))),
        format!("timestamp     {}", moment::exact(line.broker_timestamp).unwrap_or_else(|| "-".into())),
        format!("refused       {}", moment::exact(Some(line.rejected_at)).unwrap_or_default()),
        format!("redriven      {}", redriven(line)),
        format!("key           {}", shown::bytes(line.key.as_deref())),
    ];
    lines.extend(
        headers
            .iter()
            .map(|(name, value)| (shown::header_name(name), shown::bytes(value.as_deref())))
            .map(|(name, value)| format!("header        {name}: {value}")),
    );
    lines.push(format!("payload       {}", shown::bytes(payload.as_deref())));
    if !line.is_whole {
        let long =
            line.payload_bytes.map(|bytes| format!(": the payload has {bytes} bytes")).unwrap_or_default();
        lines.push(format!("              the record was cut{long}; a redrive reads it again from Kafka"));
    }
    lines
}

fn redriven(line: &LetterLine) -> String {
    match moment::exact(line.redriven_at) {
        Some(last) => format!("{} times, last {last}", line.redrives),
        None => "never".to_owned(),
    }
}

/// A place for `--after`. A topic's name has no slash; its id may.
fn token(at: &LetterPlace) -> String {
    format!("{}/{}/{}/{}", at.place.topic, at.topic_id, at.place.partition, at.offset)
}

fn place(token: &str) -> Result<LetterPlace, String> {
    let parsed = (|| {
        let (rest, offset) = token.rsplit_once('/')?;
        let (rest, partition) = rest.rsplit_once('/')?;
        let (topic, topic_id) = rest.split_once('/')?;
        let place = Place { topic: topic.into(), partition: partition.parse().ok()? };
        Some(LetterPlace { place, topic_id: topic_id.into(), offset: offset.parse().ok()? })
    })();
    parsed.ok_or_else(|| "it is written TOPIC/TOPIC_ID/PARTITION/OFFSET, as an earlier page named it".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_begins_after_the_last_place() {
        for topic_id in ["", "aB/c+d"] {
            let place_of = Place { topic: "events.v1".into(), partition: 3 };
            let at = LetterPlace { place: place_of, topic_id: topic_id.into(), offset: 12 };
            assert_eq!(place(&token(&at)), Ok(at));
        }
        assert!(place("events/3/12").is_err());
    }
}
