//! The recount: what the tables must be, from the records in the logs, by code of its own. Only what was refused as too
//! old is taken from the tables, since that depends on when the floor rose; whether it may be is checked.

use crate::kafka::Kafka;
use crate::producer::CEILING;
use crate::statement::{Failure, Update, WorkflowKey, WorkflowSums};
use crate::tables::{Counted, CounterTable, Tables};
use chrono::{DateTime, Utc};
use consumer::record::{Partition, Topic};
use domain::Counters;
use prost::Message as _;
use prost_types::Timestamp;
use proto::v1::{Event, MessageDelivery, WorkflowTerminal, event::Body};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

const TOO_OLD: &str = "too_old";
const AFTER_TOO_OLD: [&str; 3] = ["unspecified_outcome", "unspecified_status", "invalid_text"];
const QUARTER: i64 = 900;
/// Of buckets, the finest first, in seconds.
const WIDTHS: [i64; 3] = [QUARTER, 3_600, 86_400];

/// Topic, organization, id, quarter, and for messages the milestone.
type Identity = (Topic, String, String, i64, i32);

/// What a record says, by the contract's table.
enum Verdict {
    Refused(&'static str),
    Nothing,
    Update(String, Update),
    Counts(Box<Counts>),
}

struct Counts {
    identity: Identity,
    adds: Counters,
    second: i64,
    run: Option<(WorkflowTerminal, i64)>,
}

/// What the tables must be.
#[derive(Default)]
struct Recount {
    seen: BTreeSet<Identity>,
    counters: [CounterTable; 3],
    quarters: BTreeMap<i64, (Counters, usize)>,
    organizations: BTreeMap<String, Update>,
    workflows: BTreeMap<WorkflowKey, WorkflowSums>,
    failures: BTreeMap<(String, String), Failure>,
    letters: BTreeMap<(Partition, i64), &'static str>,
}

/// Compares the tables with a recount of the logs. Says what differs.
///
/// # Errors
/// The first difference, in words.
pub fn check(kafka: &Kafka, tables: &Tables) -> Result<(), String> {
    for partition in kafka.partitions() {
        let (stands, end) = (tables.progress_row(partition).next.unwrap_or(0), kafka.end(partition));
        if stands != end {
            return Err(format!("{partition} stands at {stands}, and ends at {end}"));
        }
    }
    let mut recount = Recount::default();
    for span in &tables.counted {
        recount.take(kafka, span)?;
    }
    for (name, size) in ["quarters", "hours", "days"].into_iter().zip(0..) {
        same(name, &tables.counters[size], &recount.counters[size])?;
    }
    same("organizations", &tables.organizations, &recount.organizations)?;
    same("workflows", &tables.workflows, &recount.workflows)?;
    same("failures", &tables.failures, &recount.failures)?;
    same("dead letters", &tables.letters, &recount.letters)?;
    recount.check_ledger(tables)
}

fn same<K: Ord + Debug, V: PartialEq + Debug>(
    what: &str,
    table: &BTreeMap<K, V>,
    recount: &BTreeMap<K, V>,
) -> Result<(), String> {
    let keys = table.keys().chain(recount.keys()).collect::<BTreeSet<_>>();
    let mut differ = keys.into_iter().filter(|key| table.get(key) != recount.get(key));
    let Some(key) = differ.next() else { return Ok(()) };
    let (table, recount) = (table.get(key), recount.get(key));
    Err(format!("{what}: {key:?} is {table:?}, and must be {recount:?} ({} more differ)", differ.count()))
}

impl Recount {
    fn take(&mut self, kafka: &Kafka, span: &Counted) -> Result<(), String> {
        let partition = span.partition;
        let mut refused = span.refused.clone();
        let records = kafka.records(partition, span.from).take_while(|(offset, _)| *offset < span.until);
        for (offset, value) in records {
            let reason = refused.remove(&offset);
            if let Some(reason) = reason {
                self.letters.entry((partition, offset)).or_insert(reason);
            }
            let wrong = match (judge(partition.topic, value), reason) {
                // A record is too old before it is looked at more closely.
                (Verdict::Refused(due), Some(reason)) => {
                    due != reason && !(reason == TOO_OLD && AFTER_TOO_OLD.contains(&due))
                }
                (Verdict::Refused(_), None) => true,
                (Verdict::Counts(counts), Some(reason)) => reason != TOO_OLD || counts.second >= span.floor,
                (Verdict::Counts(counts), None) => {
                    let too_old = counts.second < span.floor;
                    // A copy of what was counted before adds nothing, however old.
                    self.count(*counts) && too_old
                }
                (Verdict::Update(organization, update), None) => {
                    let known = self.organizations.entry(organization).or_insert_with(|| update.clone());
                    *known = known.clone().max(update);
                    false
                }
                (Verdict::Nothing, None) => false,
                (Verdict::Update(..) | Verdict::Nothing, Some(_)) => true,
            };
            if wrong {
                let floor = span.floor;
                return Err(format!(
                    "the record at {offset} of {partition} is refused for {reason:?} under the floor {floor}"
                ));
            }
        }
        refused.is_empty().then_some(()).ok_or_else(|| format!("{refused:?} of {partition} are no records"))
    }

    /// Whether it is new.
    fn count(&mut self, counts: Counts) -> bool {
        let Counts { identity, adds, second, run } = counts;
        let (organization, quarter) = (identity.1.clone(), identity.3);
        if !self.seen.insert(identity) {
            return false;
        }
        for (table, width) in self.counters.iter_mut().zip(WIDTHS) {
            *table.entry((organization.clone(), bucket(second, width))).or_default() += &adds;
        }
        let (sums, identities) = self.quarters.entry(quarter).or_default();
        *sums += &adds;
        *identities += 1;
        if let Some((run, micros)) = run {
            self.count_run(organization, &run, second, micros);
        }
        true
    }

    fn count_run(&mut self, organization: String, run: &WorkflowTerminal, second: i64, micros: i64) {
        let sums = WorkflowSums {
            named: (micros, run.workflow_name.clone()),
            sums: [
                1,
                i64::from(run.outcome == 2),
                i64::from(run.outcome == 3),
                run.execution_time_ms.cast_signed(),
            ],
        };
        let key = (organization.clone(), run.workflow_id.clone(), bucket(second, WIDTHS[1]));
        self.workflows.entry(key).and_modify(|known| known.add(&sums)).or_insert(sums);
        if run.outcome != 1 {
            let failure = Failure {
                finished_at: micros,
                workflow_id: run.workflow_id.clone(),
                error_message: run.error_message.clone(),
            };
            let key = (organization, run.execution_id.clone());
            let known = self.failures.entry(key).or_insert_with(|| failure.clone());
            if known.finished_at < failure.finished_at {
                *known = failure;
            }
        }
    }

    /// The second set of books, above the floor: as many identities as were counted, with the same sums.
    fn check_ledger(self, tables: &Tables) -> Result<(), String> {
        let mut ledger: BTreeMap<i64, (Counters, usize)> = BTreeMap::new();
        for (key, page) in &tables.ledger {
            let (sums, identities) = ledger.entry(key.quarter.start().timestamp()).or_default();
            *sums += &tables.books.get(key).copied().unwrap_or_default();
            *identities += page.len();
        }
        for (key, fingerprints, adds) in tables.tails.values().flatten().flatten() {
            let (sums, identities) = ledger.entry(key.quarter.start().timestamp()).or_default();
            *sums += adds;
            *identities += fingerprints.len();
        }
        let mut counted = self.quarters;
        // Pages below the floor may be gone.
        ledger.retain(|quarter, _| *quarter >= tables.floor);
        counted.retain(|quarter, _| *quarter >= tables.floor);
        same("the ledger", &ledger, &counted)
    }
}

fn bucket(second: i64, width: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second.div_euclid(width) * width, 0).unwrap_or_default()
}

fn judge(topic: Topic, value: Option<&[u8]>) -> Verdict {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Verdict::Refused("empty_payload");
    };
    let judged = match topic {
        Topic::Events => Event::decode(value).map(judge_event),
        Topic::WorkflowTerminals => WorkflowTerminal::decode(value).map(judge_run),
        Topic::MessageDeliveries => MessageDelivery::decode(value).map(judge_message),
    };
    judged.unwrap_or(Verdict::Refused("malformed_payload"))
}

/// The first reason that applies, of those that all kinds share.
fn refusal(organization: &str, id: &str, times: &[Option<Timestamp>]) -> Option<&'static str> {
    let second = times.first().copied().flatten().map_or(0, |time| time.seconds);
    [
        (organization.is_empty(), "missing_organization"),
        (id.is_empty(), "missing_id"),
        (times.iter().any(Option::is_none), "missing_time"),
        (second > CEILING, "from_the_future"),
    ]
    .into_iter()
    .find_map(|(applies, reason)| applies.then_some(reason))
}

fn judge_event(event: Event) -> Verdict {
    let (organization, id) = (event.organization_id, event.event_id);
    if let Some(reason) = refusal(&organization, &id, &[event.occurred_at]) {
        return Verdict::Refused(reason);
    }
    if id.contains('\u{7}') {
        return Verdict::Refused("invalid_text");
    }
    let time = event.occurred_at.unwrap_or_default();
    let adds = match event.body {
        Some(Body::OrderCreated(_)) => Counters { orders_created: 1, ..Counters::default() },
        Some(Body::PaymentAttempted(payment)) => Counters {
            payments_total: 1,
            payments_successful: i64::from(payment.outcome == 1),
            ..Counters::default()
        },
        Some(Body::OrganizationUpdated(update)) => {
            let as_of = (time.seconds, i64::from(time.nanos));
            return Verdict::Update(organization, Update { as_of, event_id: id, name: update.name });
        }
        None => return Verdict::Nothing,
    };
    counts(Topic::Events, organization, id, time.seconds, 0, adds, None)
}

fn judge_run(run: WorkflowTerminal) -> Verdict {
    let (organization, id) = (run.organization_id.clone(), run.execution_id.clone());
    if let Some(reason) = refusal(&organization, &id, &[run.finished_at]) {
        return Verdict::Refused(reason);
    }
    if run.outcome == 0 {
        return Verdict::Refused("unspecified_outcome");
    }
    let time = run.finished_at.unwrap_or_default();
    let adds = Counters {
        workflows_total: 1,
        workflows_failed: i64::from(run.outcome != 1),
        total_execution_time_ms: run.execution_time_ms.cast_signed(),
        ..Counters::default()
    };
    let micros = time.seconds * 1_000_000 + i64::from(time.nanos) / 1_000;
    counts(Topic::WorkflowTerminals, organization, id, time.seconds, 0, adds, Some((run, micros)))
}

fn judge_message(message: MessageDelivery) -> Verdict {
    let (organization, id) = (message.organization_id, message.message_id);
    if let Some(reason) = refusal(&organization, &id, &[message.sent_at, message.occurred_at]) {
        return Verdict::Refused(reason);
    }
    let second = message.sent_at.unwrap_or_default().seconds;
    match message.status {
        1 => {
            let adds = Counters { messages_sent: 1, ..Counters::default() };
            counts(Topic::MessageDeliveries, organization, id, second, 1, adds, None)
        }
        2 | 3 => {
            let adds = Counters { messages_delivered: 1, ..Counters::default() };
            counts(Topic::MessageDeliveries, organization, id, second, 2, adds, None)
        }
        4 => Verdict::Nothing,
        _ => Verdict::Refused("unspecified_status"),
    }
}

fn counts(
    topic: Topic,
    organization: String,
    id: String,
    second: i64,
    milestone: i32,
    adds: Counters,
    run: Option<(WorkflowTerminal, i64)>,
) -> Verdict {
    let quarter = second.div_euclid(QUARTER) * QUARTER;
    let identity = (topic, organization, id, quarter, milestone);
    Verdict::Counts(Box::new(Counts { identity, adds, second, run }))
}
