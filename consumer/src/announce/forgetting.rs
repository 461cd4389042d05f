//! Removing what Redis keeps of an organization, for `consumer erase`.

use super::Settings;
use crate::limits::ANNOUNCE_FINISH_WAIT_MAX;
use domain::CacheKeys;
use redis::{AsyncConnectionConfig, RedisError};

/// Keys that Redis looks at for one answer: it serves nobody else meanwhile.
const KEYS_AT_ONCE: usize = 1_000;

impl Settings {
    /// Removes the organization's answers and whatever else expires, and then raises its version: answers that instances of the query API
    /// keep themselves are not used any more. Returns how many keys were removed; `None` if there is no Redis to be used.
    ///
    /// The version stays, and with it the organization's id: if versions began anew, answers kept under their first numbers would be taken
    /// for new ones.
    ///
    /// # Errors
    /// When Redis can't be reached, or refuses: a sentence.
    pub async fn forget(&self, organization: &str) -> Result<Option<usize>, String> {
        let Some(client) = self.client().map_err(|bad| bad.0)? else { return Ok(None) };
        let keys = CacheKeys::new(self.cache_key_prefix.clone());
        let limit = Some(ANNOUNCE_FINISH_WAIT_MAX);
        let config = AsyncConnectionConfig::new().set_connection_timeout(limit).set_response_timeout(limit);
        let connected = client.get_multiplexed_async_connection_with_config(&config).await;
        let mut connection = connected.map_err(in_words)?;
        let pattern = format!("{}*", literal(&keys.beginning(organization)));
        let (mut cursor, mut removed) = (0_u64, 0);
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(KEYS_AT_ONCE);
            let (next, found): (u64, Vec<Vec<u8>>) =
                scan.query_async(&mut connection).await.map_err(in_words)?;
            let is_its =
                |key: &Vec<u8>| std::str::from_utf8(key).is_ok_and(|key| keys.is_passing(organization, key));
            let passing: Vec<Vec<u8>> = found.into_iter().filter(is_its).collect();
            if !passing.is_empty() {
                let unlink = redis::cmd("UNLINK").arg(&passing).to_owned();
                removed += unlink.query_async::<usize>(&mut connection).await.map_err(in_words)?;
            }
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        let raise = redis::cmd("INCR").arg(keys.version(organization)).to_owned();
        raise.query_async::<u64>(&mut connection).await.map_err(in_words)?;
        Ok(Some(removed))
    }
}

fn in_words(error: RedisError) -> String {
    shared_cache::refused(&error).unwrap_or_else(|| error.to_string())
}

/// A pattern that matches this text alone.
fn literal(text: &str) -> String {
    let escaped = |c: char| [Some('\\').filter(|_| "*?[]^\\".contains(c)), Some(c)];
    text.chars().flat_map(escaped).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_its_text_alone() {
        assert_eq!(literal("a-b:c"), "a-b:c");
        assert_eq!(literal("a*[?]\\"), "a\\*\\[\\?\\]\\\\");
    }
}
