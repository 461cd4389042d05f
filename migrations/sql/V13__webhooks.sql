-- Webhooks: where an organization is told of its alerts, what it was last told, and the messages to it. Query-apis alone write these
-- tables, and read them. They stay on the coordinator of a cluster: their rows are a queue, and few.

-- Where an organization is told.
create table webhook_endpoints (
    endpoint_id           text collate "C" primary key,
    organization_id       text collate "C" not null,
    url                   text not null,
    description           text not null,
    secret                bytea not null,             -- signs every message; 24 to 64 bytes
    previous_secret       bytea,                      -- signs beside it until previous_until
    previous_until        timestamptz,
    created_at            timestamptz not null default now(),
    created_by            text,                       -- the token's subject, if it had one
    revision              bigint not null default 1,  -- raised by each change, which settings_changes has
    disabled_at           timestamptz,                -- null while it is told
    disabled_reason       text
);
create index webhook_endpoints_of_organization on webhook_endpoints (organization_id, created_at, endpoint_id);

-- The organizations that have endpoints, and when their alerts were evaluated. Whoever evaluates locks the row: what was told is
-- compared with what is to be told by one at a time.
create table alert_evaluations (
    organization_id text collate "C" primary key,
    evaluated_at    timestamptz not null default '-infinity',
    version         bigint                            -- the organization's version that was read before its numbers; null if unknown
);

-- The alerts that an organization was told of, and not yet of their end.
create table alert_states (
    organization_id text collate "C" not null references alert_evaluations on delete cascade,
    alert_key       text collate "C" not null,
    severity        text not null,                    -- as it was told: warning, critical
    alert           jsonb not null,                   -- as it was last seen with this severity
    opened_at       timestamptz not null,
    changed_at      timestamptz not null,             -- when its severity was told
    better_since    timestamptz,                      -- since when it has been less severe than told; null while it isn't
    fine_since      timestamptz,                      -- since when it has been no alert; null while it is one
    primary key (organization_id, alert_key)
);

-- Messages, each to one endpoint. A message to several endpoints has one id.
create table webhook_deliveries (
    message_id      text collate "C" not null,
    endpoint_id     text collate "C" not null references webhook_endpoints on delete cascade,
    organization_id text collate "C" not null,
    event_type      text not null,
    payload         text not null,                    -- the bytes that are signed and sent
    created_at      timestamptz not null default now(),
    attempts        integer not null default 0,       -- begun; an outcome is recorded only by who began the last one
    begins_after    integer not null default 0,       -- attempts before the schedule began, or began anew by hand
    next_attempt_at timestamptz,                      -- null once it is delivered or dead
    leased_until    timestamptz not null default '-infinity',
    last_attempt_at timestamptz,
    last_status     integer,                          -- of HTTP; null without a response
    last_error      text,                             -- null after a success
    delivered_at    timestamptz,
    dead_at         timestamptz,                      -- given up; it may be retried by hand
    primary key (endpoint_id, message_id)
);
create index webhook_deliveries_due on webhook_deliveries (next_attempt_at) where next_attempt_at is not null;
create index webhook_deliveries_dead on webhook_deliveries (dead_at) where dead_at is not null;
create index webhook_deliveries_newest on webhook_deliveries (endpoint_id, created_at desc, message_id desc);
create index webhook_deliveries_by_time on webhook_deliveries (created_at);

-- Nothing is kept for members of the version before: an upgrade that was finished stays so.
update ledger_floor set finished = 13 where finished >= 11;
