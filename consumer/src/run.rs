//! `consumer run`: the parts put together, started and stopped.

use crate::announce::Announcer;
use crate::command_line::Run;
use crate::decide::member::Member;
use crate::ledger::Ledger;
use crate::measure::{self, Meters};
use crate::pipeline::Pipeline;
use crate::record::identity::Fingerprints;
use crate::settings::BadSetting;
use crate::source::{Order, Source};
use crate::store::upkeep::{self, Retention};
use crate::store::{self, Connection, Store};
use admin::Readiness;
use anyhow::Context as _;
use chrono::Utc;
use domain::CacheKeys;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::mpsc::SyncSender;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How long a stop may take, from the signal to the exit.
const GRACE: Duration = Duration::from_secs(20);

/// Counts until it is told to stop.
///
/// # Errors
/// When a part can't be started, or Kafka's client fails for good.
pub async fn run(settings: Run) -> anyhow::Result<()> {
    let readiness = Readiness::new();
    readiness.bad("kafka", "not connected yet");
    readiness.bad(store::CONDITION, "not connected yet");
    let recorder = admin::record_metrics(measure::recorder())?;
    let admin = admin::serve(settings.admin_addr, readiness.clone(), recorder).await;
    admin.map_err(|error| {
        BadSetting(format!("ADMIN_ADDR {} can't be listened on: {error}", settings.admin_addr))
    })?;

    tokio::spawn(end_in_time(stop_signal()?));
    count(settings, readiness).await
}

async fn count(settings: Run, readiness: Readiness) -> anyhow::Result<()> {
    let database =
        store::Settings { config: settings.database.database_url.clone(), topics: settings.source.topics() };
    let mut store = Store::new(database.clone(), readiness.clone());
    let (key, floor) = tokio::select! {
        prepared = prepare(&mut store, settings.retention) => prepared,
        // Nothing was begun, so there is nothing to finish.
        () = stop_signal()? => return Ok(()),
    };
    let floor = Arc::new(AtomicI64::new(floor));
    let client = settings.announce.client().context("REDIS_URL is no address of a Redis")?;
    let keys = CacheKeys::new(settings.announce.cache_key_prefix.clone());
    let (source, handles) =
        Source::new(settings.source.clone(), Fingerprints::keyed(&key), Arc::clone(&floor))
            .context("Kafka's client refuses its settings; look at KAFKA_BROKERS and KAFKA_CONFIG_*")?;
    let pipeline = Pipeline {
        store,
        writing_store: Store::new(database.clone(), readiness.clone()),
        member: Member::new(Ledger::new(settings.ledger.tuning())),
        announcer: Announcer::start(client, keys),
        ends: handles.ends,
        orders: handles.orders.clone(),
        wanted: handles.wanted,
        floor,
        topics: settings.source.topics(),
        start_offset: settings.source.start_offset,
        owner: format!("{}:{}", hostname(), std::process::id()),
        readiness: readiness.clone(),
        meters: Meters::new(),
    };
    tokio::spawn(stop_at(stop_signal()?, handles.orders));
    let polling = std::thread::Builder::new().name("source".into()).spawn(move || source.run())?;
    tokio::select! {
        ran = pipeline.run(handles.messages) => ran?,
        () = keep_up(Store::in_the_background(database), settings.retention) => {}
    }
    let ended = tokio::task::spawn_blocking(move || polling.join()).await?;
    ended.map_err(|_| anyhow::anyhow!("the polling thread panicked"))??;
    tracing::info!("stopped");
    Ok(())
}

/// Waits for the database, and reads what the source needs of it: the secret of fingerprints, the ledger's floor.
async fn prepare(store: &mut Store, retention: Retention) -> ([u8; 16], i64) {
    let raise = async |connection: &mut Connection| connection.raise_floor(&retention).await;
    store.until_done("raising the ledger's floor", raise).await;
    store.until_done("reading the ledger's key", async |connection| connection.key_and_floor().await).await
}

/// Looks after the tables for as long as the process runs.
async fn keep_up(mut store: Store, retention: Retention) {
    let mut upkeep_at = tokio::time::interval(upkeep::EVERY);
    let mut merge_at = tokio::time::interval(upkeep::MERGE_EVERY);
    loop {
        tokio::select! {
            _ = upkeep_at.tick() => {
                let upkeep = async |connection: &mut Connection| connection.upkeep(&retention).await;
                store.until_done("upkeep", upkeep).await;
            }
            _ = merge_at.tick() => {
                let quiet = Utc::now() - upkeep::QUIET_AFTER;
                let merge = async |connection: &mut Connection| connection.merge_pages(quiet).await;
                let gone = store.until_done("merging ledger pages", merge).await;
                metrics::counter!("consumer_ledger_segments_merged_total").increment(gone as u64);
            }
        }
    }
}

async fn stop_at(signal: impl Future<Output = ()>, orders: SyncSender<Order>) {
    signal.await;
    tracing::info!("stopping: finishing the batch, leaving the group");
    // The queue is emptied every few milliseconds by a thread; blocking a worker for that is no harm at the end.
    let _ = orders.send(Order::Stop);
}

/// Resolves when the process is asked to stop.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ends the process when its grace period is over, whatever it is doing. A thread of its own waits for that: taking
/// librdkafka's client down waits without a limit for brokers that don't answer, on whichever thread lets go of it last.
async fn end_in_time(stopped: impl Future<Output = ()>) {
    stopped.await;
    let end = || {
        std::thread::sleep(GRACE);
        tracing::warn!(
            "stopped after {GRACE:?}, in the middle; what was not committed will be counted by others"
        );
        std::process::exit(0);
    };
    std::thread::Builder::new().name("grace".into()).spawn(end).expect("the system has a thread left");
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "unknown".into(), |name| name.trim().to_owned())
}
