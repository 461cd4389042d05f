//! How long a story takes, to find the slow ones.

use machine::workspace;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Instant;

/// Runs from the story's start to its end.
#[derive(Debug)]
pub(crate) struct Clock {
    began: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { began: Instant::now() }
    }
}

/// Writes one line at once, so that the lines of concurrent stories don't mix. Best effort: no result depends on it.
impl Drop for Clock {
    fn drop(&mut self) {
        let this = std::thread::current();
        let line = format!("{}\t{:.1}\n", this.name().unwrap_or("?"), self.began.elapsed().as_secs_f64());
        let file = OpenOptions::new().create(true).append(true).open(workspace::story_times());
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }
}
