//! Which refused records come from before an erasure of their organization: published again, they would count. Pure.

use super::refused::Refused;
use crate::store::DrawnErasure;
use std::collections::HashMap;

/// Erasures by their organizations.
pub struct Erased(HashMap<String, Vec<DrawnErasure>>);

impl Erased {
    /// What these erasures have erased.
    #[must_use]
    pub fn by(erasures: Vec<DrawnErasure>) -> Self {
        let mut all: HashMap<String, Vec<DrawnErasure>> = HashMap::new();
        for erasure in erasures {
            all.entry(erasure.organization.clone()).or_default().push(erasure);
        }
        Self(all)
    }

    /// Whether the record comes from before an erasure of its organization.
    #[must_use]
    pub fn has(&self, record: &Refused<'_>) -> bool {
        // Where nothing was erased no value needs to be read.
        let organization = if self.0.is_empty() { None } else { record.organization() };
        let erasures = organization.and_then(|organization| self.0.get(&organization));
        erasures.is_some_and(|erasures| erasures.iter().any(|erasure| is_before(record, erasure)))
    }
}

/// Whether the record comes from before this erasure, by the rule that dead letters are erased by: the boundary decides, and
/// the time where the record's partition has none, or its topic is another one of the same name.
fn is_before(record: &Refused<'_>, erasure: &DrawnErasure) -> bool {
    let is_its_topic = |topic_id: Option<&str>| {
        record.topic_id.is_empty() || topic_id.is_none_or(|topic_id| topic_id == record.topic_id)
    };
    let boundary = erasure.boundary.get(record.place);
    let boundary = boundary.filter(|(topic_id, _)| is_its_topic(topic_id.as_deref()));
    boundary.map_or(record.rejected_at < erasure.drawn_at, |(_, next_offset)| record.offset < *next_offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Offset;
    use crate::record::place::Place;
    use chrono::DateTime;

    fn place(partition: i32) -> Place {
        Place { topic: "events".into(), partition }
    }

    /// An erasure at this second. It has a boundary in partition 0, if it has one.
    fn erasure(organization: &str, second: i64, boundary: Option<(Option<&str>, i64)>) -> DrawnErasure {
        let of_partition = |(topic_id, next_offset): (Option<&str>, i64)| {
            (place(0), (topic_id.map(str::to_owned), Offset(next_offset)))
        };
        DrawnErasure {
            organization: organization.into(),
            drawn_at: DateTime::from_timestamp(second, 0).unwrap(),
            boundary: boundary.map(of_partition).into_iter().collect(),
        }
    }

    /// Whether a record of "acme" is held back that was refused at this second.
    fn is_held_back(erasures: &[DrawnErasure], at: (i32, &str, i64), second: i64) -> bool {
        let (partition, topic_id, offset) = at;
        Erased::by(erasures.to_vec()).has(&Refused {
            place: &place(partition),
            topic_id,
            offset: Offset(offset),
            rejected_at: DateTime::from_timestamp(second, 0).unwrap(),
            key: Some(b"acme"),
            payload: None,
            headers: &Vec::new(),
        })
    }

    #[test]
    fn the_boundary_decides_and_the_time_where_there_is_none() {
        let check = |boundary, at, second, expected| {
            let is_held_back = is_held_back(&[erasure("acme", 100, boundary)], at, second);
            assert_eq!(is_held_back, expected, "{boundary:?} {at:?} {second}");
        };
        let boundary = Some((Some("id"), 10));
        // Refused again after the erasure, it is still from before.
        check(boundary, (0, "id", 9), 200, true);
        check(boundary, (0, "id", 10), 50, false);
        check(boundary, (0, "", 9), 200, true);
        check(boundary, (0, "", 10), 50, false);
        check(Some((None, 10)), (0, "id", 9), 200, true);
        check(Some((None, 10)), (0, "id", 10), 50, false);
        // Another topic of the same name, another partition, none at all.
        check(boundary, (0, "another", 9), 100, false);
        check(boundary, (0, "another", 11), 99, true);
        check(boundary, (1, "id", 9), 100, false);
        check(boundary, (1, "id", 11), 99, true);
        check(None, (0, "id", 9), 100, false);
        check(None, (0, "id", 11), 99, true);
    }

    #[test]
    fn any_erasure_of_the_organization_holds_a_record_back_and_no_others() {
        let check = |erasures: &[DrawnErasure], expected| {
            assert_eq!(is_held_back(erasures, (0, "id", 9), 50), expected, "{erasures:?}");
        };
        let (early, late) = (erasure("acme", 10, Some((None, 5))), erasure("acme", 100, Some((None, 10))));
        let of_another = erasure("other", 100, Some((None, 10)));
        check(&[], false);
        check(std::slice::from_ref(&early), false);
        check(&[early.clone(), late.clone()], true);
        check(&[late, early.clone()], true);
        check(&[early, of_another], false);
    }
}
