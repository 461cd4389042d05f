-- Erasing an organization (`consumer erase`): what must stay so that an erasure that was interrupted goes on, so that the books agree
-- after it, and so that it can be shown that it was done. Members and query-apis know nothing of these tables, but that members delete
-- old rows of the last one.

-- The audit. An organization's id stays, and nothing else of it: without the id nobody could show what was erased, recount the log,
-- which has the organization's records for longer, or erase again what an older backup brings back.
create table erasures (
    erasure_id      bigint generated always as identity primary key,
    organization_id text collate "C" not null,
    begun_at        timestamptz not null default now(),
    begun_by        text not null default session_user,    -- the role of the database
    boundary_at     timestamptz,                           -- when its boundary was drawn; null until then
    ended_at        timestamptz,                           -- null while it is under way
    erased          jsonb not null default '{}' check (jsonb_typeof(erased) = 'object')   -- how many rows of each table
);
-- An organization has one erasure at a time.
create unique index erasures_under_way on erasures (organization_id) where ended_at is null;

-- The boundary of an erasure. What was counted of the organization before these offsets is erased; what lies at them or behind counts
-- as if nothing had been before. Never deleted while Kafka may have records before them.
create table erasure_boundaries (
    erasure_id      bigint not null references erasures,
    topic           text collate "C" not null,
    kafka_partition integer not null,
    topic_id        text,                                  -- Kafka's id of the topic; null where it was not known
    next_offset     bigint not null,
    primary key (erasure_id, topic, kafka_partition)
);

-- The ledger's sums have what was erased, and the counters don't: this is the difference, of all erasures together, without
-- organizations. A quarter's row ends with the ledger's day.
create table erased_counters (
    quarter                 timestamptz primary key,
    orders_created          bigint not null,
    payments_total          bigint not null,
    payments_successful     bigint not null,
    workflows_total         bigint not null,
    workflows_failed        bigint not null,
    total_execution_time_ms bigint not null,
    messages_sent           bigint not null,
    messages_delivered      bigint not null
);

-- Nothing is kept for members of the version before: an upgrade that was finished stays so.
update ledger_floor set finished = 16 where finished >= 11;
