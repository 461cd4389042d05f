//! When the next attempt is due. Pure.

use std::str::FromStr;
use std::time::Duration;

/// How much later than scheduled an attempt may be, as a part of its delay: messages that failed together, because their receiver was
/// away, don't return together.
const JITTER: f64 = 0.1;

/// The most that is waited because a receiver says so.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// The most attempts.
const ATTEMPTS_MAX: usize = 100;

/// The delays between attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

impl Schedule {
    /// How long after a failed attempt the next one is due, `attempts` having been made; `None` if it was the last. `chance` is
    /// a number from 0 to 1, and `asked` what the receiver wants waited at least.
    #[must_use]
    pub fn delay(&self, attempts: u32, chance: f64, asked: Option<Duration>) -> Option<Duration> {
        let delay = self.0.get(usize::try_from(attempts).ok()?.checked_sub(1)?)?;
        let delay = delay.mul_f64(1.0 + JITTER * chance.clamp(0.0, 1.0));
        Some(asked.map_or(delay, |asked| delay.max(asked.min(RETRY_AFTER_MAX))))
    }
}

/// Why a schedule can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be up to 99 durations, separated by commas, such as 5s,5m,30m")]
pub struct BadSchedule;

impl FromStr for Schedule {
    type Err = BadSchedule;

    /// Durations separated by commas; none of them, and each message is tried once.
    fn from_str(text: &str) -> Result<Self, BadSchedule> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let delays: Vec<_> =
            parts.map(humantime::parse_duration).collect::<Result<_, _>>().map_err(|_| BadSchedule)?;
        if delays.len() < ATTEMPTS_MAX { Ok(Self(delays)) } else { Err(BadSchedule) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_delay_is_used_once_and_then_the_message_is_given_up() {
        let schedule: Schedule = "1s, 1m,1h".parse().unwrap();
        let seconds = |attempts| schedule.delay(attempts, 0.0, None).map(|delay| delay.as_secs());
        assert_eq!([1, 2, 3, 4].map(seconds), [Some(1), Some(60), Some(3_600), None]);
        assert_eq!(seconds(0), None);
        assert_eq!("".parse::<Schedule>().unwrap().delay(1, 0.0, None), None);
        assert_eq!("1s,soon".parse::<Schedule>(), Err(BadSchedule));
        assert_eq!(["1s"; 100].join(",").parse::<Schedule>(), Err(BadSchedule));
    }

    #[test]
    fn a_delay_grows_by_chance_and_by_what_the_receiver_asks_for_within_limits() {
        let schedule: Schedule = "100s".parse().unwrap();
        let seconds = |chance, asked: Option<u64>| {
            schedule.delay(1, chance, asked.map(Duration::from_secs)).unwrap().as_secs()
        };
        assert_eq!((seconds(1.0, None), seconds(7.0, None), seconds(-1.0, None)), (110, 110, 100));
        assert_eq!((seconds(0.0, Some(5)), seconds(0.0, Some(500))), (100, 500));
        assert_eq!(seconds(0.0, Some(999_999)), RETRY_AFTER_MAX.as_secs());
    }
}
