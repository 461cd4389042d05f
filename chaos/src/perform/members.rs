//! Faults of members, and of their way to PostgreSQL.

use super::{Recovered, Trial};
use crate::schedule::Stroke;
use stack::Cut;
use stack::wait::{self, Seen};
use std::time::Duration;

/// How long a member may take to commit something.
const CUT_LIMIT: Duration = Duration::from_secs(60);

impl Trial {
    pub(super) async fn kill(&self, stroke: &Stroke, patient: bool) -> Recovered {
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

    pub(super) async fn hang(&self, stroke: &Stroke, patient: bool) -> Recovered {
        let mut member = self.member(stroke).lock().await;
        member.pause();
        let mend = async {
            wait::pass(self.session + stroke.lasts).await;
            member.resume();
        };
        let (recovered, ()) = tokio::join!(self.recovery(patient), mend);
        recovered
    }

    pub(super) async fn roll(&self, patient: bool) -> Recovered {
        for member in self.stage.members() {
            let mut member = member.lock().await;
            member.end().await?;
            member.start_again()?;
            member.until_ready().await?;
        }
        self.recovery(patient).await
    }

    pub(super) async fn cut(&self, stroke: &Stroke, patient: bool) -> Recovered {
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

    pub(super) async fn silence(&self, stroke: &Stroke, patient: bool) -> Recovered {
        let member = self.member(stroke).lock().await;
        member.proxy().pause();
        wait::pass(stroke.lasts).await;
        member.proxy().resume();
        self.recovery(patient).await
    }
}
