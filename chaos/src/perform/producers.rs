//! Faults of producers.

use super::{RECOVERY_LIMIT, Recovered, Trial};
use crate::schedule::Stroke;
use crate::transactions;
use load::Rng;
use stack::wait::{self, Seen};

/// How many records an abandoned transaction has at most.
const RECORDS_MAX: usize = 100;

impl Trial {
    /// Until Kafka aborts the transaction, no record behind its first ones can be read.
    pub(super) async fn abandon(&self, stroke: &Stroke, patient: bool) -> Recovered {
        let records = 1 + Rng::new(stroke.dice).index(RECORDS_MAX);
        let (_, records) = self.stream.lock().await.begin_transaction(records);
        let (brokers, topics) = (self.stage.kafka().brokers(), self.stage.topics());
        let name = format!("chaos-dies-{}", stroke.dice);
        wait::until("a producer to die in a transaction", RECOVERY_LIMIT, async || {
            Ok(match transactions::abandon(brokers, topics, &name, stroke.lasts, &records) {
                Ok(()) => Seen::Ready(()),
                Err(error) => Seen::NotYet(format!("{error:#}")),
            })
        })
        .await?;
        self.recovery(patient).await
    }
}
