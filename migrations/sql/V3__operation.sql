-- What operators' commands need.

-- A dead letter stays where it is when it is published again, so that nothing is lost should the second attempt be
-- refused, too: that makes a row of its own, whose record carries the header redrive-count. Both end with
-- DEAD_LETTER_RETENTION_DAYS.
alter table dead_letters
    add column redriven_at timestamptz,                 -- when it was last published again; null: never
    add column redrives    integer not null default 0;  -- how often

-- A partition can be set back (`consumer progress reset`), and a topic made anew counts from 0 again: then two batches
-- of one page may end at the same offset, and both have counted.
alter table ledger_segments drop constraint ledger_segments_pkey;
create index ledger_segments_page on ledger_segments (quarter, topic, kafka_partition, until);
