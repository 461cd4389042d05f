//! Pages that are open while their organization's numbers change each second: they ask again whenever the stream of changes says
//! so, each for a range of its own, and none may be refused.

use super::connection::{Connection, request};
use super::finding::Finding;
use super::group::Group;
use super::latencies::Latencies;
use ::load::{Message, Produced, Producer};
use anyhow::Context as _;
use chrono::Utc;
use machine::say;
use serde::Serialize;
use stack::wait;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread;
use std::time::{Duration, Instant};

/// Open pages.
pub const PAGES: usize = 20;
/// How long they are open; a record is counted each second.
const OPEN_FOR: Duration = Duration::from_secs(30);
/// Partitions of the topic of events.
pub const PARTITIONS: i32 = 4;
/// How long Kafka may take to store the records.
const FLUSH_LIMIT: Duration = Duration::from_secs(30);
/// How a line of the stream begins that tells of a change.
const EVENT: &str = "data:";
/// What a page asks for.
const ENDPOINTS: [&str; 5] = ["summary", "trends", "workflow-health", "insights", "delivery-health"];

/// What the pages saw.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// How long answers took.
    #[serde(flatten)]
    pub latencies: Latencies,
    /// How often the pages asked for everything again.
    pub refreshes: usize,
    /// Requests that got no answer.
    pub refused: usize,
}

/// The pages of one organization.
pub struct Pages<'a> {
    /// The API.
    pub address: SocketAddr,
    /// The organization's id, and its token.
    pub organization: (&'a str, &'a str),
    /// The range of each page, as a query.
    pub ranges: Vec<String>,
}

/// What one page saw.
#[derive(Default)]
struct Page {
    took: Vec<Duration>,
    refreshes: usize,
    refused: Vec<String>,
}

impl Pages<'_> {
    /// Keeps the pages open while a member counts a record of the organization each second. Blocks.
    ///
    /// # Errors
    /// When something can't be started, or no change was told.
    pub fn run(&self, group: Group<'_>) -> anyhow::Result<Seen> {
        let consumer = group.start(group.name, &[])?;
        say::line(format_args!("Opening {} pages, and counting a record each second", self.ranges.len()));
        let pages = self.watch(group)?;
        drop(consumer);
        let refused: Vec<&String> = pages.iter().flat_map(|page| &page.refused).collect();
        if let Some(first) = refused.first() {
            say::line(format_args!("{} requests were refused, such as: {first}", refused.len()));
        }
        let seen = Seen {
            refreshes: pages.iter().map(|page| page.refreshes).sum(),
            refused: refused.len(),
            latencies: Latencies::of(pages.iter().flat_map(|page| page.took.iter().copied()).collect())
                .context("no page was told of a change")?,
        };
        say::line(format_args!(
            "live pages: {} refreshes, {} refused, {}",
            seen.refreshes, seen.refused, seen.latencies
        ));
        Ok(seen)
    }

    fn watch(&self, group: Group<'_>) -> anyhow::Result<Vec<Page>> {
        let until = Instant::now() + OPEN_FOR;
        thread::scope(|scope| {
            let pages: Vec<_> =
                self.ranges.iter().map(|range| scope.spawn(move || self.page(range, until))).collect();
            let produced = self.produce(group, until);
            let pages = pages
                .into_iter()
                .map(|page| page.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            let pages = pages.collect::<anyhow::Result<Vec<_>>>();
            produced.and(pages)
        })
    }

    fn produce(&self, group: Group<'_>, until: Instant) -> anyhow::Result<()> {
        let mut producer = Producer::new(group.services.kafka.brokers(), group.topics.clone())?;
        let mut due = Instant::now();
        for number in 0_u32.. {
            wait::until_instant(due);
            due += Duration::from_secs(1);
            if due >= until {
                break;
            }
            let order = Message::order(self.organization.0, &format!("live-{number}"), Utc::now());
            producer.send(&Produced::plain(order).placed(PARTITIONS))?;
            producer.flush(FLUSH_LIMIT)?;
        }
        Ok(())
    }

    /// Asks for everything, and again once everything is there and a change was told since.
    fn page(&self, range: &str, until: Instant) -> anyhow::Result<Page> {
        let questions =
            ENDPOINTS.map(|endpoint| request(&format!("/metrics/{endpoint}?{range}"), self.organization.1));
        let stream = TcpStream::connect(self.address)?;
        (&stream).write_all(&request("/metrics/stream", self.organization.1))?;
        // One place: a change that is told while another waits is the same to a page.
        let (tell, told) = mpsc::sync_channel(1);
        let mut page = Page::default();
        thread::scope(|scope| {
            let listening = stream.try_clone()?;
            scope.spawn(move || listen(listening, &tell));
            while wait_for_change(&told, until) {
                page.refreshes += 1;
                let answers: Vec<_> =
                    questions.iter().map(|question| scope.spawn(|| ask(self.address, question))).collect();
                for answer in answers {
                    match answer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
                        Ok(took) => page.took.push(took),
                        Err(error) => page.refused.push(format!("{error:#}")),
                    }
                }
            }
            stream.shutdown(std::net::Shutdown::Both)?;
            anyhow::Ok(())
        })?;
        Ok(page)
    }
}

/// The target.
#[must_use]
pub fn finding(seen: &Seen) -> Finding {
    #[allow(clippy::cast_precision_loss)] // thousands
    let refused = seen.refused as f64;
    let what = format!("{PAGES} live pages at a commit a second, {} answers: refused", seen.latencies.count);
    Finding::at_most(what, refused, 0.0, |refused| format!("{refused}"))
}

/// Tells of each change, until the stream ends.
fn listen(stream: TcpStream, tell: &SyncSender<()>) {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    for _ in lines.filter(|line| line.starts_with(EVENT)) {
        if matches!(tell.try_send(()), Err(TrySendError::Disconnected(()))) {
            return;
        }
    }
}

/// Waits until a change is told. False when there is no time left.
fn wait_for_change(told: &Receiver<()>, until: Instant) -> bool {
    match told.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Ok(()) => true,
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
    }
}

fn ask(address: SocketAddr, question: &[u8]) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    Connection::open(address)?.ask(question)?;
    Ok(begun.elapsed())
}
