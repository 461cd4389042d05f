//! What the doctor checks: each check with its code, what it is if it isn't well, and what is to be done then. Pure.

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Nothing is wrong.
    Ok,
    /// The system works, and somebody should look.
    Warning,
    /// Members can't work, or records may be lost or counted twice.
    Fault,
}

impl Mark {
    /// Its word in lines and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

/// Something that is checked. Findings are told in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// A broker answers.
    Brokers,
    /// The group may be joined.
    GroupRights,
    /// The group's members count into this database, and nobody else does.
    GroupDatabase,
    /// A topic exists.
    Topic,
    /// A topic may be read.
    TopicRights,
    /// A topic's settings may be seen.
    TopicSettings,
    /// A topic is the one that was counted.
    TopicIdentity,
    /// A topic has the partitions that the database knows.
    TopicPartitions,
    /// Records survive the loss of a broker.
    TopicReplicas,
    /// Records are kept for longer than any outage.
    TopicRetention,
    /// Records aren't deleted for want of room.
    TopicSize,
    /// Records aren't compacted away.
    TopicCleanup,
    /// Brokers store batches as producers have compressed them.
    TopicCompression,
    /// No batch is too large for the client.
    TopicBatchSize,
    /// Records lie in the partition of their key.
    TopicKeys,
    /// Layouts' ends can be learned from Kafka.
    LayoutsTopic,
    /// The next record to count is not deleted.
    ProgressDeleted,
    /// The next record to count lies within the log.
    ProgressBeyond,
    /// Partitions with records to count move.
    PartitionStill,
    /// PostgreSQL answers.
    Postgresql,
    /// PostgreSQL lets this role in.
    PostgresqlLogin,
    /// Connections keep their sessions.
    PostgresqlPooler,
    /// PostgreSQL is new enough.
    PostgresqlVersion,
    /// The database can hold every character.
    PostgresqlEncoding,
    /// The schema has all migrations.
    SchemaOlder,
    /// The schema has no migrations that this program doesn't know.
    SchemaNewer,
    /// The role has its rights.
    RoleRights,
    /// The role has no more than its rights.
    RoleSuperuser,
    /// There are connections enough.
    Connections,
    /// What was committed survives a crash.
    Durability,
    /// Both clocks agree.
    Clock,
    /// Redis answers.
    Redis,
    /// This user may raise versions in Redis.
    RedisRights,
    /// Redis tells clients what has changed.
    RedisTracking,
    /// Redis evicts no version.
    RedisEviction,
    /// The machine has the memory that a member needs.
    Memory,
    /// The ledger knows all that Kafka keeps.
    LedgerRetention,
    /// Refused records can be looked at after an outage.
    DeadLetterRetention,
}

/// Each check, by its code, with what it is if it isn't well, and what is to be done then.
const CHECKS: [(Check, &str, Mark, &str); 38] = [
    (Check::Brokers, "brokers", Mark::Fault, "check KAFKA_BROKERS, the network, and that all brokers run"),
    (
        Check::GroupRights,
        "group-rights",
        Mark::Fault,
        "allow this client READ on the consumer group (an ACL)",
    ),
    (
        Check::GroupDatabase,
        "group-database",
        Mark::Fault,
        "give all members of one database the same KAFKA_GROUP_ID, and members of other databases another one",
    ),
    (
        Check::Topic,
        "topic",
        Mark::Fault,
        "create the topic, or correct EVENTS_TOPIC, WORKFLOW_TERMINALS_TOPIC or MESSAGE_DELIVERIES_TOPIC",
    ),
    (
        Check::TopicRights,
        "topic-rights",
        Mark::Fault,
        "allow this client READ and DESCRIBE on the topic (an ACL)",
    ),
    (
        Check::TopicSettings,
        "topic-settings",
        Mark::Warning,
        "allow whoever runs the doctor DESCRIBE_CONFIGS on the topic, or look at its settings by hand",
    ),
    (
        Check::TopicIdentity,
        "topic-identity",
        Mark::Fault,
        "stop the members, and decide by `consumer progress reset --to earliest` what is counted of the new topic",
    ),
    (
        Check::TopicPartitions,
        "topic-partitions",
        Mark::Fault,
        "end the layout by `consumer layout change`, without `--partitions` where the topic has them already: otherwise copies of earlier records may count twice",
    ),
    (
        Check::TopicReplicas,
        "topic-replicas",
        Mark::Warning,
        "give the topic three replicas and min.insync.replicas=2, so that it bears the loss of a broker",
    ),
    (
        Check::TopicRetention,
        "topic-retention",
        Mark::Fault,
        "raise the topic's retention.ms above the longest outage and the age of a backup together (--longest-outage, --backup-age)",
    ),
    (
        Check::TopicSize,
        "topic-size",
        Mark::Warning,
        "set the topic's retention.bytes=-1, or make sure that it holds the longest outage's records",
    ),
    (
        Check::TopicCleanup,
        "topic-cleanup",
        Mark::Fault,
        "set the topic's cleanup.policy=delete: compaction deletes all records of a key but the last one",
    ),
    (
        Check::TopicCompression,
        "topic-compression",
        Mark::Warning,
        "set the topic's compression.type=producer, and choose the compression in producers",
    ),
    (
        Check::TopicBatchSize,
        "topic-batch-size",
        Mark::Fault,
        "lower the topic's max.message.bytes, or raise KAFKA_CONFIG_RECEIVE_MESSAGE_MAX_BYTES to three times as much",
    ),
    (
        Check::TopicKeys,
        "topic-keys",
        Mark::Fault,
        "set the producer's partitioner to murmur2 (docs/clients.md), or name the topic in OTHER_PARTITIONER_TOPICS",
    ),
    (
        Check::LayoutsTopic,
        "layouts-topic",
        Mark::Fault,
        "allow members READ and DESCRIBE on LAYOUTS_TOPIC; run `consumer layout announce` for a topic that it lacks",
    ),
    (
        Check::ProgressDeleted,
        "progress-deleted",
        Mark::Fault,
        "the partition is stopped: decide by `consumer progress reset --to earliest`, and raise the topic's retention",
    ),
    (
        Check::ProgressBeyond,
        "progress-beyond",
        Mark::Fault,
        "the partition is stopped: find out why Kafka lost records, then decide by `consumer progress reset`",
    ),
    (
        Check::PartitionStill,
        "partition-still",
        Mark::Fault,
        "look at /readyz and the log of the member that owns the partition",
    ),
    (
        Check::Postgresql,
        "postgresql",
        Mark::Fault,
        "check DATABASE_URL, the network, and that PostgreSQL runs",
    ),
    (
        Check::PostgresqlLogin,
        "postgresql-login",
        Mark::Fault,
        "check user, password and database in DATABASE_URL, and pg_hba.conf",
    ),
    (
        Check::PostgresqlPooler,
        "postgresql-pooler",
        Mark::Fault,
        "set pool_mode = session (PgBouncer's name for it), or let DATABASE_URL lead to PostgreSQL itself",
    ),
    (
        Check::PostgresqlVersion,
        "postgresql-version",
        Mark::Fault,
        "upgrade PostgreSQL to version 15 or newer",
    ),
    (
        Check::PostgresqlEncoding,
        "postgresql-encoding",
        Mark::Fault,
        "create a database with the encoding UTF8, and name that in DATABASE_URL",
    ),
    (Check::SchemaOlder, "schema-older", Mark::Fault, "run `consumer migrate` of this version"),
    (
        Check::SchemaNewer,
        "schema-newer",
        Mark::Warning,
        "no fault for one release; unless you are rolling back, deploy the newer version",
    ),
    (
        Check::RoleRights,
        "role-rights",
        Mark::Fault,
        "run deploy/roles.sql, or give the role in DATABASE_URL these rights",
    ),
    (
        Check::RoleSuperuser,
        "role-superuser",
        Mark::Warning,
        "let DATABASE_URL name business_metrics_consumer, which deploy/roles.sql makes",
    ),
    (
        Check::Connections,
        "connections",
        Mark::Fault,
        "raise max_connections, or the connection limit of the role or the database",
    ),
    (
        Check::Durability,
        "durability",
        Mark::Fault,
        "switch these settings on: otherwise a crash loses counts whose records Kafka may no longer have",
    ),
    (Check::Clock, "clock", Mark::Fault, "set both clocks by NTP"),
    (Check::Redis, "redis", Mark::Fault, "check REDIS_URL, the network, and that Redis runs"),
    (
        Check::RedisRights,
        "redis-rights",
        Mark::Fault,
        "allow this user `incrby` on keys with CACHE_KEY_PREFIX (an ACL): otherwise old answers stay until they expire",
    ),
    (
        Check::RedisTracking,
        "redis-tracking",
        Mark::Warning,
        "use Redis 6 or newer, and allow its user `client|tracking`: without it each answer takes a round trip more",
    ),
    (
        Check::RedisEviction,
        "redis-eviction",
        Mark::Fault,
        "set maxmemory-policy volatile-lru: an evicted version makes old answers current again",
    ),
    (Check::Memory, "memory", Mark::Fault, "lower LEDGER_MEMORY_MB, or give the member more memory"),
    (
        Check::LedgerRetention,
        "ledger-retention",
        Mark::Warning,
        "raise LEDGER_RETENTION_DAYS to the topic's retention, or accept that older records can't be counted again",
    ),
    (
        Check::DeadLetterRetention,
        "dead-letter-retention",
        Mark::Warning,
        "raise DEAD_LETTER_RETENTION_DAYS above the longest outage (--longest-outage)",
    ),
];

impl Check {
    /// All checks, in their order.
    pub fn all() -> impl Iterator<Item = Self> {
        CHECKS.iter().map(|(check, ..)| *check)
    }

    /// Its name for people and programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        CHECKS[self as usize].1
    }

    /// What it is if it isn't well.
    #[must_use]
    pub const fn mark(self) -> Mark {
        CHECKS[self as usize].2
    }

    /// What is to be done then.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        CHECKS[self as usize].3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_checks_is_in_their_order_and_has_each_code_once() {
        for (place, (check, code, mark, remedy)) in CHECKS.iter().enumerate() {
            assert_eq!(*check as usize, place, "{code}");
            assert!(*mark != Mark::Ok && remedy.len() > 20, "{code}: {remedy}");
        }
        let codes: std::collections::BTreeSet<_> = Check::all().map(Check::code).collect();
        assert_eq!(codes.len(), CHECKS.len());
        assert_eq!(Check::DeadLetterRetention as usize + 1, CHECKS.len(), "the last one has its row");
    }

    #[test]
    fn the_documentation_has_a_row_for_each_check_with_its_remedy() {
        let page = include_str!("../../../../docs/operating.md");
        let section = page.split("\n## Doctor\n").nth(1).and_then(|rest| rest.split("\n## ").next());
        // A bar within a cell is escaped.
        let section = section.unwrap_or_default().replace("\\|", "\u{1}");
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        let row = |line: &str| -> Vec<String> {
            let cells = line.trim_matches('|').split('|').map(|cell| cell.trim().replace('\u{1}', "|"));
            cells.collect()
        };
        let documented: Vec<_> = rows.map(row).collect();
        assert_eq!(documented.len(), CHECKS.len());
        for (cells, (_, code, mark, remedy)) in documented.iter().zip(CHECKS) {
            let cell = format!("`{code}`");
            let expected = [cell.as_str(), mark.word(), cells[2].as_str(), remedy];
            assert_eq!(cells[..], expected, "{code}");
            assert!(cells[2].len() > 10, "{code} is not explained");
        }
    }
}
