//! librdkafka's mock cluster: brokers inside this process, on real sockets. The last resort.

use anyhow::Context as _;
use rdkafka::mocking::MockCluster;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// How many requests may wait for the cluster's thread.
const REQUESTS_MAX: usize = 16;

/// A topic to create, and where to send the outcome.
struct Request {
    topic: String,
    partitions: i32,
    outcome: SyncSender<anyhow::Result<()>>,
}

/// The mock cluster. It has a thread of its own, because its handle can't be shared between threads.
#[derive(Debug)]
pub struct MockKafka {
    brokers: String,
    requests: SyncSender<Request>,
}

impl MockKafka {
    /// Starts one broker.
    ///
    /// # Errors
    /// When librdkafka can't.
    pub fn start() -> anyhow::Result<Self> {
        let (requests, incoming) = sync_channel(REQUESTS_MAX);
        let (started, brokers) = sync_channel(1);
        std::thread::Builder::new().name("mock-kafka".into()).spawn(move || serve(&started, &incoming))?;
        let brokers = brokers.recv().context("the mock cluster's thread ended")??;
        Ok(Self { brokers, requests })
    }

    /// For `bootstrap.servers`.
    #[must_use]
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    pub(super) fn create_topic(&self, topic: &str, partitions: i32) -> anyhow::Result<()> {
        let (outcome, answer) = sync_channel(1);
        let request = Request { topic: topic.into(), partitions, outcome };
        self.requests.send(request).ok().context("the mock cluster's thread ended")?;
        answer.recv().context("the mock cluster's thread ended")?
    }
}

/// The cluster ends when nobody can send it requests any more.
fn serve(started: &SyncSender<anyhow::Result<String>>, incoming: &Receiver<Request>) {
    let cluster = match MockCluster::new(1) {
        Ok(cluster) => cluster,
        Err(error) => return drop(started.send(Err(error.into()))),
    };
    // The sender of the request is gone only if the process is ending.
    let _ = started.send(Ok(cluster.bootstrap_servers()));
    for Request { topic, partitions, outcome } in incoming {
        let _ = outcome.send(cluster.create_topic(&topic, partitions, 1).map_err(Into::into));
    }
}
