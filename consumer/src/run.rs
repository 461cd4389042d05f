//! `consumer run`: puts the parts together, starts and stops them.

use crate::announce::Announcer;
use crate::clock::Clock;
use crate::command_line::Run;
use crate::decide::member::Member;
use crate::decide::narrowing::Narrowing;
use crate::floor::SharedFloor;
use crate::ledger::Ledger;
use crate::measure::{self, Meters};
use crate::member_settings::MemberSettings;
use crate::pipeline::{
    self, Assignments, Desk, Kafka, Orders, Pipeline, Positions, Sights, Status, Watch, Writer,
};
use crate::record::identity::Fingerprints;
use crate::settings::BadSetting;
use crate::signals::{end_in_time, stop_signal};
use crate::source::{Order, Rounds, Source};
use crate::store::upkeep::Retention;
use crate::store::{self, Access, Activity, Connection, Incarnation, Probe, Server, Store};
use crate::trace::SERVICE;
use crate::upkeep::keep_up;
use admin::Readiness;
use anyhow::Context as _;
use std::sync::mpsc::SyncSender;
use tokio::sync::mpsc;

/// Counts until it is told to stop.
///
/// # Errors
/// When a part can't be started, or Kafka's client fails for good.
pub async fn run(settings: Run) -> anyhow::Result<()> {
    let access = Access {
        server: Server::new(&settings.member.database)?,
        topics: settings.member.source.topics.clone(),
        clock: Clock::new(settings.member.clock),
        readiness: Readiness::new(),
        activity: Activity::default(),
    };
    let (readiness, positions) = (access.readiness.clone(), Positions::default());
    let metrics = admin::record_metrics(measure::recorder(), "consumer", env!("CARGO_PKG_VERSION"))?;
    let partitions = pipeline::gauges(positions.clone(), access.topics.clone(), access.clock.clone());
    pipeline::describe(&readiness);
    store::describe(&readiness);
    // All series are there at the first scrape.
    let meters = Meters::new(&access.topics);
    access.topics.all().iter().for_each(|topic| meters.misplaced(topic, 0));
    let admin = admin::serve(settings.admin_addr, readiness, metrics.with(partitions)).await;
    admin.map_err(|error| {
        BadSetting(format!("ADMIN_ADDR {} can't be listened on: {error}", settings.admin_addr))
    })?;

    tokio::spawn(end_in_time(stop_signal()?));
    let export = traces::start(&settings.traces, SERVICE).map_err(|wrong| BadSetting(wrong.0))?;
    let counted = count(settings.member, access, positions, meters).await;
    if let Some(export) = export {
        export.finish().await;
    }
    counted
}

async fn count(
    settings: MemberSettings,
    access: Access,
    positions: Positions,
    meters: Meters,
) -> anyhow::Result<()> {
    let Access { topics, clock, readiness, activity, .. } = access.clone();
    let mut store = Store::new(&access, "reading");
    let (key, floor, incarnation) = tokio::select! {
        prepared = prepare(&mut store, settings.retention) => prepared?,
        // Nothing has begun, so there is nothing to finish.
        () = stop_signal()? => return Ok(()),
    };
    tokio::spawn(Probe::new(&access).run());
    let (wanted, fingerprints) = (positions.wanted(), Fingerprints::keyed(&key));
    let (source, handles) =
        Source::new(settings.source.clone(), wanted, fingerprints, floor.clone(), clock.clone())
            .context("Kafka's client refuses its settings; look at KAFKA_BROKERS and KAFKA_CONFIG_*")?;
    let writing_store = Store::new(&access, "writing");
    let (rounds, watched) = mpsc::channel(1);
    let sights = Sights {
        wanted: handles.wanted.clone(),
        positions: positions.clone(),
        activity,
        clock: clock.clone(),
    };
    let group = settings.source.kafka_group_id.clone();
    let watch = Watch::new(settings.watch, sights, topics.clone(), group, readiness.clone());
    tokio::spawn(watch.run(Rounds::new(handles.ends.clone()), rounds));
    let writer = Writer { store: writing_store, topics: topics.clone(), floor: floor.clone() };
    let pipeline = Pipeline {
        member: Member::new(Ledger::new(settings.ledger.tuning())),
        store,
        desk: Desk::open(writer)?,
        floor,
        clock: clock.clone(),
        kafka: Kafka::new(
            handles.ends,
            settings.source.start_offset,
            settings.source.placed_by_murmur2(),
            watched,
            readiness.clone(),
        ),
        assignments: Assignments::new(handles.wanted, owner()),
        narrowing: Narrowing::default(),
        incarnation,
        failure: None,
        orders: Orders::new(handles.orders.clone()),
        announcer: Announcer::start(&settings.announce, readiness.clone())?,
        status: Status::new(topics.clone(), readiness.clone(), positions, meters),
    };
    let background = Store::in_the_background(&access);

    tokio::spawn(stop_at(stop_signal()?, handles.orders));
    let polling = std::thread::Builder::new().name("source".into()).spawn(move || source.run())?;
    let counted = tokio::select! {
        counted = pipeline.run(handles.messages, handles.ended) => counted,
        () = keep_up(background, settings.retention, readiness) => Ok(()),
    };
    let ended = tokio::task::spawn_blocking(move || polling.join()).await?;
    ended.map_err(|_| anyhow::anyhow!("the polling thread panicked"))??;
    tracing::info!("stopped");
    Ok(counted?)
}

/// Waits for the database, and reads what the source needs from it: the secret of the fingerprints, and the ledger's floor;
/// also which incarnation of the database it is.
async fn prepare(
    store: &mut Store,
    retention: Retention,
) -> Result<([u8; 16], SharedFloor, Incarnation), BadSetting> {
    store.until_connected().await?;
    let raise = async |connection: &mut Connection| match connection.raise_floor(&retention).await {
        // It rises later, like every day. Who holds its lock must not keep members from starting.
        Err(error @ store::Error::GaveWay(_)) => {
            tracing::warn!(%error, "the ledger's floor is not raised yet");
            Ok(())
        }
        raised => raised,
    };
    store.until_done("raising the ledger's floor", raise).await;
    let read = async |connection: &mut Connection| connection.key_and_floor().await;
    let (key, floor, incarnation) = store.until_done("reading the ledger's key", read).await;
    Ok((key, SharedFloor::new(floor), incarnation))
}

/// Names this member to people.
fn owner() -> String {
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let hostname = hostname.map_or_else(|_| "unknown".into(), |name| name.trim().to_owned());
    format!("{hostname}:{}", std::process::id())
}

async fn stop_at(signal: impl Future<Output = ()>, orders: SyncSender<Order>) {
    signal.await;
    tracing::info!("stopping: finishing the batch, leaving the group");
    // The source takes orders every few milliseconds, so blocking this worker for room does no harm.
    let _ = orders.send(Order::Stop);
}
