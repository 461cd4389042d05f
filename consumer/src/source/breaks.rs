//! Why a partition can't be read any further: each cause with a sentence and a remedy for people. Pure.

use crate::record::Offset;
use std::fmt;

/// Why a partition can't be read any further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Break {
    /// Kafka doesn't have the next record, or has another one in its place. With the client's words about it.
    Missing(String),
    /// The next record can't be read, or the offset is none; in a sentence with a remedy.
    Unreadable(String),
}

/// What Kafka has of a partition, as far as it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The oldest offset.
    pub first: Option<Offset>,
    /// The offset after the newest record that the brokers have acknowledged.
    pub end: Option<Offset>,
}

impl Break {
    /// The cause and its remedy, in a sentence, of a partition whose next record would be at `next`.
    #[must_use]
    pub fn sentence(&self, next: Offset, extent: Extent) -> String {
        let said = match self {
            Self::Unreadable(sentence) => return sentence.clone(),
            Self::Missing(said) => said,
        };
        let deleted = extent.first.and_then(|first| deleted(next, first));
        if let Some(deleted) = deleted {
            return format!("{deleted}; decide by `consumer progress reset --to earliest`");
        }
        if let Some(beyond) = extent.end.and_then(|end| beyond(next, end)) {
            return format!(
                "{beyond}; find out whether Kafka lost records or the topic was made anew, then decide by `consumer progress reset`"
            );
        }
        format!(
            "Kafka doesn't have the record at {} that was to be counted next ({said}); find out whether its log went back, then \
             decide by `consumer progress reset`",
            next.0
        )
    }
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(said) | Self::Unreadable(said) => f.write_str(said),
        }
    }
}

/// What is gone of a partition that goes on at `next`, if Kafka's oldest offset lies behind that.
#[must_use]
pub fn deleted(next: Offset, first: Offset) -> Option<String> {
    let gone = first.0 - next.0;
    (gone > 0).then(|| format!("{gone} records from {} were deleted before they were counted", next.0))
}

/// How far a partition that goes on at `next` lies beyond Kafka's end, if it does.
#[must_use]
pub fn beyond(next: Offset, end: Offset) -> Option<String> {
    (end < next).then(|| format!("goes on at {}, and Kafka ends at {}", next.0, end.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(first: Option<i64>, end: Option<i64>, parts: &[&str]) {
        let extent = Extent { first: first.map(Offset), end: end.map(Offset) };
        let said = Break::Missing("it said so".into()).sentence(Offset(100), extent);
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        assert!(said.contains("; ") && said.contains("`consumer progress reset"), "{said}");
    }

    #[test]
    fn a_missing_record_is_told_with_what_kafka_has_and_what_to_do() {
        let gone = ["20 records from 100 were deleted before they were counted", "--to earliest"];
        check(Some(120), Some(150), &gone);
        check(Some(120), None, &gone);
        check(Some(0), Some(5), &["goes on at 100, and Kafka ends at 5", "made anew"]);
        check(None, Some(99), &["goes on at 100, and Kafka ends at 99"]);
        check(Some(0), Some(150), &["doesn't have the record at 100", "(it said so)", "went back"]);
        check(Some(100), Some(100), &["doesn't have the record at 100", "(it said so)"]);
        check(None, None, &["doesn't have the record at 100", "(it said so)"]);
    }

    #[test]
    fn what_can_not_be_read_is_told_as_it_is() {
        let unreadable = Break::Unreadable("it is corrupt; mend it".into());
        let extent = Extent { first: Some(Offset(120)), end: None };
        assert_eq!(unreadable.sentence(Offset(100), extent), "it is corrupt; mend it");
    }
}
