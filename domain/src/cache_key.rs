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

    /// The key of the batch that last changed the organization's numbers: the `traceparent` of its span, for a while, where batches
    /// are traced.
    #[must_use]
    pub fn batch(&self, organization_id: &str) -> String {
        format!("{}metrics:{organization_id}:batch", self.prefix)
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

    /// How all keys of the organization begin, and some of others whose ids begin with it and a colon.
    #[must_use]
    pub fn beginning(&self, organization_id: &str) -> String {
        format!("{}metrics:{organization_id}:", self.prefix)
    }

    /// Whether a key is one of the organization's that expire by themselves: an answer's, its batch's or its rate's, but not its version's.
    #[must_use]
    pub fn is_passing(&self, organization_id: &str, key: &str) -> bool {
        let Some(rest) = key.strip_prefix(&self.beginning(organization_id)) else { return false };
        let is_version =
            |part: &str| part.strip_prefix('v').is_some_and(|number| number.parse::<u64>().is_ok());
        match rest.split(':').collect::<Vec<_>>()[..] {
            ["batch" | "rate"] => true,
            // Every range has times, with slashes between them.
            [_, version, range] => is_version(version) && range.contains('/'),
            _ => false,
        }
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
        assert_eq!(keys.batch("a:b"), "test1:metrics:a:b:batch");
        assert_eq!(keys.organization_of("test1:metrics:acme:batch"), None);
        assert_eq!(keys.rate("a:b"), "test1:metrics:a:b:rate");
        assert_eq!(keys.answer("acme", "summary", 7, "a/b/hour"), "test1:metrics:acme:summary:v7:a/b/hour");
    }

    #[test]
    fn an_organizations_passing_keys_are_told_from_those_of_others() {
        let keys = CacheKeys::new("test1:");
        for organization in ["a", "a:b", "a:summary:v7", "a:rate"] {
            let answer = keys.answer(organization, "summary", 7, "x/y/hour");
            for key in [answer, keys.rate(organization), keys.batch(organization)] {
                for other in ["a", "a:b", "a:summary:v7", "a:rate", "b", ""] {
                    assert_eq!(keys.is_passing(other, &key), other == organization, "{other} {key}");
                }
                assert!(
                    key.starts_with(&keys.beginning(organization))
                        && !CacheKeys::default().is_passing(organization, &key)
                );
            }
            assert!(!keys.is_passing(organization, &keys.version(organization)), "it must not begin anew");
        }
    }
}
