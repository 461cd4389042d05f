//! Faults of PostgreSQL and Redis.

use super::{RECOVERY_LIMIT, Recovered, Trial};
use crate::rewinds::Scope;
use crate::schedule::Stroke;
use anyhow::ensure;
use stack::run::process::Process;
use stack::wait;
use std::time::Duration;

/// After this time `pg_dump` has its snapshot and its locks.
const DUMPING: Duration = Duration::from_millis(300);

impl Trial {
    pub(super) async fn crash_postgres(&self, stroke: &Stroke, patient: bool) -> Recovered {
        let postgres = self.stage.postgres();
        tokio::task::block_in_place(|| postgres.primary_server().stop());
        wait::pass(stroke.lasts).await;
        postgres.start_primary_again().await?;
        self.recovery(patient).await
    }

    /// The standby doesn't get what is committed in the last seconds; then it becomes the primary.
    pub(super) async fn fail_over(&self, stroke: &Stroke, patient: bool) -> Recovered {
        let postgres = self.stage.postgres();
        let rewind = self.rewinds.open(Scope::Database);
        postgres.cut_standby_off().await?;
        wait::pass(stroke.lasts).await;
        postgres.fail_over().await?;
        rewind.over().await?;
        let (recovered, rebuilt) = tokio::join!(self.recovery(patient), postgres.rebuild_standby());
        rebuilt?;
        recovered
    }

    /// The backup is as old as the last restore, or the beginning.
    pub(super) async fn restore(&self, patient: bool) -> Recovered {
        let postgres = self.stage.postgres();
        let rewind = self.rewinds.open(Scope::Database);
        postgres.restore().await?;
        rewind.over().await?;
        let mend = async {
            postgres.rebuild_standby().await?;
            postgres.back_up().await
        };
        let (recovered, mended) = tokio::join!(self.recovery(patient), mend);
        mended?;
        recovered
    }

    /// A dump that is paused keeps its snapshot and its locks.
    pub(super) async fn dump(&self, stroke: &Stroke, patient: bool) -> Recovered {
        let mut process = Process::start(self.stage.dump())?;
        wait::pass(DUMPING).await;
        process.pause();
        wait::pass(stroke.lasts).await;
        process.resume();
        let status = process.wait(RECOVERY_LIMIT).await?;
        ensure!(status.success(), "pg_dump ended with {status}:\n{}", process.log_tail());
        self.recovery(patient).await
    }

    pub(super) async fn take_redis_away(&self, stroke: &Stroke, patient: bool) -> Recovered {
        let redis = self.stage.redis();
        let server = redis.server().expect("it was started here");
        tokio::task::block_in_place(|| server.stop());
        let recovered = self.recovery(patient).await;
        wait::pass(stroke.lasts).await;
        redis.start_again().await?;
        recovered
    }
}
