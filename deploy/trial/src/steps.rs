//! The steps of a trial, and the table that it ends with.

use machine::say;
use std::fmt;
use std::process::ExitCode;

/// What became of each step, in their order.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    rows: Vec<(String, Outcome)>,
}

#[derive(Debug)]
enum Outcome {
    Passed,
    Failed,
    Skipped(String),
}

impl Steps {
    /// Takes a step's result, and prints why it failed. True if it passed.
    pub(crate) fn take(&mut self, name: impl Into<String>, result: anyhow::Result<()>) -> bool {
        let name = name.into();
        let outcome = match result {
            Ok(()) => Outcome::Passed,
            Err(error) => {
                say::problem(format_args!("{name}: {error:#}"));
                Outcome::Failed
            }
        };
        say::line(format_args!("{name}: {outcome}"));
        let passed = matches!(outcome, Outcome::Passed);
        self.rows.push((name, outcome));
        passed
    }

    /// A step that this machine can't take, and why.
    pub(crate) fn skip(&mut self, name: impl Into<String>, why: impl Into<String>) {
        self.rows.push((name.into(), Outcome::Skipped(why.into())));
    }

    /// Prints the table. A skipped step is no failure.
    pub(crate) fn end(self) -> ExitCode {
        say::line("");
        for (name, outcome) in &self.rows {
            say::line(format_args!("{outcome:<9}{name}"));
        }
        for (name, outcome) in &self.rows {
            if let Outcome::Skipped(why) = outcome {
                say::line(format_args!("skipped: {name}: {why}"));
            }
        }
        let failed = self.rows.iter().any(|(_, outcome)| matches!(outcome, Outcome::Failed));
        if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::Skipped(_) => "skipped",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_fails_the_trial_and_a_skipped_step_does_not() {
        let mut steps = Steps::default();
        assert!(steps.take("one", Ok(())));
        steps.skip("two", "there is no tool");
        assert_eq!(steps.end(), ExitCode::SUCCESS);
        let mut steps = Steps::default();
        assert!(!steps.take("one", Err(anyhow::anyhow!("it broke"))));
        assert!(steps.take("two", Ok(())));
        assert_eq!(steps.end(), ExitCode::FAILURE);
    }
}
