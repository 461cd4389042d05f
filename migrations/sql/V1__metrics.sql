-- What the dashboard reads. Every table here is a function of the set of records that were counted: rows change by
-- increments inside the batch's transaction, never by reading, adding outside and writing back.
--
-- Identifiers collate "C": comparing bytes is fast, and it is the order in which the consumer sorts the rows of a
-- statement, so that two members never lock the same rows in different order.
--
-- fillfactor leaves room on the page for the next version of a row. No counter is indexed, so an increment is a HOT
-- update: it touches no index.

create table org_hourly_metrics (
    organization_id         text collate "C" not null,
    hour_bucket             timestamptz not null,          -- start of the hour
    orders_created          bigint not null default 0,
    payments_total          bigint not null default 0,
    payments_successful     bigint not null default 0,
    workflows_total         bigint not null default 0,
    workflows_failed        bigint not null default 0,     -- any outcome but success
    total_execution_time_ms bigint not null default 0,
    messages_sent           bigint not null default 0,     -- in the bucket of the message's sent_at
    messages_delivered      bigint not null default 0,     -- likewise, whenever the receipt came
    updated_at              timestamptz not null default now(),
    primary key (organization_id, hour_bucket)
) with (fillfactor = 70);
create index org_hourly_metrics_by_bucket on org_hourly_metrics (hour_bucket);

create table org_daily_metrics (
    organization_id         text collate "C" not null,
    day_bucket              timestamptz not null,          -- UTC midnight
    orders_created          bigint not null default 0,
    payments_total          bigint not null default 0,
    payments_successful     bigint not null default 0,
    workflows_total         bigint not null default 0,
    workflows_failed        bigint not null default 0,
    total_execution_time_ms bigint not null default 0,
    messages_sent           bigint not null default 0,
    messages_delivered      bigint not null default 0,
    updated_at              timestamptz not null default now(),
    primary key (organization_id, day_bucket)
) with (fillfactor = 50);
create index org_daily_metrics_by_bucket on org_daily_metrics (day_bucket);

-- Quarters of an hour: what days are made of in zones that are off UTC by 30 or 45 minutes. Partitioned by month; the
-- consumer makes the partitions ahead and drops them after QUARTER_RETENTION_DAYS.
create table org_quarter_hourly_metrics (
    organization_id         text collate "C" not null,
    quarter_bucket          timestamptz not null,
    orders_created          bigint not null default 0,
    payments_total          bigint not null default 0,
    payments_successful     bigint not null default 0,
    workflows_total         bigint not null default 0,
    workflows_failed        bigint not null default 0,
    total_execution_time_ms bigint not null default 0,
    messages_sent           bigint not null default 0,
    messages_delivered      bigint not null default 0,
    updated_at              timestamptz not null default now(),
    primary key (organization_id, quarter_bucket)
) partition by range (quarter_bucket);
create index org_quarter_hourly_metrics_by_bucket on org_quarter_hourly_metrics (quarter_bucket);

-- What an organization is called and which plan it is on. The newest update wins, ties go to the greater event id.
-- timestamptz keeps microseconds, protobuf nanoseconds: the rest stands beside it, so that "newest" is exact.
create table organizations (
    organization_id text collate "C" primary key,
    name            text not null,
    plan_id         text not null,
    plan_name       text not null,
    as_of           timestamptz not null,
    as_of_nanos     smallint not null,                     -- 0 to 999, beyond as_of
    event_id        text collate "C" not null
);

create table workflow_hourly_metrics (
    organization_id         text collate "C" not null,
    workflow_id             text collate "C" not null,
    hour_bucket             timestamptz not null,
    workflow_name           text collate "C" not null,     -- of the run that finished last in this hour
    name_as_of              timestamptz not null,
    runs                    bigint not null default 0,
    failed                  bigint not null default 0,     -- outcome FAILED
    failed_safety_limit     bigint not null default 0,     -- outcome FAILED_SAFETY_LIMIT
    total_execution_time_ms bigint not null default 0,
    updated_at              timestamptz not null default now(),
    primary key (organization_id, workflow_id, hour_bucket)
) with (fillfactor = 70);
create index workflow_hourly_metrics_by_organization on workflow_hourly_metrics (organization_id, hour_bucket);
create index workflow_hourly_metrics_by_bucket on workflow_hourly_metrics (hour_bucket);

-- The failed runs a dashboard lists, kept FAILURE_RETENTION_DAYS.
create table workflow_failures (
    organization_id   text collate "C" not null,
    execution_id      text collate "C" not null,
    workflow_id       text not null,
    workflow_name     text not null,
    outcome           text not null check (outcome in ('FAILED', 'FAILED_SAFETY_LIMIT')),
    error_message     text not null,
    execution_time_ms bigint not null,
    finished_at       timestamptz not null,
    primary key (organization_id, execution_id)
);
create index workflow_failures_newest on workflow_failures (organization_id, finished_at desc, execution_id desc);
create index workflow_failures_by_time on workflow_failures (finished_at);
