//! `consumer run`: puts the parts together, starts and stops them.

use crate::announce::{self, Announcer};
use crate::command_line::Run;
use crate::decide::member::Member;
use crate::floor::SharedFloor;
use crate::ledger::Ledger;
use crate::measure::{self, Meters};
use crate::pipeline::{Assignments, Desk, Kafka, Orders, Pipeline, Status, Writer};
use crate::record::identity::Fingerprints;
use crate::settings::BadSetting;
use crate::signals::{end_in_time, stop_signal};
use crate::source::{Order, Source};
use crate::store::upkeep::{self, Retention};
use crate::store::{self, Connection, Store};
use admin::Readiness;
use anyhow::Context as _;
use chrono::Utc;
use domain::CacheKeys;
use std::sync::mpsc::SyncSender;

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
    let (database, topics) = (&settings.database.database_url, settings.source.topics());
    let mut store = Store::new(database, &topics, &readiness);
    let (key, floor) = tokio::select! {
        prepared = prepare(&mut store, settings.retention) => prepared,
        // Nothing has begun, so there is nothing to finish.
        () = stop_signal()? => return Ok(()),
    };
    let (source, handles) = Source::new(settings.source.clone(), Fingerprints::keyed(&key), floor.clone())
        .context("Kafka's client refuses its settings; look at KAFKA_BROKERS and KAFKA_CONFIG_*")?;
    let writing_store = Store::new(database, &topics, &readiness);
    let writer = Writer { store: writing_store, topics: topics.clone(), floor: floor.clone() };
    let pipeline = Pipeline {
        member: Member::new(Ledger::new(settings.ledger.tuning())),
        store,
        desk: Desk::open(writer)?,
        floor,
        kafka: Kafka::new(handles.ends, settings.source.start_offset, readiness.clone()),
        assignments: Assignments::new(handles.wanted, owner()),
        orders: Orders::new(handles.orders.clone()),
        announcer: announcer(&settings.announce)?,
        status: Status::new(topics.clone(), readiness, Meters::new()),
    };
    let background = Store::in_the_background(database, &topics);

    tokio::spawn(stop_at(stop_signal()?, handles.orders));
    let polling = std::thread::Builder::new().name("source".into()).spawn(move || source.run())?;
    tokio::select! {
        () = pipeline.run(handles.messages) => {}
        () = keep_up(background, settings.retention) => {}
    }
    let ended = tokio::task::spawn_blocking(move || polling.join()).await?;
    ended.map_err(|_| anyhow::anyhow!("the polling thread panicked"))??;
    tracing::info!("stopped");
    Ok(())
}

/// Waits for the database, and reads what the source needs from it: the secret of the fingerprints, and the ledger's floor.
async fn prepare(store: &mut Store, retention: Retention) -> ([u8; 16], SharedFloor) {
    let raise = async |connection: &mut Connection| connection.raise_floor(&retention).await;
    store.until_done("raising the ledger's floor", raise).await;
    let read = async |connection: &mut Connection| connection.key_and_floor().await;
    let (key, floor) = store.until_done("reading the ledger's key", read).await;
    (key, SharedFloor::new(floor))
}

fn announcer(settings: &announce::Settings) -> anyhow::Result<Announcer> {
    let client = settings.client().context("REDIS_URL is not an address of Redis")?;
    Ok(Announcer::start(client, CacheKeys::new(settings.cache_key_prefix.clone())))
}

/// Names this member to people.
fn owner() -> String {
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let hostname = hostname.map_or_else(|_| "unknown".into(), |name| name.trim().to_owned());
    format!("{hostname}:{}", std::process::id())
}

/// Does upkeep and merges pages, each in its own rhythm, for as long as the process runs.
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
                let merged = store.until_done("merging ledger pages", merge).await;
                metrics::counter!("consumer_ledger_segments_merged_total").increment(merged as u64);
            }
        }
    }
}

async fn stop_at(signal: impl Future<Output = ()>, orders: SyncSender<Order>) {
    signal.await;
    tracing::info!("stopping: finishing the batch, leaving the group");
    // The source takes orders every few milliseconds, so blocking this worker for room does no harm.
    let _ = orders.send(Order::Stop);
}
