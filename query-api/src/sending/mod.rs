//! Sending: finds out what organizations are to be told of their alerts, and delivers it.
//!
//! ```text
//! evaluate  alerts, compared with what was told; messages are written with that
//! queue     whose alerts are evaluated next
//! deliver   messages that are due, and what their attempts come to
//! attempt   one attempt: signed, sent, answered
//! client    HTTP to addresses that are allowed
//! random    ids and secrets
//! ```
//!
//! Every instance does all of it. What keeps them from telling anything twice are rows in PostgreSQL: an organization's alerts are
//! evaluated under a lock, and a message is leased for an attempt. An instance that ends between an attempt and its record makes another
//! one make it again, with the same id: a receiver gets each message at least once, and tells copies by that.

mod attempt;
mod client;
mod deliver;
mod evaluate;
mod queue;
pub mod random;

use crate::cache::slots::{Full, Slots};
use crate::outward::{Trust, With};
use crate::store::webhooks::Claimed;
use crate::store::{Error, Store};
use crate::webhooks::Settings;
use crate::webhooks::delivery::Delivery;
use crate::webhooks::endpoint::Rules;
use crate::webhooks::message;
use crate::webhooks::networks::Networks;
use crate::webhooks::outcome::{Next, Outcome};
use chrono::Utc;
use credentials::{BadSetting, TlsNames};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

pub use deliver::{deliver, keep_up};
pub use evaluate::{Evaluating, evaluate};

/// How many tests are under way at once, and how many of one organization.
const TESTS_MAX: usize = 16;
const TESTS_SHARE: usize = 2;

/// How long a lease lasts beyond an attempt: as long as its outcome may take to be recorded.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// How often recording an outcome is tried, and how far apart. It ends before the lease does, unless PostgreSQL is silent: then another
/// instance may make the attempt again.
const RECORDED_TRIES: u32 = 5;
const RECORDED_APART: Duration = Duration::from_millis(500);

/// A receiver and the setting of its TLS, for operators and for whoever owns the endpoint.
const NAMES: TlsNames = TlsNames::of_server("the receiver", "the webhook's address", "WEBHOOK_CA_FILE");

/// Sends messages.
pub struct Sender {
    /// What operators decide.
    pub settings: Settings,
    rules: Rules,
    trust: Trust,
    store: Arc<Store>,
    tests: Arc<Slots>,
    /// Told when messages are due.
    due: Notify,
}

/// Why a test isn't made.
#[derive(Debug, thiserror::Error)]
pub enum Untested {
    /// Too many are under way.
    #[error("too many tests are under way")]
    Busy,
    /// PostgreSQL is unreachable or gives up.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Sender {
    /// A sender of what is in these tables.
    ///
    /// # Errors
    /// When the file of authorities can't be used: a sentence that names it. While webhooks are off it isn't looked at.
    pub fn new(settings: &Settings, store: &Arc<Store>) -> Result<Arc<Self>, BadSetting> {
        let networks = Networks::new(settings.webhook_allowed_networks.clone());
        let authorities = settings.webhook_ca_file.clone().filter(|_| settings.are_on());
        Ok(Arc::new(Self {
            rules: Rules { networks, allow_http: settings.allow_http() },
            trust: Trust::new(NAMES, authorities, With::SystemToo)?,
            settings: settings.clone(),
            store: Arc::clone(store),
            tests: Slots::new(TESTS_MAX, TESTS_SHARE),
            due: Notify::new(),
        }))
    }

    /// Which addresses are allowed.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Messages are due: they are looked for at once.
    pub fn wake(&self) {
        self.due.notify_one();
    }

    /// How long a message is leased for an attempt.
    fn lease(&self) -> Duration {
        self.settings.webhook_timeout + attempt::REST_WITHIN + LEASE_MARGIN
    }

    /// Sends a test to an endpoint, once, and returns what has become of it; `None` if there is no such endpoint.
    ///
    /// # Errors
    /// When too many tests are under way, or PostgreSQL is unreachable.
    pub async fn test(
        self: &Arc<Self>,
        organization: &Arc<str>,
        endpoint: &str,
    ) -> Result<Option<Delivery>, Untested> {
        let slot = self.tests.take(organization).map_err(|full| match full {
            Full::Organization | Full::All => Untested::Busy,
        })?;
        let (sender, organization, endpoint) =
            (Arc::clone(self), Arc::clone(organization), endpoint.to_owned());
        // In a task of its own: its outcome is recorded also when nobody waits for it any more.
        let tested = tokio::spawn(traces::carried(async move {
            let tested = sender.tested(&organization, &endpoint).await;
            drop(slot);
            tested
        }));
        Ok(tested.await.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))?)
    }

    async fn tested(&self, organization: &str, endpoint: &str) -> Result<Option<Delivery>, Error> {
        let webhooks = self.store.webhooks();
        let id = random::id("msg");
        let payload = message::test(organization, endpoint, Utc::now());
        let message = (id.as_str(), message::TEST, payload.as_str());
        let Some(claimed) = webhooks.make_claimed(organization, endpoint, message, self.lease()).await?
        else {
            return Ok(None);
        };
        let outcome = self.attempt(&claimed).await;
        let next = match &outcome {
            Outcome::Delivered(_) => Next::Done,
            Outcome::Gone => Next::Disabled,
            Outcome::Refused { .. } | Outcome::Failed(_) => Next::Dead,
        };
        webhooks.record(&claimed, &outcome, next).await?;
        webhooks.delivery(organization, endpoint, &id).await
    }

    /// Makes an attempt.
    async fn attempt(&self, claimed: &Claimed) -> Outcome {
        let outcome =
            attempt::attempt(&self.trust, &self.rules, self.settings.webhook_timeout, claimed).await;
        metrics::counter!("query_api_webhook_attempts_total", "outcome" => outcome.name()).increment(1);
        outcome
    }
}
