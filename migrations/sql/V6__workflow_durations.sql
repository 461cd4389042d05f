-- How long workflow runs took, so that percentiles can be told of any hours.

-- A histogram of the hour's runs by duration, as one number: bucket b (domain/src/durations.rs says which durations those
-- are) counts its runs in units of 10^(12 b). So histograms are added up by adding numbers, in this table by the same
-- increments as its other counters, and in a question by sum(). A numeric keeps only the digits between its first and its
-- last bucket: about six bytes a bucket in between. Bucket b of a row alone is
--     trunc(durations / 10::numeric ^ (12 * b)) % 10::numeric ^ 12
-- Runs counted before this column are in none; percentiles are of the others.
alter table workflow_hourly_metrics add column durations numeric not null default 0;
