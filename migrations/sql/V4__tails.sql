-- Small additions to the ledger, and layouts of topics.

-- What a batch adds to a page is a segment of its own only if it is much. The rest of what it adds to a partition's
-- pages is one row here: the quarters it touches, how many fingerprints each of them is given, those fingerprints one
-- quarter after the other, and what each quarter's identities added to the counters. The rows of a partition are its
-- tail. Once it has grown long, it is filed into the pages, and its rows go, in a batch's transaction. So only who holds
-- the partition writes here, and reads it when it claims.
create table ledger_tails (
    topic                   text collate "C" not null,
    kafka_partition         integer not null,
    until                   bigint not null,        -- next_offset after the batch that wrote it
    layout                  integer not null,       -- as in ledger_segments
    newest                  timestamptz not null,   -- the latest of the quarters: below the floor the row is of no use
    quarters                timestamptz[] not null,
    lengths                 integer[] not null,
    fingerprints            bytea not null,
    orders_created          bigint[] not null,
    payments_total          bigint[] not null,
    payments_successful     bigint[] not null,
    workflows_total         bigint[] not null,
    workflows_failed        bigint[] not null,
    total_execution_time_ms bigint[] not null,
    messages_sent           bigint[] not null,
    messages_delivered      bigint[] not null
);
create index ledger_tails_partition on ledger_tails (topic, kafka_partition);

-- The generation of a topic's partitions and keys. Raising it raises the epoch, too, so that whoever has claimed under
-- the old one writes nothing more; pages of older generations are read-only, and looked for in all partitions.
alter table consumer_progress add column layout integer not null default 1;
