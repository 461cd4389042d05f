//! Evaluates organizations' alerts, and writes what is to be told.

use crate::cache::Cache;
use crate::load;
use crate::request::raw_range;
use crate::sending::{Sender, random};
use crate::store::webhooks::{Due, Message};
use crate::store::{Error, Store};
use crate::webhooks::message;
use crate::webhooks::told::{Event, advance};
use chrono::TimeDelta;
use futures_util::{StreamExt as _, stream};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How many organizations are evaluated at once.
const AT_ONCE_MAX: usize = 4;

/// How long an evaluation may take.
const WITHIN: Duration = Duration::from_secs(10);

/// How often organizations are looked for that are due, at most.
const LOOKED_APART: Duration = Duration::from_millis(100);

/// What evaluating takes.
pub struct Evaluating<'a> {
    /// Who sends what is to be told.
    pub sender: &'a Sender,
    /// Where rows are read.
    pub store: &'a Store,
    /// Where versions are.
    pub cache: &'a Cache,
    /// How far ranges may reach.
    pub ranges: &'a raw_range::Settings,
}

/// Evaluates until `stopping`: each organization that has endpoints when its version has changed, and at intervals.
pub async fn evaluate(evaluating: Evaluating<'_>, stopping: CancellationToken) {
    let apart = evaluating.sender.settings.webhook_evaluation_min_interval.max(LOOKED_APART);
    let mut every = tokio::time::interval(apart);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut fails = false;
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = stopping.cancelled() => return,
        }
        // An evaluation that is cut off is rolled back.
        let looked = tokio::select! {
            looked = evaluating.look() => looked,
            () = stopping.cancelled() => return,
        };
        if let Err(error) = &looked
            && !fails
        {
            tracing::warn!(%error, "alerts can't be evaluated for webhooks; this is tried again");
        }
        fails = looked.is_err();
    }
}

impl Evaluating<'_> {
    /// Evaluates those that are due.
    async fn look(&self) -> Result<(), Error> {
        let due = self.store.webhooks().due(&self.sender.settings).await?;
        let versions = self.versions(&due).await?;
        let due = due.into_iter().filter_map(|due| {
            let version = versions.get(&due.organization).copied();
            (due.by_time || (version.is_some() && version != due.version))
                .then_some((due.organization, version))
        });
        stream::iter(due)
            .for_each_concurrent(AT_ONCE_MAX, |(organization, version)| async move {
                let evaluated = tokio::time::timeout(WITHIN, self.one(&organization, version)).await;
                let outcome = match evaluated {
                    Ok(Ok(())) => "evaluated",
                    Ok(Err(error)) => {
                        tracing::debug!(%organization, %error, "alerts can't be evaluated");
                        "failed"
                    }
                    Err(_) => "failed",
                };
                metrics::counter!("query_api_webhook_evaluations_total", "outcome" => outcome).increment(1);
            })
            .await;
        Ok(())
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
        let (range, alerts) = load::alerts(self.store, organization, self.ranges, now).await?;
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
