//! Identities, and their keyed 64-bit fingerprints.

use crate::record::{Milestone, Topic};
use siphasher::sip::SipHasher13;

/// What an identity belongs to. An event's body is part of it, so that an order and its payment may have the same id. A
/// message's two milestones are two identities, so that each is counted once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An order, by `event_id`.
    Order,
    /// A payment, by `event_id`.
    Payment,
    /// An organization's update, by `event_id`. It isn't counted: the newest wins.
    OrganizationUpdate,
    /// A workflow execution, by `execution_id`.
    WorkflowRun,
    /// A message's milestone, by `message_id`.
    Message(Milestone),
}

impl Kind {
    /// Part of each fingerprint in the ledger: a number that was given stays.
    const fn tag(self) -> u8 {
        match self {
            Self::Order => 1,
            Self::WorkflowRun => 2,
            Self::Message(Milestone::Sent) => 3,
            Self::Message(Milestone::Delivered) => 4,
            Self::Payment => 5,
            Self::OrganizationUpdate => 6,
        }
    }

    /// The topic such identities come from.
    #[must_use]
    pub const fn topic(self) -> Topic {
        match self {
            Self::Order | Self::Payment | Self::OrganizationUpdate => Topic::Events,
            Self::WorkflowRun => Topic::WorkflowTerminals,
            Self::Message(_) => Topic::MessageDeliveries,
        }
    }
}

/// Makes fingerprints. The key is a secret of the database: without it nobody can construct two ids of one fingerprint.
#[derive(Clone)]
pub struct Fingerprints {
    hasher: SipHasher13,
}

/// Most bytes of an identity: tag, length, organization (128), id (256).
const IDENTITY_BYTES_MAX: usize = 2 + 128 + 256;

impl Fingerprints {
    /// Fingerprints under `key`.
    #[must_use]
    pub fn keyed(key: &[u8; 16]) -> Self {
        Self { hasher: SipHasher13::new_with_key(key) }
    }

    /// The identity's fingerprint: SipHash-1-3 of kind, organization and id, and never 0. The identity's quarter of an hour
    /// is not part of it, because the page has it.
    ///
    /// The organization's length comes before it, so that ("ab", "c") and ("a", "bc") differ. Both texts must have passed
    /// the decoder, which bounds them.
    #[inline]
    #[must_use]
    pub fn of(&self, kind: Kind, organization: &str, id: &str) -> u64 {
        let mut identity = [0u8; IDENTITY_BYTES_MAX];
        let (org, id) = (organization.as_bytes(), id.as_bytes());
        let length = 2 + org.len() + id.len();
        identity[0] = kind.tag();
        identity[1] = u8::try_from(org.len()).expect("the decoder bounds organizations to 128 bytes");
        identity[2..2 + org.len()].copy_from_slice(org);
        identity[2 + org.len()..length].copy_from_slice(id);
        self.hasher.hash(&identity[..length]).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let fingerprints = Fingerprints::keyed(&[7; 16]);
        let of = |kind, organization, id| fingerprints.of(kind, organization, id);
        let all = [
            of(Kind::Order, "ab", "c"),
            of(Kind::Order, "a", "bc"),
            of(Kind::Payment, "ab", "c"),
            of(Kind::OrganizationUpdate, "ab", "c"),
            of(Kind::WorkflowRun, "ab", "c"),
            of(Kind::Message(Milestone::Sent), "ab", "c"),
            of(Kind::Message(Milestone::Delivered), "ab", "c"),
            Fingerprints::keyed(&[8; 16]).of(Kind::Order, "ab", "c"),
        ];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(all[0], of(Kind::Order, "ab", "c"));
    }
}
