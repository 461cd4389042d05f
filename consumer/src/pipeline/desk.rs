//! The writer's desk: it takes one job at a time, and returns it finished.

use super::writer::{Finished, Job, Writer};
use crate::record::{Offset, Partition};
use std::collections::HashMap;
use tokio::sync::mpsc;

/// The way to the writer, which has a thread of its own: writing must not wait while the next batch is decided.
pub struct Desk {
    jobs: mpsc::Sender<Job>,
    finished: mpsc::Receiver<Finished>,
    is_busy: bool,
    /// Where the partitions go that are being moved.
    moving: HashMap<Partition, Offset>,
}

/// Nothing is being written. Only the desk makes one, and writing uses it up.
pub struct Idle(());

impl Desk {
    /// Starts the writer. It ends with the desk.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn open(writer: Writer) -> std::io::Result<Self> {
        let (jobs, taken) = mpsc::channel(1);
        let (given, finished) = mpsc::channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || runtime.block_on(writer.work(taken, given)))?;
        Ok(Self { jobs, finished, is_busy: false, moving: HashMap::new() })
    }

    /// Whether something is being written.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// The proof that nothing is being written; `None` while something is.
    #[must_use]
    pub fn idle(&self) -> Option<Idle> {
        (!self.is_busy).then_some(Idle(()))
    }

    /// Where the partitions go that are being moved.
    #[must_use]
    pub fn moving(&self) -> &HashMap<Partition, Offset> {
        &self.moving
    }

    /// Begins to write.
    ///
    /// # Panics
    /// When the writer has died.
    pub fn write(&mut self, idle: Idle, job: Job) {
        let Idle(()) = idle;
        assert!(!self.is_busy, "one batch is written at a time");
        self.moving = job.steps.iter().map(|step| (step.partition, step.span.until)).collect();
        assert!(self.jobs.try_send(job).is_ok(), "the writer is alive");
        self.is_busy = true;
    }

    /// Waits until what is being written has ended. May be dropped and called again.
    ///
    /// # Panics
    /// When the writer has died.
    pub async fn finished(&mut self) -> Finished {
        let finished = self.finished.recv().await.expect("the writer is alive");
        self.is_busy = false;
        self.moving.clear();
        finished
    }
}
