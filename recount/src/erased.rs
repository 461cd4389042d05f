//! What was erased of organizations after it was counted: the log may have it for longer, and the tables must not.

use crate::content::Kind;
use crate::entry::{Entry, What};
use std::collections::HashMap;

/// The organizations that were erased, and up to where.
#[derive(Clone, Debug, Default)]
pub struct Erased {
    organizations: HashMap<String, Boundary>,
    /// Of each kind of records, what was counted before this second since the Unix epoch may be gone from the log.
    lost_before: HashMap<Kind, i64>,
}

/// Where an organization begins anew.
#[derive(Clone, Debug, Default)]
struct Boundary {
    /// Whether its erasure is under way: nothing can be said of it.
    is_open: bool,
    /// The first offset that counts, by kind of records and partition; 0 where none is known.
    offsets: HashMap<(Kind, i32), i64>,
    /// Identities of this kind and before this second may have been counted, and erased, in a topic that is gone.
    before: HashMap<Kind, i64>,
}

impl Erased {
    /// The organization's erasure is under way: all of it is passed over.
    pub fn all_of(&mut self, organization: &str) {
        self.boundary(organization).is_open = true;
    }

    /// What the organization has in a partition before this offset is erased.
    pub fn before_offset(&mut self, organization: &str, kind: Kind, partition: i32, offset: i64) {
        let known = self.boundary(organization).offsets.entry((kind, partition)).or_default();
        *known = offset.max(*known);
    }

    /// The organization was erased when its records of this kind were in a topic that is gone: of those before this second it isn't
    /// known whether they were counted then.
    pub fn before_second(&mut self, organization: &str, kind: Kind, second: i64) {
        let known = self.boundary(organization).before.entry(kind).or_insert(second);
        *known = second.max(*known);
    }

    /// Copies of records of this kind and before this second may be gone from the log.
    pub fn lost_before(&mut self, kind: Kind, second: i64) {
        self.lost_before.insert(kind, second);
    }

    /// The organizations whose erasure is under way.
    #[must_use]
    pub fn under_way(&self) -> Vec<&str> {
        let open = self.organizations.iter().filter(|(_, boundary)| boundary.is_open);
        let mut names: Vec<&str> = open.map(|(organization, _)| organization.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Whether a record is erased: if it was counted, that was before its organization was erased.
    #[must_use]
    pub fn has(&self, entry: &Entry<'_>) -> bool {
        let place = (kind_of(entry.effect.what()), entry.partition);
        self.organizations.get(entry.organization).is_some_and(|boundary| {
            let first = boundary.offsets.get(&place).copied().unwrap_or_default();
            boundary.is_open || entry.offset < first
        })
    }

    /// Whether an identity of this quarter of an hour may have been counted and erased though no record in the log says so: the one
    /// that was counted may be gone.
    #[must_use]
    pub fn may_have_had(&self, organization: &str, what: What, quarter: i32) -> bool {
        let Some(boundary) = self.organizations.get(organization) else { return false };
        let (kind, second) = (kind_of(what), i64::from(quarter) * 900);
        let is_before = |limits: &HashMap<Kind, i64>| limits.get(&kind).is_some_and(|limit| second < *limit);
        is_before(&self.lost_before) || is_before(&boundary.before)
    }

    fn boundary(&mut self, organization: &str) -> &mut Boundary {
        self.organizations.entry(organization.to_owned()).or_default()
    }
}

/// The topic of an identity's records.
fn kind_of(what: What) -> Kind {
    match what {
        What::Order | What::Payment | What::Update => Kind::Event,
        What::Run => Kind::Workflow,
        What::Sent | What::Delivered => Kind::Delivery,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Effect;

    fn order(organization: &str, partition: i32, offset: i64) -> Entry<'_> {
        Entry { organization, quarter: 7, id: "o1", partition, offset, certain: true, effect: Effect::Order }
    }

    #[test]
    fn what_lies_before_the_boundary_of_its_organization_is_erased() {
        let mut erased = Erased::default();
        erased.before_offset("acme", Kind::Event, 0, 10);
        erased.before_offset("acme", Kind::Event, 0, 7);
        erased.before_offset("acme", Kind::Workflow, 1, 99);
        erased.all_of("beta");
        let check = |entry: Entry<'_>, expected| assert_eq!(erased.has(&entry), expected, "{entry:?}");
        check(order("acme", 0, 9), true);
        check(order("acme", 0, 10), false);
        check(order("acme", 1, 9), false);
        check(order("other", 0, 9), false);
        check(order("beta", 5, 999), true);
        check(Entry { effect: Effect::Sent("sms"), ..order("acme", 0, 9) }, false);
        assert_eq!(erased.under_way(), ["beta"]);
    }

    #[test]
    fn of_what_the_log_has_lost_it_is_not_known_whether_it_was_counted_and_erased() {
        let mut erased = Erased::default();
        erased.before_offset("acme", Kind::Event, 0, 10);
        erased.before_second("acme", Kind::Workflow, 9_000);
        erased.lost_before(Kind::Event, 1_800);
        let check = |organization, what, quarter, expected| {
            assert_eq!(
                erased.may_have_had(organization, what, quarter),
                expected,
                "{organization} {what:?} {quarter}"
            );
        };
        check("acme", What::Order, 1, true);
        check("acme", What::Order, 2, false);
        check("acme", What::Sent, 1, false);
        check("acme", What::Run, 9, true);
        check("acme", What::Run, 10, false);
        check("other", What::Order, 1, false);
    }
}
