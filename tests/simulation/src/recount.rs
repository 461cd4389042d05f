//! The recount: what the tables must be, from the records in the logs, by the third book's reading of the contract. Only what
//! was refused as too old is taken from the tables, since that depends on when the floor rose; whether it may be is checked.

use crate::kafka::{Content, Kafka};
use crate::producer::CEILING;
use crate::statement::{Failure, Place, SpanRow, Update, WorkflowKey, WorkflowSums};
use crate::tables::{Complete, Counted, CounterTable, Tables};
use chrono::{DateTime, Utc};
use consumer::record::{Partition, Topic};
use domain::Counters;
use proto::v1::WorkflowTerminal;
use recount::entry::What;
use recount::{Declared, Effect, Horizon, Kind, Says, View};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

const TOO_OLD: &str = "too_old";
const FROM_THE_FUTURE: &str = "from_the_future";
const AFTER_TOO_OLD: [&str; 3] = ["unspecified_outcome", "unspecified_status", "invalid_text"];
const QUARTER: i64 = 900;
/// Of buckets, the finest first, in seconds.
const WIDTHS: [i64; 3] = [QUARTER, 3_600, 86_400];

/// Topic, organization, id, quarter, and what it belongs to.
type Identity = (Topic, String, String, i64, What);

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
    letters: BTreeMap<Place, &'static str>,
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
    recount.check_ledger(tables)?;
    check_coverage(kafka, tables)?;
    tables.complete.iter().try_for_each(|complete| check_complete(kafka, complete))
}

/// Every record that can be read was counted, or an operator has had it passed over.
fn check_coverage(kafka: &Kafka, tables: &Tables) -> Result<(), String> {
    let counted = tables.counted.iter().map(|counted| &counted.span);
    let mut covered: BTreeMap<Partition, BTreeSet<i64>> = BTreeMap::new();
    for SpanRow { partition, from, until, log, .. } in counted.chain(&tables.skipped) {
        let until = kafka.shared(*partition, *log).min(*until);
        covered.entry(*partition).or_default().extend(*from..until);
    }
    for partition in kafka.partitions() {
        let covered = covered.remove(&partition).unwrap_or_default();
        let mut records = kafka.records(partition, 0, false).map(|(offset, _)| offset);
        if let Some(missed) = records.find(|offset| !covered.contains(offset)) {
            return Err(format!("the record at {missed} of {partition} is passed over"));
        }
    }
    Ok(())
}

/// What was acknowledged before a partition was said to be complete was counted then, unless the brokers have lost it.
fn check_complete(kafka: &Kafka, complete: &Complete) -> Result<(), String> {
    let Complete { partition, log, next, through } = *complete;
    let kept = kafka.shared(partition, log);
    let entries = kafka.entries(log, next).take_while(|(offset, _)| *offset < kept);
    let mut uncounted = entries.filter(|(_, entry)| match entry.content {
        Content::Record(_) | Content::Open(..) => entry.at <= through.cast_unsigned(),
        Content::Aborted | Content::Marker => false,
    });
    uncounted.next().map_or(Ok(()), |(offset, entry)| {
        let at = entry.at;
        Err(format!(
            "{partition} is said to be complete through {through}, when the record at {offset}, of {at}, was not counted"
        ))
    })
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
    fn take(&mut self, kafka: &Kafka, counted: &Counted) -> Result<(), String> {
        let SpanRow { partition, from, until, log, floor: decided_under } = counted.span;
        let (mut refused, topic_id) = (counted.refused.clone(), kafka.topic_id_of(log));
        let records = kafka.records_of(log, from).take_while(|(offset, _)| *offset < until);
        for (offset, value) in records {
            let reason = refused.remove(&offset);
            if let Some(reason) = reason {
                self.letters.entry((topic_id, partition, offset)).or_insert(reason);
            }
            // Batches are folded some time before they are committed; meanwhile a week may pass, or a database be restored.
            let (floor, ceiling) = match reason {
                Some(TOO_OLD) => (counted.floor.max(decided_under), counted.ceiling),
                Some(FROM_THE_FUTURE) => (counted.floor, CEILING),
                _ => (counted.floor, counted.ceiling),
            };
            let wrong = match (judge(partition.topic, value, ceiling), reason) {
                // A record is too old before it is looked at more closely.
                (Verdict::Refused(due), Some(reason)) => {
                    due != reason && !(reason == TOO_OLD && AFTER_TOO_OLD.contains(&due))
                }
                (Verdict::Refused(_), None) => true,
                (Verdict::Counts(counts), Some(reason)) => reason != TOO_OLD || counts.second >= floor,
                (Verdict::Counts(counts), None) => {
                    let too_old = counts.second < floor;
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
        let mut ledger = tables.ledger.sums();
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

fn judge(topic: Topic, value: Option<&[u8]>, ceiling: i64) -> Verdict {
    let kind = match topic {
        Topic::Events => Kind::Event,
        Topic::WorkflowTerminals => Kind::Workflow,
        Topic::MessageDeliveries => Kind::Delivery,
    };
    let content = match recount::read(kind, Declared::Nothing, value) {
        Ok(content) => content,
        Err(reason) => return Verdict::Refused(reason),
    };
    let record = content.view();
    let latest = DateTime::from_timestamp(ceiling, 999_999_999).unwrap_or_default();
    if let Some(reason) = recount::refusal(record, &Horizon { latest, ..Horizon::NONE }) {
        return Verdict::Refused(reason);
    }
    let (organization, id) = (record.organization().to_owned(), record.id().to_owned());
    let second = record.identity_time().map_or(0, |time| time.seconds);
    match recount::says(record) {
        Says::Nothing => Verdict::Nothing,
        Says::Adds(Effect::Update(update)) => {
            let as_of = (update.seconds, i64::from(update.nanos));
            Verdict::Update(organization, Update { as_of, event_id: id, name: update.name.to_owned() })
        }
        Says::Adds(effect) => {
            let quarter = second.div_euclid(QUARTER) * QUARTER;
            let identity = (topic, organization, id, quarter, effect.what());
            let adds = Counters::from_values(effect.counters());
            let run = match (record, effect) {
                (View::Workflow(run), Effect::Run(ended)) => Some((run.clone(), ended.finished_at)),
                _ => None,
            };
            Verdict::Counts(Box::new(Counts { identity, adds, second, run }))
        }
    }
}
