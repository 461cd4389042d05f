-- Messages by channel: a part of the counters of hours and days, written in the same transaction. What of those is in no row
-- here had no channel, or was counted by a member that knew none.

-- The names of an organization's channels. Whoever counts a name keeps it here unless 32 that precede it are kept; so the first
-- 32 of all names ever counted are always among them, whoever counts what when.
create table organization_channels (
    organization_id text collate "C" not null,
    channel         text collate "C" not null,
    primary key (organization_id, channel)
);

-- The channels that have a name in answers: short names before long ones, so that ids in place of names don't crowd out
-- "email". All others are summed up as 'other' by whoever reads, as they are here where a name was not kept at the time.
create view kept_channels as
select organization_id, channel
from (select organization_id, channel,
             row_number() over (partition by organization_id order by octet_length(channel), channel) as place
      from organization_channels) as named
where place <= 32;

create table channel_hourly_metrics (
    organization_id       text collate "C" not null,
    channel               text collate "C" not null,
    hour_bucket           timestamptz not null,
    messages_sent         bigint not null default 0,
    messages_delivered    bigint not null default 0,
    -- What the hour's 2nd, 3rd and 4th quarter added; null if nothing. What is left is the 1st quarter's.
    messages_sent_q2      bigint,
    messages_delivered_q2 bigint,
    messages_sent_q3      bigint,
    messages_delivered_q3 bigint,
    messages_sent_q4      bigint,
    messages_delivered_q4 bigint,
    updated_at            timestamptz not null default now(),
    primary key (organization_id, hour_bucket, channel)
) with (fillfactor = 70);
create index channel_hourly_metrics_by_time on channel_hourly_metrics using brin (hour_bucket) with (autosummarize = on);

create table channel_daily_metrics (
    organization_id    text collate "C" not null,
    channel            text collate "C" not null,
    day_bucket         timestamptz not null,          -- UTC midnight
    messages_sent      bigint not null default 0,
    messages_delivered bigint not null default 0,
    updated_at         timestamptz not null default now(),
    primary key (organization_id, day_bucket, channel)
) with (fillfactor = 50);
create index channel_daily_metrics_by_time on channel_daily_metrics using brin (day_bucket) with (autosummarize = on);

-- The quarters, for whoever reads them. A question about some of them had better bound hour_bucket, too: that is indexed.
create view channel_quarter_metrics as
select h.organization_id, h.channel, h.hour_bucket, h.hour_bucket + q.since_hour as quarter_bucket,
       q.messages_sent, q.messages_delivered
from channel_hourly_metrics h cross join lateral (values
    (interval '0 minutes',
     h.messages_sent - coalesce(h.messages_sent_q2, 0) - coalesce(h.messages_sent_q3, 0) - coalesce(h.messages_sent_q4, 0),
     h.messages_delivered - coalesce(h.messages_delivered_q2, 0) - coalesce(h.messages_delivered_q3, 0)
                          - coalesce(h.messages_delivered_q4, 0)),
    (interval '15 minutes', coalesce(h.messages_sent_q2, 0), coalesce(h.messages_delivered_q2, 0)),
    (interval '30 minutes', coalesce(h.messages_sent_q3, 0), coalesce(h.messages_delivered_q3, 0)),
    (interval '45 minutes', coalesce(h.messages_sent_q4, 0), coalesce(h.messages_delivered_q4, 0))
) as q (since_hour, messages_sent, messages_delivered);

-- A batch of many organizations updates most rows of a day's pages: only where there is room for a second version of each is
-- that done in place.
alter table org_daily_metrics set (fillfactor = 50);

-- From when on all members count channels: set when this migration is finished, and at once where nothing was counted before.
alter table roll_ups add column channels_since timestamptz not null default 'infinity';
do $$
begin
    if not exists (select from org_hourly_metrics) then
        update roll_ups set channels_since = '-infinity';
        update ledger_floor set finished = 11;
    end if;
end $$;
