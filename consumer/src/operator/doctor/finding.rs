//! What the doctor has found: a check, how it went, what was seen, and what to do. Pure.

use super::check::{Check, Mark};
use std::time::Duration;

/// A day.
pub const DAY: Duration = Duration::from_secs(86_400);

/// How one check went, of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was checked.
    pub check: Check,
    /// Of what, where there are several: a topic.
    pub about: Option<String>,
    /// How it went.
    pub mark: Mark,
    /// What was seen.
    pub seen: String,
    /// What to do; `None` if nothing.
    pub remedy: Option<String>,
}

impl Finding {
    /// The check went well.
    pub fn ok(check: Check, seen: impl Into<String>) -> Self {
        Self { check, about: None, mark: Mark::Ok, seen: seen.into(), remedy: None }
    }

    /// It didn't.
    pub fn bad(check: Check, seen: impl Into<String>) -> Self {
        let remedy = Some(check.remedy().to_owned());
        Self { check, about: None, mark: check.mark(), seen: seen.into(), remedy }
    }

    /// It didn't, in a sentence that may have its own remedy, behind its first semicolon.
    pub fn told(check: Check, sentence: &str) -> Self {
        match sentence.split_once("; ") {
            Some((seen, remedy)) => Self::bad(check, seen).remedied_by(remedy),
            None => Self::bad(check, sentence),
        }
    }

    /// It went well, or it didn't.
    pub fn of(check: Check, is_well: bool, seen: impl Into<String>) -> Self {
        if is_well { Self::ok(check, seen) } else { Self::bad(check, seen) }
    }

    /// The finding is about this.
    #[must_use]
    pub fn about(self, about: &str) -> Self {
        Self { about: Some(about.to_owned()), ..self }
    }

    /// It has a more particular remedy than its check.
    #[must_use]
    pub fn remedied_by(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

/// A span of time as people say it: whole days as that.
#[must_use]
pub fn in_words(time: Duration) -> String {
    let (days, rest) = (time.as_secs() / DAY.as_secs(), time.as_secs() % DAY.as_secs());
    if rest == 0 && days > 0 { format!("{days} d") } else { humantime::format_duration(time).to_string() }
}

/// The codes of the checks that didn't go well, in the order of the findings.
#[cfg(test)]
pub fn codes_of_bad(findings: &[Finding]) -> Vec<&'static str> {
    let bad = findings.iter().filter(|finding| finding.remedy.is_some());
    bad.map(|finding| finding.check.code()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_as_days() {
        let check = |seconds, expected: &str| assert_eq!(in_words(Duration::from_secs(seconds)), expected);
        check(35 * 86_400, "35 d");
        check(43_200, "12h");
        check(0, "0s");
    }

    #[test]
    fn what_is_not_well_has_its_checks_mark_and_a_remedy() {
        let bad = Finding::of(Check::Clock, false, "an hour").about("x");
        assert_eq!((bad.mark, bad.remedy.as_deref()), (Mark::Fault, Some(Check::Clock.remedy())));
        assert_eq!(bad.remedied_by("wait").remedy.as_deref(), Some("wait"));
        assert_eq!(Finding::of(Check::Clock, true, "no difference").remedy, None);
    }

    #[test]
    fn a_sentence_with_a_remedy_takes_the_place_of_the_checks_own() {
        let check = |sentence, seen: &str, remedy: &str| {
            let told = Finding::told(Check::Redis, sentence);
            assert_eq!((&*told.seen, told.remedy.as_deref()), (seen, Some(remedy)));
        };
        check("it has expired; renew it; or not", "it has expired", "renew it; or not");
        check("it is away", "it is away", Check::Redis.remedy());
    }
}
