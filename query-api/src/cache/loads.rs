//! Loads from PostgreSQL under limits: how many at once, and how long each may take.

use crate::cache::slots::Slots;
use std::sync::Arc;
use std::time::Duration;

/// One organization may run at most `LOADS_MAX / SHARE` loads at once, and always one.
pub(crate) const SHARE: u16 = 4;

/// How much is loaded at once.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Limits")]
pub struct Settings {
    /// How many answers are loaded from the database at once, waiting for a connection included; one organization may
    /// have a quarter of them. Further requests get a stale answer, or 503, without waiting. Raise it, with the pool, for
    /// a database that is idle while the API answers 503
    #[arg(long, env, default_value_t = 512, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub loads_max: u16,

    /// How long loading an answer may take. Keep it as long as DATABASE_WAIT_TIMEOUT and DATABASE_STATEMENT_TIMEOUT
    /// together, and below REQUEST_TIMEOUT
    #[arg(long, env, default_value = "8s", value_parser = humantime::parse_duration)]
    pub load_timeout: Duration,
}

/// Why nothing was loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error<E> {
    /// All slots are taken, or all that the organization may take.
    #[error("too many loads are running")]
    Shed,
    /// The organization has used up its rate; a load may begin after this.
    #[error("the organization's rate is used up")]
    OverRate(Duration),
    /// The load panicked.
    #[error("the load panicked")]
    Panicked,
    /// The load did not end within its timeout.
    #[error("the load timed out")]
    TimedOut,
    /// The load failed.
    #[error(transparent)]
    Failed(E),
}

impl<E> Error<E> {
    /// Its name in traces.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Shed => "shed",
            Self::OverRate(_) => "over_rate",
            Self::Panicked => "panicked",
            Self::TimedOut => "timed_out",
            Self::Failed(_) => "failed",
        }
    }
}

/// Runs loads under limits.
pub struct Loads {
    slots: Arc<Slots>,
    timeout: Duration,
}

impl Loads {
    /// Loads under these limits; none is running.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let each = (settings.loads_max / SHARE).max(1);
        Self { slots: Slots::new(settings.loads_max.into(), each.into()), timeout: settings.load_timeout }
    }

    /// Runs `load` for `organization`.
    ///
    /// # Errors
    /// When no slot is free, or the load times out or fails.
    pub async fn run<T, E>(
        &self,
        organization: &Arc<str>,
        load: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error<E>> {
        let Ok(_slot) = self.slots.take(organization) else {
            metrics::counter!("query_api_loads_shed_total").increment(1);
            return Err(Error::Shed);
        };
        match tokio::time::timeout(self.timeout, load).await {
            Ok(loaded) => loaded.map_err(Error::Failed),
            Err(_) => Err(Error::TimedOut),
        }
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
    async fn loads_beyond_the_limit_are_shed() {
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
        assert!(matches!(loads(8).run(&"acme".into(), never).await, Err(Error::TimedOut)));
    }
}
