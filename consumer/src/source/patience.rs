//! How long questions to Kafka wait. Pure but for the clock.

use crate::limits::ANSWERS_WAIT_MAX;
use std::time::{Duration, Instant};

/// How long one question waits for its answer. At most [`ANSWERS_WAIT_MAX`].
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(2);

const _: () = assert!(ANSWER_WAIT_MAX.as_millis() <= ANSWERS_WAIT_MAX.as_millis());

/// How long questions that belong together may still wait. Begins when it is made.
#[derive(Clone, Copy)]
pub struct Patience {
    ends_at: Instant,
}

impl Patience {
    /// For questions that follow now.
    #[must_use]
    pub fn begin() -> Self {
        Self { ends_at: Instant::now() + ANSWERS_WAIT_MAX }
    }

    /// How long the next question may wait.
    #[must_use]
    pub fn left(self) -> Duration {
        self.ends_at.saturating_duration_since(Instant::now()).min(ANSWER_WAIT_MAX)
    }
}
