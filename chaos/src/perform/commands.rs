//! What operators do meanwhile: they change layouts, set progress back, and redrive dead letters.

use super::{RECOVERY_LIMIT, Recovered, Trial};
use crate::offsets::Offsets;
use crate::rewinds::Scope;
use crate::schedule::Stroke;
use crate::stream::Stream;
use anyhow::Context as _;
use load::Rng;
use stack::run::process::Process;
use stack::run::program::Program;
use stack::wait;

/// No topic gets more partitions than this.
const PARTITIONS_MAX: i32 = 16;
/// How many partitions each topic gets at a time.
const MORE_PARTITIONS: i32 = 2;
/// How often a topic is read again from its beginning, of all resets that may do so.
const FROM_THE_BEGINNING: f64 = 0.25;

impl Trial {
    /// Changes the layouts, by the only procedure that keeps copies recognizable: producers stop, `consumer layout change` does
    /// the rest, producers start again.
    pub(super) async fn change_layout(&self, patient: bool) -> Recovered {
        let transactions = self.transactions.lock().await;
        let mut stream = self.stream.lock().await;
        let partitions = stream.partitions();
        let wanted = partitions + MORE_PARTITIONS;
        let more = wanted <= PARTITIONS_MAX;
        stream.flush()?;
        let [a, b, c] = self.stage.topics().all().map(|topic| self.changing(topic, more.then_some(wanted)));
        tokio::try_join!(a, b, c)?;
        stream.spread_over(if more { wanted } else { partitions })?;
        drop((stream, transactions));
        self.recovery(patient).await
    }

    async fn changing(&self, topic: &str, partitions: Option<i32>) -> anyhow::Result<()> {
        let command = self.stage.command("layout");
        let command = command.args(["change", "--quiet-for", "1s", "--learn-for", "1s", "--topic", topic]);
        let more = partitions.map(|partitions| ["--partitions".to_owned(), partitions.to_string()]);
        self.command("the layout to be changed", command.args(more.into_iter().flatten())).await
    }

    /// Stops the members, as the command demands, and sets a topic or one of its partitions back.
    pub(super) async fn reset(&self, stroke: &Stroke, patient: bool) -> Recovered {
        let mut members = Vec::new();
        for member in self.stage.members() {
            let mut member = member.lock().await;
            member.end().await?;
            members.push(member);
        }
        let command = self.resetting(&*self.stream.lock().await, &self.counted.borrow(), stroke.dice);
        if let Some((topic, command)) = command {
            let rewind = self.rewinds.open(Scope::Topic(topic));
            self.command("the progress to be reset", command).await?;
            rewind.over().await?;
        }
        for member in &mut members {
            member.start_again()?;
        }
        for member in &mut members {
            member.until_alive().await?;
        }
        drop(members);
        self.recovery(patient).await
    }

    /// Which topic is set back, and the command that does it. `None` if nothing is counted that may be counted again.
    fn resetting(&self, stream: &Stream, counted: &Offsets, dice: u64) -> Option<(String, Program)> {
        let mut rng = Rng::new(dice);
        let topics = self.stage.topics().all();
        let topic = topics[rng.index(topics.len())];
        let counted: Vec<(i32, i64)> = (0..stream.partitions())
            .filter_map(|partition| Some((partition, counted.of(topic, partition)?)))
            .filter(|(_, counted)| *counted > 0)
            .collect();
        let everything = rng.chance(FROM_THE_BEGINNING);
        let (partition, offsets) = *counted.get(rng.index(counted.len()))?;
        let to = rng.below(offsets.unsigned_abs()).cast_signed();
        let program = self.stage.command("progress").args(["reset", "--topic", topic]);
        let program = if everything {
            program.args(["--to", "earliest"])
        } else {
            program.args(["--partition", &partition.to_string(), "--to", &to.to_string()])
        };
        Some((topic.to_owned(), program))
    }

    /// The command is killed on its way, so it publishes some records twice.
    pub(super) async fn redrive(&self, stroke: &Stroke, patient: bool) -> Recovered {
        let mut process = Process::start(self.stage.redrive())?;
        wait::pass(stroke.lasts).await;
        tokio::task::block_in_place(|| process.kill());
        process.wait(RECOVERY_LIMIT).await.context("a killed redrive")?;
        self.command("dead letters to be redriven", self.stage.redrive()).await?;
        self.recovery(patient).await
    }
}
