-- Records that are to be published. A record is written in the transaction of what it is about: both exist, or neither.
create table if not exists outbox (
    id uuid primary key default gen_random_uuid(),
    topic text not null,
    key text not null, -- the organization's id
    value bytea not null, -- the record: plain protobuf, with the time at which it happened
    created_at timestamptz not null default now()
);

-- The business's own table.
create table if not exists orders (
    organization_id text not null,
    order_id text not null,
    placed_at timestamptz not null,
    primary key (organization_id, order_id)
);
