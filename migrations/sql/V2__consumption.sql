-- How far the topics have been read, which identities have been counted, and what could not be.

-- The truth about where a partition stands. A member claims a partition by raising its epoch; every batch moves
-- next_offset by compare-and-set on (epoch, next_offset). Whoever doesn't match doesn't write.
create table consumer_progress (
    topic            text collate "C" not null,
    kafka_partition  integer not null,
    epoch            bigint not null default 0,   -- raised by each claim
    next_offset      bigint,                      -- offset of the next record to count; null until first read
    complete_through timestamptz,                 -- all that the broker held at this instant is counted
    topic_id         text,                        -- Kafka's id of the topic, where the client can learn it
    owner            text,                        -- the member of the latest claim, for people
    claimed_at       timestamptz,
    updated_at       timestamptz not null default now(),
    primary key (topic, kafka_partition)
) with (fillfactor = 50);

-- The ledger: which identities have been counted. An identity is a keyed 64-bit fingerprint; fingerprints live in
-- pages (topic, partition, quarter of an hour of the identity's time). A page is a few segments: sorted arrays of
-- big-endian fingerprints, one appended per batch, and beside each what its identities added to the counters (the
-- second set of books). Partitioned by UTC day of the identity's time; days are dropped whole after
-- LEDGER_RETENTION_DAYS, but only once the floor stands above them.
create table ledger_segments (
    topic                   text collate "C" not null,
    kafka_partition         integer not null,
    quarter                 timestamptz not null,
    until                   bigint not null,      -- next_offset after the batch that wrote it: unique in its page
    layout                  integer not null,     -- generation of partitioning; pages of older ones are read-only
    fingerprints            bytea not null,
    orders_created          bigint not null,
    payments_total          bigint not null,
    payments_successful     bigint not null,
    workflows_total         bigint not null,
    workflows_failed        bigint not null,
    total_execution_time_ms bigint not null,
    messages_sent           bigint not null,
    messages_delivered      bigint not null,
    primary key (quarter, topic, kafka_partition, until)
) partition by range (quarter);
-- Uncompressed and out of line: fingerprints don't compress, and substring() then reads only the chunks it needs.
alter table ledger_segments alter column fingerprints set storage external;

-- One row each.
create table ledger_floor (
    only_row boolean primary key default true check (only_row),
    floor    timestamptz not null                 -- identities before this instant are refused as too_old
);
insert into ledger_floor (floor) values ('-infinity');

create table ledger_key (
    only_row boolean primary key default true check (only_row),
    key      bytea not null check (octet_length(key) = 16)
);
-- A secret made here and never shown: nobody outside can aim one record's fingerprint at another's.
insert into ledger_key (key)
select substring(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) from 1 for 16);

-- Records that can't be counted, whole, with the reason. Kept DEAD_LETTER_RETENTION_DAYS.
create table dead_letters (
    topic            text collate "C" not null,
    topic_id         text not null default '',    -- '' where the client can't learn it
    kafka_partition  integer not null,
    kafka_offset     bigint not null,
    key              bytea,
    headers          jsonb not null,              -- [[name, base64 value or null], ...] in the record's order
    payload          bytea,
    broker_timestamp timestamptz,
    reason           text not null,
    detail           text not null,
    organization_id  text,                        -- where it could be read
    rejected_at      timestamptz not null default now(),
    primary key (topic, topic_id, kafka_partition, kafka_offset)
);
create index dead_letters_by_time on dead_letters (rejected_at);
