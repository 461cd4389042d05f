//! The keys of the answer cache: the consumer raises versions, the query API keeps answers under them.

/// Makes the cache's keys. All start with one prefix, so that several systems can share a Redis.
#[derive(Clone, Debug, Default)]
pub struct CacheKeys {
    prefix: String,
}

impl CacheKeys {
    /// Keys that start with `prefix` (may be empty).
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// The key of the organization's version: an integer, 0 if absent, that the consumer increments after every commit
    /// that changed the organization's numbers.
    #[must_use]
    pub fn version(&self, organization_id: &str) -> String {
        format!("{}metrics:{organization_id}:version", self.prefix)
    }

    /// The organization whose version has this key; `None` if it is no key of a version.
    #[must_use]
    pub fn organization_of<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(&self.prefix)?.strip_prefix("metrics:")?.strip_suffix(":version")
    }

    /// The key of what the organization took of its rate, over all instances of the query API.
    #[must_use]
    pub fn rate(&self, organization_id: &str) -> String {
        format!("{}metrics:{organization_id}:rate", self.prefix)
    }

    /// The key of an answer. `scope` is the endpoint's name. `range` must have a fixed number of colons: then the key is
    /// unambiguous when read from the right, whatever colons an organization's id has.
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
        assert_eq!(keys.organization_of("metrics:acme:version"), None, "another prefix");
        assert_eq!(keys.rate("a:b"), "test1:metrics:a:b:rate");
        assert_eq!(keys.answer("acme", "summary", 7, "a/b/hour"), "test1:metrics:acme:summary:v7:a/b/hour");
    }
}
