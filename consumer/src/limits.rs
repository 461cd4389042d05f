//! Limits that must agree with one another, in one place: each constant names its partner. The compiler checks the pairs
//! of constants, [`disagreement`] the pairs that settings can set apart. Limits without a partner stay where they are used.

use std::collections::BTreeMap;
use std::time::Duration;

/// How soon readiness tells of a fault (docs/operating.md).
const TOLD_WITHIN: Duration = Duration::from_secs(10);

// --- A transaction, and the members that wait for its locks ---

/// PostgreSQL ends a transaction that idles for this long, so that a member that hangs between two statements releases its
/// locks. At most [`LOCK_TIMEOUT`], so that a member that waits for those locks gets them within one wait.
pub const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a statement waits for a lock. At least [`IDLE_IN_TRANSACTION_TIMEOUT`]; at most [`STATEMENT_TIMEOUT`], which
/// would otherwise end the wait first.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a statement may run. Less than [`BATCH_WAIT_MAX`]: PostgreSQL's own limit comes first, and names its cause.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long all statements of a batch may take together, by this side's clock. More than [`STATEMENT_TIMEOUT`].
pub const BATCH_WAIT_MAX: Duration = Duration::from_secs(120);

/// How long a task of upkeep waits for a lock that shuts batches out; they wait behind it. Dropping a partition of a table
/// takes two such locks, and together they may take no longer than [`UPKEEP_STALL_MAX`].
pub const UPKEEP_LOCK_TIMEOUT: Duration = Duration::from_millis(400);
/// How long counting may stand still for upkeep's sake, or an erasure's. At least two [`UPKEEP_LOCK_TIMEOUT`].
pub const UPKEEP_STALL_MAX: Duration = Duration::from_secs(1);
/// How long a step of an erasure may take that deletes rows which batches add to: all its statements together, from the first
/// lock on, and their waiting for locks included. At least [`UPKEEP_LOCK_TIMEOUT`], and less than [`UPKEEP_STALL_MAX`].
pub const ERASING_STEP_MAX: Duration = Duration::from_millis(700);
/// How long an erasure holds all batches out once it has the lock. With [`UPKEEP_LOCK_TIMEOUT`] before it less than
/// [`UPKEEP_STALL_MAX`].
pub const BOUNDARY_HOLD_MAX: Duration = Duration::from_millis(250);
/// How long PostgreSQL waits for the next statement of an erasure's transaction: longer than the pauses of a busy machine. A
/// command that is suspended in the midst of one loses its session, and with that its locks.
pub const SUSPENDED_MAX: Duration = Duration::from_secs(2);

const _: () = assert!(2 * UPKEEP_LOCK_TIMEOUT.as_millis() < UPKEEP_STALL_MAX.as_millis());
const _: () = assert!(UPKEEP_LOCK_TIMEOUT.as_millis() <= ERASING_STEP_MAX.as_millis());
const _: () = assert!(ERASING_STEP_MAX.as_millis() < UPKEEP_STALL_MAX.as_millis());
const _: () =
    assert!(UPKEEP_LOCK_TIMEOUT.as_millis() + BOUNDARY_HOLD_MAX.as_millis() < UPKEEP_STALL_MAX.as_millis());
const _: () = assert!(SUSPENDED_MAX.as_millis() < IDLE_IN_TRANSACTION_TIMEOUT.as_millis());
const _: () = assert!(IDLE_IN_TRANSACTION_TIMEOUT.as_millis() <= LOCK_TIMEOUT.as_millis());
const _: () = assert!(LOCK_TIMEOUT.as_millis() <= STATEMENT_TIMEOUT.as_millis());
const _: () = assert!(STATEMENT_TIMEOUT.as_millis() < BATCH_WAIT_MAX.as_millis());

// --- A peer that no longer answers ---

/// How long a connection to PostgreSQL idles before TCP asks whether the peer is there.
pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
/// Between two such questions.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// How many of them may go unanswered.
pub const KEEPALIVE_RETRIES: u32 = 3;
/// How long sent bytes may stay unacknowledged. On Linux this also ends the keepalive questions, so all of them must fit
/// in: [`KEEPALIVE_IDLE`] and [`KEEPALIVE_RETRIES`] times [`KEEPALIVE_INTERVAL`].
pub const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(30);

const _: () = assert!(
    KEEPALIVE_IDLE.as_millis() + KEEPALIVE_RETRIES as u128 * KEEPALIVE_INTERVAL.as_millis()
        <= UNACKNOWLEDGED_MAX.as_millis()
);

/// How long connecting to PostgreSQL may take; several hosts share it. With [`LOCK_TIMEOUT`] less than [`OPENING_WAIT_MAX`].
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take to connect, to look at the schema and to prepare the statements, by this side's clock. PostgreSQL's own
/// limit comes first if a lock is waited for, and names its cause.
pub const OPENING_WAIT_MAX: Duration = Duration::from_secs(45);

const _: () = assert!(CONNECT_TIMEOUT.as_millis() + LOCK_TIMEOUT.as_millis() < OPENING_WAIT_MAX.as_millis());

/// How often PostgreSQL is asked whether it answers.
pub const PROBE_EVERY: Duration = Duration::from_secs(2);
/// How long its answer is waited for. With [`PROBE_EVERY`] less than `TOLD_WITHIN`.
pub const PROBE_PATIENCE: Duration = Duration::from_secs(5);

const _: () = assert!(PROBE_EVERY.as_millis() + PROBE_PATIENCE.as_millis() < TOLD_WITHIN.as_millis());

// --- Giving partitions up, and ending ---

/// How long a revocation waits for the pipeline to finish what is in flight. At most [`LEAVE_WAIT_MAX`]. Polling stops
/// meanwhile: where `max.poll.interval.ms` is shorter, a member that waits for this long leaves the group. Exactness
/// depends on neither.
pub const REVOKE_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long leaving the group waits for the batch in flight, and then for the broker. A revocation that begins meanwhile
/// may add [`REVOKE_WAIT_MAX`]. Together with [`PIPELINE_END_WAIT_MAX`], [`ANNOUNCE_FINISH_WAIT_MAX`] and
/// [`traces::FINISH_WAIT_MAX`] at most [`GRACE`].
pub const LEAVE_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long the pipeline goes on once the member has left the group: what it was in the midst of then was waited for already.
pub const PIPELINE_END_WAIT_MAX: Duration = Duration::from_secs(1);
/// How long one round trip of announcements to Redis may take. At most [`ANNOUNCE_FINISH_WAIT_MAX`].
pub const ANNOUNCE_ROUND_WAIT_MAX: Duration = Duration::from_millis(500);
/// How long the end of the process waits for the last announcements.
pub const ANNOUNCE_FINISH_WAIT_MAX: Duration = Duration::from_secs(1);
/// How long a stop may take, from the signal to the exit. Whoever sends the signal must wait for longer before killing.
pub const GRACE: Duration = Duration::from_secs(20);

const _: () = assert!(REVOKE_WAIT_MAX.as_millis() <= LEAVE_WAIT_MAX.as_millis());
const _: () = assert!(ANNOUNCE_ROUND_WAIT_MAX.as_millis() <= ANNOUNCE_FINISH_WAIT_MAX.as_millis());
const _: () = assert!(
    LEAVE_WAIT_MAX.as_millis()
        + REVOKE_WAIT_MAX.as_millis()
        + PIPELINE_END_WAIT_MAX.as_millis()
        + ANNOUNCE_FINISH_WAIT_MAX.as_millis()
        + traces::FINISH_WAIT_MAX.as_millis()
        <= GRACE.as_millis()
);

// --- Polling Kafka ---

/// How long one look for records or events takes at most. At least [`POLL_WAIT_SHORT`].
pub const POLL_WAIT: Duration = Duration::from_millis(50);
/// The same while a batch waits for the pipeline.
pub const POLL_WAIT_SHORT: Duration = Duration::from_millis(2);

const _: () = assert!(POLL_WAIT_SHORT.as_millis() <= POLL_WAIT.as_millis());

// --- Rounds of questions to Kafka, and the sign of life in the progress rows ---

/// How often a member asks Kafka for the partitions' ends, and then updates the rows of those that are counted.
pub const ENDS_EVERY: Duration = Duration::from_secs(1);
/// How long questions that belong together, such as those of a round, wait for all their answers. A fault may begin right after the
/// first answer of a round, and is found by the first question of the next.
pub const ANSWERS_WAIT_MAX: Duration = Duration::from_secs(3);
/// How long `consumer progress reset` watches the rows for a member that still counts. More than [`ENDS_EVERY`] and
/// [`ANSWERS_WAIT_MAX`]: a round with a broker that doesn't answer takes as long.
pub const WATCH: Duration = Duration::from_millis(4_500);
/// How long it takes to join a group, or to join it again. It is looked at when a round ends.
pub const OUTSIDE_MAX: Duration = Duration::from_secs(7);

// Two rounds, or the time outside the group and one, are told of in time.
const _: () = assert!(ENDS_EVERY.as_millis() + ANSWERS_WAIT_MAX.as_millis() < WATCH.as_millis());
const _: () = assert!(2 * ANSWERS_WAIT_MAX.as_millis() + ENDS_EVERY.as_millis() < TOLD_WITHIN.as_millis());
const _: () = assert!(OUTSIDE_MAX.as_millis() + ANSWERS_WAIT_MAX.as_millis() <= TOLD_WITHIN.as_millis());

// --- Messages and batches ---

/// Messages that the source may have handed to the pipeline at once. Both the channel's capacity and the number of permits:
/// with fewer places than permits the source would take a full channel for a closed one.
pub const MESSAGES_MAX: usize = 1;
/// Bytes that a batch takes, until it is written, before it is handed over. Whichever of this and `BATCH_RECORDS_MAX` is
/// reached first ends the batch. Well below `POSTGRES_MESSAGE_BYTES_MAX`.
pub const BATCH_BYTES_MAX: usize = 216 << 20;
/// PostgreSQL takes no message larger than this.
const POSTGRES_MESSAGE_BYTES_MAX: usize = 1 << 30;
/// Kilobytes of records that may wait in Kafka's client at most. A batch that is not full yet takes all that waits, and dead
/// letters are written as they came: together they take no more than half a message of PostgreSQL's.
const QUEUED_KBYTES_MAX: usize = (POSTGRES_MESSAGE_BYTES_MAX / 2 - BATCH_BYTES_MAX) >> 10;

const _: () = assert!(2 * BATCH_BYTES_MAX < POSTGRES_MESSAGE_BYTES_MAX);

// --- Pairs that settings can set apart ---

/// Limits that settings give.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// `LEDGER_RETENTION_DAYS`.
    pub ledger_retention_days: u32,
    /// `FAILURE_RETENTION_DAYS`.
    pub failure_retention_days: u32,
    /// Numeric settings of librdkafka by name, as far as they apply.
    pub kafka: BTreeMap<&'static str, u64>,
}

/// Settings of librdkafka that must agree with others.
pub mod kafka {
    /// Milliseconds without a heartbeat after which a member is taken for dead; not with the newer group protocol.
    pub const SESSION_TIMEOUT: &str = "session.timeout.ms";
    /// Milliseconds between heartbeats; not with the newer group protocol.
    pub const HEARTBEAT_INTERVAL: &str = "heartbeat.interval.ms";
    /// Milliseconds without a poll after which a member leaves the group.
    pub const MAX_POLL_INTERVAL: &str = "max.poll.interval.ms";
    /// Milliseconds before the first attempt to reconnect.
    pub const RECONNECT_BACKOFF: &str = "reconnect.backoff.ms";
    /// Milliseconds between attempts to reconnect, at most.
    pub const RECONNECT_BACKOFF_MAX: &str = "reconnect.backoff.max.ms";
    /// Bytes of a fetch.
    pub const FETCH_MAX_BYTES: &str = "fetch.max.bytes";
    /// Bytes of a record.
    pub const MESSAGE_MAX_BYTES: &str = "message.max.bytes";
    /// Kilobytes of records that wait in the client.
    pub const QUEUED_KBYTES: &str = "queued.max.messages.kbytes";
    /// Bytes of an answer; only where it is set, since librdkafka adjusts its default by itself.
    pub const RECEIVE_MAX_BYTES: &str = "receive.message.max.bytes";
}

/// What Kafka's protocol adds to a fetch.
const FRAMING_BYTES: u64 = 512;

/// The first pair of limits that disagree, in a sentence that names both and says what to do.
#[must_use]
pub fn disagreement(chosen: &Chosen) -> Option<String> {
    pairs(chosen).into_iter().find(|pair| pair.larger.value < pair.smaller.value).map(|pair| pair.sentence())
}

/// Every pair that settings can set apart, as far as both limits apply.
fn pairs(chosen: &Chosen) -> Vec<Pair> {
    let days = |name: &str, days: u32| Limit { name: format!("{name} ({days})"), value: days.into() };
    let kafka = |name: &str| chosen.kafka.get(name).map(|value| Limit::of_kafka(name, *value));
    let larger_than = |limit: Limit, bytes: u64| Limit {
        name: format!("{} and {bytes} more", limit.name),
        value: limit.value.saturating_add(bytes),
    };
    let failures = Pair {
        larger: days("FAILURE_RETENTION_DAYS", chosen.failure_retention_days),
        smaller: days("LEDGER_RETENTION_DAYS", chosen.ledger_retention_days),
        why: "a failed run as old as the ledger accepts must stay in the list",
    };
    let room = Limit {
        name: format!("{QUEUED_KBYTES_MAX}, the kilobytes that PostgreSQL takes beside a batch,"),
        value: QUEUED_KBYTES_MAX as u64,
    };
    let of_kafka = [
        (
            kafka(kafka::MAX_POLL_INTERVAL),
            kafka(kafka::SESSION_TIMEOUT),
            "a member must not be removed for not polling while its session is alive",
        ),
        (
            kafka(kafka::SESSION_TIMEOUT),
            kafka(kafka::HEARTBEAT_INTERVAL).map(|limit| larger_than(limit, 1)),
            "a session ends without a heartbeat",
        ),
        (
            kafka(kafka::RECONNECT_BACKOFF_MAX),
            kafka(kafka::RECONNECT_BACKOFF),
            "the wait between attempts grows from the one to the other",
        ),
        (kafka(kafka::FETCH_MAX_BYTES), kafka(kafka::MESSAGE_MAX_BYTES), "a fetch must hold a whole record"),
        (
            kafka(kafka::RECEIVE_MAX_BYTES),
            kafka(kafka::FETCH_MAX_BYTES).map(|limit| larger_than(limit, FRAMING_BYTES)),
            "an answer must hold a whole fetch",
        ),
        (Some(room), kafka(kafka::QUEUED_KBYTES), "what waits may all be written with one batch"),
    ];
    let of_kafka = of_kafka
        .into_iter()
        .filter_map(|(larger, smaller, why)| Some(Pair { larger: larger?, smaller: smaller?, why }));
    std::iter::once(failures).chain(of_kafka).collect()
}

/// A limit by the name of its setting, and with its value, for people.
struct Limit {
    name: String,
    value: u64,
}

/// Two limits of which `larger` must be at least `smaller`.
struct Pair {
    larger: Limit,
    smaller: Limit,
    why: &'static str,
}

impl Limit {
    fn of_kafka(name: &str, value: u64) -> Self {
        Self { name: format!("KAFKA_CONFIG_{} ({value})", name.replace('.', "_").to_uppercase()), value }
    }
}

impl Pair {
    fn sentence(&self) -> String {
        let Self { larger, smaller, why } = self;
        format!(
            "{} must be at least {}: {why}; raise the first or lower the second",
            larger.name, smaller.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(changes: &[(&'static str, u64)]) -> Chosen {
        let mut chosen = Chosen {
            ledger_retention_days: 35,
            failure_retention_days: 90,
            kafka: BTreeMap::from([
                (kafka::SESSION_TIMEOUT, 10_000),
                (kafka::HEARTBEAT_INTERVAL, 1_000),
                (kafka::MAX_POLL_INTERVAL, 300_000),
                (kafka::RECONNECT_BACKOFF, 100),
                (kafka::RECONNECT_BACKOFF_MAX, 2_000),
                (kafka::FETCH_MAX_BYTES, 52_428_800),
                (kafka::MESSAGE_MAX_BYTES, 1_000_000),
                (kafka::QUEUED_KBYTES, 65_536),
            ]),
        };
        for (name, value) in changes {
            match *name {
                "LEDGER" => chosen.ledger_retention_days = u32::try_from(*value).unwrap(),
                "FAILURE" => chosen.failure_retention_days = u32::try_from(*value).unwrap(),
                name => _ = chosen.kafka.insert(name, *value),
            }
        }
        chosen
    }

    #[test]
    fn limits_that_disagree_are_refused_and_both_named() {
        let check = |changes: &[(&'static str, u64)], expected: Option<[&str; 2]>| {
            let said = disagreement(&chosen(changes));
            match expected {
                None => assert_eq!(said, None, "{changes:?}"),
                Some(names) => {
                    let said = said.unwrap_or_else(|| panic!("{changes:?} is accepted"));
                    assert!(names.iter().all(|name| said.contains(name)), "{said}");
                }
            }
        };
        check(&[], None);
        check(&[("FAILURE", 34)], Some(["FAILURE_RETENTION_DAYS (34)", "LEDGER_RETENTION_DAYS (35)"]));
        check(&[("FAILURE", 35)], None);
        let room = QUEUED_KBYTES_MAX as u64;
        check(&[(kafka::QUEUED_KBYTES, room)], None);
        check(
            &[(kafka::QUEUED_KBYTES, room + 1)],
            Some(["303104, the kilobytes", "KAFKA_CONFIG_QUEUED_MAX_MESSAGES_KBYTES (303105)"]),
        );
        check(&[("LEDGER", 91)], Some(["FAILURE_RETENTION_DAYS (90)", "LEDGER_RETENTION_DAYS (91)"]));
        check(
            &[(kafka::SESSION_TIMEOUT, 300_001)],
            Some(["KAFKA_CONFIG_MAX_POLL_INTERVAL_MS (300000)", "KAFKA_CONFIG_SESSION_TIMEOUT_MS (300001)"]),
        );
        check(&[(kafka::SESSION_TIMEOUT, 300_000)], None);
        check(
            &[(kafka::HEARTBEAT_INTERVAL, 10_000)],
            Some(["KAFKA_CONFIG_SESSION_TIMEOUT_MS (10000)", "KAFKA_CONFIG_HEARTBEAT_INTERVAL_MS (10000)"]),
        );
        check(&[(kafka::HEARTBEAT_INTERVAL, 9_999)], None);
        check(
            &[(kafka::RECONNECT_BACKOFF, 2_001)],
            Some([
                "KAFKA_CONFIG_RECONNECT_BACKOFF_MAX_MS (2000)",
                "KAFKA_CONFIG_RECONNECT_BACKOFF_MS (2001)",
            ]),
        );
        check(&[(kafka::RECONNECT_BACKOFF, 2_000)], None);
        check(
            &[(kafka::FETCH_MAX_BYTES, 999_999)],
            Some(["KAFKA_CONFIG_FETCH_MAX_BYTES (999999)", "KAFKA_CONFIG_MESSAGE_MAX_BYTES (1000000)"]),
        );
        check(&[(kafka::FETCH_MAX_BYTES, 1_000_000)], None);
        check(
            &[(kafka::RECEIVE_MAX_BYTES, 52_429_311)],
            Some([
                "KAFKA_CONFIG_RECEIVE_MESSAGE_MAX_BYTES (52429311)",
                "KAFKA_CONFIG_FETCH_MAX_BYTES (52428800)",
            ]),
        );
        check(&[(kafka::RECEIVE_MAX_BYTES, 52_429_312)], None);
    }
}
