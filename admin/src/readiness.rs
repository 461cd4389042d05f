//! What a process needs to do its work, and what is wrong with that: `/readyz` says it in sentences, and gauges say the same.

use crate::gauges::Family;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The conditions that this process needs to do its work, by name, each with what is wrong with it, if anything.
///
/// A condition can be wrong for several causes at a time. Each cause has a key, and is cleared under that key only: a success
/// of something else says nothing about it. A process is ready while nothing is wrong with any condition, nor with any part of
/// its work. It is alive as long as it replies at all.
#[derive(Clone, Default)]
pub struct Readiness {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    conditions: BTreeMap<String, Causes>,
    /// Parts of the work, such as partitions: each is named only while something is wrong with it.
    parts: BTreeMap<String, Causes>,
    /// What people should look at though the process does its work.
    warnings: BTreeMap<String, String>,
}

/// What is wrong with a condition: sentences for people, by cause.
type Causes = BTreeMap<String, String>;

/// The cause of a condition that can be wrong in one way only.
const ONLY_CAUSE: &str = "";

/// The condition that gauges show in place of all parts, while something is wrong with one of them.
const PARTS: &str = "partitions";

/// What `/readyz` answers.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) ready: bool,
    conditions: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    warnings: BTreeMap<String, String>,
}

impl Readiness {
    /// No conditions: the process is ready.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing is wrong with `name`, which has one cause.
    pub fn good(&self, name: &str) {
        self.clear(name, ONLY_CAUSE);
    }

    /// Something is wrong with `name`, which has one cause; `why` is for people.
    pub fn bad(&self, name: &str, why: impl Into<String>) {
        self.blame(name, ONLY_CAUSE, why);
    }

    /// `name` is wrong for this cause; `why` is for people.
    pub fn blame(&self, name: &str, cause: &str, why: impl Into<String>) {
        self.locked().conditions.entry(name.to_owned()).or_default().insert(cause.to_owned(), why.into());
    }

    /// `name` is no longer wrong for this cause. Other causes of it stay.
    pub fn clear(&self, name: &str, cause: &str) {
        self.locked().conditions.entry(name.to_owned()).or_default().remove(cause);
    }

    /// `name` is no longer needed.
    pub fn forget(&self, name: &str) {
        self.locked().conditions.remove(name);
    }

    /// A part of the work is held up for this cause; `why` is for people.
    pub fn blame_part(&self, name: &str, cause: &str, why: impl Into<String>) {
        self.locked().parts.entry(name.to_owned()).or_default().insert(cause.to_owned(), why.into());
    }

    /// A part of the work is no longer held up for this cause. It is not named any more once no other cause is left.
    pub fn lift(&self, name: &str, cause: &str) {
        let mut state = self.locked();
        if let Some(causes) = state.parts.get_mut(name) {
            causes.remove(cause);
            if causes.is_empty() {
                state.parts.remove(name);
            }
        }
    }

    /// Something is wrong with `name` that people should look at. The process is ready all the same.
    pub fn warn(&self, name: &str, why: impl Into<String>) {
        self.locked().warnings.insert(name.to_owned(), why.into());
    }

    /// Nothing is wrong with `name` that people were warned of.
    pub fn unwarn(&self, name: &str) {
        self.locked().warnings.remove(name);
    }

    /// What `/readyz` answers now.
    pub(crate) fn report(&self) -> Report {
        let state = self.locked();
        let said = |(name, causes): (&String, &Causes)| {
            let sentences: Vec<&str> = causes.values().map(String::as_str).collect();
            let said = if sentences.is_empty() { "ok".to_owned() } else { sentences.join("; ") };
            (name.clone(), said)
        };
        Report {
            ready: state.is_ready(),
            conditions: state.conditions.iter().chain(&state.parts).map(said).collect(),
            warnings: state.warnings.clone(),
        }
    }

    /// The same as gauges, whose names begin with the program's. The process is ready while no condition is 0; what people are
    /// warned of has a label, so that nobody takes it for the reason why it isn't. Of the parts only the whole tells: there can be
    /// thousands, and their program has gauges of its own for them.
    pub(crate) fn gauges(&self, program: &str) -> [Family; 2] {
        let state = self.locked();
        let ready = Family::of(
            format!("{program}_ready"),
            "Whether /readyz answers 200: 1 if it does, 0 if not.",
            number(state.is_ready()),
        );
        let mut conditions = Family::new(
            format!("{program}_condition_ok"),
            "Whether /readyz says ok of a condition: 1 if it does, 0 if not. What it warns of is 0 and has the label warning.",
        );
        for (name, causes) in &state.conditions {
            conditions.add(&[("condition", name)], number(causes.is_empty()));
        }
        if !state.parts.is_empty() {
            conditions.add(&[("condition", PARTS)], 0.0);
        }
        for name in state.warnings.keys() {
            conditions.add(&[("condition", name), ("warning", "true")], 0.0);
        }
        [ready, conditions]
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_ready(&self) -> bool {
        self.parts.is_empty() && self.conditions.values().all(BTreeMap::is_empty)
    }
}

fn number(is: bool) -> f64 {
    f64::from(u8::from(is))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_cleared_by_its_own_success_and_by_no_other() {
        let readiness = Readiness::new();
        let check = |ready, said: &str| {
            let report = readiness.report();
            assert_eq!((report.ready, &*report.conditions["postgresql"]), (ready, said));
        };
        readiness.blame("postgresql", "start", "not connected yet");
        readiness.blame("postgresql", "write", "a right is missing");
        check(false, "not connected yet; a right is missing");
        readiness.clear("postgresql", "start");
        readiness.clear("postgresql", "read");
        check(false, "a right is missing");
        readiness.clear("postgresql", "write");
        check(true, "ok");
    }

    #[test]
    fn a_part_is_named_while_something_is_wrong_with_it() {
        let readiness = Readiness::new();
        let check = |ready, said: Option<&str>| {
            let report = readiness.report();
            assert_eq!(
                (report.ready, report.conditions.get("partition t/0").map(String::as_str)),
                (ready, said)
            );
        };
        readiness.blame_part("partition t/0", "stopped", "gone");
        readiness.blame_part("partition t/0", "stalled", "slow");
        check(false, Some("slow; gone"));
        readiness.lift("partition t/0", "stopped");
        readiness.lift("partition t/0", "waits");
        readiness.lift("partition t/1", "stopped");
        check(false, Some("slow"));
        readiness.lift("partition t/0", "stalled");
        check(true, None);
    }

    /// The value of `p_ready`, and those of `p_condition_ok` by condition.
    fn gauges(readiness: &Readiness) -> String {
        let text = readiness.gauges("p").map(|family| family.to_string()).concat();
        text.lines().filter(|line| line.starts_with("p_")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_gauges_say_what_the_report_says() {
        let readiness = Readiness::new();
        assert_eq!(gauges(&readiness), "p_ready 1");
        readiness.good("clock");
        readiness.bad("kafka", "no broker answers");
        assert_eq!(
            gauges(&readiness),
            "p_ready 0 p_condition_ok{condition=\"clock\"} 1 p_condition_ok{condition=\"kafka\"} 0"
        );
        readiness.good("kafka");
        readiness.blame_part("partition t/0", "stopped", "gone");
        assert_eq!(
            gauges(&readiness),
            "p_ready 0 p_condition_ok{condition=\"clock\"} 1 p_condition_ok{condition=\"kafka\"} 1 \
             p_condition_ok{condition=\"partitions\"} 0",
            "all parts have one series"
        );
        readiness.lift("partition t/0", "stopped");
        readiness.forget("kafka");
        readiness.warn("redis", "away");
        readiness.warn("clock", "odd");
        assert_eq!(
            gauges(&readiness),
            "p_ready 1 p_condition_ok{condition=\"clock\"} 1 \
             p_condition_ok{condition=\"clock\",warning=\"true\"} 0 p_condition_ok{condition=\"redis\",warning=\"true\"} 0",
            "a warning is told apart from a condition, and the process is ready"
        );
    }
}
