//! Sends spans by a thread of its own, so that neither counting nor answering ever waits for a collector.
//!
//! What the collector doesn't take is dropped, and counted. While it is away spans are offered to it once a second.

use crate::Meters;
use crate::collector::Collector;
use opentelemetry_sdk::trace::SpanData;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// Spans that are sent at once.
const BATCH_SPANS_MAX: usize = 512;
/// How long spans are gathered before they are sent.
const SEND_EVERY: Duration = Duration::from_secs(1);
/// How long to wait after the collector has taken nothing.
const AWAY_WAIT: Duration = Duration::from_secs(1);
/// How long the end of a process waits for its last spans to be sent.
pub const FINISH_WAIT_MAX: Duration = Duration::from_secs(1);

/// The way of spans to the collector.
#[must_use = "the last spans are sent when it is finished"]
pub struct Export {
    /// Dropped when the process ends.
    finish: oneshot::Sender<()>,
    /// Dropped by the thread when it has sent all.
    finished: oneshot::Receiver<()>,
}

struct Sending {
    collector: Collector,
    meters: Meters,
    is_away: bool,
}

impl Export {
    /// Starts the thread.
    pub(crate) fn begin(
        spans: mpsc::Receiver<SpanData>,
        collector: Collector,
        meters: Meters,
    ) -> std::io::Result<Self> {
        let (finish, ending) = oneshot::channel();
        let (done, finished) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let sending = Sending { collector, meters, is_away: false };
        std::thread::Builder::new().name("traces".into()).spawn(move || {
            runtime.block_on(export(spans, ending, sending));
            drop::<oneshot::Sender<()>>(done);
        })?;
        Ok(Self { finish, finished })
    }

    /// Sends what has ended until now, if the collector takes it within [`FINISH_WAIT_MAX`].
    pub async fn finish(self) {
        let Self { finish, finished } = self;
        drop(finish);
        if timeout(FINISH_WAIT_MAX, finished).await.is_err() {
            tracing::warn!(target: "collector", "the last spans are dropped: the collector did not take them in time");
        }
    }
}

/// Sends spans until `ending` resolves, and then those that have ended before.
async fn export(
    mut spans: mpsc::Receiver<SpanData>,
    mut ending: oneshot::Receiver<()>,
    mut sending: Sending,
) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            () = gather(&mut spans, &mut batch) => {}
            _ = &mut ending => break,
        }
        if !sending.send(std::mem::take(&mut batch)).await {
            tokio::select! {
                () = sleep(AWAY_WAIT) => {}
                _ = &mut ending => break,
            }
        }
    }
    loop {
        while batch.len() < BATCH_SPANS_MAX
            && let Ok(span) = spans.try_recv()
        {
            batch.push(span);
        }
        if batch.is_empty() || !sending.send(std::mem::take(&mut batch)).await {
            return;
        }
    }
}

/// Waits for a span, and then for more. What is gathered stays in `batch` if this is dropped.
async fn gather(spans: &mut mpsc::Receiver<SpanData>, batch: &mut Vec<SpanData>) {
    if batch.is_empty() && spans.recv_many(batch, BATCH_SPANS_MAX).await == 0 {
        // The queue has no other end any more: nothing will come.
        return std::future::pending().await;
    }
    let until = Instant::now() + SEND_EVERY;
    while batch.len() < BATCH_SPANS_MAX {
        let room = BATCH_SPANS_MAX - batch.len();
        match timeout_at(until, spans.recv_many(batch, room)).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

impl Sending {
    /// Whether the collector has taken the spans, or some of them. The log has a line for each change.
    async fn send(&mut self, spans: Vec<SpanData>) -> bool {
        let count = spans.len() as u64;
        let taken = self.collector.send(spans).await;
        let was_away = std::mem::replace(&mut self.is_away, taken.is_err());
        match &taken {
            Ok(refused) => {
                self.meters.sent.increment(count.saturating_sub(*refused));
                self.meters.failed.increment(*refused);
                if *refused > 0 {
                    tracing::warn!(target: "collector", refused, "the collector refuses spans");
                } else if was_away {
                    tracing::info!(target: "collector", "the collector takes spans again");
                }
            }
            Err(error) => {
                if !was_away {
                    tracing::warn!(
                        target: "collector", error,
                        "the collector takes no spans: they are dropped until it does"
                    );
                }
                self.meters.failed.increment(count);
            }
        }
        taken.is_ok()
    }
}
