//! What a member finds outside of itself.

use crate::database::Database;
use crate::group::Group;
use crate::kafka::Kafka;
use crate::trace::Trace;
use load::rng::Rng;

/// The servers, the dice, and the trace.
pub struct Outside {
    /// Kafka's logs.
    pub kafka: Kafka,
    /// Its group.
    pub group: Group,
    /// PostgreSQL.
    pub database: Database,
    /// What decides whatever isn't decided.
    pub rng: Rng,
    /// What is told.
    pub trace: Trace,
}
