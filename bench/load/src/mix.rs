//! Shares of the kinds of records.

/// Shares of the kinds of records, relative to each other.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    /// Orders.
    pub orders: u64,
    /// Payments.
    pub payments: u64,
    /// Updates of organizations.
    pub updates: u64,
    /// Events with a body that current readers don't know.
    pub unknown: u64,
    /// Ended workflow executions.
    pub workflows: u64,
    /// Messages, of one to three records each.
    pub messages: u64,
    /// Whether messages name their channel.
    pub names_channels: bool,
}

impl Mix {
    /// Only orders and payments: records of one topic and one size.
    pub const EVENTS: Self = Self {
        orders: 1,
        payments: 1,
        updates: 0,
        unknown: 0,
        workflows: 0,
        messages: 0,
        names_channels: true,
    };
    /// Only messages: records of one topic and one size.
    pub const MESSAGES: Self = Self { orders: 0, payments: 0, messages: 1, ..Self::EVENTS };
    /// All kinds.
    pub const ALL: Self = Self {
        orders: 30,
        payments: 28,
        updates: 1,
        unknown: 1,
        workflows: 20,
        messages: 20,
        ..Self::EVENTS
    };
}
