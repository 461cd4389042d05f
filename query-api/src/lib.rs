//! PostgreSQL to a cache to JSON: what the dashboard asks.
//!
//! ```text
//! request -> routes   extract strings                         the only one to know warp
//!            token    who is asking                           pure
//!            limit    may they, now                           pure
//!            range    about what: canonical, so the cache key  pure
//!              zone | compare | cells   days, periods, rows   pure
//!            asked    that, and how it is listed              pure
//!            cache    version first, then kept or loaded once
//!              versions known in this process               pure
//!              shared   Redis, optional                       the only one to know it
//!              loads    how many at once, for how long
//!              store    PostgreSQL                            the only one to know SQL
//!              summary | trends | workflow_health | insights  pure: rows to an answer
//!         -> routes   bytes, tag, or a problem
//! ```
//!
//! Beside that, `watch` looks whether PostgreSQL and Redis are there and tells `/readyz`, and `streams` tells listeners
//! that an organization's numbers have changed.

pub mod request;

pub mod answer;

pub mod cache;
pub mod store;

pub mod routes;

pub mod serve;
pub mod settings;
mod watch;

use admin::Readiness;
use settings::Settings;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Why the process can't start: a sentence that names what to set.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The log can't be written as asked.
    #[error(transparent)]
    Log(#[from] serve::log::BadFilter),
    /// Tokens can't be verified.
    #[error(transparent)]
    Token(#[from] request::token::BadSettings),
    /// No database is named.
    #[error(transparent)]
    Store(#[from] store::BadSettings),
    /// The Redis named is none.
    #[error(transparent)]
    Shared(#[from] cache::shared::BadUrl),
    /// The page isn't where it is said to be.
    #[error(transparent)]
    Page(#[from] routes::page::BadFolder),
    /// The API, or its admin address, can't be served.
    #[error(transparent)]
    Server(#[from] serve::server::BadSettings),
}

/// Serves until SIGTERM or SIGINT, and returns when what was under way is done.
///
/// # Errors
/// When it can't start. Once it has, it waits for what is away and serves what it can.
pub async fn run(settings: Settings) -> Result<(), Refusal> {
    serve::log::start(&settings.log)?;
    let verifier = request::token::Verifier::new(&settings.token)?;
    let store = store::Store::new(&settings.store)?;
    let shared = cache::shared::Shared::new(&settings.shared, settings.cache.keys())?.map(Arc::new);
    let page = routes::page::Page::open(&settings.page)?;
    let server = serve::server::Server::bind(&settings.server).await?;
    let readiness = Readiness::new();
    readiness.bad("postgresql", "not looked at yet");
    serve::server::serve_admin(&settings.server, &readiness).await?;

    if let Some(shared) = &shared {
        // Found now, or the first answers would be kept as if there were none.
        shared.probe().await;
    }
    let (stopping, has_page) = (CancellationToken::new(), page.is_some());
    let api = Arc::new(routes::Api {
        verifier,
        ranges: settings.range,
        limit: request::limit::Limit::new(&settings.limit),
        cache: Arc::new(cache::Cache::new(
            &settings.cache,
            cache::loads::Loads::new(&settings.loads),
            shared.clone(),
        )),
        streams: serve::streams::Streams::new(&settings.streams, stopping.clone()),
        page,
        store,
        settings: settings.routes,
        clock: chrono::Utc::now,
    });
    look_after(&api, shared, &readiness);
    if let Ok(address) = server.address() {
        tracing::info!(%address, page = has_page, "serving /metrics/..., /openapi.json and /docs");
    }
    server.serve(routes::service(api), stopping, stop(readiness)).await;
    tracing::info!("stopped");
    Ok(())
}

fn look_after(api: &Arc<routes::Api>, shared: Option<Arc<cache::shared::Shared>>, readiness: &Readiness) {
    let (watched, seen) = (Arc::clone(api), readiness.clone());
    tokio::spawn(async move { watch::postgresql(&watched.store, &seen).await });
    if let Some(shared) = shared {
        let (followed, seen) = (Arc::clone(&shared), readiness.clone());
        tokio::spawn(async move { watch::redis(&shared, &seen).await });
        tokio::spawn(async move { followed.follow().await });
    }
    if api.verifier.has_file() {
        tokio::spawn(watch::keys(Arc::clone(api)));
    }
    let api = Arc::clone(api);
    tokio::spawn(async move { serve::streams::follow(&api.streams, &api.cache, &api.store).await });
}

/// Resolves when the process is asked to end, and says so to whoever routes requests here.
async fn stop(readiness: Readiness) {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be listened for");
    let mut interrupt = signal(SignalKind::interrupt()).expect("signals can be listened for");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    readiness.bad("process", "it is stopping");
}
