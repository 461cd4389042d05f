//! What a token allows, by its scopes (RFC 8693, section 4.2). Pure.
//!
//! In this code a scope is a kind of answer, so what OAuth calls a scope is a permission here.

/// Something that a token may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// To read numbers, and to follow their changes.
    MetricsRead = 1,
    /// To read settings.
    SettingsRead = 2,
    /// To change settings.
    SettingsWrite = 4,
    /// To read what was refused, which has keys of records.
    RefusalsRead = 8,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::MetricsRead, Self::SettingsRead, Self::SettingsWrite, Self::RefusalsRead];

    /// The scope by which a token allows it.
    #[must_use]
    pub const fn scope(self) -> &'static str {
        match self {
            Self::MetricsRead => "metrics:read",
            Self::SettingsRead => "settings:read",
            Self::SettingsWrite => "settings:write",
            Self::RefusalsRead => "refusals:read",
        }
    }
}

/// All that a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions(u8);

impl Permissions {
    /// Those of a token with these scopes. A token that names none of them, and so wasn't made with them in mind, may read numbers
    /// and settings.
    pub fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let named = |word: &str| Permission::ALL.into_iter().find(|permission| permission.scope() == word);
        let all = words.into_iter().filter_map(named).fold(0_u8, |all, permission| all | permission as u8);
        Self(if all == 0 { Permission::MetricsRead as u8 | Permission::SettingsRead as u8 } else { all })
    }

    /// Whether this is among them.
    #[must_use]
    pub const fn include(self, permission: Permission) -> bool {
        self.0 & permission as u8 != 0
    }
}
