//! `consumer doctor`: whether everything that a member depends on is as it must be. It changes nothing.
//!
//! ```text
//! settings -> kafka, log, keys   asked, each dependency by itself:   -> finding -> report: lines or JSON
//!             postgresql           one that hangs hides no other
//!             cache, machine
//! topic, layouts, standing, group, cache judge what was seen; check has what is checked: all of these are pure
//! ```
//!
//! Members count meanwhile, and offsets only grow. Of two that are compared, the one that can't be the larger is read first:
//! Kafka's oldest records, then the progress, then Kafka's ends. Likewise the layouts that the database knows, and then those
//! that Kafka has.

mod cache;
mod check;
mod finding;
mod group;
mod kafka;
mod keys;
mod layouts;
mod log;
mod machine;
mod postgresql;
mod report;
mod settings;
mod standing;
mod time;
mod topic;

pub use settings::Doctor;

use super::console;
use super::ending::Ending;
use crate::limits::WATCH;
use crate::record::layouts::Layouts;
use crate::source::Fault;
use crate::store::ProgressRow;
use check::{Check, Mark};
use finding::{DAY, Finding, in_words};
use kafka::{Kafka, Seen, TopicSeen};
use postgresql::Progress;
use report::Report;
use tokio::sync::oneshot;

/// Checks everything, and tells what was found.
///
/// # Errors
/// When the answer can't be written.
pub async fn examine(settings: &Doctor) -> anyhow::Result<Ending> {
    let (begun, has_begun) = oneshot::channel();
    let (counted, is_counted) = oneshot::channel();
    let (kafka, database, redis) = tokio::join!(
        kafka::ask(settings, begun, is_counted),
        postgresql::ask(settings, has_begun, counted),
        settings.member.announce.look(settings.wait)
    );
    let mut findings = of_kafka(settings, &kafka, database.progress.as_ref());
    findings.extend(postgresql::judge(&database, members(settings, &kafka)));
    findings.extend(cache::judge(&redis));
    findings.extend(machine::judge(settings.member.ledger.ledger_memory_mb, machine::limit()));
    findings.push(dead_letters(settings));
    let report = Report::of(findings);
    let text = if settings.json { serde_json::to_string_pretty(&report.json())? } else { report.text() };
    let answered = console::answer(text).map_err(Into::into);
    console::ended(answered, if report.has_faults() { Ending::Bad } else { Ending::Good })
}

/// How many members there are to be.
fn members(settings: &Doctor, kafka: &Kafka) -> u32 {
    let now = kafka.seen.as_ref().and_then(|seen| seen.members.as_ref().ok());
    settings.members.unwrap_or_else(|| now.map_or(0, group::count)).max(1)
}

fn of_kafka(settings: &Doctor, kafka: &Kafka, progress: Option<&Progress>) -> Vec<Finding> {
    let mut findings = kafka.faults.clone();
    let Some(seen) = &kafka.seen else { return findings };
    findings.extend(of_group(settings, seen, progress));
    for topic in &seen.topics {
        let name = settings.member.source.topics.of(topic.topic);
        findings
            .extend(of_topic(settings, seen, topic, progress).into_iter().map(|finding| finding.about(name)));
    }
    if let Err(why) = &seen.announced {
        let finding = Finding::bad(Check::LayoutsTopic, format!("can't be read: {why}"));
        findings.push(finding.about(&settings.member.source.layouts_topic));
    }
    if !findings.iter().any(|finding| finding.check == Check::Brokers) {
        let seen = format!("brokers answer at {}", settings.member.source.kafka_brokers);
        findings.push(Finding::ok(Check::Brokers, seen));
    }
    findings
}

fn of_group(settings: &Doctor, seen: &Seen, progress: Option<&Progress>) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &seen.may_join {
        Ok(Some(false)) => {
            let group = &settings.member.source.kafka_group_id;
            let said = Fault::ForbiddenGroup.sentence(&settings.member.source.topics, group);
            let (seen, _) = said.split_once("; ").unwrap_or((said.as_str(), ""));
            findings.push(Finding::bad(Check::GroupRights, seen));
        }
        Ok(Some(true)) => findings.push(Finding::ok(Check::GroupRights, "the group may be joined")),
        Ok(None) => findings
            .push(Finding::ok(Check::GroupRights, "Kafka doesn't say whether the group may be joined")),
        Err(why) => findings.push(silent("whether the group may be joined", why)),
    }
    match (&seen.members, progress) {
        (Ok(members), Some(progress)) => findings.push(group::judge(group::Counting {
            members,
            is_hidden: settings.member.source.has_newer_protocol(),
            moved: progress.moved,
            still_for: progress.still_for(),
            listed_for: settings.member.source.session_timeout() + WATCH,
            sessions: progress.sessions,
        })),
        (Ok(_), None) => {}
        (Err(why), _) => findings.push(silent("who is in the group", why)),
    }
    findings
}

/// Kafka answers, but not this.
fn silent(what: &str, why: &str) -> Finding {
    Finding::bad(Check::Brokers, format!("they don't say {what}: {why}"))
}

fn of_topic(settings: &Doctor, seen: &Seen, topic: &TopicSeen, progress: Option<&Progress>) -> Vec<Finding> {
    let mut findings = vec![Finding::ok(Check::TopicRights, "may be read")];
    let log = match &topic.log {
        Ok(log) => log,
        Err(why) => {
            findings.push(silent("where its partitions begin and end", why));
            return findings;
        }
    };
    findings.push(Finding::ok(Check::Topic, format!("exists, with {} partitions", log.partitions())));
    match &topic.settings {
        Ok(set) => {
            findings.push(Finding::ok(Check::TopicSettings, "its settings may be seen"));
            findings.extend(topic::judge(set, log.copies, &needs(settings)));
        }
        Err(why) => {
            findings.push(Finding::bad(Check::TopicSettings, format!("its settings can't be seen: {why}")));
        }
    }
    let known = progress.and_then(|progress| progress.layouts.get(&topic.topic));
    let name = settings.member.source.topics.of(topic.topic);
    if let (Some(layouts), Ok(announced)) = (known, &seen.announced) {
        let known = layouts::Known { topic: name, id: &topic.id, layouts, announced };
        findings.push(layouts::judge(known, log));
    }
    let standing = match (progress, known) {
        (Some(progress), Some(layouts)) => of_progress(settings, seen, topic, log, progress, layouts),
        (Some(_) | None, _) => Vec::new(),
    };
    // Records that lie where they belonged among fewer partitions are no fault of their producers.
    let is_another = |finding: &Finding| {
        let of_spread = [Check::TopicIdentity, Check::TopicPartitions];
        finding.mark != Mark::Ok && of_spread.contains(&finding.check)
    };
    if !standing.iter().any(is_another) {
        findings.extend(of_keys(settings, seen, topic, log, known));
    }
    findings.extend(standing);
    findings
}

fn of_progress(
    settings: &Doctor,
    seen: &Seen,
    topic: &TopicSeen,
    log: &log::Log,
    progress: &Progress,
    layouts: &Layouts,
) -> Vec<Finding> {
    let name = settings.member.source.topics.of(topic.topic);
    let rows: Vec<&ProgressRow> = progress.rows.iter().filter(|row| row.place.topic == name).collect();
    let has_members = seen.members.as_ref().is_ok_and(|members| group::count(members) > 0);
    standing::judge(&standing::Standing {
        id: &topic.id,
        log,
        rows: &rows,
        layouts,
        now: progress.now,
        still_max: has_members.then_some(settings.member.watch.stalled_after),
    })
}

/// Whether the topic's newest records lie where their keys belong. Where its layouts aren't known, nothing is said.
fn of_keys(
    settings: &Doctor,
    seen: &Seen,
    topic: &TopicSeen,
    log: &log::Log,
    known: Option<&Layouts>,
) -> Option<Finding> {
    let name = settings.member.source.topics.of(topic.topic);
    if !settings.member.source.keys.are_placed_by_murmur2(name) {
        let seen = "its keys are placed otherwise on purpose (OTHER_PARTITIONER_TOPICS)";
        return Some(Finding::ok(Check::TopicKeys, seen));
    }
    let never_changed = Layouts::default();
    let was_never_changed = seen.announced.as_ref().is_ok_and(Vec::is_empty);
    let layouts = known.or_else(|| was_never_changed.then_some(&never_changed))?;
    Some(match &topic.newest {
        Ok(newest) => keys::judge(newest, log.partitions(), layouts),
        Err(why) => silent("what its newest records are", why),
    })
}

fn needs(settings: &Doctor) -> topic::Needs {
    topic::Needs {
        keep_for: settings.longest_outage + settings.backup_age,
        ledger: DAY * settings.member.retention.ledger_retention_days,
        receive_bytes_max: settings.member.source.receive_bytes_max(),
    }
}

/// Whether refused records are still there when people come back.
fn dead_letters(settings: &Doctor) -> Finding {
    let kept = DAY * settings.member.retention.dead_letter_retention_days;
    let [kept_text, outage] = [kept, settings.longest_outage].map(in_words);
    let seen = format!("refused records are kept for {kept_text}; the longest outage is {outage}");
    Finding::of(Check::DeadLetterRetention, settings.longest_outage < kept, seen)
}
