-- The roles of PostgreSQL that the binaries use, each with the rights that it needs and no others.
--
--     psql --set ON_ERROR_STOP=1 --dbname metrics --file roles.sql
--
-- Run it as a superuser in the database: before the first `consumer migrate`, and again after each `consumer migrate` that has
-- applied something, before members and query-apis of the new version start. Until then the consumer may write new tables, and
-- query-api may not read them. Each run sets exactly these rights, whatever they were; running it twice changes nothing. It
-- also turns a database over to these roles that was migrated by another one. Members may count meanwhile. If somebody holds a
-- lock on a table that changes its owner, it gives way after two seconds: run it again.
--
--     business_metrics_owner       `consumer migrate`: owns everything but what the next one owns
--     business_metrics_partitions  nobody logs in as this one. It owns the tables that are partitioned by time
--     business_metrics_consumer    `consumer run` and all other commands
--     business_metrics_api         `query-api`: reads what it answers with, and writes the settings that organizations change there.
--                                  Neither the ledger and its key, nor dead letters, which have payloads; nor what it has written
--                                  into the audit. It alone reads and writes webhooks, which have secrets
--     business_metrics_eraser      `consumer erase`: deletes organizations' rows from all tables. It reads the columns by which rows are
--                                  named, the counters of hours, and no payloads and secrets
--
-- Four may log in once they have a password (`\password business_metrics_api`) or a line in pg_hba.conf.
--
-- Why the consumer is a member of the owner of partitioned tables: it makes their days ahead and drops them, and only an owner
-- may attach a partition. It can delete every row of these tables anyway, since it merges them, so owning them gives it nothing
-- that matters. All other tables it can neither alter nor drop.
do $roles$
declare
    -- A right to delete is for `consumer recount --repair`, or for retention.
    counted constant text := 'select, insert, update, delete';
    partitioned constant text[] := array['ledger_segments', 'org_quarter_hourly_metrics'];
    named record;
    owner text;
begin
    perform set_config('lock_timeout', '2s', true);

    for named in values ('business_metrics_owner', 'login'), ('business_metrics_partitions', 'nologin'),
                        ('business_metrics_consumer', 'login'), ('business_metrics_api', 'login'),
                        ('business_metrics_eraser', 'login') loop
        begin
            if not exists (select from pg_roles where rolname = named.column1) then
                execute format('create role %I %s', named.column1, named.column2);
            end if;
        exception when duplicate_object or unique_violation then
            null; -- Another database's run has made it at the same time.
        end;
    end loop;
    for named in values ('business_metrics_owner'), ('business_metrics_consumer') loop
        begin
            if not exists (select from pg_auth_members where roleid = 'business_metrics_partitions'::regrole
                                                         and member = named.column1::regrole) then
                execute format('grant business_metrics_partitions to %I', named.column1);
            end if;
        exception when unique_violation then
            null;
        end;
    end loop;

    execute format('grant connect on database %I to business_metrics_owner, business_metrics_consumer, business_metrics_api,
                                                    business_metrics_eraser', current_database());
    execute format('grant usage on schema %I to business_metrics_consumer, business_metrics_api, business_metrics_eraser',
                   current_schema());
    execute format('grant usage, create on schema %I to business_metrics_owner, business_metrics_partitions', current_schema());

    -- Tables that a migration adds. Members of the former version write some of them, by triggers, as soon as they are there.
    execute format('alter default privileges for role business_metrics_owner in schema %I grant %s on tables to business_metrics_consumer',
                   current_schema(), counted);

    -- Tables and views with the rights of query-api and of the consumer.
    for named in
        select name, of_api, of_consumer, to_regclass(quote_ident(current_schema()) || '.' || name) as relation
        from (values
            ('refinery_schema_history', 'select', 'select'),
            ('organizations', 'select', counted),
            ('org_hourly_metrics', 'select', counted),
            ('org_daily_metrics', 'select', counted),
            ('org_quarter_metrics', 'select', 'select'),
            ('workflow_hourly_metrics', 'select', counted),
            ('workflow_daily_metrics', 'select', counted),
            ('workflow_failures', 'select', counted),
            ('organization_channels', '', counted),
            ('organization_thresholds', 'select, insert, update', ''),
            ('organization_links', 'select, insert, update', ''),
            ('settings_changes', 'insert', ''),
            ('kept_channels', 'select', 'select'),
            ('channel_hourly_metrics', 'select', counted),
            ('channel_daily_metrics', 'select', counted),
            ('channel_quarter_metrics', 'select', 'select'),
            ('quarters_known', 'select', 'select'),
            ('roll_ups', 'select', 'select'),
            ('consumer_progress', 'select', counted),
            ('ledger_floor', '', 'select, update'),
            ('ledger_key', '', 'select'),
            ('ledger_tails', '', counted),
            ('ledger_segments', '', ''),
            ('org_quarter_hourly_metrics', '', ''),
            ('dead_letters', '', counted),
            ('dead_letter_runs', '', counted),
            ('organization_refusals', 'select', counted),
            ('topic_layouts', '', counted),
            ('topic_incarnations', '', counted),
            -- With the secrets that sign messages: nobody else reads them.
            ('webhook_endpoints', counted, ''),
            ('alert_evaluations', counted, ''),
            ('alert_states', counted, ''),
            ('webhook_deliveries', counted, ''),
            ('erasures', '', 'select'),
            ('erasure_boundaries', '', 'select'),
            ('erased_counters', '', 'select, delete')
        ) as all_of_them (name, of_api, of_consumer)
    loop
        continue when named.relation is null; -- A former version's, or a later one's.
        owner := case when named.name = any(partitioned) then 'business_metrics_partitions' else 'business_metrics_owner' end;
        if (select relowner <> owner::regrole from pg_class where oid = named.relation) then
            execute format('alter table %s owner to %I', named.relation, owner);
        end if;
        execute format('revoke all on %s from business_metrics_api, business_metrics_consumer, business_metrics_eraser', named.relation);
        if named.of_api <> '' then
            execute format('grant %s on %s to business_metrics_api', named.of_api, named.relation);
        end if;
        if named.of_consumer <> '' then
            execute format('grant %s on %s to business_metrics_consumer', named.of_consumer, named.relation);
        end if;
    end loop;

    -- What erases organizations names rows by their keys, and needs no other column, but the hours' counters for the audit.
    for named in
        select name, of_eraser, to_regclass(quote_ident(current_schema()) || '.' || name) as relation
        from (values
            ('refinery_schema_history', 'select'),
            ('consumer_progress', 'select'),
            ('ledger_floor', 'select, update'), -- An exclusive lock needs a right to change.
            ('erasures', 'select, insert, update'),
            ('erasure_boundaries', 'select, insert'),
            ('erased_counters', 'select, insert, update'),
            ('org_hourly_metrics', 'select, delete'),
            ('org_daily_metrics', 'select (organization_id, day_bucket), delete'),
            ('workflow_hourly_metrics', 'select (organization_id, workflow_id, hour_bucket), delete'),
            ('workflow_daily_metrics', 'select (organization_id, workflow_id, day_bucket), delete'),
            ('channel_hourly_metrics', 'select (organization_id, hour_bucket, channel), delete'),
            ('channel_daily_metrics', 'select (organization_id, day_bucket, channel), delete'),
            ('organization_channels', 'select (organization_id, channel), delete'),
            ('workflow_failures', 'select (organization_id, execution_id), delete'),
            ('organizations', 'select (organization_id), delete'),
            ('organization_refusals', 'select (organization_id, quarter_bucket, topic, reason, guessed), delete'),
            ('organization_thresholds', 'select (organization_id), delete'),
            ('organization_links', 'select (organization_id), delete'),
            ('settings_changes', 'select (organization_id, setting, revision), delete'),
            ('webhook_deliveries', 'select (organization_id, endpoint_id, message_id), delete'),
            ('webhook_endpoints', 'select (organization_id, endpoint_id), delete'),
            ('alert_states', 'select (organization_id, alert_key), delete'),
            ('alert_evaluations', 'select (organization_id), delete'),
            ('dead_letters', 'select (topic, topic_id, kafka_partition, kafka_offset, organization_id, organization_from_key, rejected_at), delete')
        ) as all_of_them (name, of_eraser)
    loop
        continue when named.relation is null;
        begin
            execute format('grant %s on %s to business_metrics_eraser', named.of_eraser, named.relation);
        exception when undefined_column then
            null; -- A former version's table.
        end;
    end loop;

    -- Partitions belong to the owner of their table.
    for named in
        select i.inhrelid::regclass as relation
        from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
        where p.relname = any(partitioned) and c.relkind = 'r' and c.relowner <> p.relowner
    loop
        execute format('alter table %s owner to business_metrics_partitions', named.relation);
    end loop;

    -- What carries counts while an upgrade isn't finished. Triggers run with the rights of whoever writes.
    for named in
        select oid::regprocedure as routine from pg_proc
        where proname in ('carry_quarters', 'carry_workflow') and pronamespace = current_schema()::regnamespace
    loop
        execute format('alter function %s owner to business_metrics_owner', named.routine);
    end loop;
end $roles$;
