//! Why a request has no principal. Pure.

/// Why a request has no principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no token.
    Missing,
    /// The token has expired.
    Expired,
    /// It is no token, or not signed by a trusted key, or issued for another service, or not valid yet.
    Invalid,
    /// It is valid, but names no organization.
    NoOrganization,
    /// It doesn't name the organization that the request is about.
    OtherOrganization,
    /// It names several organizations, and the request doesn't choose one.
    SeveralOrganizations,
    /// Nobody can tell yet: there are no keys.
    NoKeys,
}
