-- Refused records beyond what is kept whole. A producer gone wrong can make every record of a topic one that can't be
-- counted; kept whole without end they would fill the disk. So of each only so many bytes are kept, and of a partition
-- only so many whole each hour. Of the others their places stay, by the range: nothing goes uncounted.

alter table dead_letters
    -- How long the payload was; null where there was none, and in rows from before this column.
    add column payload_bytes integer,
    -- False where key, headers or payload were cut: such a record can't be published again from here.
    add column kept_whole    boolean not null default true;

-- One row for each batch, partition and reason. A place stands in one row of one of the two tables, however often its
-- record is read and refused.
create table dead_letter_runs (
    run_id          bigint generated always as identity primary key,
    topic           text collate "C" not null,
    topic_id        text not null default '',           -- '' where the client can't learn it
    kafka_partition integer not null,
    reason          text not null,
    offsets         int8multirange not null,            -- exactly those of the refused records
    records         bigint not null,                    -- how many those are
    rejected_at     timestamptz not null default now(),
    redriven        int8multirange not null default '{}', -- those of offsets that were published again
    redriven_at     timestamptz                         -- when some last were; null: never
);
create index dead_letter_runs_by_place on dead_letter_runs (topic, topic_id, kafka_partition, upper(offsets));
create index dead_letter_runs_by_time on dead_letter_runs (rejected_at);
