//! The time that a dependency may take. All its questions share it, in turns.

use std::time::{Duration, Instant};

/// Nanoseconds of a tenth of a second.
const TENTH: u32 = 100_000_000;

/// What is left until a deadline, in tenths of a second, as people read it.
pub fn left(deadline: Instant) -> Duration {
    let left = deadline.saturating_duration_since(Instant::now());
    left - Duration::from_nanos((left.subsec_nanos() % TENTH).into())
}

/// When a turn ends that may take half of what is left, so that something is left for those after it.
pub fn half(deadline: Instant) -> Instant {
    Instant::now() + left(deadline) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_leaves_something_for_the_next_and_nothing_is_left_in_the_end() {
        let deadline = Instant::now() + Duration::from_secs(3_600);
        let whole = left(deadline);
        assert!(
            whole <= Duration::from_secs(3_600) && whole.subsec_nanos().is_multiple_of(TENTH),
            "{whole:?}"
        );
        let turn = half(deadline);
        assert!(left(turn) <= whole / 2 && half(turn) < turn && turn < deadline);
        assert_eq!(left(Instant::now()), Duration::ZERO);
        assert_eq!(left(half(Instant::now())), Duration::ZERO);
    }
}
