//! The consumer group's members and their partitions.

use crate::record::place::Place;
use rdkafka::groups::{GroupInfo, GroupMemberInfo};

/// The group as Kafka describes it. Kafka doesn't describe a group of the newer protocol to this client: it looks as if it had
/// no members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Members {
    /// The group has no members.
    Nobody,
    /// The group is assigning partitions; who will hold which is not known yet.
    Rebalancing,
    /// The group has these members.
    Present(Vec<Member>),
}

/// A member of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its `client.id` and where it runs.
    pub name: String,
    /// What is assigned to it; `None` if Kafka's description can't be read.
    pub holds: Option<Vec<Place>>,
}

impl Member {
    /// Whether it may hold the place.
    #[must_use]
    pub fn may_hold(&self, place: &Place) -> bool {
        self.holds.as_ref().is_none_or(|holds| holds.contains(place))
    }

    fn of(info: &GroupMemberInfo) -> Self {
        let name = format!("{} at {}", info.client_id(), info.client_host().trim_start_matches('/'));
        Self { name, holds: info.assignment().and_then(assigned) }
    }
}

impl Members {
    pub(super) fn of(groups: &[GroupInfo]) -> Self {
        let Some(group) = groups.iter().find(|group| !group.members().is_empty()) else {
            return Self::Nobody;
        };
        if group.state() == "Stable" {
            Self::Present(group.members().iter().map(Member::of).collect())
        } else {
            Self::Rebalancing
        }
    }
}

/// What an assignment of the classic consumer protocol assigns: a version, then topics, each with its partitions
/// (<https://kafka.apache.org/protocol>, `ConsumerProtocolAssignment`). A member that was given nothing has no bytes.
fn assigned(bytes: &[u8]) -> Option<Vec<Place>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let (_version, mut rest) = bytes.split_first_chunk::<2>()?;
    let mut places = Vec::new();
    for _ in 0..number(&mut rest)? {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (topic, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        rest = after;
        for _ in 0..number(&mut rest)? {
            let partition = number(&mut rest)?;
            places.push(Place { topic: String::from_utf8(topic.to_vec()).ok()?, partition });
        }
    }
    Some(places)
}

fn number(bytes: &mut &[u8]) -> Option<i32> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(i32::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_names_its_partitions() {
        let bytes = [0, 1, 0, 0, 0, 1, 0, 2, b'e', b'v', 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0];
        let places = [0, 7].map(|partition| Place { topic: "ev".into(), partition });
        assert_eq!(assigned(&bytes), Some(places.to_vec()));
        assert_eq!(assigned(&[]), Some(Vec::new()));
        assert_eq!(assigned(&bytes[..9]), None, "cut off");
        let unreadable = Member { name: "m".into(), holds: None };
        assert!(unreadable.may_hold(&places[0]), "what can't be read may be anything");
    }
}
