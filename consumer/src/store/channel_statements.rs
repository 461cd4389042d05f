//! The statements that count messages by channel, all from the same rows: what is added to hours.

use domain::channels::{CHANNELS_MAX, OTHER};

/// What a batch adds to channels' hours, a row each.
const HOURS: &str = "unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], \
                     $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[]) \
                     as w (o, c, hour, sent, delivered, sent_q2, delivered_q2, sent_q3, delivered_q3, sent_q4, delivered_q4)";

/// The names that are kept. A cluster reads what it joins on its own, so there the organizations of the rows (`$1`) are named, lest
/// it read all. One server looks each row's name up, and needs no such condition.
const fn kept(is_cluster: bool) -> &'static str {
    if is_cluster {
        "(select organization_id, channel from organization_channels \
          where organization_id in (select distinct o from unnest($1::text[]) as asked (o))) k"
    } else {
        "organization_channels k"
    }
}

const IN_KEY_ORDER: &str = "group by 1, 2, 3 order by w.o collate \"C\", 2, 3";

/// Keeps the names (`$1` organizations, `$2` channels) that fewer than [`CHANNELS_MAX`] kept ones precede. A name that belongs
/// to an organization's first is never refused so, whatever other members keep at the same time.
pub fn names(is_cluster: bool) -> String {
    let kept = kept(is_cluster);
    format!(
        "with new as materialized (
            select distinct w.o collate \"C\" as o, w.c collate \"C\" as c from unnest($1::text[], $2::text[]) as w (o, c)
            left join {kept} on k.organization_id = w.o and k.channel = w.c where w.c <> '{OTHER}' and k.channel is null
         )
         insert into organization_channels (organization_id, channel)
         select new.o, new.c from new
         left join {kept} on k.organization_id = new.o
                         and (octet_length(k.channel), k.channel) < (octet_length(new.c), new.c)
         group by 1, 2 having count(k.channel) < {CHANNELS_MAX} order by 1, 2
         on conflict do nothing"
    )
}

/// Adds to channels' hours.
pub fn hours(is_cluster: bool) -> String {
    let quarters: Vec<String> =
        (2..=4).flat_map(|quarter| ["sent", "delivered"].map(|what| format!("{what}_q{quarter}"))).collect();
    let names: String = quarters.iter().map(|column| format!(", messages_{column}")).collect();
    let sums: String = quarters.iter().map(|column| format!(", sum({column})::bigint")).collect();
    let sets: String = quarters
        .iter()
        .map(|column| format!("messages_{column}"))
        .map(|column| {
            format!("{column} = coalesce(t.{column} + excluded.{column}, t.{column}, excluded.{column}), ")
        })
        .collect();
    upsert("channel_hourly_metrics", "hour_bucket", "hour", [&names, &sums, &sets], kept(is_cluster))
}

/// Adds the same to channels' days.
pub fn days(is_cluster: bool) -> String {
    let day = "date_bin('1 day', hour, 'epoch')";
    upsert("channel_daily_metrics", "day_bucket", day, ["", "", ""], kept(is_cluster))
}

/// `more` are the names of more columns, their sums, and how they are set.
fn upsert(table: &str, column: &str, bucket: &str, [names, sums, sets]: [&str; 3], kept: &str) -> String {
    format!(
        "insert into {table} as t (organization_id, channel, {column}, messages_sent, messages_delivered{names}) \
         select w.o, coalesce(k.channel, '{OTHER}'), {bucket}, sum(sent)::bigint, sum(delivered)::bigint{sums} \
         from {HOURS} left join {kept} on k.organization_id = w.o and k.channel = w.c {IN_KEY_ORDER} \
         on conflict (organization_id, {column}, channel) do update \
         set messages_sent = t.messages_sent + excluded.messages_sent, \
             messages_delivered = t.messages_delivered + excluded.messages_delivered, {sets}updated_at = excluded.updated_at"
    )
}
