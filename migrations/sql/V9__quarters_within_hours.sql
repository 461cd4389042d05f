-- Quarters of an hour within the hour's row: days of zones that are off UTC by 30 or 45 minutes are made of them, for as long
-- as hours are kept.

-- Locked in the order in which batches lock them; once the first is, no batch has the others.
lock table consumer_progress, ledger_floor, org_quarter_hourly_metrics, org_hourly_metrics in access exclusive mode;

-- What the hour's 2nd, 3rd and 4th quarter added to each counter; null if nothing. What is left is the 1st quarter's.
alter table org_hourly_metrics
    add column orders_created_q2 bigint, add column orders_created_q3 bigint, add column orders_created_q4 bigint,
    add column payments_total_q2 bigint, add column payments_total_q3 bigint, add column payments_total_q4 bigint,
    add column payments_successful_q2 bigint, add column payments_successful_q3 bigint, add column payments_successful_q4 bigint,
    add column workflows_total_q2 bigint, add column workflows_total_q3 bigint, add column workflows_total_q4 bigint,
    add column workflows_failed_q2 bigint, add column workflows_failed_q3 bigint, add column workflows_failed_q4 bigint,
    add column total_execution_time_ms_q2 bigint, add column total_execution_time_ms_q3 bigint, add column total_execution_time_ms_q4 bigint,
    add column messages_sent_q2 bigint, add column messages_sent_q3 bigint, add column messages_sent_q4 bigint,
    add column messages_delivered_q2 bigint, add column messages_delivered_q3 bigint, add column messages_delivered_q4 bigint;

-- From when on hours know their quarters. What an earlier hour counted stands in its 1st quarter.
create table quarters_known (
    since             timestamptz not null,
    -- The hour at which filling from the former table goes on; null before it has begun.
    next_organization text collate "C",
    next_hour         timestamptz,
    only_row          boolean primary key default true check (only_row)
);
insert into quarters_known (since)
select case when exists (select from org_hourly_metrics) then timestamptz 'infinity' else '-infinity' end;

-- The quarters, for whoever reads them. A question about some of them had better bound hour_bucket, too: that is indexed.
create view org_quarter_metrics as
select h.organization_id, h.hour_bucket, h.hour_bucket + q.since_hour as quarter_bucket,
       q.orders_created,
       q.payments_total,
       q.payments_successful,
       q.workflows_total,
       q.workflows_failed,
       q.total_execution_time_ms,
       q.messages_sent,
       q.messages_delivered
from org_hourly_metrics h cross join lateral (values
    (interval '0 minutes',
     h.orders_created - coalesce(h.orders_created_q2, 0) - coalesce(h.orders_created_q3, 0) - coalesce(h.orders_created_q4, 0),
     h.payments_total - coalesce(h.payments_total_q2, 0) - coalesce(h.payments_total_q3, 0) - coalesce(h.payments_total_q4, 0),
     h.payments_successful - coalesce(h.payments_successful_q2, 0) - coalesce(h.payments_successful_q3, 0) - coalesce(h.payments_successful_q4, 0),
     h.workflows_total - coalesce(h.workflows_total_q2, 0) - coalesce(h.workflows_total_q3, 0) - coalesce(h.workflows_total_q4, 0),
     h.workflows_failed - coalesce(h.workflows_failed_q2, 0) - coalesce(h.workflows_failed_q3, 0) - coalesce(h.workflows_failed_q4, 0),
     h.total_execution_time_ms - coalesce(h.total_execution_time_ms_q2, 0) - coalesce(h.total_execution_time_ms_q3, 0) - coalesce(h.total_execution_time_ms_q4, 0),
     h.messages_sent - coalesce(h.messages_sent_q2, 0) - coalesce(h.messages_sent_q3, 0) - coalesce(h.messages_sent_q4, 0),
     h.messages_delivered - coalesce(h.messages_delivered_q2, 0) - coalesce(h.messages_delivered_q3, 0) - coalesce(h.messages_delivered_q4, 0)),
    (interval '15 minutes',
     coalesce(h.orders_created_q2, 0),
     coalesce(h.payments_total_q2, 0),
     coalesce(h.payments_successful_q2, 0),
     coalesce(h.workflows_total_q2, 0),
     coalesce(h.workflows_failed_q2, 0),
     coalesce(h.total_execution_time_ms_q2, 0),
     coalesce(h.messages_sent_q2, 0),
     coalesce(h.messages_delivered_q2, 0)),
    (interval '30 minutes',
     coalesce(h.orders_created_q3, 0),
     coalesce(h.payments_total_q3, 0),
     coalesce(h.payments_successful_q3, 0),
     coalesce(h.workflows_total_q3, 0),
     coalesce(h.workflows_failed_q3, 0),
     coalesce(h.total_execution_time_ms_q3, 0),
     coalesce(h.messages_sent_q3, 0),
     coalesce(h.messages_delivered_q3, 0)),
    (interval '45 minutes',
     coalesce(h.orders_created_q4, 0),
     coalesce(h.payments_total_q4, 0),
     coalesce(h.payments_successful_q4, 0),
     coalesce(h.workflows_total_q4, 0),
     coalesce(h.workflows_failed_q4, 0),
     coalesce(h.total_execution_time_ms_q4, 0),
     coalesce(h.messages_sent_q4, 0),
     coalesce(h.messages_delivered_q4, 0))
) as q (since_hour, orders_created, payments_total, payments_successful, workflows_total, workflows_failed, total_execution_time_ms, messages_sent, messages_delivered);

-- What the member knows that holds a partition: the newest migration that it was made for, and the epoch of the claim that
-- says so. A claim that doesn't say so is a former member's.
alter table consumer_progress add column claim_schema integer, add column claim_schema_epoch bigint;

-- The newest migration that is finished: nothing is kept any more for members of versions before it. Batches read it with the
-- floor, under the same lock, so that none of them relies on a trigger that is gone.
alter table ledger_floor add column finished integer not null default 0;

-- While members of the former version may run, everybody writes the former table of quarters, and its triggers carry what it
-- gains into the hours. They lock hours in the order of their keys, as batches do after the quarters.
do $generate$
declare
    names constant text[] := array['orders_created', 'payments_total', 'payments_successful', 'workflows_total',
        'workflows_failed', 'total_execution_time_ms', 'messages_sent', 'messages_delivered'];
    list text := array_to_string(names, ', ');
    minus text := '-' || array_to_string(names, ', -');
    carry text;
begin
    select format(
        'insert into org_hourly_metrics as t (organization_id, hour_bucket, %s)
         select organization_id, date_bin(''1 hour'', quarter_bucket, ''epoch''), %s
         from (%%s) as changes where quarter_bucket <> date_bin(''1 hour'', quarter_bucket, ''epoch'')
         group by 1, 2 order by 1, 2
         on conflict (organization_id, hour_bucket) do update set %s',
        string_agg(q.name, ', '),
        string_agg(format('nullif(sum(%s) filter (where extract(minute from quarter_bucket at time zone ''UTC'') = %s), 0)',
                          q.counter, q.minute), ', '),
        string_agg(format('%1$s = coalesce(t.%1$s + excluded.%1$s, t.%1$s, excluded.%1$s)', q.name), ', '))
    into carry
    from (select format('%s_q%s', counter, n) as name, counter, 15 * (n - 1) as minute
          from unnest(names) as counter, generate_series(2, 4) as n) as q;
    execute format(
        'create function carry_quarters() returns trigger language plpgsql as $carry$
         begin
             if tg_op = ''INSERT'' then %s; else %s; end if;
             return null;
         end $carry$',
        format(carry, format('select organization_id, quarter_bucket, %s from gained', list)),
        format(carry, format('select organization_id, quarter_bucket, %s from gained
                              union all select organization_id, quarter_bucket, %s from lost', list, minus)));
end $generate$;
create trigger carry_inserted after insert on org_quarter_hourly_metrics
    referencing new table as gained for each statement execute function carry_quarters();
create trigger carry_updated after update on org_quarter_hourly_metrics
    referencing old table as lost new table as gained for each statement execute function carry_quarters();

-- A database that has counted nothing needs no former table. Otherwise `consumer migrate --finish` drops it.
do $$
begin
    if not exists (select from org_hourly_metrics) then
        drop table org_quarter_hourly_metrics;
        drop function carry_quarters();
        update ledger_floor set finished = 9;
    end if;
end $$;
