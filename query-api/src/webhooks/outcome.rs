//! What an attempt to deliver a message has come to, and what follows from it. Pure.

use crate::webhooks::schedule::Schedule;
use std::time::Duration;

/// How long an error's text is that is kept.
const ERROR_CHARS_MAX: usize = 300;

/// What an attempt has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it: any 2xx.
    Delivered(u16),
    /// The receiver wants no more messages: 410.
    Gone,
    /// The receiver answered otherwise.
    Refused {
        /// Its status.
        status: u16,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// There was no response, for this reason.
    Failed(String),
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it is delivered.
    Done,
    /// Another attempt after this time.
    Again(Duration),
    /// The message is given up.
    Dead,
    /// The same, and the endpoint is told nothing any more.
    Disabled,
}

impl Outcome {
    /// That of a response with this status, and this `Retry-After`. Redirections aren't followed: the new address would have to be
    /// checked, and whoever owns the endpoint should know.
    #[must_use]
    pub fn of(status: u16, retry_after: Option<&str>) -> Self {
        match status {
            200..=299 => Self::Delivered(status),
            410 => Self::Gone,
            _ => {
                let retry_after =
                    retry_after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
                Self::Refused { status, retry_after }
            }
        }
    }

    /// The status of the response, if there was one.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Delivered(status) | Self::Refused { status, .. } => Some(*status),
            Self::Gone => Some(410),
            Self::Failed(_) => None,
        }
    }

    /// Its name in metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Delivered(_) => "delivered",
            Self::Gone => "gone",
            Self::Refused { .. } => "refused",
            Self::Failed(_) => "failed",
        }
    }

    /// What went wrong, in a sentence for who owns the endpoint; `None` if nothing did.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        let said = match self {
            Self::Delivered(_) => return None,
            Self::Gone => "the receiver answered 410: it wants no more messages".into(),
            Self::Refused { status: status @ 300..=399, .. } => {
                format!(
                    "the receiver answered {status}: redirections are not followed, so give the address that it leads to"
                )
            }
            Self::Refused { status, .. } => format!("the receiver answered {status}"),
            Self::Failed(why) => why.chars().filter(|c| !c.is_control()).take(ERROR_CHARS_MAX).collect(),
        };
        Some(said)
    }

    /// What follows, after `attempts` of the schedule. `chance` is a number from 0 to 1.
    #[must_use]
    pub fn next(&self, schedule: &Schedule, attempts: u32, chance: f64) -> Next {
        let again = |asked| schedule.delay(attempts, chance, asked).map_or(Next::Dead, Next::Again);
        match self {
            Self::Delivered(_) => Next::Done,
            Self::Gone => Next::Disabled,
            Self::Refused { retry_after, .. } => again(*retry_after),
            Self::Failed(_) => again(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_2xx_is_a_success_and_410_the_end() {
        let schedule: Schedule = "7s".parse().unwrap();
        let check = |status, expected: [Next; 2]| {
            let outcome = Outcome::of(status, None);
            assert_eq!([1, 2].map(|attempts| outcome.next(&schedule, attempts, 0.0)), expected, "{status}");
            assert_eq!(
                (outcome.status(), outcome.error().is_none()),
                (Some(status), status / 100 == 2),
                "{status}"
            );
        };
        let again = Next::Again(Duration::from_secs(7));
        for status in [200, 201, 202, 204, 299] {
            check(status, [Next::Done; 2]);
        }
        check(410, [Next::Disabled; 2]);
        for status in [100, 301, 302, 307, 308, 400, 401, 404, 409, 429, 500, 503] {
            check(status, [again, Next::Dead]);
        }
        let failed = Outcome::Failed("connection\nrefused".into());
        assert_eq!((failed.next(&schedule, 1, 0.0), failed.status()), (again, None));
        assert_eq!(failed.error().unwrap(), "connectionrefused");
    }

    #[test]
    fn a_receiver_may_ask_for_more_time() {
        let schedule: Schedule = "7s".parse().unwrap();
        let next = |text| Outcome::of(429, Some(text)).next(&schedule, 1, 0.0);
        assert_eq!(next("30"), Next::Again(Duration::from_secs(30)));
        assert_eq!(next("1"), Next::Again(Duration::from_secs(7)));
        assert_eq!(next("Wed, 21 Oct 2026 07:28:00 GMT"), Next::Again(Duration::from_secs(7)));
    }
}
