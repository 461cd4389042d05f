-- Roll-ups, so that what a long range costs doesn't grow with the number of workflows times its hours.

-- Locked in the order in which batches lock them; once the first is, no batch has the others.
lock table consumer_progress, ledger_floor, workflow_hourly_metrics, org_hourly_metrics, org_daily_metrics
    in access exclusive mode;

-- The histograms of an organization's runs, beside its counters; null where no run is in any. They are sums of the workflows'.
alter table org_hourly_metrics add column durations numeric;
alter table org_daily_metrics add column durations numeric;

create table workflow_daily_metrics (
    organization_id         text collate "C" not null,
    workflow_id             text collate "C" not null,
    day_bucket              timestamptz not null,          -- UTC midnight
    workflow_name           text collate "C" not null,     -- of the run that finished last on this day
    name_as_of              timestamptz not null,
    runs                    bigint not null default 0,
    failed                  bigint not null default 0,
    failed_safety_limit     bigint not null default 0,
    total_execution_time_ms bigint not null default 0,
    durations               numeric not null default 0,
    updated_at              timestamptz not null default now(),
    primary key (organization_id, workflow_id, day_bucket)
) with (fillfactor = 70);
create index workflow_daily_metrics_by_organization on workflow_daily_metrics (organization_id, day_bucket);
create index workflow_daily_metrics_by_time on workflow_daily_metrics using brin (day_bucket) with (autosummarize = on);

-- How far the roll-ups of hours that were counted before are filled, and since when runs are in histograms.
create table roll_ups (
    is_filled         boolean not null,
    percentiles_since timestamptz not null default '-infinity',
    -- The day at which filling goes on; null before it has begun.
    next_organization text collate "C",
    next_day          timestamptz,
    only_row          boolean primary key default true check (only_row)
);
insert into roll_ups (is_filled) select not exists (select from workflow_hourly_metrics);

-- While members of the former version may run, everybody writes workflows' hours alone, and this carries what they gain into
-- the roll-ups. It runs at the end of a transaction, which has the organization's hour and day by then: they count its runs.
create function carry_workflow() returns trigger language plpgsql as $$
declare
    day constant timestamptz := date_bin('1 day', new.hour_bucket, 'epoch');
    gained constant numeric := new.durations - coalesce(old.durations, 0);
begin
    update org_hourly_metrics set durations = coalesce(durations, 0) + gained
    where organization_id = new.organization_id and hour_bucket = new.hour_bucket;
    update org_daily_metrics set durations = coalesce(durations, 0) + gained
    where organization_id = new.organization_id and day_bucket = day;
    insert into workflow_daily_metrics as t (organization_id, workflow_id, day_bucket, workflow_name, name_as_of, runs,
                                             failed, failed_safety_limit, total_execution_time_ms, durations)
    values (new.organization_id, new.workflow_id, day, new.workflow_name, new.name_as_of,
            new.runs - coalesce(old.runs, 0), new.failed - coalesce(old.failed, 0),
            new.failed_safety_limit - coalesce(old.failed_safety_limit, 0),
            new.total_execution_time_ms - coalesce(old.total_execution_time_ms, 0), gained)
    on conflict (organization_id, workflow_id, day_bucket) do update
    set workflow_name = case when (t.name_as_of, t.workflow_name) < (excluded.name_as_of, excluded.workflow_name)
                             then excluded.workflow_name else t.workflow_name end,
        name_as_of = greatest(t.name_as_of, excluded.name_as_of),
        runs = t.runs + excluded.runs,
        failed = t.failed + excluded.failed,
        failed_safety_limit = t.failed_safety_limit + excluded.failed_safety_limit,
        total_execution_time_ms = t.total_execution_time_ms + excluded.total_execution_time_ms,
        durations = t.durations + excluded.durations,
        updated_at = excluded.updated_at;
    return null;
end $$;
create constraint trigger carry_workflow after insert or update on workflow_hourly_metrics
    deferrable initially deferred for each row execute function carry_workflow();

-- A database that has counted nothing has no former members. Otherwise `consumer migrate --finish` drops the trigger.
do $$
begin
    if not exists (select from org_hourly_metrics) then
        drop trigger carry_workflow on workflow_hourly_metrics;
        drop function carry_workflow();
        update ledger_floor set finished = 10;
    end if;
end $$;
