//! The faults themselves.
//!
//! For each fault a time is measured: from the moment the system can recover (the member is gone, or the service
//! is back) until all records up to the second after that are counted.

use super::board::Board;
use super::member::Member;
use super::offsets::Offsets;
use super::schedule::{Kind, Stroke};
use super::stage::{Stage, server};
use super::stream::{Handed, Stream};
use anyhow::Context as _;
use stack::Cut;
use stack::run::process::Process;
use stack::wait::{self, Seen};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, watch};

/// How long counting everything may take after a fault.
const RECOVERY_LIMIT: Duration = Duration::from_secs(90);
/// Records that are produced this long after a fault must be counted, too.
const AFTERMATH: Duration = Duration::from_secs(1);
/// How long a member may take to commit something.
const CUT_LIMIT: Duration = Duration::from_secs(60);
/// No topic gets more partitions than this.
const PARTITIONS_MAX: i32 = 16;
/// How many partitions each topic gets at a time.
const MORE_PARTITIONS: i32 = 2;

/// Everything that faults need.
pub struct Trial {
    /// The services and members to inflict them on.
    pub stage: Arc<Stage>,
    /// The producers.
    pub stream: Arc<Mutex<Stream>>,
    /// The records handed to Kafka.
    pub handed: Handed,
    /// The records counted.
    pub counted: watch::Receiver<Offsets>,
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
    pub async fn perform(&self, stroke: &Stroke, patient: bool) -> anyhow::Result<Option<Duration>> {
        let shown = self.board.show(stroke.to_string());
        let over = match stroke.kind {
            Kind::Kill => self.kill(stroke, patient).await,
            Kind::Hang => self.hang(stroke, patient).await,
            Kind::Roll => self.roll(patient).await,
            Kind::Cut => self.cut(stroke, patient).await,
            Kind::Silence => self.silence(stroke, patient).await,
            Kind::Postgres => self.crash_postgres(stroke, patient).await,
            Kind::Kafka => self.kill_kafka(stroke, patient).await,
            Kind::Redis => self.take_redis_away(stroke, patient).await,
            Kind::Grow => self.grow(patient).await,
        };
        drop(shown);
        over
    }

    /// Whether the fault is still possible: topics have a maximum number of partitions.
    pub async fn can(&self, stroke: &Stroke) -> bool {
        stroke.kind != Kind::Grow || self.stream.lock().await.partitions() + MORE_PARTITIONS <= PARTITIONS_MAX
    }

    fn member(&self, stroke: &Stroke) -> &Mutex<Member> {
        &self.stage.members()[stroke.member]
    }

    async fn kill(&self, stroke: &Stroke, patient: bool) -> anyhow::Result<Option<Duration>> {
        let mut member = self.member(stroke).lock().await;
        member.kill();
        let mend = async {
            wait::pass(stroke.lasts).await;
            member.start_again()?;
            member.until_alive().await
        };
        let (recovered, mended) = tokio::join!(self.recovery(patient), mend);
        mended?;
        recovered
    }

    async fn hang(&self, stroke: &Stroke, patient: bool) -> anyhow::Result<Option<Duration>> {
        let mut member = self.member(stroke).lock().await;
        member.pause();
        let mend = async {
            wait::pass(self.session + stroke.lasts).await;
            member.resume();
        };
        let (recovered, ()) = tokio::join!(self.recovery(patient), mend);
        recovered
    }

    async fn roll(&self, patient: bool) -> anyhow::Result<Option<Duration>> {
        for member in self.stage.members() {
            let mut member = member.lock().await;
            member.end().await?;
            member.start_again()?;
            member.until_ready().await?;
        }
        self.recovery(patient).await
    }

    async fn cut(&self, stroke: &Stroke, patient: bool) -> anyhow::Result<Option<Duration>> {
        let member = self.member(stroke).lock().await;
        let proxy = member.proxy();
        for cut in [Cut::Before, Cut::AfterAnswer, Cut::Racing] {
            let before = proxy.cuts();
            proxy.at_next_commit(cut);
            wait::until("a commit to be cut off", CUT_LIMIT, async || {
                Ok(Seen::when(proxy.cuts() > before, "the member commits nothing"))
            })
            .await?;
        }
        self.recovery(patient).await
    }

    async fn silence(&self, stroke: &Stroke, patient: bool) -> anyhow::Result<Option<Duration>> {
        let member = self.member(stroke).lock().await;
        member.proxy().pause();
        wait::pass(stroke.lasts).await;
        member.proxy().resume();
        self.recovery(patient).await
    }

    async fn crash_postgres(&self, stroke: &Stroke, patient: bool) -> anyhow::Result<Option<Duration>> {
        let postgres = self.stage.postgres();
        tokio::task::block_in_place(|| server(postgres.server()).stop());
        wait::pass(stroke.lasts).await;
        postgres.start_again().await?;
        self.recovery(patient).await
    }

    async fn kill_kafka(&self, stroke: &Stroke, patient: bool) -> anyhow::Result<Option<Duration>> {
        let kafka = self.stage.kafka();
        tokio::task::block_in_place(|| server(kafka.server()).kill());
        wait::pass(stroke.lasts).await;
        kafka.start_again().await?;
        self.recovery(patient).await
    }

    async fn take_redis_away(&self, stroke: &Stroke, patient: bool) -> anyhow::Result<Option<Duration>> {
        let redis = self.stage.redis();
        tokio::task::block_in_place(|| server(redis.server()).stop());
        let recovered = self.recovery(patient).await;
        wait::pass(stroke.lasts).await;
        redis.start_again().await?;
        recovered
    }

    /// Adds partitions, by the only procedure that keeps copies recognizable: producers stop, `consumer layout change` does
    /// the rest, producers start again. Another fault may interrupt the command: then it is run again.
    async fn grow(&self, patient: bool) -> anyhow::Result<Option<Duration>> {
        let mut stream = self.stream.lock().await;
        let partitions = stream.partitions() + MORE_PARTITIONS;
        stream.flush()?;
        for topic in self.stage.topics().all() {
            wait::until("the layout to be changed", RECOVERY_LIMIT, async || {
                let command = self.stage.command("layout").env("KAFKA_BROKERS", self.stage.kafka().brokers());
                let command = command.args(["change", "--quiet-for", "1s", "--topic", topic]);
                let mut process = Process::start(command.args(["--partitions", &partitions.to_string()]))?;
                let status = process.wait(RECOVERY_LIMIT).await.context("consumer layout change")?;
                Ok(Seen::when(status.success(), process.log_tail()))
            })
            .await?;
        }
        stream.spread_over(partitions)?;
        drop(stream);
        self.recovery(patient).await
    }

    async fn recovery(&self, patient: bool) -> anyhow::Result<Option<Duration>> {
        if !patient {
            return Ok(None);
        }
        let since = Instant::now();
        wait::pass(AFTERMATH).await;
        self.until_counted(&self.handed.now()).await?;
        Ok(Some(since.elapsed()))
    }

    async fn until_counted(&self, handed: &Offsets) -> anyhow::Result<()> {
        wait::until("everything to be counted again", RECOVERY_LIMIT, async || {
            Ok(handed.ahead_of(&self.counted.borrow()).map_or(Seen::Ready(()), Seen::NotYet))
        })
        .await
    }
}
