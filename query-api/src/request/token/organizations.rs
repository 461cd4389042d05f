//! The organizations that a token names, and the choice among them. Pure.

use crate::request::token::refusal::Refusal;
use std::sync::Arc;

/// The longest id an organization has: the consumer refuses records with a longer one.
const ORGANIZATION_BYTES_MAX: usize = 128;

/// How many entries of `organizations` are read; further ones are passed over, so that a token names fewer, never more.
pub(super) const ORGANIZATIONS_MAX: usize = 100;

/// The organizations that a token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organizations {
    /// All of them, each once.
    all: Arc<[Arc<str>]>,
    /// The one that is meant without a choice: that of `organization_id`, or the only one.
    default: Option<Arc<str>>,
}

impl Organizations {
    /// Those of the claims `organization_id` and `organizations`. What can't be an organization's id is passed over.
    pub fn new(organization_id: Option<&str>, organizations: &[&str]) -> Self {
        let own = organization_id.filter(|id| is_organization(id));
        let listed = organizations.iter().copied().take(ORGANIZATIONS_MAX).filter(|id| is_organization(id));
        let mut all: Vec<Arc<str>> = Vec::new();
        for id in own.into_iter().chain(listed) {
            if !all.iter().any(|known| **known == *id) {
                all.push(id.into());
            }
        }
        let default = if own.is_some() || all.len() == 1 { all.first().cloned() } else { None };
        Self { all: all.into(), default }
    }

    /// The chosen one, or without a choice the default.
    ///
    /// # Errors
    /// When the token doesn't name it, or names several and there is no choice.
    pub fn choose(&self, chosen: Option<&[u8]>) -> Result<Arc<str>, Refusal> {
        if self.all.is_empty() {
            return Err(Refusal::NoOrganization);
        }
        match chosen {
            None => self.default.clone().ok_or(Refusal::SeveralOrganizations),
            Some(id) => {
                let named = self.all.iter().find(|named| named.as_bytes() == id);
                named.cloned().ok_or(Refusal::OtherOrganization)
            }
        }
    }
}

/// Whether the consumer counts records of an organization with that id.
fn is_organization(id: &str) -> bool {
    !id.trim().is_empty() && id.len() <= ORGANIZATION_BYTES_MAX && !id.chars().any(char::is_control)
}
