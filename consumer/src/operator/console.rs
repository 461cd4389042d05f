//! A command's output: answers on standard output, remarks and progress on standard error.

use super::ending::Ending;
use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// The pause between two lines about progress.
const EVERY: Duration = Duration::from_secs(2);

/// A line of the answer.
///
/// # Errors
/// When standard output is closed.
pub fn answer(line: impl Display) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")
}

/// A remark. The command goes on if standard error is closed.
pub fn tell(remark: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "consumer: {remark}");
}

/// Whether the error is that standard output was closed, as by `... | head`.
pub fn is_closed(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<std::io::Error>();
    cause.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// How a command ended, whether or not its answer was read to the end: what it found stays so if `... | head` closes standard output.
///
/// # Errors
/// When the answer failed for another reason.
pub fn ended(answered: anyhow::Result<()>, ending: Ending) -> anyhow::Result<Ending> {
    match answered {
        Err(error) if is_closed(&error) => Ok(ending),
        answered => answered.map(|()| ending),
    }
}

/// A bar of twenty places.
#[must_use]
pub fn bar(done: i64, total: i64) -> String {
    let full = usize::try_from(done.saturating_mul(20) / total.max(1)).unwrap_or(0).min(20);
    format!("[{}{}]", "#".repeat(full), ".".repeat(20 - full))
}

/// Reports how far long work is: on a terminal one line that is overwritten, otherwise a line each time.
pub struct Advance {
    on_terminal: bool,
    said_at: Instant,
    said: String,
}

impl Advance {
    /// Work that begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { on_terminal: std::io::stderr().is_terminal(), said_at: Instant::now(), said: String::new() }
    }

    /// Reports `how_far`, unless the last report was a moment ago, or the same.
    pub fn at(&mut self, how_far: impl Display) {
        if !self.is_news(self.said_at.elapsed(), how_far) {
            return;
        }
        self.said_at = Instant::now();
        if self.on_terminal {
            let _ = write!(std::io::stderr().lock(), "\r\u{1b}[Kconsumer: {}", self.said);
        } else {
            tell(&self.said);
        }
    }

    fn is_news(&mut self, since: Duration, how_far: impl Display) -> bool {
        if since < EVERY {
            return false;
        }
        let before = std::mem::replace(&mut self.said, how_far.to_string());
        self.said != before
    }
}

impl Drop for Advance {
    fn drop(&mut self) {
        if self.on_terminal {
            let _ = write!(std::io::stderr().lock(), "\r\u{1b}[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_is_said_once() {
        let mut advance = Advance::start();
        let mut check = |since, how_far: &str, expected: bool| {
            assert_eq!(advance.is_news(since, how_far), expected, "{how_far} after {since:?}");
        };
        check(EVERY / 2, "waiting", false);
        check(EVERY, "waiting", true);
        check(EVERY, "waiting", false);
        check(EVERY / 2, "1 of 2", false);
        check(EVERY, "2 of 2", true);
        check(EVERY, "waiting", true);
    }

    #[test]
    fn a_reader_that_closes_the_answer_does_not_make_a_fault_good() {
        let check = |answered, expected| {
            for ending in [Ending::Good, Ending::Bad] {
                let ended = ended(Err(std::io::Error::from(answered).into()), ending);
                assert_eq!(ended.ok(), Some(ending).filter(|_| expected), "{answered}");
            }
        };
        check(ErrorKind::BrokenPipe, true);
        check(ErrorKind::StorageFull, false);
        assert_eq!(ended(Ok(()), Ending::Bad).ok(), Some(Ending::Bad));
    }
}
