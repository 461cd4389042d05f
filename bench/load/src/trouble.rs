//! Shares of repeated, late and bad records, and of formats.

use chrono::Duration;

/// Shares of all records.
#[derive(Clone, Copy, Debug)]
pub struct Trouble {
    /// Repeated records; one in eight gets a new time within its quarter of an hour.
    pub repeats: f64,
    /// Late records.
    pub stragglers: f64,
    /// How late they are at most; evenly distributed.
    pub straggler_age: Duration,
    /// Records that must be refused.
    pub bad: f64,
    /// Records in a schema registry's frame.
    pub confluent: f64,
    /// Records in JSON.
    pub json: f64,
}

impl Trouble {
    /// Every record is new, punctual, well-formed and in plain protobuf.
    pub const NONE: Self = Self {
        repeats: 0.0,
        stragglers: 0.0,
        straggler_age: Duration::hours(72),
        bad: 0.0,
        confluent: 0.0,
        json: 0.0,
    };
}
