//! Evaluates organizations' alerts, and writes what is to be told.

use crate::cache::Cache;
use crate::load;
use crate::request::raw_range;
use crate::sending::queue::{Candidate, Ended, Queue};
use crate::sending::{Sender, random};
use crate::store::webhooks::{Due, Message};
use crate::store::{Error, Store};
use crate::webhooks::message;
use crate::webhooks::told::{Event, advance};
use chrono::TimeDelta;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{Id, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How long an evaluation may take.
const WITHIN: Duration = Duration::from_secs(10);

/// How often organizations are looked for that are due, at most.
const LOOKED_APART: Duration = Duration::from_millis(100);

/// What evaluating takes.
pub struct Evaluating {
    /// Who sends what is to be told.
    pub sender: Arc<Sender>,
    /// Where rows are read.
    pub store: Arc<Store>,
    /// Where versions are.
    pub cache: Arc<Cache>,
    /// How far ranges may reach.
    pub ranges: raw_range::Settings,
}

/// Evaluates until `stopping`: each organization that has endpoints when its version has changed, and at intervals. Who is due is looked for
/// while others are evaluated, so nobody waits for the slowest.
pub async fn evaluate(evaluating: Evaluating, stopping: CancellationToken) {
    let evaluating = Arc::new(evaluating);
    let settings = &evaluating.sender.settings;
    let mut every = tokio::time::interval(settings.webhook_evaluation_min_interval.max(LOOKED_APART));
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut queue = Queue::new(settings.webhook_evaluation_interval);
    // Evaluations that are cut off when this ends are rolled back.
    let (mut under_way, mut organizations) = (JoinSet::<Ended>::new(), HashMap::<Id, Arc<str>>::new());
    let mut fails = false;
    loop {
        tokio::select! {
            _ = every.tick() => {
                let excluded = queue.excluded(Instant::now());
                let looked = tokio::select! {
                    looked = evaluating.look(&excluded) => looked,
                    () = stopping.cancelled() => return,
                };
                if let Err(error) = &looked
                    && !fails
                {
                    tracing::warn!(%error, "alerts can't be evaluated for webhooks; this is tried again");
                }
                fails = looked.is_err();
                queue.fill(looked.unwrap_or_default());
            }
            Some(ended) = under_way.join_next_with_id() => {
                let (id, ended) = ended.unwrap_or_else(|panicked| (panicked.id(), Ended::Failed));
                if let Some(organization) = organizations.remove(&id) {
                    queue.end(&organization, ended, Instant::now());
                }
            }
            () = stopping.cancelled() => return,
        }
        while let Some((organization, version)) = queue.take() {
            let (evaluating, evaluated) = (Arc::clone(&evaluating), Arc::clone(&organization));
            let task = under_way.spawn(async move { evaluating.within_time(&evaluated, version).await });
            organizations.insert(task.id(), organization);
        }
    }
}

impl Evaluating {
    /// Those that are due, the longest ago first.
    async fn look(&self, excluded: &[Arc<str>]) -> Result<Vec<Candidate>, Error> {
        let due = self.store.webhooks().due(&self.sender.settings, excluded).await?;
        let versions = self.versions(&due).await?;
        let due = due.into_iter().filter_map(|due| {
            let version = versions.get(&due.organization).copied();
            (due.by_time || (version.is_some() && version != due.version))
                .then_some((due.organization, version))
        });
        Ok(due.collect())
    }

    /// Evaluates one, for as long as that may take.
    async fn within_time(&self, organization: &Arc<str>, version: Option<u64>) -> Ended {
        let ended = match tokio::time::timeout(WITHIN, self.one(organization, version)).await {
            Ok(Ok(())) => Ended::Well,
            Ok(Err(error)) => {
                tracing::debug!(%organization, %error, "alerts can't be evaluated");
                if error.is_of_connection() { Ended::Away } else { Ended::Failed }
            }
            Err(_) => Ended::Failed,
        };
        let outcome = match ended {
            Ended::Well => "evaluated",
            Ended::Failed | Ended::Away => "failed",
        };
        metrics::counter!("query_api_webhook_evaluations_total", "outcome" => outcome).increment(1);
        ended
    }

    /// Their versions, read before their numbers: what changes meanwhile is evaluated again. From Redis, or in its absence from PostgreSQL.
    async fn versions(&self, due: &[Due]) -> Result<HashMap<Arc<str>, u64>, Error> {
        let (mut known, mut unknown) = (HashMap::new(), Vec::new());
        for Due { organization, .. } in due {
            match self.cache.version(organization).await {
                Some(version) => drop(known.insert(Arc::clone(organization), version.number)),
                None => unknown.push(Arc::clone(organization)),
            }
        }
        if !unknown.is_empty() {
            known.extend(self.store.fallback_versions(&unknown).await?);
        }
        Ok(known)
    }

    /// Evaluates one, unless somebody else does: under a lock, its alerts are read, compared with what it was told, and what is new is
    /// written together with the messages about it.
    async fn one(&self, organization: &Arc<str>, version: Option<u64>) -> Result<(), Error> {
        let settings = &self.sender.settings;
        let begun = self.store.webhooks().begin_evaluation(organization, version, settings).await?;
        let Some(mut evaluation) = begun else { return Ok(()) };
        let now = evaluation.now;
        let (range, alerts) = load::alerts(&self.store, organization, &self.ranges, now).await?;
        let settle = TimeDelta::from_std(settings.webhook_settle_time).unwrap_or(TimeDelta::MAX);
        let (told, events) = advance(std::mem::take(&mut evaluation.told), &alerts, now, settle);
        let page = settings.page();
        let message = |event: &Event| Message {
            id: random::id("msg"),
            event_type: event.change.event_type(),
            payload: message::told(organization, event, range, page.as_deref(), now),
        };
        let messages: Vec<_> = events.iter().map(message).collect();
        evaluation.end(&told, &messages, version).await?;
        if !messages.is_empty() {
            self.sender.wake();
        }
        Ok(())
    }
}
