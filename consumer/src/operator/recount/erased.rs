//! What erasures mean to a recount: which records of the log the tables must not have.

use super::judged::Judged;
use super::state::State;
use crate::record::Topic;
use crate::record::topic_names::TopicNames;
use crate::store::{ErasureBoundary, Erasures};
use recount::{Erased, Kind};
use std::time::Duration;

/// Where the log stands that is compared with the tables.
pub struct Log<'a> {
    /// How far it was read.
    pub state: &'a State,
    /// What it has lost.
    pub judged: &'a Judged,
    /// How far ahead of the clock a record's time may be.
    pub skew: Duration,
}

/// What is erased, as far as the tables alone say.
pub fn of_tables(erasures: &Erasures, names: &TopicNames) -> Erased {
    let mut erased = under_way(erasures);
    for boundary in &erasures.boundaries {
        if let Some(topic) = names.topic(&boundary.place.topic) {
            before(&mut erased, boundary, kind_of(topic));
        }
    }
    erased
}

/// The same, beside what the log says. A topic that was made anew since has offsets of its own.
pub fn beside(log: &Log<'_>, erasures: &Erasures, names: &TopicNames) -> Erased {
    let mut erased = under_way(erasures);
    let skew = i64::try_from(log.skew.as_secs()).unwrap_or(i64::MAX);
    for boundary in &erasures.boundaries {
        let Some(topic) = names.topic(&boundary.place.topic) else { continue };
        let kind = kind_of(topic);
        let mut its = log.state.partitions.iter().filter(|at| at.topic == boundary.place.topic);
        if its.any(|at| is_another(&at.topic_id, &boundary.topic_id)) {
            let second = boundary.drawn_at.timestamp().saturating_add(skew);
            erased.before_second(&boundary.organization, kind, second);
        } else {
            before(&mut erased, boundary, kind);
        }
    }
    for topic in Topic::ALL {
        erased.lost_before(kind_of(topic), log.judged.from(topic));
    }
    erased
}

fn under_way(erasures: &Erasures) -> Erased {
    let mut erased = Erased::default();
    erasures.under_way.iter().for_each(|organization| erased.all_of(organization));
    erased
}

fn before(erased: &mut Erased, boundary: &ErasureBoundary, kind: Kind) {
    let ErasureBoundary { organization, place, next_offset, .. } = boundary;
    erased.before_offset(organization, kind, place.partition, next_offset.0);
}

/// Whether these are ids of two topics.
fn is_another(one: &Option<String>, other: &Option<String>) -> bool {
    one.as_ref().zip(other.as_ref()).is_some_and(|(one, other)| one != other)
}

/// What the topic's records are.
pub fn kind_of(topic: Topic) -> Kind {
    match topic {
        Topic::Events => Kind::Event,
        Topic::WorkflowTerminals => Kind::Workflow,
        Topic::MessageDeliveries => Kind::Delivery,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Offset;
    use crate::record::place::Place;
    use chrono::DateTime;

    #[test]
    fn ids_of_topics_differ_only_where_both_are_known() {
        let check = |one: Option<&str>, other: Option<&str>, expected| {
            assert_eq!(
                is_another(&one.map(str::to_owned), &other.map(str::to_owned)),
                expected,
                "{one:?} {other:?}"
            );
        };
        check(Some("a"), Some("b"), true);
        check(Some("a"), Some("a"), false);
        check(None, Some("a"), false);
        check(Some("a"), None, false);
    }

    #[test]
    fn organizations_that_are_being_erased_are_passed_over() {
        let boundary = ErasureBoundary {
            organization: "acme".into(),
            place: Place { topic: "e".into(), partition: 0 },
            topic_id: None,
            next_offset: Offset(3),
            drawn_at: DateTime::UNIX_EPOCH,
        };
        let erasures = Erasures { under_way: vec!["beta".into()], boundaries: vec![boundary] };
        let names = TopicNames::new(["e", "w", "m"].map(str::to_owned));
        assert_eq!(of_tables(&erasures, &names).under_way(), ["beta"]);
    }
}
