//! All findings, as lines for people and as a document for programs. Pure.

use super::check::{Check, Mark};
use super::finding::Finding;
use crate::operator::table::printable;
use serde_json::{Value, json};

/// Characters of the longest code, so that what was seen is aligned.
const CODE_WIDTH: usize = 22;

/// Findings in the order of their checks.
pub struct Report(Vec<Finding>);

impl Report {
    /// A report of these.
    #[must_use]
    pub fn of(mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|one, other| (one.check, &one.about).cmp(&(other.check, &other.about)));
        Self(findings)
    }

    /// Whether anything must be mended.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        self.count(Mark::Fault) > 0
    }

    /// A line for each finding, and one that sums them up.
    #[must_use]
    pub fn text(&self) -> String {
        let lines: Vec<String> = self.0.iter().map(line).collect();
        let [ok, warnings, faults] = [Mark::Ok, Mark::Warning, Mark::Fault].map(|mark| self.count(mark));
        let unchecked = self.unchecked();
        let unchecked = if unchecked.is_empty() {
            String::new()
        } else {
            format!("; not checked, for want of what they need: {}", unchecked.join(", "))
        };
        format!("{}\nok {ok}, warnings {warnings}, faults {faults}{unchecked}", lines.join("\n"))
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let finding = |finding: &Finding| {
            json!({
                "check": finding.check.code(),
                "mark": finding.mark.word(),
                "about": finding.about,
                "seen": finding.seen,
                "remedy": finding.remedy,
            })
        };
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "ok": self.count(Mark::Ok),
            "warnings": self.count(Mark::Warning),
            "faults": self.count(Mark::Fault),
            "findings": self.0.iter().map(finding).collect::<Vec<_>>(),
            "notChecked": self.unchecked(),
        })
    }

    fn count(&self, mark: Mark) -> usize {
        self.0.iter().filter(|finding| finding.mark == mark).count()
    }

    /// The checks that could not be made, because what they need is missing or doesn't answer.
    fn unchecked(&self) -> Vec<&'static str> {
        let has_none = |check: &Check| !self.0.iter().any(|finding| finding.check == *check);
        Check::all().filter(has_none).map(Check::code).collect()
    }
}

fn line(finding: &Finding) -> String {
    let Finding { check, about, mark, seen, remedy } = finding;
    let about = about.as_ref().map(|about| format!("{about}: ")).unwrap_or_default();
    let remedy = remedy.as_ref().map(|remedy| format!(". Remedy: {remedy}")).unwrap_or_default();
    let said = printable(&format!("{about}{seen}{remedy}"));
    format!("{:<7}  {:<CODE_WIDTH$}  {said}", mark.word(), check.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report::of(vec![
            Finding::ok(Check::Memory, "1 GiB"),
            Finding::bad(Check::Topic, "it doesn't exist").about("events").remedied_by("create it"),
            Finding::bad(Check::TopicReplicas, "copies 1\u{7}").about("runs"),
            Finding::ok(Check::Topic, "it exists").about("deliveries"),
        ])
    }

    #[test]
    fn findings_are_lines_in_the_order_of_their_checks_and_the_last_line_sums_them_up() {
        let text = report().text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "ok       topic                   deliveries: it exists");
        assert_eq!(lines[1], "fault    topic                   events: it doesn't exist. Remedy: create it");
        assert!(
            lines[2].starts_with("warning  topic-replicas          runs: copies 1\\u{7}. Remedy: "),
            "{text}"
        );
        assert_eq!(lines[3], "ok       memory                  1 GiB");
        assert!(lines[4].starts_with("ok 2, warnings 1, faults 1; not checked, for want of"), "{text}");
        assert!(lines[4].contains("brokers, ") && !lines[4].contains("memory"), "{text}");
        assert!(Check::all().all(|check| check.code().len() <= CODE_WIDTH));
    }

    #[test]
    fn programs_get_the_same_in_a_document() {
        let json = report().json();
        assert_eq!((&json["ok"], &json["warnings"], &json["faults"]), (&json!(2), &json!(1), &json!(1)));
        let expected = json!({
            "check": "topic", "mark": "fault", "about": "events", "seen": "it doesn't exist", "remedy": "create it"
        });
        assert_eq!(json["findings"][1], expected);
        assert_eq!(json["findings"][3]["about"], Value::Null);
        assert_eq!(json["notChecked"][0], "brokers");
    }

    #[test]
    fn warnings_alone_are_no_faults() {
        assert!(report().has_faults());
        assert!(!Report::of(vec![Finding::bad(Check::TopicReplicas, "copies 1")]).has_faults());
    }
}
