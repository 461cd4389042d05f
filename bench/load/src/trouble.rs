//! What goes wrong how often.

use chrono::Duration;

/// What goes wrong how often, as shares of all records.
#[derive(Clone, Copy, Debug)]
pub struct Trouble {
    /// Records sent again, one in eight of them stamped anew within the quarter of an hour.
    pub repeats: f64,
    /// Records about the past.
    pub stragglers: f64,
    /// How far back they go, evenly.
    pub straggler_age: Duration,
    /// Records that must be refused.
    pub bad: f64,
    /// Records behind a schema registry's frame.
    pub confluent: f64,
    /// Records in JSON.
    pub json: f64,
}

impl Trouble {
    /// Every record new, punctual, well-formed and in plain protobuf.
    pub const NONE: Self = Self {
        repeats: 0.0,
        stragglers: 0.0,
        straggler_age: Duration::hours(72),
        bad: 0.0,
        confluent: 0.0,
        json: 0.0,
    };
}
