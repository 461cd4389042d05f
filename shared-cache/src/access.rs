//! Clients of Redis, made anew when the files that the settings name have changed.

use crate::settings::{Address, Settings};
use credentials::BadSetting;
use redis::Client;
use std::sync::{Arc, Mutex, PoisonError};

/// Redis, as the settings and their files have it. Clones share what was read.
#[derive(Clone)]
pub struct Access {
    settings: Settings,
    known: Arc<Mutex<Known>>,
}

struct Known {
    address: Address,
    client: Client,
}

impl Access {
    /// Access to the Redis that the settings name, if any.
    ///
    /// # Errors
    /// When they can't be used: a sentence that names the setting.
    pub fn new(settings: &Settings) -> Result<Option<Self>, BadSetting> {
        let Some(address) = settings.read()? else { return Ok(None) };
        // The client takes the process' default, of which there may be two otherwise. It stays if there is one already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let known = Known { client: address.client()?, address };
        Ok(Some(Self { settings: settings.clone(), known: Arc::new(Mutex::new(known)) }))
    }

    /// A client by what the files have now, and whether it is another one than before. Files that can't be used change nothing.
    #[must_use]
    pub fn client(&self) -> (Client, bool) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let read = self.settings.read().and_then(|address| {
            let changed = address.filter(|address| *address != known.address);
            changed.map(|address| Ok(Known { client: address.client()?, address })).transpose()
        });
        let is_changed = match read {
            Ok(None) => false,
            Ok(Some(changed)) => {
                tracing::info!(
                    "Redis' settings have changed in their files; connections are made by them now"
                );
                *known = changed;
                true
            }
            Err(bad) => {
                tracing::warn!(
                    target: "redis", error = %bad,
                    "Redis' settings can't be used; connections are made by those of before"
                );
                false
            }
        };
        (known.client.clone(), is_changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_replaced_makes_another_client_and_a_bad_one_none() {
        let path = std::env::temp_dir().join(format!("shared-cache-url-{}", std::process::id()));
        std::fs::write(&path, "redis://cache:1\n").unwrap();
        let settings = Settings { redis_url_file: Some(path.clone()), ..Settings::default() };
        let access = Access::new(&settings).ok().flatten().unwrap();
        let check = |expected: &str, expected_change: bool| {
            let (client, is_changed) = access.client();
            let address = client.get_connection_info().addr().to_string();
            assert_eq!((address.as_str(), is_changed), (expected, expected_change));
        };
        check("cache:1", false);
        std::fs::write(&path, "redis://cache:2").unwrap();
        check("cache:2", true);
        check("cache:2", false);
        std::fs::write(&path, "nonsense").unwrap();
        check("cache:2", false);
        std::fs::remove_file(path).unwrap();
        check("cache:2", false);
    }
}
