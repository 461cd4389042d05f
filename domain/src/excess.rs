//! Hours with clearly more messages delivered than sent, which right records can't make.
//!
//! A message counts as delivered in the hour of its `sent_at`, where it also counts as sent. So no more can be delivered in an hour
//! than were sent in it, unless `SENT` records are missing, or records about one message have different times of sending. A few
//! `SENT` records may be on their way or lost; these limits tell that from a mistake of a producer.

use crate::Counters;

/// With fewer messages delivered nothing is said.
pub const DELIVERED_MIN: i64 = 20;

/// So many more must have been delivered than sent.
pub const EXCESS_MIN: i64 = 5;

/// And so many more, in percent of those sent.
pub const EXCESS_PERCENT: i64 = 10;

/// Whether clearly more messages were delivered than sent.
#[must_use]
pub const fn delivered_exceeds_sent(counters: &Counters) -> bool {
    let Counters { messages_sent: sent, messages_delivered: delivered, .. } = *counters;
    let excess = delivered.saturating_sub(sent);
    delivered >= DELIVERED_MIN
        && excess >= EXCESS_MIN
        && excess.saturating_mul(100) >= sent.saturating_mul(EXCESS_PERCENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_the_first_value_that_exceeds() {
        let check = |sent, delivered, exceeds| {
            let counters =
                Counters { messages_sent: sent, messages_delivered: delivered, ..Counters::default() };
            assert_eq!(delivered_exceeds_sent(&counters), exceeds, "{sent} sent, {delivered} delivered");
        };
        check(0, 0, false);
        check(0, DELIVERED_MIN - 1, false);
        check(0, DELIVERED_MIN, true);
        check(40, 44, false);
        check(40, 45, true);
        check(100, 100, false);
        check(100, 109, false);
        check(100, 110, true);
        check(1_000, 990, false);
        check(i64::MAX, i64::MAX, false);
        check(0, i64::MAX, true);
    }
}
