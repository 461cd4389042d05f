//! `consumer layout`: shows a topic's layout, and changes it without counting a record twice.

use super::console;
use super::ending::Ending;
use super::progress;
use crate::record::Offset;
use crate::record::place::Place;
use crate::settings::{BadSetting, duration};
use crate::source::cluster::{self, At, Cluster};
use crate::store::settings::Database;
use crate::store::{OperatorConnection, Raised};
use anyhow::{Context as _, bail};
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
    /// Check everything, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

type Ends = HashMap<Place, Offset>;

/// Shows a topic's layout, and whether the topic is counted to its ends.
///
/// # Errors
/// When PostgreSQL or Kafka doesn't answer.
pub async fn show(settings: &Layout) -> anyhow::Result<Ending> {
    let (connection, cluster) = settings.open().await?;
    let ends = settings.ends(&cluster)?;
    let behind = settings.behind(&connection, &ends).await?;
    let layout = connection.layout(&settings.topic).await.context("PostgreSQL")?;
    let number = layout.map_or("never read".into(), |layout| format!("layout {layout}"));
    console::answer(format_args!(
        "{}: {number}, {} partitions, {behind} offsets behind",
        settings.topic,
        ends.len()
    ))?;
    Ok(Ending::Good)
}

/// Changes a topic's layout, step by step, and announces each.
///
/// # Errors
/// When a step is refused, or PostgreSQL or Kafka doesn't answer. The error says whether the layout has changed.
pub async fn change(settings: &Change) -> anyhow::Result<Ending> {
    let layout = &settings.layout;
    let (mut connection, cluster) = layout.open().await?;
    let ends = layout.ends(&cluster)?;
    let more = settings.more_partitions(&ends)?;
    console::tell(format_args!(
        "1/4 watching {} for {:?}: nothing may be written to it",
        layout.topic, settings.quiet_for
    ));
    tokio::time::sleep(settings.quiet_for).await;
    layout.must_end_at(&cluster, &ends, "stop the producers first; nothing is changed")?;
    console::tell("2/4 waiting until everything is counted");
    settings.until_counted(&connection, &cluster, &ends).await?;
    if settings.dry_run {
        console::answer("everything is counted, and nothing is changed")?;
        return Ok(Ending::Good);
    }
    console::tell("3/4 closing the old layout");
    let number = match connection.raise_layout(&layout.topic, &ends).await.context("PostgreSQL")? {
        Raised::To(number) => number,
        Raised::Behind(place) => bail!("{place} is not counted to its end; nothing is changed"),
    };
    if let Some(count) = more {
        console::tell(format_args!("4/4 adding partitions, up to {count}"));
        let added = cluster.extend(&layout.topic, count).await;
        added.context(
            "Kafka added no partitions; the old layout is closed: add them before producers go on",
        )?;
    }
    let written =
        "records were written while the layout changed, and may be counted twice if they are sent again";
    layout.must_end_at(&cluster, &ends, written)?;
    console::answer(format_args!("{} has layout {number} now; producers may go on", layout.topic))?;
    Ok(Ending::Good)
}

impl Layout {
    async fn open(&self) -> anyhow::Result<(OperatorConnection, Cluster)> {
        let connection = OperatorConnection::open(&self.database.database_url).await.context("PostgreSQL")?;
        Ok((connection, Cluster::new(&self.cluster)?))
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

impl Change {
    /// How many partitions to ask Kafka for, if the topic doesn't have as many yet.
    fn more_partitions(&self, ends: &Ends) -> anyhow::Result<Option<i32>> {
        let Some(wanted) = self.partitions else { return Ok(None) };
        let has = i32::try_from(ends.len())?;
        if wanted < has {
            let what = format!("{} has {has} partitions; Kafka can't remove any", self.layout.topic);
            return Err(BadSetting(what).into());
        }
        Ok(Some(wanted).filter(|wanted| *wanted > has))
    }

    async fn until_counted(
        &self,
        connection: &OperatorConnection,
        cluster: &Cluster,
        ends: &Ends,
    ) -> anyhow::Result<()> {
        let since = Instant::now();
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
