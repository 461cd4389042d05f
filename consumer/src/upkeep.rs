//! The rhythm of upkeep: which of the store's tasks is due, and which have failed for so long that people must know.

use crate::store::upkeep::{HOURS_OF_EXCESS, Retention, Task};
use crate::store::{Connection, Store};
use admin::Readiness;
use std::time::{Duration, Instant};

/// A task that failed is tried again after this, then after twice as long, and so on.
const RETRY_MIN: Duration = Duration::from_secs(5);
/// The longest pause before a task that failed is tried again. Each try may hold batches up for a moment.
const RETRY_MAX: Duration = Duration::from_secs(300);
/// A task that has failed for this long is named by readiness.
const NAMED_AFTER: Duration = Duration::from_secs(3_600);

/// How long a task has been failing, by task; 0 for one that succeeded last.
const FAILING_SECONDS: &str = "consumer_upkeep_failing_seconds";

/// Does the tasks of upkeep for as long as the process runs, one at a time. One that fails doesn't keep the others from
/// being done.
pub async fn keep_up(mut store: Store, retention: Retention, readiness: Readiness) {
    metrics::describe_gauge!(FAILING_SECONDS, "How long a task of upkeep has been failing, by task.");
    metrics::describe_gauge!(
        HOURS_OF_EXCESS,
        "Hours with more messages delivered than sent, of the last day."
    );
    let mut schedule = Schedule::new(Instant::now());
    loop {
        let (task, due) = schedule.next();
        tokio::time::sleep_until(due.into()).await;
        // While PostgreSQL is away no task is to blame.
        store.until_done("connecting", async |_: &mut Connection| Ok(())).await;
        let began = Instant::now();
        let mut tend = async |connection: &mut Connection| connection.tend(task, &retention).await;
        match store.attempt(task.name(), &mut tend).await {
            Ok(()) => schedule.succeeded(task, Instant::now()),
            Err(error) => {
                let again_in = schedule.failed(task, began, Instant::now());
                store.say(task.name(), &error, again_in);
                if schedule.must_be_named(task, Instant::now()) {
                    readiness.warn(&condition(task), format!("has failed for an hour or longer: {error}"));
                }
            }
        }
        report(&schedule, &readiness);
    }
}

/// Sets the tasks' metrics, and withdraws warnings of those that are well.
fn report(schedule: &Schedule, readiness: &Readiness) {
    let now = Instant::now();
    for task in Task::ALL {
        let failing_for = schedule.failing_for(task, now);
        let seconds = failing_for.unwrap_or_default().as_secs_f64();
        metrics::gauge!(FAILING_SECONDS, "task" => task.name()).set(seconds);
        if failing_for.is_none() {
            readiness.unwarn(&condition(task));
        }
    }
}

fn condition(task: Task) -> String {
    format!("upkeep: {}", task.name())
}

/// When each task is due, and since when it has been failing. Pure.
struct Schedule {
    tasks: [Planned; Task::ALL.len()],
}

struct Planned {
    task: Task,
    due: Instant,
    /// Since when it has been failing, and how often it has failed since.
    failing: Option<(Instant, u32)>,
}

impl Schedule {
    /// All tasks are due.
    fn new(now: Instant) -> Self {
        Self { tasks: Task::ALL.map(|task| Planned { task, due: now, failing: None }) }
    }

    /// The task that is due first, and when.
    fn next(&self) -> (Task, Instant) {
        let [first, others @ ..] = &self.tasks;
        let next = others.iter().fold(first, |next, other| if other.due < next.due { other } else { next });
        (next.task, next.due)
    }

    fn succeeded(&mut self, task: Task, now: Instant) {
        let planned = self.planned(task);
        (planned.due, planned.failing) = (now + task.every(), None);
    }

    /// Notes that an attempt that `began` then has failed. Returns after how long the next one is due.
    fn failed(&mut self, task: Task, began: Instant, now: Instant) -> Duration {
        let planned = self.planned(task);
        let (since, failures) = planned.failing.unwrap_or((began, 0));
        let wait = RETRY_MIN.saturating_mul(1 << failures.min(16)).min(RETRY_MAX);
        (planned.due, planned.failing) = (now + wait, Some((since, failures.saturating_add(1))));
        wait
    }

    /// For how long the task has been failing; `None` if it succeeded last.
    fn failing_for(&self, task: Task, now: Instant) -> Option<Duration> {
        let (since, _) = self.tasks[task as usize].failing?;
        Some(now.saturating_duration_since(since))
    }

    fn must_be_named(&self, task: Task, now: Instant) -> bool {
        self.failing_for(task, now).is_some_and(|failing_for| NAMED_AFTER <= failing_for)
    }

    fn planned(&mut self, task: Task) -> &mut Planned {
        &mut self.tasks[task as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_tasks_are_in_the_order_in_which_they_are_planned() {
        let schedule = Schedule::new(Instant::now());
        assert!(Task::ALL.iter().all(|task| schedule.tasks[*task as usize].task == *task));
    }

    #[test]
    fn each_task_has_its_own_rhythm_and_one_that_fails_stops_no_other() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        for task in Task::ALL {
            assert_eq!(schedule.next(), (task, start));
            if task == Task::LedgerDays {
                schedule.failed(task, start, start);
            } else {
                schedule.succeeded(task, start);
            }
        }
        let mut done = Vec::new();
        loop {
            let (task, due) = schedule.next();
            if start + 60 * MINUTE < due {
                break;
            }
            done.push(task);
            if task == Task::LedgerDays {
                schedule.failed(task, due, due);
            } else {
                schedule.succeeded(task, due);
            }
        }
        let times = |task| done.iter().filter(|of| **of == task).count();
        // After 5, 15, 35, 75, 155 and 315 seconds, and then every five minutes.
        assert_eq!((times(Task::Merging), times(Task::Floor), times(Task::LedgerDays)), (12, 1, 16));
    }

    #[test]
    fn a_task_is_named_once_it_has_failed_for_an_hour_and_no_longer_when_it_has_succeeded() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        assert_eq!(schedule.failing_for(Task::Floor, start + 90 * MINUTE), None, "it has not failed");
        schedule.failed(Task::Floor, start, start);
        schedule.failed(Task::Floor, start + 59 * MINUTE, start + 59 * MINUTE);
        assert!(!schedule.must_be_named(Task::Floor, start + 59 * MINUTE));
        assert!(schedule.must_be_named(Task::Floor, start + 60 * MINUTE));
        assert!(!schedule.must_be_named(Task::Merging, start + 60 * MINUTE));
        schedule.succeeded(Task::Floor, start + 61 * MINUTE);
        assert!(!schedule.must_be_named(Task::Floor, start + 200 * MINUTE));
        let again = schedule.failed(Task::Floor, start + 121 * MINUTE, start + 121 * MINUTE);
        assert_eq!((again, schedule.must_be_named(Task::Floor, start + 122 * MINUTE)), (RETRY_MIN, false));
    }
}
