//! A command's output: answers on standard output, remarks and progress on standard error.

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

/// Reports how far long work is: on a terminal one line that is overwritten, otherwise a line each time.
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

    /// Reports `how_far`, unless the last report was a moment ago.
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
