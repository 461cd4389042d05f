//! `consumer progress reset`: a person decides where partitions continue.

use super::ending::Ending;
use super::{console, moment};
use crate::limits::WATCH;
use crate::record::Offset;
use crate::record::place::Place;
use crate::settings::BadSetting;
use crate::source::cluster::{self, At, Cluster, Members, Right};
use crate::store::settings::Database;
use crate::store::{OperatorConnection, ProgressReset, ProgressRow, ResetOutcome};
use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// How long Kafka may take to act on what a member says that ends.
const LEAVING_WAIT_MAX: Duration = Duration::from_secs(5);
/// Between two looks at the group meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Settings of `consumer progress reset`.
#[derive(Debug, clap::Args)]
pub struct Reset {
    /// PostgreSQL, where the progress is.
    #[command(flatten)]
    pub database: Database,
    /// Kafka, where the offsets are.
    #[command(flatten)]
    pub cluster: cluster::Settings,
    /// The topic.
    #[arg(long)]
    pub topic: String,
    /// Only this partition; otherwise all partitions of the topic.
    #[arg(long, value_parser = clap::value_parser!(i32).range(0..))]
    pub partition: Option<i32>,
    /// earliest, latest, an offset that Kafka has, or a time like 2026-02-25T10:00:00Z: the first record stamped then or
    /// later.
    #[arg(long, value_parser = target)]
    pub to: Target,
    /// Report what would change, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Where to continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// At the oldest record Kafka has.
    Earliest,
    /// After the newest.
    Latest,
    /// At this offset.
    Offset(Offset),
    /// At the first record stamped then or later.
    Time(DateTime<Utc>),
}

fn target(text: &str) -> Result<Target, String> {
    match (text, text.parse::<i64>()) {
        ("earliest", _) => Ok(Target::Earliest),
        ("latest", _) => Ok(Target::Latest),
        (_, Ok(offset)) if offset >= 0 => Ok(Target::Offset(Offset(offset))),
        _ => DateTime::parse_from_rfc3339(text)
            .map(|time| Target::Time(time.to_utc()))
            .map_err(|_| "give earliest, latest, an offset, or a time like 2026-02-25T10:00:00Z".into()),
    }
}

/// The offsets that Kafka has of a partition, and where the partition is to continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Offsets {
    earliest: Offset,
    latest: Offset,
    to: Offset,
}

/// Resets the progress, or reports what that would do.
///
/// # Errors
/// When a member is live on a partition, or PostgreSQL or Kafka doesn't answer.
pub async fn reset(settings: &Reset) -> anyhow::Result<Ending> {
    let mut connection = OperatorConnection::open(&settings.database).await.context("PostgreSQL")?;
    let rows = connection.progress_rows(Some(&settings.topic)).await.context("PostgreSQL")?;
    let rows: HashMap<Place, ProgressRow> = rows.into_iter().map(|row| (row.place.clone(), row)).collect();
    let cluster = Cluster::new(&settings.cluster)?;
    let offsets = tokio::task::block_in_place(|| offsets(&cluster, settings))?;
    let resets: Vec<ProgressReset> =
        offsets.iter().map(|(place, offsets)| reset_of(place, rows.get(place), offsets.to)).collect();
    for (reset, offsets) in resets.iter().zip(offsets.values()) {
        console::answer(format_args!("{}: {}", reset.place, effect(reset.from, offsets)))?;
    }
    if let Some(floor) = connection.floor().await.context("PostgreSQL")? {
        let floor = moment::shown(Some(floor));
        console::tell(format_args!(
            "records read again are not counted twice; records older than {floor} are refused as too_old"
        ));
    }
    let live = live(&connection, &cluster, &resets).await?;
    match (live, settings.dry_run) {
        (Some(live), true) => console::tell(format_args!(
            "nothing is changed; without --dry-run it would be refused now: {live}"
        )),
        (None, true) => console::tell("nothing is changed"),
        (Some(live), false) => bail!("{live}; stop the members first"),
        (None, false) => {
            let topic_id = tokio::task::block_in_place(|| cluster.topic_id(&settings.topic));
            execute(&mut connection, &settings.topic, &topic_id.unwrap_or_default(), &resets).await?;
        }
    }
    Ok(Ending::Good)
}

async fn execute(
    connection: &mut OperatorConnection,
    topic: &str,
    topic_id: &str,
    resets: &[ProgressReset],
) -> anyhow::Result<()> {
    match connection.reset(topic, topic_id, resets).await.context("PostgreSQL")? {
        ResetOutcome::Done => {
            console::answer(format_args!("set {} partitions; members continue from there", resets.len()))?
        }
        ResetOutcome::MovedMeanwhile => {
            bail!("a member claimed a partition meanwhile, and nothing is changed; stop the members first")
        }
    }
    Ok(())
}

fn reset_of(place: &Place, row: Option<&ProgressRow>, to: Offset) -> ProgressReset {
    ProgressReset {
        place: place.clone(),
        epoch: row.map_or(0, |row| row.epoch),
        from: row.and_then(|row| row.next_offset),
        to,
    }
}

/// The offsets that Kafka has of the selected partitions, and where each is to continue.
fn offsets(cluster: &Cluster, settings: &Reset) -> anyhow::Result<BTreeMap<Place, Offsets>> {
    cluster.must_allow(&settings.topic, Right::Describe)?;
    let mut places = cluster.partitions(&settings.topic).context("Kafka")?;
    places.retain(|place| settings.partition.is_none_or(|partition| place.partition == partition));
    if places.is_empty() {
        let partition = settings.partition.map(|partition| format!(" partition {partition} of"));
        let what = format!("Kafka has no{} topic {}", partition.unwrap_or_default(), settings.topic);
        return Err(BadSetting(what).into());
    }
    let earliest = cluster.offsets(&places, At::Earliest).context("Kafka")?;
    let latest = cluster.offsets(&places, At::Latest).context("Kafka")?;
    let to = match settings.to {
        Target::Earliest => earliest.clone(),
        Target::Latest => latest.clone(),
        Target::Offset(offset) => places.iter().map(|place| (place.clone(), offset)).collect(),
        // If no record is stamped that late, Kafka names no offset; the end is meant.
        Target::Time(time) => {
            let mut found = latest.clone();
            found.extend(cluster.offsets(&places, At::Time(time)).context("Kafka")?);
            found
        }
    };
    let of = |place: &Place| {
        Some(Offsets { earliest: *earliest.get(place)?, latest: *latest.get(place)?, to: *to.get(place)? })
    };
    let mut all = BTreeMap::new();
    for place in places {
        let Some(offsets) = of(&place) else {
            bail!("Kafka does not say which offsets {place} has; try again");
        };
        let Offsets { earliest, latest, to } = offsets;
        if to < earliest || latest < to {
            let (to, earliest, latest) = (to.0, earliest.0, latest.0);
            return Err(BadSetting(format!("{place} has offsets {earliest} to {latest}, not {to}")).into());
        }
        all.insert(place, offsets);
    }
    Ok(all)
}

/// What a reset means for a partition's records, in words.
fn effect(from: Option<Offset>, offsets: &Offsets) -> String {
    let Offsets { earliest, latest, to } = *offsets;
    let Some(from) = from else {
        return format!("was never read; starts at {}, {} offsets before Kafka's end", to.0, latest.0 - to.0);
    };
    let moved = format!("from {} to {}", from.0, to.0);
    if latest < from {
        return format!("{moved}: Kafka's end is {}, so the topic was made anew", latest.0);
    }
    let gone = earliest.0 - from.0;
    let gone =
        if gone > 0 { format!("{gone} offsets are gone from Kafka, never counted; ") } else { String::new() };
    let reachable = from.max(earliest);
    let between = match to.0 - reachable.0 {
        0 => "nothing is skipped, nothing read again".to_owned(),
        ahead @ 1.. => format!("skips {ahead} offsets, which are not counted"),
        back => format!("reads {} offsets again; what the ledger remembers is not counted twice", -back),
    };
    format!("{moved}: {gone}{between}")
}

/// The member that holds one of the partitions now, in words. One that has just ended is listed for a moment longer.
async fn live(
    connection: &OperatorConnection,
    cluster: &Cluster,
    resets: &[ProgressReset],
) -> anyhow::Result<Option<String>> {
    tokio::task::block_in_place(|| cluster.must_show_group())?;
    let deadline = Instant::now() + LEAVING_WAIT_MAX;
    while let Some(listed) = listed(cluster, resets)? {
        if Instant::now() >= deadline {
            return Ok(Some(listed));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    moving(connection, resets).await
}

/// The member that Kafka lists on one of the partitions, in words.
fn listed(cluster: &Cluster, resets: &[ProgressReset]) -> anyhow::Result<Option<String>> {
    Ok(match tokio::task::block_in_place(|| cluster.members()).context("Kafka")? {
        Members::Nobody => None,
        Members::Rebalancing => Some("the consumer group is assigning partitions".into()),
        Members::Present(members) => {
            let holds = |member: &cluster::Member| {
                resets.iter().map(|reset| &reset.place).find(|place| member.holds.contains(place)).cloned()
            };
            let holder = members.iter().find_map(|member| Some((member, holds(member)?)));
            holder.map(|(member, place)| format!("{} is live on {place}", member.name))
        }
    })
}

/// Finds a partition that is still being counted, by watching its row: Kafka doesn't show members of another group. A member
/// that counts changes the rows of its partitions at least every [`WATCH`].
async fn moving(connection: &OperatorConnection, resets: &[ProgressReset]) -> anyhow::Result<Option<String>> {
    let topic = resets.first().map(|reset| &*reset.place.topic);
    let before = connection.progress_rows(topic).await.context("PostgreSQL")?;
    let is_reset = |row: &&ProgressRow| resets.iter().any(|reset| reset.place == row.place);
    if !before.iter().filter(is_reset).any(|row| row.owner.is_some()) {
        return Ok(None);
    }
    tokio::time::sleep(WATCH).await;
    let after = connection.progress_rows(topic).await.context("PostgreSQL")?;
    let moved = after.iter().filter(is_reset).find(|row| !before.contains(row));
    Ok(moved.map(|row| format!("{} is moved by {}", row.place, row.owner.as_deref().unwrap_or("somebody"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_words_offsets_and_times() {
        assert_eq!(target("earliest"), Ok(Target::Earliest));
        assert_eq!(target("12"), Ok(Target::Offset(Offset(12))));
        assert!(matches!(target("2026-02-25T10:00:00Z"), Ok(Target::Time(_))));
        for wrong in ["-1", "soon", "", "2026-02-25"] {
            assert!(target(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_effect_is_said_before_it_happens() {
        let check = |from: Option<i64>, (earliest, latest, to), expected: &str| {
            let offsets = Offsets { earliest: Offset(earliest), latest: Offset(latest), to: Offset(to) };
            let said = effect(from.map(Offset), &offsets);
            assert!(said.contains(expected), "{said}");
        };
        check(None, (0, 9, 0), "never read; starts at 0, 9 offsets");
        check(Some(5), (0, 9, 9), "skips 4 offsets");
        check(Some(5), (0, 9, 2), "reads 3 offsets again");
        check(Some(5), (0, 9, 5), "nothing is skipped");
        check(Some(5), (0, 3, 0), "made anew");
        check(Some(5), (7, 9, 7), "2 offsets are gone from Kafka, never counted; nothing is skipped");
        check(Some(5), (7, 9, 9), "2 offsets are gone from Kafka, never counted; skips 2 offsets");
    }
}
