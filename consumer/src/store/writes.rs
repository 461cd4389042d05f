//! A batch's statements with their parameters, in the order they are sent.

use super::Rows;
use super::channel_rows::ChannelRows;
use super::ledger_rows::{SegmentRows, TailRow};
use super::letter_rows::{LetterRows, LetterRunRows};
use super::page_statements::{Parameters, Write};
use super::refusal_rows::RefusalRows;
use super::rows::{FailureRows, OrganizationRows, WorkflowRows};
use super::statements::Statements;
use tokio_postgres::types::ToSql;

/// A batch's statements that have something to write.
pub(super) struct Writes<'a> {
    /// All but the counters'.
    pub(super) others: Vec<Write<'a>>,
    /// The counters'. They come last: other members write these rows, too, and they are locked until the commit.
    pub(super) counters: Vec<Write<'a>>,
}

/// The statements for these rows. Those of counters must be prepared.
pub(super) fn writes<'a>(statements: &'a Statements, rows: &'a Rows) -> Writes<'a> {
    let Rows {
        segments,
        tails,
        filed,
        organizations,
        workflows,
        failures,
        dead_letters,
        letter_runs,
        refusals,
        ..
    } = rows;
    let refused = dead_letters;
    let tables = [
        (&filed.topic, &statements.file_tails, vec![&filed.topic as _, &filed.partition as _]),
        (&segments.topic, &statements.segments, of_segments(segments)),
        (&refused.topic, &statements.dead_letters, of_dead_letters(refused)),
        (&refused.topic, &statements.out_of_runs, places_of(refused)),
        (&letter_runs.topic, &statements.letter_runs, of_letter_runs(letter_runs)),
        (&refusals.organization, &statements.refusals, of_refusals(refusals)),
        (&failures.organization, &statements.failures, of_failures(failures)),
        (&organizations.organization, &statements.organizations, of_organizations(organizations)),
        (&workflows.organization, &statements.workflows, of_workflows(workflows)),
        (&workflows.organization, &statements.workflow_days, of_workflows(workflows)),
    ];
    // The last of them, workflows' days, are left to a trigger while there is one.
    let count = tables.len() - usize::from(statements.counters.pending().roll_ups);
    let of_tables = tables
        .into_iter()
        .take(count)
        .filter(|(keys, ..)| !keys.is_empty())
        .map(|(_, statement, parameters)| Write { statement, parameters });
    let of_channels = [
        (&statements.channel_names, vec![&rows.channels.organization as _, &rows.channels.channel as _]),
        (&statements.channel_hours, of_channels(&rows.channels)),
        (&statements.channel_days, of_channels(&rows.channels)),
    ];
    let has_channels = !rows.channels.organization.is_empty();
    let of_channels = of_channels
        .into_iter()
        .filter(|_| has_channels)
        .map(|(statement, parameters)| Write { statement, parameters });
    let of_tails = tails.iter().map(|tail| Write { statement: &statements.tail, parameters: of_tail(tail) });
    let of_counters = rows.counters().flat_map(|(size, rows)| statements.counters.writes(size, rows));
    Writes { others: of_tables.chain(of_tails).chain(of_channels).collect(), counters: of_counters.collect() }
}

fn of_segments(rows: &SegmentRows) -> Parameters<'_> {
    let SegmentRows { topic, partition, quarter, until, layout, fingerprints, sums } = rows;
    with_sums(vec![topic, partition, quarter, until, layout, fingerprints], sums)
}

fn of_tail(row: &TailRow) -> Parameters<'_> {
    let TailRow { topic, partition, until, layout, newest, quarters, lengths, fingerprints, sums } = row;
    with_sums(vec![topic, partition, until, layout, newest, quarters, lengths, fingerprints], sums)
}

fn with_sums<'a>(mut parameters: Parameters<'a>, sums: &'a [Vec<i64>]) -> Parameters<'a> {
    parameters.extend(sums.iter().map(|column| column as &(dyn ToSql + Sync)));
    parameters
}

fn of_dead_letters(rows: &LetterRows) -> Parameters<'_> {
    let mut parameters = places_of(rows);
    let LetterRows { key, headers, payload, payload_bytes, kept_whole, .. } = rows;
    let LetterRows { broker_timestamp, reason, detail, organization, organization_from_key, .. } = rows;
    parameters.extend([key as &(dyn ToSql + Sync), headers, payload, payload_bytes, kept_whole]);
    parameters.extend([broker_timestamp as &(dyn ToSql + Sync), reason, detail]);
    parameters.extend([organization as &(dyn ToSql + Sync), organization_from_key]);
    parameters
}

fn places_of(rows: &LetterRows) -> Parameters<'_> {
    vec![&rows.topic, &rows.topic_id, &rows.partition, &rows.offset]
}

fn of_letter_runs(rows: &LetterRunRows) -> Parameters<'_> {
    let LetterRunRows { topic, topic_id, partition, reason, offsets } = rows;
    vec![topic, topic_id, partition, reason, offsets]
}

fn of_refusals(rows: &RefusalRows) -> Parameters<'_> {
    let RefusalRows { organization, topic, reason, guessed, records, partition, offset, key, detail } = rows;
    vec![organization, topic, reason, guessed, records, partition, offset, key, detail]
}

fn of_failures(rows: &FailureRows) -> Parameters<'_> {
    let FailureRows { organization, execution_id, workflow_id, workflow_name, .. } = rows;
    let FailureRows { outcome, error_message, execution_time_ms, finished_at, .. } = rows;
    vec![
        organization,
        execution_id,
        workflow_id,
        workflow_name,
        outcome,
        error_message,
        execution_time_ms,
        finished_at,
    ]
}

fn of_organizations(rows: &OrganizationRows) -> Parameters<'_> {
    let OrganizationRows { organization, name, plan_id, plan_name, as_of, as_of_nanos, event_id } = rows;
    vec![organization, name, plan_id, plan_name, as_of, as_of_nanos, event_id]
}

fn of_channels(rows: &ChannelRows) -> Parameters<'_> {
    let ChannelRows { organization, channel, hour, messages, quarters } = rows;
    let mut parameters: Parameters<'_> = vec![organization, channel, hour];
    parameters.extend(messages.iter().map(|column| column as &(dyn ToSql + Sync)));
    parameters.extend(quarters.iter().flatten().map(|column| column as &(dyn ToSql + Sync)));
    parameters
}

fn of_workflows(rows: &WorkflowRows) -> Parameters<'_> {
    let WorkflowRows { organization, workflow_id, hour, name, name_as_of, .. } = rows;
    let WorkflowRows { runs, failed, failed_safety_limit, execution_time_ms, durations, .. } = rows;
    let mut parameters: Parameters<'_> = vec![organization, workflow_id, hour, name, name_as_of];
    parameters.extend([
        runs as &(dyn ToSql + Sync),
        failed,
        failed_safety_limit,
        execution_time_ms,
        durations,
    ]);
    parameters
}
