//! Stopping: SIGTERM and SIGINT, and the grace period that begins with them.

use crate::limits::GRACE;
use tokio::signal::unix::{SignalKind, signal};

/// Resolves when the process is asked to stop.
///
/// # Errors
/// When the system refuses to tell this process of signals.
pub fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ends the process when the grace period after `stopped` is over, whatever it is doing. A thread of its own waits for that:
/// destroying librdkafka's client waits without a limit for brokers that don't answer, on any thread.
pub async fn end_in_time(stopped: impl Future<Output = ()>) {
    stopped.await;
    let end = || {
        std::thread::sleep(GRACE);
        tracing::warn!(
            limit = ?GRACE,
            "the grace period is over and the process ends; other members will count what was not committed"
        );
        std::process::exit(0);
    };
    std::thread::Builder::new().name("grace".into()).spawn(end).expect("the system has a thread left");
}

/// The exit code of a process that panicked.
const PANICKED: i32 = 101;

/// Ends the process when any of its threads panics. Otherwise the others might go on without it: a member that is ready, keeps
/// its partitions and counts nothing. Whoever started it starts it again, and it reads on from the table.
pub fn end_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        report(info);
        std::process::exit(PANICKED);
    }));
}
