//! The eight counters of a bucket.

use std::ops::AddAssign;

/// What a bucket counts, or what a record adds to it. All are counts, but for the milliseconds of execution time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Orders placed.
    pub orders_created: i64,
    /// Payments attempted.
    pub payments_total: i64,
    /// Payments that succeeded.
    pub payments_successful: i64,
    /// Workflow executions that ended.
    pub workflows_total: i64,
    /// Those of them that ended with any outcome but success.
    pub workflows_failed: i64,
    /// Execution time of all of them, in milliseconds.
    pub total_execution_time_ms: i64,
    /// Messages sent.
    pub messages_sent: i64,
    /// Of the messages sent in the bucket, those that were delivered or read.
    pub messages_delivered: i64,
}

impl Counters {
    /// The counters' names: columns in PostgreSQL, fields in JSON. In the order of [`Counters::values`].
    pub const NAMES: [&'static str; 8] = [
        "orders_created",
        "payments_total",
        "payments_successful",
        "workflows_total",
        "workflows_failed",
        "total_execution_time_ms",
        "messages_sent",
        "messages_delivered",
    ];

    /// The column of an hour's row that holds what one of its quarters added to a counter. `quarter` is 1, 2 or 3 for the second
    /// to the fourth: what is left is the first one's.
    #[must_use]
    pub fn quarter_column(name: &str, quarter: usize) -> String {
        format!("{name}_q{}", quarter + 1)
    }

    /// The counters in the order of [`Counters::NAMES`].
    #[must_use]
    pub const fn values(&self) -> [i64; 8] {
        [
            self.orders_created,
            self.payments_total,
            self.payments_successful,
            self.workflows_total,
            self.workflows_failed,
            self.total_execution_time_ms,
            self.messages_sent,
            self.messages_delivered,
        ]
    }

    /// The counters from their values in the order of [`Counters::NAMES`].
    #[must_use]
    pub const fn from_values(values: [i64; 8]) -> Self {
        let [
            orders_created,
            payments_total,
            payments_successful,
            workflows_total,
            workflows_failed,
            total_execution_time_ms,
            messages_sent,
            messages_delivered,
        ] = values;
        Self {
            orders_created,
            payments_total,
            payments_successful,
            workflows_total,
            workflows_failed,
            total_execution_time_ms,
            messages_sent,
            messages_delivered,
        }
    }
}

impl AddAssign<&Counters> for Counters {
    fn add_assign(&mut self, other: &Counters) {
        self.orders_created += other.orders_created;
        self.payments_total += other.payments_total;
        self.payments_successful += other.payments_successful;
        self.workflows_total += other.workflows_total;
        self.workflows_failed += other.workflows_failed;
        self.total_execution_time_ms += other.total_execution_time_ms;
        self.messages_sent += other.messages_sent;
        self.messages_delivered += other.messages_delivered;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_names_keep_one_order() {
        let counters = Counters::from_values([1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(counters.values(), [1, 2, 3, 4, 5, 6, 7, 8]);
        let text = format!("{counters:?}");
        let places: Vec<_> =
            Counters::NAMES.iter().zip(1..).map(|(name, n)| text.find(&format!("{name}: {n}"))).collect();
        assert!(places.iter().all(Option::is_some), "{text}");
        let mut sum = counters;
        sum += &counters;
        assert_eq!(sum.values(), [2, 4, 6, 8, 10, 12, 14, 16]);
    }
}
