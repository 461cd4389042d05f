//! The consumer group's members and their partitions.

use crate::record::place::Place;
use crate::source::describing::group::{GroupDescription, MemberDescription};

/// The group as Kafka describes it.
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
    /// What is assigned to it.
    pub holds: Vec<Place>,
}

impl Member {
    fn of(MemberDescription { client, host, holds }: MemberDescription) -> Self {
        Self { name: format!("{client} at {}", host.trim_start_matches('/')), holds }
    }
}

impl Members {
    pub(super) fn of(GroupDescription { is_stable, members }: GroupDescription) -> Self {
        if members.is_empty() {
            Self::Nobody
        } else if is_stable {
            Self::Present(members.into_iter().map(Member::of).collect())
        } else {
            Self::Rebalancing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_what_is_known_of_a_group_that_is_stable() {
        let place = Place { topic: "ev".into(), partition: 7 };
        let member = MemberDescription {
            client: "business-metrics-consumer".into(),
            host: "/10.0.0.7".into(),
            holds: vec![place.clone()],
        };
        let group = |is_stable, members: &[MemberDescription]| {
            Members::of(GroupDescription { is_stable, members: members.to_vec() })
        };
        let name = "business-metrics-consumer at 10.0.0.7".to_owned();
        let present = Members::Present(vec![Member { name, holds: vec![place] }]);
        assert_eq!(group(true, std::slice::from_ref(&member)), present);
        assert_eq!(group(false, &[member]), Members::Rebalancing);
        assert_eq!([true, false].map(|is_stable| group(is_stable, &[])), [Members::Nobody, Members::Nobody]);
    }
}
