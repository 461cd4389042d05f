//! Where a command's words go: answers to standard output, remarks and progress to standard error.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Between two lines about progress: often enough to see that it goes on, seldom enough for a log.
const EVERY: Duration = Duration::from_secs(2);

/// A line of the answer.
///
/// # Errors
/// When nobody can read it.
pub fn answer(line: impl Display) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")
}

/// A remark. That nobody may be there to read it is no reason to stop.
pub fn tell(remark: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "consumer: {remark}");
}

/// Whether the error is that the answer's reader is gone, as in `... | head`.
pub fn is_closed(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<std::io::Error>();
    cause.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Says how far long work is: one line that is written over at a terminal, lines elsewhere.
pub struct Advance {
    on_terminal: bool,
    said_at: Instant,
}

impl Advance {
    /// Work that begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { on_terminal: std::io::stderr().is_terminal(), said_at: Instant::now() }
    }

    /// Says `how_far`, unless something was said a moment ago.
    pub fn at(&mut self, how_far: impl Display) {
        if self.said_at.elapsed() < EVERY {
            return;
        }
        self.said_at = Instant::now();
        if self.on_terminal {
            let _ = write!(std::io::stderr().lock(), "\r\u{1b}[Kconsumer: {how_far}");
        } else {
            tell(how_far);
        }
    }
}

impl Drop for Advance {
    fn drop(&mut self) {
        if self.on_terminal {
            let _ = write!(std::io::stderr().lock(), "\r\u{1b}[K");
        }
    }
}
