//! `consumer layout`: shows a topic's layout, and changes it without counting a record twice.

use super::console;
use super::ending::Ending;
use super::progress;
use crate::record::Offset;
use crate::record::layouts::{self, Announced, Layouts, heard, next_number};
use crate::record::place::Place;
use crate::settings::{BadSetting, duration};
use crate::source::cluster::{self, At, Cluster, Lacking, Right};
use crate::store::settings::Database;
use crate::store::{Closed, OperatorConnection};
use anyhow::{Context as _, bail};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Between two looks at how far the topic is counted.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Settings of `consumer layout show` and `change`.
#[derive(Debug, clap::Args)]
pub struct Layout {
    /// PostgreSQL, where the progress is.
    #[command(flatten)]
    pub database: Database,
    /// Kafka, where the topic is.
    #[command(flatten)]
    pub cluster: cluster::Settings,
    /// The topic.
    #[arg(long)]
    pub topic: String,
}

/// Settings of `consumer layout change`.
#[derive(Debug, clap::Args)]
pub struct Change {
    /// The topic, and where it is.
    #[command(flatten)]
    pub layout: Layout,
    /// Give the topic this many partitions in all. Without it the old layout is only closed: for a new style of key, or for
    /// partitions that you add yourself.
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
    pub partitions: Option<i32>,
    /// For how long the topic is watched: nothing may be written to it, since the producers must have stopped.
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub quiet_for: Duration,
    /// How long to wait until everything is counted.
    #[arg(long, default_value = "10m", value_parser = duration)]
    pub wait: Duration,
    /// How long to wait, before producers may go on, until members of every group that reads the topic have learned of the
    /// change. They look every ten seconds.
    #[arg(long, default_value = "15s", value_parser = duration)]
    pub learn_for: Duration,
    /// Check everything, all rights included, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Settings of `consumer layout announce`.
#[derive(Debug, clap::Args)]
pub struct Announce {
    /// The topic, and where it is.
    #[command(flatten)]
    pub layout: Layout,
}

type Ends = HashMap<Place, Offset>;

/// What is known about a topic's layouts.
struct Known {
    topic_id: String,
    /// What the database has.
    layouts: Layouts,
    /// What Kafka has, in order.
    announced: Vec<Announced>,
}

/// Shows a topic's layout, whether the topic is counted to its ends, and where earlier layouts ended.
///
/// # Errors
/// When PostgreSQL or Kafka doesn't answer.
pub async fn show(settings: &Layout) -> anyhow::Result<Ending> {
    let (connection, cluster) = settings.open().await?;
    let ends = settings.ends(&cluster)?;
    let behind = settings.behind(&connection, &ends).await?;
    let known = settings.known(&connection, &cluster).await?;
    console::answer(format_args!(
        "{}: layout {}, {} partitions, {behind} offsets behind",
        settings.topic,
        known.layouts.present(),
        ends.len()
    ))?;
    for (cut, ends) in known.layouts.cuts() {
        let ends: Vec<String> =
            ends.iter().map(|(partition, end)| format!("{partition} at {}", end.0)).collect();
        console::answer(format_args!("layout {cut} ended in partition {}", ends.join(", ")))?;
    }
    for missing in known.unheard(&settings.topic, &ends) {
        console::tell(format_args!(
            "{} doesn't say where layout {} ends, so an empty database would not learn it; run \
             `consumer layout announce --topic {}`",
            settings.cluster.layouts_topic, missing.layout, settings.topic
        ));
    }
    Ok(Ending::Good)
}

/// Announces in Kafka where the topic's layouts end, as far as only the database knows it.
///
/// # Errors
/// When PostgreSQL or Kafka doesn't answer, or Kafka refuses.
pub async fn announce(settings: &Announce) -> anyhow::Result<Ending> {
    let settings = &settings.layout;
    let (connection, cluster) = settings.open().await?;
    let known = settings.known(&connection, &cluster).await?;
    let unheard = settings.unheard(&known, &settings.ends(&cluster)?)?;
    for announced in &unheard {
        cluster.announce(announced).await.context("Kafka")?;
    }
    console::answer(format_args!("announced {} layouts of {}", unheard.len(), settings.topic))?;
    Ok(Ending::Good)
}

/// Changes a topic's layout, step by step, and announces each.
///
/// # Errors
/// When a step is refused, or PostgreSQL or Kafka doesn't answer. The error says whether the layout has changed.
pub async fn change(settings: &Change) -> anyhow::Result<Ending> {
    let layout = &settings.layout;
    let (mut connection, cluster) = layout.connect().await?;
    settings.must_be_allowed(&connection, &cluster).await?;
    let ends = settings.until_quiet_and_counted(&connection, &cluster).await?;
    if settings.dry_run {
        console::answer("everything is counted, and nothing is changed")?;
        return Ok(Ending::Good);
    }
    console::tell("3/5 ending the layout, in Kafka and in the database");
    let number = layout.end_layout(&mut connection, &cluster, &ends).await?;
    if let Some(count) = settings.partitions {
        console::tell(format_args!("4/5 adding partitions, up to {count}"));
        let added = cluster.extend(&layout.topic, count).await;
        added.context(
            "Kafka added no partitions; the old layout has ended: add them before producers go on",
        )?;
    }
    console::tell(format_args!("5/5 giving all members {:?} to learn it", settings.learn_for));
    tokio::time::sleep(settings.learn_for).await;
    let written =
        "records were written while the layout changed, and may be counted twice if they are sent again";
    layout.must_end_at(&cluster, &ends, written)?;
    console::answer(format_args!("{} has layout {number} now; producers may go on", layout.topic))?;
    Ok(Ending::Good)
}

impl Known {
    /// The ends of layouts that the database has and that nobody learns from Kafka.
    fn unheard(&self, topic: &str, ends: &Ends) -> Vec<Announced> {
        let heard = heard(&self.of(topic), end_of(topic, ends));
        let missing = self.layouts.cuts().iter().filter(|(cut, ends)| !heard.has(**cut, ends));
        let announced = |(cut, ends): (&i32, &layouts::Ends)| {
            let last = ends.last_key_value().map_or(0, |(last, _)| *last);
            let end = |partition| ends.get(&partition).map_or(0, |end| end.0);
            self.announcement(topic, *cut, (0..=last).map(end).collect())
        };
        missing.map(announced).collect()
    }

    /// What Kafka has about this topic.
    fn of(&self, topic: &str) -> Vec<&Announced> {
        self.announced.iter().filter(|announced| announced.is_about(topic, &self.topic_id)).collect()
    }

    fn announcement(&self, topic: &str, layout: i32, ends: Vec<i64>) -> Announced {
        Announced { topic: topic.to_owned(), topic_id: self.topic_id.clone(), layout, ends }
    }
}

/// Says which rights in Kafka are lacking; `None` if none is.
fn needs(lacking: &[Lacking]) -> Option<String> {
    let named: Vec<String> = lacking.iter().map(Lacking::named).collect();
    (!named.is_empty()).then(|| format!("this user of Kafka needs {} (ACLs)", named.join(", ")))
}

/// Where a topic's partitions end.
fn end_of<'a>(topic: &'a str, ends: &'a Ends) -> impl Fn(i32) -> Option<Offset> + Copy + 'a {
    move |partition| ends.get(&Place { topic: topic.to_owned(), partition }).copied()
}

impl Layout {
    /// What must be announced, so that Kafka tells all that the database knows.
    ///
    /// Fails if announcing doesn't help, because of records that come first and that no command wrote.
    fn unheard(&self, known: &Known, ends: &Ends) -> anyhow::Result<Vec<Announced>> {
        let (topic, mut about) = (&self.topic, known.of(&self.topic));
        let unheard = known.unheard(topic, ends);
        about.extend(&unheard);
        let heard = heard(&about, end_of(topic, ends));
        let is_hidden = known.layouts.cuts().iter().any(|(cut, ends)| !heard.has(*cut, ends));
        if heard.beyond.is_some() || is_hidden {
            bail!(
                "{} has records that no command wrote: they say that layouts of {topic} end where they don't. Delete the records of \
                 that topic (kafka-delete-records), run `consumer layout announce --topic {topic}`, and then this command \
                 again; nothing is changed",
                self.cluster.layouts_topic
            );
        }
        Ok(unheard)
    }

    async fn known(&self, connection: &OperatorConnection, cluster: &Cluster) -> anyhow::Result<Known> {
        let ask = || (cluster.topic_id(&self.topic), cluster.announced());
        let (topic_id, announced) = tokio::task::block_in_place(ask);
        let announced = announced.with_context(|| format!("Kafka's topic {}", self.cluster.layouts_topic))?;
        let topic_id = topic_id.unwrap_or_default();
        let layouts = connection.layouts(&self.topic, &topic_id).await.context("PostgreSQL")?;
        Ok(Known { topic_id, layouts, announced })
    }

    /// Ends the present layout at these ends; returns the number of the next. The end is announced first: what the database
    /// knows, Kafka knows.
    async fn end_layout(
        &self,
        connection: &mut OperatorConnection,
        cluster: &Cluster,
        ends: &Ends,
    ) -> anyhow::Result<i32> {
        let topic = &self.topic;
        let known = self.known(connection, cluster).await?;
        let unheard = self.unheard(&known, ends)?;
        let end_of = end_of(topic, ends);
        let heard = heard(&known.of(topic), end_of);
        // One that was announced and not stored: this command was interrupted.
        let is_it = |cut: &&Announced| {
            !known.layouts.cuts().contains_key(&cut.layout)
                && cut.ends.len() == ends.len()
                && cut.ends().iter().all(|(partition, end)| end_of(*partition) == Some(*end))
        };
        let closing = match heard.cuts.last().filter(is_it) {
            Some(announced) => announced.clone(),
            None => {
                for announced in &unheard {
                    cluster.announce(announced).await.context("Kafka; nothing is changed")?;
                }
                let number = next_number(&known.layouts, &heard)
                    .with_context(|| format!("{} has no number left", self.cluster.layouts_topic))?;
                let count = i32::try_from(ends.len())?;
                let all = (0..count).map(|partition| end_of(partition).map_or(0, |end| end.0));
                let announced = known.announcement(topic, number, all.collect());
                cluster.announce(&announced).await.context("Kafka; nothing is changed")?;
                announced
            }
        };
        self.stored(connection, &closing).await
    }

    /// Stores an end that is announced; returns the number of the layout that begins.
    async fn stored(&self, connection: &mut OperatorConnection, closing: &Announced) -> anyhow::Result<i32> {
        match connection.close_layout(closing).await.context("PostgreSQL; run the command again")? {
            Closed::Done => {
                let layouts =
                    connection.layouts(&self.topic, &closing.topic_id).await.context("PostgreSQL")?;
                Ok(layouts.present())
            }
            Closed::Behind(place) => bail!("{place} is not counted to its end; run the command again"),
        }
    }

    /// Connections to both, by a client that may see the topic and read of its layouts.
    async fn open(&self) -> anyhow::Result<(OperatorConnection, Cluster)> {
        let (connection, cluster) = self.connect().await?;
        let rights = self.rights(&cluster, Right::Describe);
        let lacking: Vec<Lacking> = rights.into_iter().filter_map(Result::err).collect();
        if let Some(needs) = needs(&lacking) {
            bail!("{needs}");
        }
        Ok((connection, cluster))
    }

    async fn connect(&self) -> anyhow::Result<(OperatorConnection, Cluster)> {
        let connection = OperatorConnection::open(&self.database).await.context("PostgreSQL")?;
        Ok((connection, Cluster::new(&self.cluster)?))
    }

    /// Whether this client has the right on the topic, and may read the layouts' topic.
    fn rights(&self, cluster: &Cluster, right: Right) -> [Result<(), Lacking>; 2] {
        let asked = [(&self.topic, right), (&self.cluster.layouts_topic, Right::Read)];
        tokio::task::block_in_place(|| asked.map(|(topic, right)| cluster.must_allow(topic, right)))
    }

    /// Where each of the topic's partitions ends.
    fn ends(&self, cluster: &Cluster) -> anyhow::Result<Ends> {
        let ask = || -> Result<_, cluster::KafkaError> {
            let places = cluster.partitions(&self.topic)?;
            let ends = cluster.offsets(&places, At::Acknowledged)?;
            Ok((places, ends))
        };
        let (places, ends) = tokio::task::block_in_place(ask).context("Kafka")?;
        if places.is_empty() {
            return Err(BadSetting(format!("Kafka has no topic {}", self.topic)).into());
        }
        if let Some(place) = places.iter().find(|place| !ends.contains_key(place)) {
            bail!("Kafka does not say where {place} ends; try again");
        }
        Ok(ends)
    }

    /// Fails unless the partitions still end there, and new partitions are empty.
    fn must_end_at(&self, cluster: &Cluster, ends: &Ends, otherwise: &str) -> anyhow::Result<()> {
        let now = self.ends(cluster)?;
        let more = now.iter().find(|(place, end)| **end != ends.get(place).copied().unwrap_or(Offset(0)));
        match more {
            Some((place, end)) => {
                let before = ends.get(place).map_or(0, |end| end.0);
                bail!("{place} ended at {before} and ends at {}: {otherwise}", end.0)
            }
            None => Ok(()),
        }
    }

    /// How many offsets are not counted yet.
    async fn behind(&self, connection: &OperatorConnection, ends: &Ends) -> anyhow::Result<i64> {
        let rows = connection.progress_rows(Some(&self.topic)).await.context("PostgreSQL")?;
        let next: HashMap<_, _> = rows.iter().map(|row| (&row.place, row.next_offset)).collect();
        let behind = ends.iter().map(|(place, end)| match next.get(place).copied().flatten() {
            Some(next) => (end.0 - next.0).max(0),
            // A partition that was never read is behind, even if it is empty.
            None => end.0.max(1),
        });
        Ok(behind.sum())
    }
}

/// Says why a topic that has so many partitions isn't given `wanted` ones, if that wouldn't add any.
fn adds_none(topic: &str, has: usize, wanted: i32) -> Option<String> {
    match usize::try_from(wanted).unwrap_or_default().cmp(&has) {
        Ordering::Greater => None,
        Ordering::Less => {
            Some(format!("{topic} has {has} partitions; Kafka can't remove any; nothing is changed"))
        }
        Ordering::Equal => Some(format!(
            "{topic} has {has} partitions already; nothing is changed. If an interrupted run of this command has added them, nothing \
             is left to do: `consumer layout show` says where the layout before ended. If they were added otherwise, or the style of \
             key changes, leave --partitions out"
        )),
    }
}

impl Change {
    /// Fails unless every right that the change needs is there, in Kafka and in PostgreSQL, and names all that are missing.
    async fn must_be_allowed(
        &self,
        connection: &OperatorConnection,
        cluster: &Cluster,
    ) -> anyhow::Result<()> {
        let right = if self.partitions.is_some() { Right::Alter } else { Right::Describe };
        let rights = self.layout.rights(cluster, right);
        let sees_topic = rights[0].is_ok();
        let mut lacking: Vec<Lacking> = rights.into_iter().filter_map(Result::err).collect();
        if sees_topic {
            self.must_add(&self.layout.ends(cluster)?)?;
            lacking.extend(self.lacking_to_add(cluster).await?);
        }
        lacking.extend(cluster.lacking_to_announce().await.context("Kafka")?);
        let tables = connection.rights_lacking_for_layouts().await.context("PostgreSQL")?;
        let of_tables =
            (!tables.is_empty()).then(|| format!("this role of PostgreSQL needs {}", tables.join(", ")));
        let all: Vec<String> = needs(&lacking).into_iter().chain(of_tables).collect();
        if !all.is_empty() {
            bail!("{}; nothing is changed", all.join("; "));
        }
        Ok(())
    }

    /// The right to add partitions, if it is lacking.
    async fn lacking_to_add(&self, cluster: &Cluster) -> anyhow::Result<Option<Lacking>> {
        let Some(count) = self.partitions else { return Ok(None) };
        let topic = &self.layout.topic;
        let lacking = cluster.lacking_to_extend(topic, count).await;
        lacking
            .with_context(|| format!("Kafka would not give {topic} {count} partitions; nothing is changed"))
    }

    /// Fails if partitions are asked for, and the topic has as many already.
    fn must_add(&self, ends: &Ends) -> anyhow::Result<()> {
        let wrong = self.partitions.and_then(|wanted| adds_none(&self.layout.topic, ends.len(), wanted));
        wrong.map_or(Ok(()), |what| Err(BadSetting(what).into()))
    }

    /// Waits until nothing is written any more and everything is counted; returns where the partitions end. The end of a dead
    /// producer's transaction is a record of Kafka's own, written while this waits: then it looks again.
    async fn until_quiet_and_counted(
        &self,
        connection: &OperatorConnection,
        cluster: &Cluster,
    ) -> anyhow::Result<Ends> {
        let since = Instant::now();
        loop {
            let ends = self.layout.ends(cluster)?;
            console::tell(format_args!(
                "1/5 watching {} for {:?}: nothing may be written to it",
                self.layout.topic, self.quiet_for
            ));
            tokio::time::sleep(self.quiet_for).await;
            self.layout.must_end_at(cluster, &ends, "stop the producers first; nothing is changed")?;
            console::tell("2/5 waiting until everything is counted");
            self.until_counted(connection, cluster, &ends, since).await?;
            if self.layout.ends(cluster)? == ends {
                return Ok(ends);
            }
        }
    }

    async fn until_counted(
        &self,
        connection: &OperatorConnection,
        cluster: &Cluster,
        ends: &Ends,
        since: Instant,
    ) -> anyhow::Result<()> {
        let mut advance = console::Advance::start();
        loop {
            let behind = self.layout.behind(connection, ends).await?;
            if behind == 0 {
                return Ok(());
            }
            if since.elapsed() > self.wait {
                let open =
                    tokio::task::block_in_place(|| cluster.open_transactions(ends)).context("Kafka")?;
                let why = open.iter().next().map_or("are members running?".to_owned(), |(place, open)| {
                    format!("a producer's transaction is open in {place}: {}", progress::in_words(open))
                });
                bail!(
                    "{behind} offsets of {} are not counted after {:?}; nothing is changed: {why}",
                    self.layout.topic,
                    self.wait
                );
            }
            advance.at(format_args!("{behind} offsets to go"));
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_greater_number_of_partitions_is_asked_for() {
        let check = |has, wanted, expected: Option<&str>| {
            let said = adds_none("t", has, wanted);
            let is_right = match expected {
                Some(part) => said.as_ref().is_some_and(|said| said.contains(part)),
                None => said.is_none(),
            };
            assert!(is_right, "{wanted} of {has}: {said:?}");
        };
        check(6, 7, None);
        check(6, 6, Some("t has 6 partitions already; nothing is changed"));
        check(6, 5, Some("Kafka can't remove any; nothing is changed"));
    }
}
