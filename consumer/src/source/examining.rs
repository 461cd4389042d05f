//! Kafka as a member would see it, by a client that joins no group: for `consumer doctor`.

use super::certificates::Certificates;
use super::context::Context;
use super::ends::Ends;
use super::faults::Fault;
use super::layout_log::LayoutLog;
use super::rounds::{Round, Rounds};
use super::settings::Settings;
use super::wanted::Standing;
use crate::clock::Clock;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the client's next event is waited for.
const EVENT_WAIT: Duration = Duration::from_millis(100);
/// Events that are taken at most: a client that can't connect says so again and again.
const EVENTS_MAX: usize = 20;

/// A client with a member's settings.
pub struct Examining {
    consumer: Arc<BaseConsumer<Context>>,
    ends: Ends,
}

impl Examining {
    /// A client; it connects when it is first asked.
    ///
    /// # Errors
    /// When librdkafka refuses a setting.
    pub fn new(settings: &Settings, clock: Clock) -> Result<Self, KafkaError> {
        let consumer: Arc<BaseConsumer<Context>> =
            Arc::new(settings.config().create_with_context(Context::default())?);
        let uncommitted = settings.uncommitted_config().create_with_context(Context::default())?;
        let layouts = LayoutLog::new(&settings.layouts_topic, settings.uncommitted_config());
        let ends = Ends::new(Arc::clone(&consumer), uncommitted, layouts, settings.topics.clone(), clock)
            .looking_at(Certificates::of(&settings.kafka_config));
        Ok(Self { consumer, ends })
    }

    /// One round of a member's questions, as of one that is in its group. Asks again until `deadline` while no broker answers:
    /// the first connection may take a moment. Blocks the thread.
    #[must_use]
    pub fn round(&self, deadline: Instant) -> Round {
        loop {
            let mut round = Rounds::new(self.ends.clone()).next(&[], || Standing::Member, false);
            if !matches!(round.faults[..], [Fault::NoAnswer(_)]) {
                return round;
            }
            if Instant::now() >= deadline {
                self.take_events();
                round.faults = vec![Fault::NoAnswer(self.ends.obstacle())];
                return round;
            }
        }
    }

    /// Lets the client say why it can't connect: nobody else takes its events.
    fn take_events(&self) {
        let has_more = (0..EVENTS_MAX).all(|_| self.consumer.poll(EVENT_WAIT).is_some());
        tracing::debug!(has_more, "Kafka's client said what it had to say");
    }
}
