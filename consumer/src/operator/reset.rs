//! `consumer progress reset`: where partitions go on, set by a person.

use super::ending::Ending;
use super::{console, moment};
use crate::record::Offset;
use crate::record::place::Place;
use crate::settings::BadSetting;
use crate::source::cluster::{self, At, Cluster, Members};
use crate::store::settings::Database;
use crate::store::{ProgressReset, ProgressRow, ResetOutcome, Session};
use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// A member that counts changes its partitions' rows every second; one that none changes within this is held by nobody.
const WATCH: Duration = Duration::from_millis(2_500);

/// Settings of `consumer progress reset`.
#[derive(Debug, clap::Args)]
pub struct Reset {
    /// PostgreSQL, where the progress is.
    #[command(flatten)]
    pub database: Database,
    /// Kafka, whose offsets are meant.
    #[command(flatten)]
    pub cluster: cluster::Settings,
    /// The topic.
    #[arg(long)]
    pub topic: String,
    /// Only this partition; without it all of the topic.
    #[arg(long, value_parser = clap::value_parser!(i32).range(0..))]
    pub partition: Option<i32>,
    /// earliest, latest, an offset that Kafka has, or a time like 2026-02-25T10:00:00Z: the first record stamped then or
    /// later.
    #[arg(long, value_parser = target)]
    pub to: Target,
    /// Say what would change, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Where to go on.
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

/// What Kafka has of a partition, and where it is to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Offsets {
    earliest: Offset,
    latest: Offset,
    to: Offset,
}

/// Sets it, or says what it would do.
///
/// # Errors
/// When it is refused, or PostgreSQL or Kafka doesn't answer.
pub async fn reset(settings: &Reset) -> anyhow::Result<Ending> {
    let mut session = Session::open(&settings.database.database_url).await.context("PostgreSQL")?;
    let stands = session.stands(Some(&settings.topic)).await.context("PostgreSQL")?;
    let stands: HashMap<Place, ProgressRow> =
        stands.into_iter().map(|stand| (stand.place.clone(), stand)).collect();
    let cluster = Cluster::new(&settings.cluster)?;
    let offsets = tokio::task::block_in_place(|| offsets(&cluster, settings))?;
    let wanted: Vec<ProgressReset> =
        offsets.iter().map(|(place, offsets)| setting(place, stands.get(place), offsets.to)).collect();
    for (setting, offsets) in wanted.iter().zip(offsets.values()) {
        console::answer(format_args!("{}: {}", setting.place, effect(setting.from, offsets)))?;
    }
    if let Some(floor) = session.floor().await.context("PostgreSQL")? {
        let floor = moment::shown(Some(floor));
        console::tell(format_args!(
            "records read again are not counted twice; those before {floor} are refused as too_old"
        ));
    }
    let live = live(&session, &cluster, &wanted).await?;
    match (live, settings.dry_run) {
        (Some(live), true) => {
            console::tell(format_args!("nothing is changed, and now it would be refused: {live}"))
        }
        (None, true) => console::tell("nothing is changed"),
        (Some(live), false) => bail!("{live}; stop the members first"),
        (None, false) => set(&mut session, &wanted).await?,
    }
    Ok(Ending::Good)
}

async fn set(session: &mut Session, wanted: &[ProgressReset]) -> anyhow::Result<()> {
    match session.set(wanted).await.context("PostgreSQL")? {
        ResetOutcome::Done => {
            console::answer(format_args!("set {} partitions; members go on from there", wanted.len()))?
        }
        ResetOutcome::MovedMeanwhile => {
            bail!("a member claimed a partition meanwhile, and nothing is changed; stop the members first")
        }
    }
    Ok(())
}

fn setting(place: &Place, stand: Option<&ProgressRow>, to: Offset) -> ProgressReset {
    ProgressReset {
        place: place.clone(),
        epoch: stand.map_or(0, |stand| stand.epoch),
        from: stand.and_then(|stand| stand.next_offset),
        to,
    }
}

/// What Kafka has of the partitions meant, and the offset that each is to be set to.
fn offsets(cluster: &Cluster, settings: &Reset) -> anyhow::Result<BTreeMap<Place, Offsets>> {
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
        // No record is stamped that late: Kafka then names none, and the end is meant.
        Target::Time(time) => {
            let found = cluster.offsets(&places, At::Time(time)).context("Kafka")?;
            places
                .iter()
                .filter_map(|place| Some((place.clone(), *found.get(place).or(latest.get(place))?)))
                .collect()
        }
    };
    let mut all = BTreeMap::new();
    for place in places {
        let (Some(&earliest), Some(&latest), Some(&to)) =
            (earliest.get(&place), latest.get(&place), to.get(&place))
        else {
            bail!("Kafka does not say what it has of {place}; try again");
        };
        if to < earliest || latest < to {
            let (to, earliest, latest) = (to.0, earliest.0, latest.0);
            return Err(BadSetting(format!("{place} has offsets {earliest} to {latest}, not {to}")).into());
        }
        all.insert(place, Offsets { earliest, latest, to });
    }
    Ok(all)
}

/// What setting a partition means for its records, in words.
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

/// Who holds one of the partitions now, in words.
async fn live(
    session: &Session,
    cluster: &Cluster,
    wanted: &[ProgressReset],
) -> anyhow::Result<Option<String>> {
    match tokio::task::block_in_place(|| cluster.members()).context("Kafka")? {
        Members::Nobody => {}
        Members::Rebalancing => return Ok(Some("the consumer group is dealing partitions out".into())),
        Members::Present(members) => {
            let holds = |member: &cluster::Member| {
                wanted.iter().map(|setting| &setting.place).find(|place| member.may_hold(place)).cloned()
            };
            let holder = members.iter().find_map(|member| Some((member, holds(member)?)));
            if let Some((member, place)) = holder {
                return Ok(Some(format!("{} is live on {place}", member.name)));
            }
        }
    }
    moving(session, wanted).await
}

/// Which of the partitions moves, whatever Kafka says: members may be of another group.
async fn moving(session: &Session, wanted: &[ProgressReset]) -> anyhow::Result<Option<String>> {
    let topic = wanted.first().map(|setting| &*setting.place.topic);
    let before = session.stands(topic).await.context("PostgreSQL")?;
    let meant = |stand: &&ProgressRow| wanted.iter().any(|setting| setting.place == stand.place);
    if !before.iter().filter(meant).any(|stand| stand.owner.is_some()) {
        return Ok(None);
    }
    tokio::time::sleep(WATCH).await;
    let after = session.stands(topic).await.context("PostgreSQL")?;
    let moved = after.iter().filter(meant).find(|stand| !before.contains(stand));
    Ok(moved
        .map(|stand| format!("{} is moved by {}", stand.place, stand.owner.as_deref().unwrap_or("somebody"))))
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
