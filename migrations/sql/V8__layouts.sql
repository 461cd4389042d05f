-- Where the layouts of the topics end. A layout is a way in which a topic's records are spread over its partitions; when
-- the number of partitions or the style of key changes, the layout of before ends in each partition at an offset. So the
-- layout of a record is a function of its partition and offset, whenever it is read. Never deleted while the ledger may
-- have pages of the layout.
create table topic_layouts (
    topic            text collate "C" not null,
    topic_id         text collate "C" not null,   -- Kafka's id of the topic; '' where it was not known
    cut              integer not null,            -- the first change of the topic's layout is 1
    kafka_partition  integer not null,            -- one that is missing had no record then
    ends_at          bigint not null,             -- the offset of the first record of the next layout
    primary key (topic, topic_id, cut, kafka_partition)
);

-- The number of a topic's first layout. A topic that was deleted and made anew has another id, and begins one that the ledger
-- has no pages of; each cut c begins layout first_layout + c.
create table topic_incarnations (
    topic            text collate "C" not null,
    topic_id         text collate "C" not null,
    first_layout     integer not null,
    primary key (topic, topic_id)
);

-- Layouts were a number beside the progress, without their ends. Each is taken to end where its partition stands now:
-- all that is counted from now on has the number it would have had. Any place is safe to end a layout at.
insert into topic_incarnations (topic, topic_id, first_layout)
select distinct topic, topic_id, 1 from consumer_progress where topic_id is not null;

insert into topic_layouts (topic, topic_id, cut, kafka_partition, ends_at)
select p.topic, coalesce(p.topic_id, ''), c.cut, p.kafka_partition, coalesce(p.next_offset, 0)
from consumer_progress p
cross join lateral generate_series(
    1, (select max(o.layout) - 1 from consumer_progress o where o.topic = p.topic)) as c (cut);

comment on column consumer_progress.layout is
    'Not read any more: topic_layouts has the layouts. Kept for members of the version before.';

-- The epoch of the partition's leader that took in the record before next_offset. Kafka compares it with its own history: a log
-- that was put back and has grown again is told from the one that was read (KIP-320). Null where it is not known.
alter table consumer_progress add column leader_epoch integer;

-- How many records lay in another partition than their key's, by murmur2 over the topic's partitions, and when that was last
-- counted: their producer has another partitioner.
alter table consumer_progress add column misplaced bigint not null default 0;
alter table consumer_progress add column misplaced_at timestamptz;
