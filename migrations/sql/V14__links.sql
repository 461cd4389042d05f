-- Links into systems of organizations: how the address of a run there is made. query-api reads and writes them; members know nothing
-- of them.

-- Of the same shape as organization_thresholds, so that the same statements serve both. A table of its own, not rows beside the
-- thresholds in one: query-apis of the former version go on with that table, as it is, while this migration is applied.
create table organization_links (
    organization_id text collate "C" primary key,
    revision        bigint not null check (revision >= 0),   -- raised by each change; a row is never deleted
    -- {"run": {"template", "updatedAt", "updatedBy"}}; without a link, {}.
    links           jsonb not null check (jsonb_typeof(links) = 'object'),
    updated_at      timestamptz not null default now(),
    updated_by      text                                     -- the token's subject, if it had one
);

-- Nothing is kept for members of the version before: an upgrade that was finished stays so.
update ledger_floor set finished = 14 where finished >= 11;
