//! The keys of the answer cache: the consumer raises versions, the query API files answers under them.

/// Makes the cache's keys. All of them start with one prefix, so that several systems can share a Redis.
#[derive(Clone, Debug, Default)]
pub struct CacheKeys {
    prefix: String,
}

impl CacheKeys {
    /// Keys that start with `prefix` (may be empty).
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// Where the organization's version is: an integer, absent meaning 0, raised by one after every commit that
    /// touched the organization.
    #[must_use]
    pub fn version(&self, organization_id: &str) -> String {
        format!("{}metrics:{organization_id}:version", self.prefix)
    }

    /// Whose version is at `key`, if it is the key of one.
    #[must_use]
    pub fn organization_of<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(&self.prefix)?.strip_prefix("metrics:")?.strip_suffix(":version")
    }

    /// Where an answer is. `scope` is the endpoint's name; `range` must have a fixed number of colons: the key then
    /// reads unambiguously from the right, whatever colons an organization's id has.
    #[must_use]
    pub fn answer(&self, organization_id: &str, scope: &str, version: u64, range: &str) -> String {
        format!("{}metrics:{organization_id}:{scope}:v{version}:{range}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_spelled_as_agreed() {
        let keys = CacheKeys::new("test1:");
        assert_eq!(keys.version("acme"), "test1:metrics:acme:version");
        assert_eq!(keys.organization_of("test1:metrics:a:b:version"), Some("a:b"));
        assert_eq!(keys.organization_of("test1:metrics:acme:summary:v7:a"), None);
        assert_eq!(keys.organization_of("metrics:acme:version"), None, "of somebody else");
        assert_eq!(keys.answer("acme", "summary", 7, "a/b/hour"), "test1:metrics:acme:summary:v7:a/b/hour");
    }
}
