-- Thresholds that organizations set themselves, in place of those that the alerts come with. query-api reads and writes them;
-- members know nothing of them.

-- An organization that never changed any has no row. A row is never deleted: its revision must not begin anew.
create table organization_thresholds (
    organization_id text collate "C" primary key,
    revision        bigint not null check (revision >= 0),   -- raised by each change
    -- By alert, of those with thresholds of their own: {"warning", "critical", "leastSample", "updatedAt", "updatedBy"}. A number
    -- that is missing is the alert's default.
    thresholds      jsonb not null check (jsonb_typeof(thresholds) = 'object'),
    updated_at      timestamptz not null default now(),
    updated_by      text                                     -- the token's subject, if it had one
);

-- Who has changed which settings, when, and how: written in the change's own transaction, and never altered.
create table settings_changes (
    organization_id text collate "C" not null,
    setting         text collate "C" not null,               -- such as 'thresholds'
    revision        bigint not null,                         -- of this setting, from 1 on
    changed_at      timestamptz not null default now(),
    changed_by      text,                                    -- the token's subject, if it had one
    before          jsonb not null,
    after           jsonb not null,
    primary key (organization_id, setting, revision)
);

-- Nothing of the former version has to be carried, so nothing is left to finish.
update ledger_floor set finished = 12 where finished = 11;
