//! What happens how often.

/// What happens how often, as parts of a whole.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    /// Orders.
    pub orders: u64,
    /// Payments.
    pub payments: u64,
    /// Updates of organizations.
    pub updates: u64,
    /// Events with a body that today's readers don't know.
    pub unknown: u64,
    /// Ends of workflow executions.
    pub workflows: u64,
    /// Messages, each good for one to three records.
    pub messages: u64,
}

impl Mix {
    /// Orders and payments alone: records of one topic and of one size.
    pub const EVENTS: Self =
        Self { orders: 1, payments: 1, updates: 0, unknown: 0, workflows: 0, messages: 0 };
    /// Something of everything.
    pub const ALL: Self =
        Self { orders: 30, payments: 28, updates: 1, unknown: 1, workflows: 20, messages: 20 };
}
