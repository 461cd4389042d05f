//! The display of a run: rate, lag and current faults; and the numbers of fenced partitions from the members' metrics.

use super::offsets::{Behind, Offsets};
use super::schedule::MEMBERS;
use super::stage::Stage;
use indicatif::ProgressBar;
use machine::say;
use stack::http;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// How often the board is updated.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The time between two lines if standard error is not a terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The current faults, and the number of fenced partitions.
#[derive(Clone, Debug)]
pub struct Board {
    start: Instant,
    line: ProgressBar,
    on: Arc<Mutex<BTreeMap<u64, String>>>,
    next: Arc<AtomicU64>,
    fenced: Arc<AtomicU64>,
}

/// A fault that lasts until this is dropped.
#[derive(Debug)]
pub struct Shown {
    board: Board,
    number: u64,
}

impl Board {
    /// A board without faults.
    #[must_use]
    pub fn clean() -> Self {
        Self {
            start: Instant::now(),
            line: ProgressBar::new_spinner(),
            on: Arc::default(),
            next: Arc::default(),
            fenced: Arc::default(),
        }
    }

    /// Prints that a fault begins, and shows it while it lasts.
    #[must_use]
    pub fn show(&self, fault: String) -> Shown {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.line.suspend(|| say::line(format_args!("{:>4} s  {fault}", self.start.elapsed().as_secs())));
        self.on().insert(number, fault);
        Shown { board: self.clone(), number }
    }

    /// How many partitions members lost to other claims, as far as their metrics could be read before they ended.
    #[must_use]
    pub fn fenced(&self) -> u64 {
        self.fenced.load(Ordering::Relaxed)
    }

    fn tell(&self, watched: bool, per_second: i64, lag: i64) {
        let (second, fenced, faults) = (self.start.elapsed().as_secs(), self.fenced(), self.faults());
        let text =
            format!("{second:>4} s  counted {per_second:>6}/s  lag {lag:>6}  fenced {fenced:>3}  {faults}");
        if watched {
            self.line.set_message(text);
            self.line.tick();
        } else {
            say::line(text);
        }
    }

    fn on(&self) -> MutexGuard<'_, BTreeMap<u64, String>> {
        self.on.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> String {
        let on: Vec<String> = self.on().values().cloned().collect();
        if on.is_empty() { "all well".to_owned() } else { on.join(" + ") }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.board.on().remove(&self.number);
    }
}

/// Updates rate, lag and faults, and checks that no member ends by itself.
///
/// # Errors
/// When a member does.
pub async fn keep(
    board: Board,
    stage: Arc<Stage>,
    ends: watch::Receiver<Offsets>,
    counted: watch::Receiver<Offsets>,
) -> anyhow::Result<Infallible> {
    let watched = std::io::stderr().is_terminal();
    let every = if watched { LOOK_EVERY } else { LINE_EVERY };
    let (mut before, mut last) = (board.start, 0);
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        looks.tick().await;
        stage.stands()?;
        if before.elapsed() < every {
            continue;
        }
        let lag = ends.borrow().ahead_of(&counted.borrow()).iter().map(Behind::offsets).sum();
        let counted = counted.borrow().sum();
        let passed = i64::try_from(before.elapsed().as_millis())?.max(1);
        let per_second = (counted - last) * 1_000 / passed;
        (before, last) = (Instant::now(), counted);
        board.tell(watched, per_second, lag);
    }
}

/// Reads the members' metrics repeatedly.
///
/// # Errors
/// None: that a member doesn't answer is expected here.
pub async fn read_metrics(board: Board, admins: [SocketAddr; MEMBERS]) -> anyhow::Result<Infallible> {
    let mut fences = admins.map(Fences::of);
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        looks.tick().await;
        let mut fenced = 0;
        for member in &mut fences {
            fenced += member.look().await;
        }
        board.fenced.store(fenced, Ordering::Relaxed);
    }
}

/// A counter that starts at 0 again when its member restarts.
#[derive(Clone, Copy, Debug)]
struct Fences {
    admin: SocketAddr,
    of_earlier_lives: u64,
    last: u64,
}

impl Fences {
    fn of(admin: SocketAddr) -> Self {
        Self { admin, of_earlier_lives: 0, last: 0 }
    }

    /// The sum over all lives, as far as known. A paused member reports nothing.
    async fn look(&mut self) -> u64 {
        let admin = self.admin;
        let read = tokio::task::spawn_blocking(move || http::get(admin, "/metrics")).await;
        if let Ok(Ok(metrics)) = read {
            self.take(http::series_sum(&metrics, "consumer_partitions_fenced_total", ""));
        }
        self.of_earlier_lives + self.last
    }

    fn take(&mut self, now: u64) {
        if now < self.last {
            self.of_earlier_lives += self.last;
        }
        self.last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_begins_anew_loses_nothing() {
        let mut fences = Fences::of(([127, 0, 0, 1], 1).into());
        for now in [0, 3, 5, 1, 1, 0] {
            fences.take(now);
        }
        assert_eq!(fences.of_earlier_lives + fences.last, 6);
    }

    #[test]
    fn a_fault_is_shown_while_it_is_on() {
        let board = Board::clean();
        let one = board.show("one".to_owned());
        let other = board.show("other".to_owned());
        assert_eq!(board.faults(), "one + other");
        drop(one);
        assert_eq!(board.faults(), "other");
        drop(other);
        assert_eq!(board.faults(), "all well");
    }
}
