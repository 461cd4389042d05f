-- A filter beside the fingerprints of a segment that merging has made: it says of most others that the segment lacks them,
-- in about a tenth of the bytes. Null in segments that batches wrote, which are small or young.
alter table ledger_segments add column filter bytea;
alter table ledger_segments alter column filter set storage external;
