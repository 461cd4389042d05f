//! The consumer group and the database, judged together. Pure.

use super::check::Check;
use super::finding::Finding;
use crate::source::cluster::Members;
use std::time::Duration;

/// What was seen of who counts.
#[derive(Clone, Copy, Debug)]
pub struct Counting<'a> {
    /// The group's members, as Kafka describes them.
    pub members: &'a Members,
    /// Whether the broker deals partitions out, by the newer protocol, whose groups Kafka doesn't describe to this client.
    pub is_hidden: bool,
    /// Whether a partition's progress in the database moved while it was watched.
    pub moved: bool,
    /// How long ago it moved last; `None` if it never has.
    pub still_for: Option<Duration>,
    /// How long the group lists a member after its last sign of life.
    pub listed_for: Duration,
    /// Sessions of members in the database.
    pub sessions: i64,
}

/// Whether the members of the group count into this database, and nobody else does.
pub fn judge(counting: Counting<'_>) -> Finding {
    let Counting { members, is_hidden, moved, still_for, listed_for, sessions } = counting;
    let check = Check::GroupDatabase;
    let is_still = !moved && sessions == 0;
    match members {
        Members::Nobody if is_hidden => {
            Finding::ok(check, "Kafka doesn't describe groups of the newer protocol to this client")
        }
        Members::Nobody if moved => Finding::bad(
            check,
            "progress moves in this database, and the group has no members: members of another group count into it",
        ),
        Members::Nobody => Finding::ok(check, "the group has no members now"),
        Members::Rebalancing => Finding::ok(check, "the group is assigning partitions"),
        // A static member that ends well doesn't leave the group, and one that is killed can't.
        Members::Present(_) if is_still && still_for.is_some_and(|still_for| still_for <= listed_for) => {
            Finding::ok(check, "the group's members have just ended, and are still listed")
        }
        Members::Present(members) if is_still => Finding::bad(
            check,
            format!(
                "the group has {} members, none is connected to this database, and no progress moves in it: they count into \
                 another one",
                members.len()
            ),
        ),
        Members::Present(members) => {
            Finding::ok(check, format!("{} members count into this database", members.len()))
        }
    }
}

/// How many members there are.
pub fn count(members: &Members) -> u32 {
    match members {
        Members::Nobody | Members::Rebalancing => 0,
        Members::Present(members) => u32::try_from(members.len()).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::cluster::Member;

    #[test]
    fn a_group_and_a_database_belong_together() {
        let member = || Member { name: "m".into(), holds: Vec::new() };
        let seconds = Duration::from_secs;
        let listed_for = seconds(10);
        let check = |members: &Members, is_hidden, moved, sessions, expected: bool| {
            let still_for = Some(seconds(11));
            let counting = Counting { members, is_hidden, moved, still_for, listed_for, sessions };
            let finding = judge(counting);
            assert_eq!(finding.remedy.is_none(), expected, "{finding:?}");
        };
        let some = Members::Present(vec![member(), member()]);
        check(&Members::Nobody, false, false, 0, true);
        check(&Members::Nobody, false, true, 3, false);
        check(&Members::Nobody, true, true, 3, true);
        check(&Members::Rebalancing, false, true, 0, true);
        check(&some, false, true, 3, true);
        check(&some, false, false, 3, true);
        check(&some, false, true, 0, true);
        check(&some, false, false, 0, false);
        let ended = |still_for| {
            let members = &some;
            judge(Counting { members, is_hidden: false, moved: false, still_for, listed_for, sessions: 0 })
        };
        assert_eq!(ended(Some(seconds(10))).remedy, None, "static members that were just stopped");
        assert!(ended(None).remedy.is_some(), "nobody has ever counted here");
        assert_eq!([&Members::Nobody, &some].map(count), [0, 2]);
    }
}
