//! The query API: answers the dashboard with rows of PostgreSQL, through a cache, as JSON.
//!
//! A request's life:
//!
//! ```text
//! HTTP request
//!   serve      accepts, takes the version off the path, observes
//!                the same request as before, and its response is still right: that one, done
//!                otherwise compresses what comes back
//!   routes     matches the path, extracts strings
//!   request      token       -> who asks: the organization
//!                rate_limit  -> whether it may ask now
//!                raw_range   -> query: what is asked, canonical, so its key is the cache's key
//!   cache      current answer? yes: fresh, done
//!                no: one load for all who ask the same, under limits
//!   load           store     -> rows
//!   answer         rows      -> JSON and its tag
//!   routes     fresh answer, 304, stale answer, or a problem
//! HTTP response
//! ```
//!
//! The rooms, in reading order; none imports one below it:
//!
//! ```text
//! request   from strings to a query      pure (token reads one file)
//! answer    from rows to JSON            pure
//! webhooks  what is told of alerts       pure
//! cache     keep answers, limit loads    versions, slots, backoff pure; shared alone knows Redis
//! store     read rows                    alone knows SQL
//! load      rows for a query, composed
//! streams   announce changed versions
//! outward   connections to others
//! sending   evaluate alerts, deliver messages
//! routes    from HTTP to answers         alone knows warp
//! serve     sockets, log, watch
//! settings  the environment, composed
//! limits    which settings must agree    pure
//! ```

pub mod request;

pub mod answer;

pub mod webhooks;

pub mod cache;

pub mod store;

pub mod load;

pub mod streams;

pub mod outward;

pub mod sending;

pub mod routes;

pub mod serve;

pub mod settings;

pub mod limits;

use admin::Readiness;
use admin::in_force::InForce;
use cache::Cache;
use cache::loads::Loads;
use cache::shared::Shared;
use cache::slots::Slots;
use outward::Trust;
use request::rate_limit::RateLimit;
use request::token::Verifier;
use routes::page::Page;
use routes::{Api, EXPORTS_MAX, EXPORTS_PER_ORGANIZATION_MAX};
use sending::Sender;
use serve::repeated::Repeated;
use serve::server::layers::compressed;
use serve::{exchange, issuer, log, server, watch};
use settings::Settings;
use std::sync::Arc;
use std::time::Duration;
use store::{State, Store};
use streams::{Streams, follow};
use tokio_util::sync::CancellationToken;

/// What the process is, as its spans say.
const SERVICE: traces::Service = traces::Service {
    name: "business-metrics-query-api",
    version: env!("CARGO_PKG_VERSION"),
    spans: "query_api_spans_total",
};

/// Why the process can't start: a sentence that names what to set.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log can't be written with this filter.
    #[error(transparent)]
    Log(#[from] log::BadFilter),
    /// Tokens can't be verified.
    #[error(transparent)]
    Token(#[from] request::token::BadSettings),
    /// PostgreSQL can't be reached with these settings.
    #[error(transparent)]
    Store(#[from] store::BadSettings),
    /// PostgreSQL can't be used.
    #[error("{0}")]
    Database(String),
    /// Redis, the issuer's keys or webhooks' receivers can't be reached with these settings.
    #[error(transparent)]
    Connection(#[from] credentials::BadSetting),
    /// Traces can't be sent.
    #[error("{0}")]
    Traces(String),
    /// The page can't be served.
    #[error(transparent)]
    Page(#[from] routes::page::BadPage),
    /// The API, or its admin address, can't be served.
    #[error(transparent)]
    Server(#[from] server::BadSettings),
}

/// Serves until SIGTERM or SIGINT, and returns when the requests under way are answered.
///
/// # Errors
/// When it can't start. Once started, it waits for what is unreachable and serves what it can.
pub async fn run(settings: Settings, in_force: &InForce) -> Result<(), StartError> {
    log::start(&settings.log)?;
    // Settings that can't be used are told before anything claims a start.
    let Parts { verifier, issuer, store, shared, page, sender } = Parts::of(&settings)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), settings = in_force.chosen(), "starting");
    warn(&settings, &verifier);
    let server = server::Server::bind(&settings.server)?;
    let readiness = Readiness::new();
    readiness.bad(watch::SCHEMA, "not seen yet");
    issuer::await_keys(&verifier, &readiness);
    let stop = stop(readiness.clone(), settings.server.shutdown_delay);
    let pool = Arc::clone(&store);
    server::serve_admin(&settings.server, &readiness, move || server::pool(pool.occupancy())).await?;
    let export = traces::start(&settings.traces, SERVICE).map_err(|wrong| StartError::Traces(wrong.0))?;

    if let State::Unusable(why) = store.state().await {
        return Err(StartError::Database(why));
    }
    if let Some(shared) = &shared {
        // Before the first request, or its answer would be kept as if there were no Redis.
        shared.probe().await;
    }
    let rate_limit = RateLimit::new(&settings.rate_limit);
    let rate_limit = Arc::new(if shared.is_some() { rate_limit.shared() } else { rate_limit });
    let loads = Loads::new(&settings.loads);
    let (stopping, has_page) = (CancellationToken::new(), page.is_some());
    let api = Arc::new(Api {
        verifier,
        ranges: settings.ranges,
        cache: Arc::new(Cache::new(&settings.cache, loads, Arc::clone(&rate_limit), shared.clone())),
        rate_limit,
        streams: Streams::new(&settings.streams, stopping.clone()),
        exports: Slots::new(EXPORTS_MAX, EXPORTS_PER_ORGANIZATION_MAX),
        page,
        sender,
        store,
        settings: settings.routes,
        clock: chrono::Utc::now,
    });
    spawn_tasks(&api, shared, issuer, &readiness);
    if let Ok(address) = server.address() {
        tracing::info!(%address, page = has_page, "serving /metrics/..., /openapi.json and /docs");
    }
    let told = tell(Arc::clone(&api), stopping.clone(), settings.server.shutdown_timeout);
    let service =
        Repeated::new(compressed(routes::service(Arc::clone(&api))), api, settings.cache.local_cache_mb);
    tokio::join!(server.serve(service, &settings.access_log, stopping, stop), told);
    if let Some(export) = export {
        export.finish().await;
    }
    tracing::info!("stopped");
    Ok(())
}

/// Checks all settings without asking a server. People are told on standard error what they should look at, as at a start.
///
/// # Errors
/// When the process could not start with them.
pub fn check(settings: &Settings) -> Result<(), StartError> {
    log::start(&settings.log)?;
    warn(settings, &Parts::of(settings)?.verifier);
    Ok(())
}

/// What is made of the settings alone, with the files and keys that they name. Nothing of it has asked a server yet.
struct Parts {
    verifier: Arc<Verifier>,
    /// Whom TLS with the tokens' issuer trusts, if keys are fetched from it.
    issuer: Option<Trust>,
    store: Arc<Store>,
    shared: Option<Arc<Shared>>,
    page: Option<Page>,
    sender: Arc<Sender>,
}

impl Parts {
    /// Checks all settings, and makes the parts.
    fn of(settings: &Settings) -> Result<Self, StartError> {
        server::layers::cors(&settings.server.cors_origins)?;
        if let Some(wrong) = settings.traces.wrong() {
            return Err(StartError::Traces(wrong));
        }
        let verifier = Arc::new(Verifier::new(&settings.token)?);
        let store = Arc::new(Store::new(&settings.store, settings.webhooks.are_on())?);
        Ok(Self {
            issuer: issuer::trust(&verifier, &settings.token)?,
            verifier,
            shared: Shared::new(&settings.shared, settings.cache.keys())?.map(Arc::new),
            page: Page::open(&settings.page, &settings.token, settings.ranges.max_range_days)?,
            sender: Sender::new(&settings.webhooks, &store)?,
            store,
        })
    }
}

/// Says what people should look at though the process starts: in one line, because of lines that come together one is written.
fn warn(settings: &Settings, verifier: &Verifier) {
    let disagreements = limits::disagreements(settings);
    let sentences = disagreements.iter().map(ToString::to_string).chain(verifier.remarks().iter().cloned());
    let sentences: Vec<_> =
        sentences.chain(routes::page::remarks(&settings.page.sign_in, &settings.token)).collect();
    if !sentences.is_empty() {
        tracing::warn!(why = sentences.join("; "), "settings that people should look at");
    }
}

/// Starts the tasks that run beside requests, for ever.
fn spawn_tasks(api: &Arc<Api>, shared: Option<Arc<Shared>>, issuer: Option<Trust>, readiness: &Readiness) {
    let (watched, reported) = (Arc::clone(api), readiness.clone());
    tokio::spawn(async move { watch::postgresql(&watched.store, &reported).await });
    if let Some(shared) = shared {
        let (exchanging, limited) = (Arc::clone(&shared), Arc::clone(&api.rate_limit));
        let warned = readiness.clone();
        tokio::spawn(async move { exchange::rates(&limited, &exchanging, &warned).await });
        let (tracked, reported) = (Arc::clone(&shared), readiness.clone());
        tokio::spawn(async move { watch::redis(&shared, &reported).await });
        tokio::spawn(async move { tracked.track().await });
    }
    if api.verifier.has_file() {
        tokio::spawn(watch::keys(Arc::clone(&api.verifier)));
    }
    if let Some(trust) = issuer {
        tokio::spawn(issuer::follow(Arc::clone(&api.verifier), trust, readiness.clone()));
    }
    let api = Arc::clone(api);
    tokio::spawn(async move { follow::follow(&api.streams, &api.cache, &api.store).await });
}

/// Tells organizations of their alerts until `stopping`, if webhooks are on; attempts under way may then take as long as `grace`.
async fn tell(api: Arc<Api>, stopping: CancellationToken, grace: Duration) {
    if !api.sender.settings.are_on() {
        return;
    }
    tokio::spawn(sending::keep_up(Arc::clone(&api.sender)));
    let delivered = tokio::spawn(sending::deliver(Arc::clone(&api.sender), stopping.clone(), grace));
    let evaluating = sending::Evaluating {
        sender: Arc::clone(&api.sender),
        store: Arc::clone(&api.store),
        cache: Arc::clone(&api.cache),
        ranges: api.ranges.clone(),
    };
    let evaluated = tokio::spawn(sending::evaluate(evaluating, stopping));
    // They end when they are asked to; one that panics ends the other's messages no sooner.
    let (_, _) = tokio::join!(delivered, evaluated);
}

/// Resolves when the process is to accept no more connections: some time after it was asked to end, during which it reports that it
/// isn't ready, so that load balancers send it no more requests. Asked again, or by hand, it waits no longer.
///
/// Signals are listened for from the call on.
fn stop(readiness: Readiness, delay: Duration) -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be listened for");
    let mut interrupt = signal(SignalKind::interrupt()).expect("signals can be listened for");
    async move {
        let delay = tokio::select! {
            _ = terminate.recv() => delay,
            _ = interrupt.recv() => Duration::ZERO,
        };
        readiness.bad("process", "it is stopping");
        tracing::info!(?delay, "stopping: not ready any more, new connections are accepted for a while");
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}
