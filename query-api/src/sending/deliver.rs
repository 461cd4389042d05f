//! Delivers messages that are due, and keeps their table small.

use crate::sending::{RECORDED_APART, RECORDED_TRIES, Sender, random};
use crate::store::webhooks::{Claimed, Counted, Lease};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How many attempts an instance makes at once.
const ATTEMPTS_MAX: usize = 64;

/// How many messages of one organization are under way at once, from all instances: its dead endpoints hold up no more than its own.
const SHARE: i64 = 4;

/// How often messages are looked for that are due.
const LOOKED_APART: Duration = Duration::from_millis(500);

/// How long giving up leases may take.
const RELEASED_WITHIN: Duration = Duration::from_secs(2);

/// How often messages are counted, and old ones deleted.
const KEPT_UP_APART: Duration = Duration::from_secs(15);

/// Delivers until `stopping`. Attempts under way then have as long as `grace`; after that their leases are given up, so that another
/// instance makes them again at once.
pub async fn deliver(sender: Arc<Sender>, stopping: CancellationToken, grace: Duration) {
    let mut every = tokio::time::interval(LOOKED_APART);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut under_way, give_up) = (JoinSet::new(), CancellationToken::new());
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = sender.due.notified() => {}
            Some(_) = under_way.join_next() => {}
            () = stopping.cancelled() => break,
        }
        // A lease that is taken while nobody waits for it any more runs out.
        let claimed = tokio::select! {
            claimed = sender.claim(ATTEMPTS_MAX - under_way.len()) => claimed,
            () = stopping.cancelled() => break,
        };
        for claimed in claimed {
            let (sender, give_up) = (Arc::clone(&sender), give_up.clone());
            under_way.spawn(async move { sender.deliver_or_release(&claimed, &give_up).await });
        }
    }
    let rest = async { while under_way.join_next().await.is_some() {} };
    let mut rest = std::pin::pin!(rest);
    if tokio::time::timeout(grace, rest.as_mut()).await.is_err() {
        give_up.cancel();
        rest.await;
    }
}

/// Counts messages and deletes old ones, for ever.
pub async fn keep_up(sender: Arc<Sender>) {
    let mut every = tokio::time::interval(KEPT_UP_APART);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let webhooks = sender.store.webhooks();
        let pruned = webhooks.prune(sender.settings.webhook_retention).await;
        match webhooks.count().await.and_then(|counted| pruned.map(|()| counted)) {
            Ok(counted) => report(counted),
            Err(error) => tracing::debug!(%error, "messages can't be counted"),
        }
    }
}

fn report(Counted { pending, dead, oldest_due }: Counted) {
    metrics::gauge!("query_api_webhook_deliveries", "state" => "pending").set(pending as f64);
    metrics::gauge!("query_api_webhook_deliveries", "state" => "dead").set(dead as f64);
    metrics::gauge!("query_api_webhook_oldest_due_seconds").set(oldest_due);
}

impl Sender {
    /// Leases messages that are due. While PostgreSQL is away there are none.
    async fn claim(&self, most: usize) -> Vec<Claimed> {
        if most == 0 {
            return Vec::new();
        }
        let lease = Lease { most, share: SHARE, time: self.lease() };
        self.store.webhooks().claim(lease).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "messages can't be leased");
            Vec::new()
        })
    }

    async fn deliver_or_release(&self, claimed: &Claimed, give_up: &CancellationToken) {
        tokio::select! {
            () = self.deliver_one(claimed) => {}
            () = give_up.cancelled() => {
                let released = self.store.webhooks().release(claimed);
                drop(tokio::time::timeout(RELEASED_WITHIN, released).await);
            }
        }
    }

    async fn deliver_one(&self, claimed: &Claimed) {
        let outcome = self.attempt(claimed).await;
        let next =
            outcome.next(&self.settings.webhook_retry_schedule, claimed.of_schedule(), random::chance());
        tracing::debug!(
            message = claimed.id,
            outcome = outcome.name(),
            ?next,
            "an attempt to deliver a message"
        );
        for _ in 0..RECORDED_TRIES {
            match self.store.webhooks().record(claimed, &outcome, next).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(message = claimed.id, %error, "what an attempt has come to can't be recorded")
                }
            }
            tokio::time::sleep(RECORDED_APART).await;
        }
    }
}
