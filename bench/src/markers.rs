//! Marker orders: records of a separate organization, each produced at a known time and then looked for in the
//! organization's summary, as a dashboard does.

use super::connection::{Connection, request};
use anyhow::{Context as _, ensure};
use serde_json::Value;
use stack::wait;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a dashboard that polls asks.
const POLL_EVERY: Duration = Duration::from_millis(10);
/// How long no new marker may appear.
const SEEN_LIMIT: Duration = Duration::from_secs(60);
/// The request: the last 24 hours.
const PATH: &str = "/metrics/summary";
/// The stream's line that says that there are new numbers.
const EVENT: &str = "event:";

/// The times at which the markers were produced, ascending.
#[derive(Debug, Default)]
pub struct Markers(Mutex<Vec<Instant>>);

impl Markers {
    /// Records that another one is produced now. Call it before Kafka gets the marker. Returns how many there were.
    pub fn produce(&self) -> usize {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Instant::now());
        all.len() - 1
    }

    /// How long ago the markers of this range were produced.
    fn ages(&self, from: usize, until: usize) -> anyhow::Result<Vec<Duration>> {
        let now = Instant::now();
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.get(from..until).context("an answer has other orders than were produced")?;
        Ok(seen.iter().map(|produced| now - *produced).collect())
    }
}

/// A client that looks for markers.
#[derive(Debug)]
pub struct Watch<'a> {
    /// The query API's address.
    pub address: SocketAddr,
    /// A token for the markers' organization.
    pub token: &'a str,
    /// The markers.
    pub markers: &'a Markers,
    /// The total number of markers.
    pub total: usize,
}

/// The markers seen so far.
struct Seen {
    connection: Connection,
    question: Vec<u8>,
    ages: Vec<Duration>,
    latest: Instant,
}

impl Watch<'_> {
    /// Asks every 10 ms until all markers are visible, and returns how long each took.
    ///
    /// # Errors
    /// When the API doesn't answer, or no new marker appears.
    pub fn poll(&self) -> anyhow::Result<Vec<Duration>> {
        let mut seen = self.begin()?;
        let mut due = Instant::now();
        while seen.ages.len() < self.total {
            wait::until_instant(due);
            self.look(&mut seen)?;
            // A dashboard with a late answer asks once, not for each interval that it has missed.
            due = (due + POLL_EVERY).max(Instant::now());
        }
        Ok(seen.ages)
    }

    /// Asks whenever the stream says that there are new numbers, until all markers are visible, and returns how long each took.
    ///
    /// # Errors
    /// The same as for [`Watch::poll`].
    pub fn listen(&self) -> anyhow::Result<Vec<Duration>> {
        let mut seen = self.begin()?;
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(SEEN_LIMIT))?;
        stream.write_all(&request("/metrics/stream", self.token))?;
        let mut lines = BufReader::new(stream).lines();
        while seen.ages.len() < self.total {
            let line = lines.next().context("the stream has ended")?.context("the stream is silent")?;
            if line.starts_with(EVENT) {
                self.look(&mut seen)?;
            }
        }
        Ok(seen.ages)
    }

    fn begin(&self) -> anyhow::Result<Seen> {
        Ok(Seen {
            connection: Connection::open(self.address)?,
            question: request(PATH, self.token),
            ages: Vec::new(),
            latest: Instant::now(),
        })
    }

    fn look(&self, seen: &mut Seen) -> anyhow::Result<()> {
        let orders = orders(seen.connection.ask(&seen.question)?)?;
        let fresh = self.markers.ages(seen.ages.len(), orders)?;
        if !fresh.is_empty() {
            seen.latest = Instant::now();
        }
        seen.ages.extend(fresh);
        let all = seen.ages.len() == self.total;
        ensure!(all || seen.latest.elapsed() < SEEN_LIMIT, "no marker was seen for {SEEN_LIMIT:?}");
        Ok(())
    }
}

/// The number of orders in a summary.
fn orders(answer: &[u8]) -> anyhow::Result<usize> {
    let answer: Value = serde_json::from_slice(answer)?;
    let orders = answer["kpis"][0]["value"].as_u64().context("a summary without orders")?;
    Ok(usize::try_from(orders)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_marker_is_seen_once_and_no_other() {
        let markers = Markers::default();
        assert_eq!((markers.produce(), markers.produce(), markers.produce()), (0, 1, 2));
        assert_eq!(markers.ages(0, 2).unwrap().len(), 2);
        assert_eq!(markers.ages(2, 2).unwrap().len(), 0);
        assert_eq!(markers.ages(2, 3).unwrap().len(), 1);
        assert!(markers.ages(3, 4).is_err(), "more than were produced");
        assert!(markers.ages(3, 2).is_err(), "fewer than were seen");
    }

    #[test]
    fn orders_are_the_first_figure() {
        assert_eq!(orders(br#"{"kpis":[{"value":7},{"value":9}]}"#).unwrap(), 7);
        assert!(orders(b"{}").is_err());
    }
}
