-- Refusals by the organization that sent the records: what an organization is told by the API, which may not read dead letters.

-- How many of an organization's records were refused, by the quarter of an hour in which they were. Exact in a flood, too, of which
-- dead_letter_runs has only places. A record that is read again (`consumer progress reset`) and refused again counts again: it is
-- refusals that are counted. Kept DEAD_LETTER_RETENTION_DAYS, as dead letters are.
create table organization_refusals (
    organization_id   text collate "C" not null,
    quarter_bucket    timestamptz not null,             -- of the refusal, by the database's clock
    topic             text collate "C" not null,
    reason            text collate "C" not null,
    guessed           boolean not null,                 -- the organization is guessed from the records' keys
    records           bigint not null,
    first_at          timestamptz not null,
    last_at           timestamptz not null,
    -- One of the newest of them. Its payload is nowhere here.
    example_partition integer not null,
    example_offset    bigint not null,
    example_key       bytea,                            -- 256 bytes at most
    example_detail    text,                             -- null if it may repeat a record that is somebody else's
    primary key (organization_id, quarter_bucket, topic, reason, guessed)
) with (fillfactor = 50);
create index organization_refusals_by_time on organization_refusals using brin (quarter_bucket) with (autosummarize = on);

-- The organization that a record's key may name, where its value names none. Apart from organization_id, because it is a guess.
alter table dead_letters add column organization_from_key text;

-- Nothing is kept for members of the version before: an upgrade that was finished stays so.
update ledger_floor set finished = 15 where finished >= 11;
