//! What is known against the packages of npm that are shipped, by `npm audit`. Its registry may not answer, which says nothing
//! against the packages.

use machine::{page, workspace};
use serde_json::Value;
use std::path::PathBuf;

/// Folders with packages that are part of what is shipped, relative to the checkout.
const FOLDERS: [&str; 2] = ["dashboard", "clients/typescript"];

/// What is asked of each: about the packages of the lock file that are shipped, not those of its tools.
const AUDIT: [&str; 4] = ["audit", "--package-lock-only", "--omit=dev", "--json"];

/// What npm says about all folders together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing is known against them.
    Good,
    /// npm's registry doesn't answer such questions here.
    Unanswered,
    /// Something serious is known.
    Bad,
}

/// Asks npm, and tells what it says, a line for each folder.
///
/// # Errors
/// When npm can't be run.
pub fn ask(mut tell: impl FnMut(&str)) -> anyhow::Result<Verdict> {
    let mut worst = Verdict::Good;
    for folder in FOLDERS {
        let path: PathBuf = workspace::root().join(folder);
        let output = page::npm(&path, &AUDIT).output()?;
        let (verdict, said) = judge(&String::from_utf8_lossy(&output.stdout));
        tell(&format!("npm {} in {folder}: {said}", AUDIT.join(" ")));
        worst = worst.max(verdict);
    }
    Ok(worst)
}

/// What a report means. Only what is serious stands in the way: the rest is a line.
fn judge(report: &str) -> (Verdict, String) {
    let report: Option<Value> = serde_json::from_str(report).ok();
    let counts = report.as_ref().and_then(|report| report.pointer("/metadata/vulnerabilities"));
    let Some(counts) = counts else {
        return (Verdict::Unanswered, "the registry doesn't answer that".into());
    };
    let count = |severity: &str| counts.get(severity).and_then(Value::as_u64).unwrap_or_default();
    let (serious, all) = (count("critical") + count("high"), count("total"));
    let verdict = if serious > 0 { Verdict::Bad } else { Verdict::Good };
    (verdict, format!("{all} vulnerabilities are known, {serious} of them high or critical"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_judged_by_what_is_serious_and_no_report_by_nothing() {
        let check = |report: &str, expected| assert_eq!(judge(report).0, expected, "{report}");
        let counts = |counts: &str| format!(r#"{{"metadata": {{"vulnerabilities": {{{counts}}}}}}}"#);
        check(&counts(r#""high": 0, "critical": 0, "total": 0"#), Verdict::Good);
        check(&counts(r#""low": 3, "moderate": 1, "high": 0, "critical": 0, "total": 4"#), Verdict::Good);
        check(&counts(r#""high": 1, "total": 1"#), Verdict::Bad);
        check(&counts(r#""critical": 1, "total": 1"#), Verdict::Bad);
        check(r#"{"message": "no answer", "error": {"code": "ENOAUDIT"}}"#, Verdict::Unanswered);
        check("", Verdict::Unanswered);
    }

    #[test]
    fn a_bad_folder_outweighs_one_that_is_not_answered_for() {
        assert!(Verdict::Bad > Verdict::Unanswered && Verdict::Unanswered > Verdict::Good);
    }
}
