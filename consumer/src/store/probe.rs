//! A probe of PostgreSQL beside the work. A statement may wait for others for a minute, so that one doesn't return says nothing
//! about PostgreSQL. The probe's question waits for nobody.

use super::Error;
use super::connect::Server;
use super::connection::{Access, CONDITION};
use super::remedy::{is_silence, with_remedy};
use crate::clock::{Clock, Question};
use crate::limits::{PROBE_EVERY, PROBE_PATIENCE};
use admin::Readiness;
use chrono::{DateTime, SecondsFormat, Utc};
use std::pin::pin;
use tokio::time::{MissedTickBehavior, timeout};
use tokio_postgres::Client;

/// The cause while PostgreSQL doesn't answer.
const SILENT: &str = "silent";

/// Asks PostgreSQL for its time, again and again, on a connection of its own, and tells people when there is no answer.
pub struct Probe {
    line: Line,
    told: Told,
}

/// The way to PostgreSQL.
struct Line {
    server: Server,
    clock: Clock,
    client: Option<Client>,
}

/// What people were told.
struct Told {
    readiness: Readiness,
    /// When the first question was asked that has no answer.
    silent_since: Option<DateTime<Utc>>,
}

impl Probe {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new(access: &Access) -> Self {
        let line = Line { server: access.server.clone(), clock: access.clock.clone(), client: None };
        Self { line, told: Told { readiness: access.readiness.clone(), silent_since: None } }
    }

    /// Asks for as long as the process runs.
    pub async fn run(mut self) {
        let mut every = tokio::time::interval(PROBE_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            self.ask().await;
        }
    }

    async fn ask(&mut self) {
        let Self { line, told } = self;
        let asked_at = Utc::now();
        let mut asking = pin!(line.ask());
        let answer = match timeout(PROBE_PATIENCE, &mut asking).await {
            Ok(answer) => answer,
            Err(_) => {
                // It goes on: several hosts share the time for connecting, which is longer.
                told.tell(asked_at, Some(&Error::Timeout(PROBE_PATIENCE)));
                asking.await
            }
        };
        told.tell(asked_at, answer.err().as_ref());
    }
}

impl Line {
    /// One question.
    async fn ask(&mut self) -> Result<(), Error> {
        if let Some(client) = self.client.take() {
            match self.read_clock(&client).await {
                Ok(()) => {
                    self.client = Some(client);
                    return Ok(());
                }
                // Somebody may have ended this session alone. Another one shows whether PostgreSQL answers.
                Err(Error::Database(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let client = self.server.connect().await?;
        self.read_clock(&client).await?;
        self.client = Some(client);
        Ok(())
    }

    async fn read_clock(&self, client: &Client) -> Result<(), Error> {
        let question = Question::ask();
        let shown = timeout(PROBE_PATIENCE, client.query_one("select clock_timestamp()", &[])).await;
        let shown = shown.map_err(|_| Error::Timeout(PROBE_PATIENCE))??.get(0);
        self.clock.take(question.answer(shown));
        Ok(())
    }
}

impl Told {
    /// Readiness is told as long as there is no answer, the log when that begins and ends.
    fn tell(&mut self, asked_at: DateTime<Utc>, failed: Option<&Error>) {
        if let Some(error) = failed.filter(|error| is_silence(error)) {
            let has_begun = self.silent_since.is_none();
            let why = sentence(*self.silent_since.get_or_insert(asked_at), error);
            if has_begun {
                tracing::warn!(target: "postgresql", why, "PostgreSQL has fallen silent");
            }
            self.readiness.blame(CONDITION, SILENT, why);
        } else {
            if self.silent_since.take().is_some() {
                tracing::info!(target: "postgresql", "PostgreSQL answers again");
            }
            self.readiness.clear(CONDITION, SILENT);
        }
    }
}

fn sentence(since: DateTime<Utc>, error: &Error) -> String {
    let why = if let Error::Timeout(limit) = error {
        format!("no answer within {limit:?}; look at its machine and the network, or fail over")
    } else {
        with_remedy(error)
    };
    format!("PostgreSQL has not answered since {}: {why}", since.to_rfc3339_opts(SecondsFormat::Secs, true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn silent_since(told: &mut Told, minute: i64, failed: Option<&Error>) -> Option<i64> {
        let asked_at = DateTime::from_timestamp(60 * minute, 0).unwrap();
        told.tell(asked_at, failed);
        told.silent_since.map(|since| since.timestamp() / 60)
    }

    #[test]
    fn a_silence_begins_with_the_first_question_that_has_no_answer_and_ends_with_any_answer() {
        let mut told = Told { readiness: Readiness::new(), silent_since: None };
        let (silence, refusal) =
            (Error::Timeout(Duration::from_secs(5)), Error::Unusable("a pooler of transactions".into()));
        assert_eq!(silent_since(&mut told, 1, None), None);
        assert_eq!(silent_since(&mut told, 2, Some(&refusal)), None, "a refusal is an answer");
        assert_eq!(silent_since(&mut told, 3, Some(&silence)), Some(3));
        assert_eq!(silent_since(&mut told, 4, Some(&silence)), Some(3));
        assert_eq!(silent_since(&mut told, 5, None), None);
        assert_eq!(silent_since(&mut told, 6, Some(&silence)), Some(6));
    }

    #[test]
    fn a_silence_is_told_with_its_beginning_and_what_to_do() {
        let since = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let said = sentence(since, &Error::Timeout(Duration::from_secs(5)));
        let begins = "PostgreSQL has not answered since 2023-11-14T22:13:20Z: no answer within 5s; ";
        assert!(said.starts_with(begins) && said.contains("fail over"), "{said}");
    }
}
