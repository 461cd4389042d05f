//! The faults themselves.
//!
//! For each fault a time is measured: from the moment the system can recover (the member is gone, or the service
//! is back) until all records up to the second after that are counted.

mod brokers;
mod commands;
mod databases;
mod members;
mod producers;

use super::board::Board;
use super::kind::Kind;
use super::member::Member;
use super::offsets::Offsets;
use super::rewinds::Rewinds;
use super::schedule::Stroke;
use super::stage::Stage;
use super::standing;
use super::stream::Stream;
use super::transactions::Transactions;
use stack::run::process::Process;
use stack::run::program::Program;
use stack::wait::{self, Seen};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, watch};

/// How long the system may take after a fault until it counts more.
const RECOVERY_LIMIT: Duration = Duration::from_secs(120);
/// How long an operator's command may take, all that it waits for included.
const COMMAND_LIMIT: Duration = Duration::from_secs(600);
/// Records that are produced this long after a fault must be counted, too.
const AFTERMATH: Duration = Duration::from_secs(1);

/// The time until everything was counted again, if it is measured.
type Recovered = anyhow::Result<Option<Duration>>;

/// Everything that faults need.
pub struct Trial {
    /// The services and members to inflict them on.
    pub stage: Arc<Stage>,
    /// The producers.
    pub stream: Arc<Mutex<Stream>>,
    /// The producer that uses transactions.
    pub transactions: Arc<Mutex<Transactions>>,
    /// The records counted.
    pub counted: watch::Receiver<Offsets>,
    /// Which partitions may go back.
    pub rewinds: Rewinds,
    /// The display of current faults.
    pub board: Board,
    /// How long a member's session lasts.
    pub session: Duration,
}

impl Trial {
    /// Inflicts a fault and repairs it. Returns how long it took until everything was counted again, if that is to be
    /// measured.
    ///
    /// # Errors
    /// When a service doesn't recover, a member ends badly, or counting takes too long.
    pub async fn perform(&self, stroke: &Stroke, patient: bool) -> Recovered {
        let shown = self.board.show(stroke.to_string());
        let over = match stroke.kind {
            Kind::Kill => self.kill(stroke, patient).await,
            Kind::Hang => self.hang(stroke, patient).await,
            Kind::Roll => self.roll(patient).await,
            Kind::Cut => self.cut(stroke, patient).await,
            Kind::Silence => self.silence(stroke, patient).await,
            Kind::Postgres => self.crash_postgres(stroke, patient).await,
            Kind::Failover => self.fail_over(stroke, patient).await,
            Kind::Restore => self.restore(patient).await,
            Kind::Dump => self.dump(stroke, patient).await,
            Kind::Kafka => self.kill_kafka(stroke, patient).await,
            Kind::BrokerLost => self.lose_broker(stroke, patient).await,
            Kind::BrokerHung => self.hang_broker(stroke, patient).await,
            Kind::Leaders => self.move_leaders(stroke, patient).await,
            Kind::Redis => self.take_redis_away(stroke, patient).await,
            Kind::Abandon => self.abandon(stroke, patient).await,
            Kind::Layout => self.change_layout(patient).await,
            Kind::Reset => self.reset(stroke, patient).await,
            Kind::Redrive => self.redrive(stroke, patient).await,
        };
        drop(shown);
        over
    }

    fn member(&self, stroke: &Stroke) -> &Mutex<Member> {
        &self.stage.members()[stroke.member]
    }

    async fn recovery(&self, patient: bool) -> Recovered {
        if !patient {
            return Ok(None);
        }
        let since = Instant::now();
        wait::pass(AFTERMATH).await;
        self.until_counted().await?;
        Ok(Some(since.elapsed()))
    }

    /// Waits until everything is counted that Kafka has acknowledged by now.
    async fn until_counted(&self) -> anyhow::Result<()> {
        standing::until_counted(&self.ends().await?, &self.counted, RECOVERY_LIMIT).await
    }

    /// Where Kafka's partitions end now. Another fault may keep it from answering for a while.
    async fn ends(&self) -> anyhow::Result<Offsets> {
        wait::until("Kafka to say where partitions end", RECOVERY_LIMIT, async || {
            Ok(match tokio::task::block_in_place(|| self.stage.ends()) {
                Ok(ends) => Seen::Ready(ends),
                Err(error) => Seen::NotYet(format!("{error:#}")),
            })
        })
        .await
    }

    /// Runs a command until it succeeds: another fault may interrupt it.
    async fn command(&self, what: &str, program: Program) -> anyhow::Result<()> {
        wait::until(what, COMMAND_LIMIT, async || {
            let mut process = Process::start(program.clone())?;
            let status = process.wait(COMMAND_LIMIT).await?;
            Ok(Seen::when(status.success(), process.log_tail()))
        })
        .await
    }
}
