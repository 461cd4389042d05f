//! Loads from PostgreSQL: so many at once, for so long, and not again and again where they fail.

use crate::cache::places::Places;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One organization may have one in so many of all loads under way.
const SHARE: u16 = 4;

/// After a load has failed or was too slow, its organization's next one is tried so much later, where there is a last
/// answer to give meanwhile.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// So many organizations' failures are remembered; then those that are over are forgotten.
const FAILED_MAX: usize = 10_000;

/// How much is loaded at once.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Limits")]
pub struct Settings {
    /// How many answers are loaded from the database at once, waiting for a connection included; one organization may
    /// have a quarter of them. More get a stale answer or 503 at once. Raise it, with the pool, for a database that is
    /// idle while there are 503
    #[arg(long, env, default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub loads_max: u16,

    /// How long loading an answer may take. Keep it above the time the database is allowed for a statement
    #[arg(long, env, default_value = "5s", value_parser = humantime::parse_duration)]
    pub load_timeout: Duration,
}

/// Why nothing was loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error<E> {
    /// As many loads are under way as may be.
    #[error("too many loads are under way")]
    Shed,
    /// It took too long.
    #[error("the load took too long")]
    Late,
    /// It failed.
    #[error(transparent)]
    Failed(E),
}

/// Limits loads.
pub struct Loads {
    places: Arc<Places>,
    timeout: Duration,
    /// When an organization whose load failed may try again.
    again_at: Mutex<HashMap<Arc<str>, Instant>>,
}

impl Loads {
    /// None are under way.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let each = (settings.loads_max / SHARE).max(1);
        Self {
            places: Places::new(settings.loads_max.into(), each.into()),
            timeout: settings.load_timeout,
            again_at: Mutex::default(),
        }
    }

    /// Runs `load`, if it may.
    ///
    /// # Errors
    /// When it may not, takes too long, or fails.
    pub async fn run<T, E>(
        &self,
        organization: &Arc<str>,
        load: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error<E>> {
        let Ok(_place) = self.places.take(organization) else {
            metrics::counter!("query_api_loads_shed_total").increment(1);
            return Err(Error::Shed);
        };
        let outcome = match tokio::time::timeout(self.timeout, load).await {
            Ok(loaded) => loaded.map_err(Error::Failed),
            Err(_) => Err(Error::Late),
        };
        match &outcome {
            Ok(_) => self.succeeded(organization),
            Err(_) => self.failed(organization, Instant::now()),
        }
        outcome
    }

    /// Whether a load for the organization is worth trying. After a failure one request a while may; it finds out for
    /// all.
    pub fn may_try(&self, organization: &str, now: Instant) -> bool {
        let mut again_at = self.again_at.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = again_at.get_mut(organization) else { return true };
        let may = *at <= now;
        if may {
            *at = now + AGAIN_AFTER;
        }
        may
    }

    /// Its load failed, or was slower than anybody waits for.
    pub fn failed(&self, organization: &Arc<str>, now: Instant) {
        let mut again_at = self.again_at.lock().unwrap_or_else(PoisonError::into_inner);
        if again_at.len() >= FAILED_MAX {
            again_at.retain(|_, at| *at > now);
        }
        again_at.insert(Arc::clone(organization), now + AGAIN_AFTER);
    }

    fn succeeded(&self, organization: &str) {
        self.again_at.lock().unwrap_or_else(PoisonError::into_inner).remove(organization);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn loads(loads_max: u16) -> Loads {
        Loads::new(&Settings { loads_max, load_timeout: Duration::from_millis(50) })
    }

    #[tokio::test]
    async fn more_than_may_be_under_way_are_shed() {
        let (loads, acme, beta) = (loads(8), Arc::<str>::from("acme"), Arc::<str>::from("beta"));
        let never = || std::future::pending::<Result<(), ()>>();
        let mut first = Box::pin(loads.run(&acme, never()));
        let mut second = Box::pin(loads.run(&acme, never()));
        assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
        let third = loads.run(&acme, async { Ok::<_, ()>(()) }).await;
        assert!(matches!(third, Err(Error::Shed)), "a quarter is the organization's");
        assert!(loads.run(&beta, async { Ok::<_, ()>(()) }).await.is_ok());
        drop(first);
        assert!(loads.run(&acme, async { Ok::<_, ()>(()) }).await.is_ok());
    }

    #[tokio::test]
    async fn a_load_has_a_time_limit() {
        let never = std::future::pending::<Result<(), ()>>();
        assert!(matches!(loads(8).run(&"acme".into(), never).await, Err(Error::Late)));
    }

    #[tokio::test]
    async fn after_a_failure_one_request_a_while_finds_out() {
        let (loads, acme, now) = (loads(8), Arc::<str>::from("acme"), Instant::now());
        assert!(loads.may_try("acme", now));
        loads.failed(&acme, now);
        assert!(!loads.may_try("acme", now));
        assert!(loads.may_try("other", now), "another organization's load may be all right");
        assert!(loads.may_try("acme", now + AGAIN_AFTER));
        assert!(!loads.may_try("acme", now + AGAIN_AFTER), "one at a time");
        assert!(loads.run(&acme, async { Ok::<_, ()>(()) }).await.is_ok());
        assert!(loads.may_try("acme", now + AGAIN_AFTER));
    }
}
