//! The rows that answers are made of: the one module that knows SQL. It reads, and writes what organizations set themselves, and
//! their webhooks; every query of a request names the organization.
//!
//! ```text
//! connect      how a connection is made, and its limits
//! shares       how many loads of each organization are under way
//! connections  lent to loads, and ended if their work isn't over
//! profile      name and plan
//! settings     what organizations set, read and changed
//! counters     sums by cell
//! channels     messages by cell and by channel
//! workflows    runs by workflow, durations by cell, runs of a workflow by cell
//! failures     pages of failures, and what they have in common
//! refusals     refused records by cell and by reason, and examples
//! reading      what a connection reads for an answer
//! webhooks     endpoints, what they were told, messages to them
//! ```

use crate::answer::setting::{Kept, Setting};
use crate::answer::thresholds::Thresholds;
use chrono::{DateTime, Utc};
use connections::{Connections, Trust};
use database::Connector;
use database::rights::{self, Right};
use deadpool_postgres::Object;
use futures_util::future::try_join3;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_postgres::Row;
use webhooks::Webhooks;

mod channels;
mod connect;
mod connections;
mod counters;
mod error;
mod failures;
mod profile;
mod reading;
mod refusals;
mod settings;
mod shares;
pub mod webhooks;
mod workflows;

pub use connect::{BadSettings, Settings};
pub use connections::Occupancy;
pub(crate) use connections::SILENT_FOR;
pub use database::Settings as Database;
pub use error::Error;
pub use reading::{Read, Reading};
pub use shares::Turn;

/// How many days back [`Store::fallback_versions`] looks: further than records may be late, unless LEDGER_RETENTION_DAYS
/// of the consumer is raised above its default of 35.
const COUNTED_DAYS: i32 = 40;

/// The state of PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is reachable, and has the schema this build reads.
    Ready,
    /// It is reachable, but lacks these migrations.
    Unmigrated(Vec<String>),
    /// It is reachable, but this client's role lacks these rights.
    Unpermitted(Vec<String>),
    /// It is reachable, but can't hold what is counted, in a sentence that says what to do.
    Unusable(String),
    /// It is unreachable, for this reason.
    Unreachable(String),
    /// It refuses this client or what it asks, or a certificate is refused, in a sentence that says what to do.
    Refused(String),
}

impl State {
    fn of_failure(error: &(dyn std::error::Error + 'static), words: String) -> Self {
        let refused = database::refused(error).or_else(|| database::remedies::of_reply(error));
        refused.map_or(Self::Unreachable(words), Self::Refused)
    }
}

/// Reads rows.
pub struct Store {
    connector: Connector,
    /// What the role must be able to do.
    rights: Vec<Right>,
    is_reached: AtomicBool,
    loads: Connections,
    /// A connection of its own, for which nobody waits.
    probe: Connections,
    /// Those that may write, made when settings are first changed.
    writes: Connections,
    webhooks: Webhooks,
}

/// How many connections write at once: a change takes milliseconds, and is rare.
const WRITES_MAX: u16 = 2;

impl Store {
    /// A store that connects when it is first asked, by a role that also sends webhooks if there are any.
    ///
    /// # Errors
    /// When the settings name no database: a sentence that names the variable.
    pub fn new(settings: &Settings, with_webhooks: bool) -> Result<Self, BadSettings> {
        let (connector, trust) = (connect::connector(settings)?, Trust::new());
        let connections = |size| Connections::new(settings, &connector, size, &trust);
        let (loads, probe) = (connections(settings.database_pool_size), connections(1));
        let writer = connect::writer(settings)?;
        let writes = Connections::new(settings, &writer, WRITES_MAX, &Trust::new());
        let webhooks = Webhooks::new(settings, &writer);
        let (is_reached, rights) = (AtomicBool::new(false), rights::of_api(with_webhooks));
        Ok(Self { connector, rights, is_reached, loads, probe, writes, webhooks })
    }

    /// The tables of webhooks.
    #[must_use]
    pub const fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }

    /// The organization's turn to load. Hold it until the answer is composed: that takes a processor, too.
    ///
    /// # Errors
    /// When it doesn't come in time, because the organization loads as much as it may.
    pub async fn turn(&self, organization: &str) -> Result<Arc<Turn>, Error> {
        self.loads.turn(organization).await
    }

    /// A connection for the organization whose turn it is.
    ///
    /// # Errors
    /// When none is free in time, or none can be made.
    pub async fn reading(&self, turn: &Arc<Turn>) -> Result<Reading, Error> {
        Ok(Reading::new(self.loads.lend(Some(Arc::clone(turn))).await?, Arc::clone(turn)))
    }

    /// A connection on which everything is read from one state of the database: that at the first statement. On a cluster each node has
    /// a state of its own.
    ///
    /// # Errors
    /// When none is free in time, or none can be made, or PostgreSQL gives up.
    pub async fn snapshot(&self, turn: &Arc<Turn>) -> Result<Reading, Error> {
        let reading = self.reading(turn).await?;
        reading.begin().await?;
        Ok(reading)
    }

    /// The organization's setting.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn setting<S: Setting>(&self, turn: &Arc<Turn>) -> Result<Kept<S>, Error> {
        let client = self.loads.lend(Some(Arc::clone(turn))).await?;
        let kept = client.within(|client| settings::kept(client, turn.organization())).await;
        client.give_back(kept)
    }

    /// Changes the organization's setting: `change` is told what it is, and the time, and says what it is to be; `None` leaves it as
    /// it is. Changes of one organization take turns. Returns what it was, and what it is.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable, gives up, or takes no writes. Then nothing is known to be changed.
    pub async fn change_setting<S: Setting>(
        &self,
        organization: &str,
        subject: Option<&str>,
        change: impl FnOnce(&Kept<S>, DateTime<Utc>) -> Option<S> + Send,
    ) -> Result<[Kept<S>; 2], Error> {
        let turn = self.writes.turn(organization).await?;
        let client = self.writes.lend(Some(turn)).await.map_err(Error::of_write)?;
        let changed = client.within(|client| settings::change(client, (organization, subject), change)).await;
        client.give_back(changed.map_err(Error::of_write))
    }

    /// A number for each organization that changes whenever a record is counted or refused, or its thresholds are changed: the
    /// sum of its recent counters and refusals, and of how often. It stands in for the version while Redis can't be read. A time wouldn't do: transactions end in another
    /// order than they begin.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn fallback_versions(&self, organizations: &[Arc<str>]) -> Result<Vec<(Arc<str>, u64)>, Error> {
        // A question about one organization counts towards its share.
        let turn = if let [one] = organizations { Some(self.loads.turn(one).await?) } else { None };
        let client = self.loads.lend(turn).await?;
        let asked: Vec<&str> = organizations.iter().map(|id| &**id).collect();
        let all = client.within(|client| {
            let revisions = settings::revisions::<Thresholds>(client, &asked);
            try_join3(counted(client, &asked), revisions, refusals::counts(client, &asked))
        });
        let all = all.await;
        let (mut numbers, revisions, refusals) = client.give_back(all)?;
        for (organization, number) in &mut numbers {
            for more in [&revisions, &refusals] {
                *number = number.wrapping_add(more.get(&**organization).copied().unwrap_or(0));
            }
        }
        Ok(numbers)
    }

    /// Finds out whether PostgreSQL is reachable, has the schema, and lets this client read it.
    pub async fn state(&self) -> State {
        if let Some(state) = self.first_reached().await {
            return state;
        }
        self.schema().await.unwrap_or_else(|error| State::of_failure(&error, error.to_string()))
    }

    /// How the schema stands to this build and to its role.
    async fn schema(&self) -> Result<State, Error> {
        let client = self.probe.lend(None).await?;
        let state = client.within(|client| schema(client, &self.rights)).await;
        client.give_back(state)
    }

    /// What keeps PostgreSQL from being reached for the first time; `None` once it was reached. The pool has no words for all of
    /// that.
    async fn first_reached(&self) -> Option<State> {
        if self.is_reached.load(Ordering::Relaxed) {
            return None;
        }
        match self.connector.connect().await {
            Ok(_) => {
                self.is_reached.store(true, Ordering::Relaxed);
                None
            }
            Err(refused @ database::Error::NoSession) => Some(State::Unusable(refused.to_string())),
            Err(away @ (database::Error::Failed(_) | database::Error::Silent(_))) => {
                Some(State::of_failure(&away, error::causes(&away)))
            }
        }
    }

    /// How the places of the loads' pool are taken now.
    #[must_use]
    pub fn occupancy(&self) -> Occupancy {
        self.loads.occupancy()
    }
}

/// What of a [`Store::fallback_versions`] is in the counters.
async fn counted(client: &Object, organizations: &[&str]) -> Result<Vec<(Arc<str>, u64)>, Error> {
    let sql = "
        select asked.id,
               coalesce(sum(orders_created + payments_total + workflows_total + messages_sent
                            + messages_delivered), 0)::bigint
        from unnest($1::text[]) as asked(id)
        left join org_daily_metrics
               on organization_id = asked.id and day_bucket >= now() - make_interval(days => $2)
        group by asked.id";
    let number = |row: &Row| {
        let number: i64 = row.try_get(1)?;
        Ok((row.try_get::<_, &str>(0)?.into(), number.unsigned_abs()))
    };
    let statement = client.prepare_cached(sql).await?;
    let rows = client.query(&statement, &[&organizations, &COUNTED_DAYS]).await?;
    rows.iter().map(number).collect()
}

/// How the schema that is connected to stands to this build, and to a role that needs these rights.
async fn schema(client: &Object, rights: &[Right]) -> Result<State, Error> {
    if let Some(why) = migrations::unusable(client).await? {
        return Ok(State::Unusable(why));
    }
    let missing = migrations::missing(client).await?;
    if !missing.is_empty() {
        return Ok(State::Unmigrated(missing));
    }
    // Before anything reads the tables: PostgreSQL's own words would name only the first of them.
    let lacking = rights::lacking(client, rights).await?;
    if !lacking.is_empty() {
        return Ok(State::Unpermitted(lacking));
    }
    let unfilled = migrations::unfilled(client).await?;
    let unfilled: Vec<_> = unfilled.iter().map(|what| format!("filling of {what}")).collect();
    Ok(if unfilled.is_empty() { State::Ready } else { State::Unmigrated(unfilled) })
}
