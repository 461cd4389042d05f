//! One stream: what to send next, and when to end.

use crate::cache::slots::Slot;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The least time between two events of a stream: an organization's numbers may change many times a second, and each
/// event makes a client fetch.
pub(super) const EVENTS_APART: Duration = Duration::from_millis(500);

/// A stream ends at this age and its client opens another, so that none outlives a withdrawn key for long, and new
/// instances get their share.
pub const AGE_MAX: Duration = Duration::from_secs(15 * 60);

/// One client's stream.
pub struct Stream {
    version: watch::Receiver<Option<u64>>,
    sent: Option<u64>,
    not_before: Instant,
    ends_at: Instant,
    stopping: CancellationToken,
    ended: bool,
    _slot: Slot,
}

/// What a stream sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The version is this one now.
    Version(u64),
    /// The stream ends, for this reason, which is no error; the client may open another.
    End(&'static str),
}

impl Stream {
    /// A stream that sends the changes of `version`; `known` is the version that the client has already. It ends after
    /// `lifetime` or [`AGE_MAX`], whichever is shorter, and when `stopping` is cancelled.
    pub(super) fn new(
        version: watch::Receiver<Option<u64>>,
        known: Option<u64>,
        lifetime: Duration,
        stopping: CancellationToken,
        slot: Slot,
    ) -> Self {
        let now = Instant::now();
        Self {
            version,
            sent: known,
            not_before: now,
            ends_at: now + lifetime.min(AGE_MAX),
            stopping,
            ended: false,
            _slot: slot,
        }
    }

    /// The next event; `None` after the end.
    pub async fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        let (sent, not_before, version) = (self.sent, self.not_before, &mut self.version);
        let changed = async {
            tokio::time::sleep_until(not_before).await;
            let changed = version.wait_for(|version| version.is_some() && *version != sent).await;
            changed.ok().and_then(|version| *version)
        };
        let reason = tokio::select! {
            version = changed => match version {
                Some(version) => {
                    self.sent = Some(version);
                    self.not_before = Instant::now() + EVENTS_APART;
                    return Some(Event::Version(version));
                }
                None => "stopping",
            },
            () = self.stopping.cancelled() => "stopping",
            () = tokio::time::sleep_until(self.ends_at) => "open another",
        };
        self.ended = true;
        Some(Event::End(reason))
    }
}
