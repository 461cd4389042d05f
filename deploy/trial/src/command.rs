//! Programs that run to their end.

use anyhow::{Context as _, bail, ensure};
use machine::environment::Environment;
use machine::say;
use std::process::{Command, Stdio};

/// Most lines of a failed program's output that an error shows.
const LINES_MAX: usize = 40;

/// What a program said, and whether it succeeded.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) succeeded: bool,
    pub(crate) output: String,
    pub(crate) errors: String,
}

/// Runs a program, whatever its exit code.
pub(crate) fn said(command: &mut Command) -> anyhow::Result<Said> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("{} can't be run", name(command)))?;
    Ok(Said {
        succeeded: output.status.success(),
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs a program that must succeed, and returns its standard output.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let said = said(command)?;
    ensure!(said.succeeded, "{} failed:\n{}", name(command), said.tail());
    Ok(said.output)
}

/// Runs a program that takes long and must succeed. Its output is shown as it comes.
pub(crate) fn shown(command: &mut Command) -> anyhow::Result<()> {
    say::line(format_args!("{} ...", words(command)));
    let status = command.stdin(Stdio::null()).status();
    let status = status.with_context(|| format!("{} can't be run", name(command)))?;
    ensure!(status.success(), "{} failed ({status}); see its output above", name(command));
    Ok(())
}

/// Runs a program that must refuse what it is given, and say one of these words.
pub(crate) fn refused(command: &mut Command, word: &str) -> anyhow::Result<()> {
    let said = said(command)?;
    if said.succeeded {
        bail!("{} accepts what is wrong", words(command));
    }
    let tail = said.tail();
    ensure!(tail.contains(word), "{} refuses, but doesn't say {word:?}:\n{tail}", name(command));
    Ok(())
}

/// The programs among these that are not installed.
pub(crate) fn missing<'a>(environment: &Environment, programs: &[&'a str]) -> Vec<&'a str> {
    programs.iter().copied().filter(|program| environment.find(program).is_none()).collect()
}

impl Said {
    /// The end of what it said.
    pub(crate) fn tail(&self) -> String {
        let all = format!("{}{}", self.output, self.errors);
        let lines: Vec<&str> = all.lines().collect();
        lines[lines.len().saturating_sub(LINES_MAX)..].join("\n")
    }
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_be_refused_has_to_be_and_for_the_right_reason() {
        let fails = |script: &str| refused(Command::new("sh").args(["-c", script]), "so wrong").is_err();
        assert!(fails("true"));
        assert!(fails("echo other; exit 1"));
        assert!(!fails("echo so wrong >&2; exit 1"));
    }
}
