//! Faults of Kafka: of all brokers, or of one while the others go on.

use super::{Recovered, Trial};
use crate::schedule::Stroke;
use stack::wait;

impl Trial {
    pub(super) async fn kill_kafka(&self, stroke: &Stroke, patient: bool) -> Recovered {
        let kafka = self.stage.cluster();
        tokio::task::block_in_place(|| kafka.kill_all());
        wait::pass(stroke.lasts).await;
        kafka.start_all_again().await?;
        self.recovery(patient).await
    }

    pub(super) async fn lose_broker(&self, stroke: &Stroke, patient: bool) -> Recovered {
        let (kafka, number) = (self.stage.cluster(), self.broker(stroke));
        tokio::task::block_in_place(|| kafka.broker(number).kill());
        let mend = async {
            wait::pass(stroke.lasts).await;
            kafka.start_again(number).await
        };
        let (recovered, mended) = tokio::join!(self.recovery(patient), mend);
        mended?;
        recovered
    }

    pub(super) async fn hang_broker(&self, stroke: &Stroke, patient: bool) -> Recovered {
        let broker = self.stage.cluster().broker(self.broker(stroke));
        broker.pause();
        let mend = async {
            wait::pass(stroke.lasts).await;
            broker.resume();
        };
        let (recovered, ()) = tokio::join!(self.recovery(patient), mend);
        recovered
    }

    pub(super) async fn move_leaders(&self, stroke: &Stroke, patient: bool) -> Recovered {
        let (kafka, number) = (self.stage.cluster(), self.broker(stroke));
        tokio::task::block_in_place(|| kafka.broker(number).stop());
        kafka.start_again(number).await?;
        self.recovery(patient).await
    }

    fn broker(&self, stroke: &Stroke) -> usize {
        stroke.member % self.stage.cluster().size()
    }
}
