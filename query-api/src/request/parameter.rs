//! Query parameters that are refused. Pure.

/// A query parameter that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct BadParameter {
    /// Its name.
    pub name: &'static str,
    /// What is wrong with it and what is allowed, for people.
    pub detail: String,
}

impl BadParameter {
    /// The parameter `name`, refused because of `detail`.
    pub fn new(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, detail: detail.into() }
    }

    /// The parameter `name`, refused because it occurs more than once: nobody can know which value is meant.
    #[must_use]
    pub fn repeated(name: &'static str) -> Self {
        Self::new(name, format!("`{name}` is given more than once"))
    }
}
