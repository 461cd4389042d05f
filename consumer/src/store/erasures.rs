//! Erasures of organizations: their audit, and the boundaries that they have drawn in the log.

use super::erased_tables::{DEAD_LETTERS, LETTERS_OF_ORGANIZATION, OF_BATCHES, OF_SETTINGS, known};
use super::{Error, OperatorConnection, TablesSnapshot};
use crate::record::Offset;
use crate::record::place::Place;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap};
use tokio_postgres::{GenericClient, Row};

/// One command at a time erases, and nobody redrives meanwhile.
const ERASING: i64 = 0x6d65_7472_6963_7304;

/// An erasure that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Its number.
    pub id: i64,
    /// What it erases.
    pub organization: String,
    /// When it was begun.
    pub begun_at: DateTime<Utc>,
    /// By which role of the database.
    pub begun_by: String,
    /// Whether its boundary is drawn: nothing that was counted before it is left.
    pub has_boundary: bool,
}

/// Where an organization begins anew in a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasureBoundary {
    /// The organization.
    pub organization: String,
    /// The partition.
    pub place: Place,
    /// Kafka's id of the topic at that time, if it was known.
    pub topic_id: Option<String>,
    /// What was counted before this offset is erased.
    pub next_offset: Offset,
    /// When it was drawn.
    pub drawn_at: DateTime<Utc>,
}

/// An erasure whose boundary is drawn: what decides whether a record comes from before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnErasure {
    /// What it erased.
    pub organization: String,
    /// When its boundary was drawn.
    pub drawn_at: DateTime<Utc>,
    /// In each partition that was read by then: Kafka's id of the topic at that time, if it was known, and the first offset that
    /// is not erased.
    pub boundary: HashMap<Place, (Option<String>, Offset)>,
}

/// What erasures mean to those who compare the tables with the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erasures {
    /// Organizations that are being erased: some of their rows are gone, others not yet.
    pub under_way: Vec<String>,
    /// The boundaries of all others.
    pub boundaries: Vec<ErasureBoundary>,
}

impl OperatorConnection {
    /// Tables with organizations' ids that this version knows nothing of: a later version's.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn tables_of_later_versions(&self) -> Result<Vec<String>, Error> {
        const QUERY: &str = "
            select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid
            where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
              and a.attname = 'organization_id' and not a.attisdropped and c.relname::text <> all($1::text[]) order by 1";
        Ok(self.client.query(QUERY, &[&known()]).await?.iter().map(|row| row.get(0)).collect())
    }

    /// How many rows each table has of the organization.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn rows_of(&self, organization: &str) -> Result<Vec<(&'static str, i64)>, Error> {
        // Dead letters are looked through.
        self.client.batch_execute("set statement_timeout = '10min'").await?;
        let tables = OF_SETTINGS.iter().chain(&OF_BATCHES).map(|table| (table.name, table.count()));
        let letters = format!("select count(*) from {DEAD_LETTERS} where {LETTERS_OF_ORGANIZATION}");
        let mut all = Vec::new();
        for (table, count) in tables.chain([(DEAD_LETTERS, letters)]) {
            all.push((table, self.client.query_one(&count, &[&organization]).await?.get(0)));
        }
        Ok(all)
    }

    /// Takes the turn to erase, for as long as this connection lives; returns false while somebody else has it, or redrives.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn may_erase(&self) -> Result<bool, Error> {
        Ok(self.client.query_one("select pg_try_advisory_lock($1)", &[&ERASING]).await?.get(0))
    }

    /// Keeps erasures from beginning, for as long as this connection lives; returns false if one is under way. What is published
    /// again meanwhile would lie behind its boundary, and count.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn may_redrive(&self) -> Result<bool, Error> {
        let locked = self.client.query_one("select pg_try_advisory_lock_shared($1)", &[&ERASING]).await?;
        // One that is paused has no lock.
        let none = "select not exists (select from erasures where ended_at is null)";
        Ok(locked.get(0) && self.client.query_one(none, &[]).await?.get(0))
    }

    /// The organization's erasure that is under way, if there is one.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn erasure_of(&self, organization: &str) -> Result<Option<Erasure>, Error> {
        let query = format!("select {COLUMNS} from erasures where organization_id = $1 and ended_at is null");
        Ok(self.client.query_opt(&query, &[&organization]).await?.as_ref().map(erasure))
    }

    /// Begins an erasure.
    ///
    /// # Errors
    /// When PostgreSQL fails, or one is under way.
    pub async fn begin_erasure(&self, organization: &str) -> Result<Erasure, Error> {
        let insert = format!("insert into erasures (organization_id) values ($1) returning {COLUMNS}");
        Ok(erasure(&self.client.query_one(&insert, &[&organization]).await?))
    }

    /// Notes that an erasure has ended; returns when, and how many rows of each table it has erased.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn end_erasure(&self, id: i64) -> Result<(DateTime<Utc>, Vec<(String, i64)>), Error> {
        let end = "update erasures set ended_at = coalesce(ended_at, now()) where erasure_id = $1 returning ended_at";
        let ended_at = self.client.query_one(end, &[&id]).await?.get(0);
        let rows = "select r.key, r.value::bigint from erasures, jsonb_each_text(erased) as r (key, value)
                    where erasure_id = $1 order by 1";
        let rows = self.client.query(rows, &[&id]).await?;
        Ok((ended_at, rows.iter().map(|row| (row.get(0), row.get(1))).collect()))
    }

    /// What was erased, and is being.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn erasures(&self) -> Result<Erasures, Error> {
        erasures(&self.client).await
    }

    /// The erasures whose boundaries are drawn, the oldest first.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn drawn_erasures(&self) -> Result<Vec<DrawnErasure>, Error> {
        // Where no partition had been read, there is only the time.
        const QUERY: &str = "
            select e.erasure_id, e.organization_id, e.boundary_at, b.topic, b.kafka_partition, b.topic_id, b.next_offset
            from erasures e left join erasure_boundaries b using (erasure_id) where e.boundary_at is not null";
        let mut drawn: BTreeMap<i64, DrawnErasure> = BTreeMap::new();
        for row in self.client.query(QUERY, &[]).await? {
            let erasure = drawn.entry(row.get(0)).or_insert_with(|| DrawnErasure {
                organization: row.get(1),
                drawn_at: row.get(2),
                boundary: HashMap::new(),
            });
            if let Some(topic) = row.get(3) {
                let place = Place { topic, partition: row.get(4) };
                erasure.boundary.insert(place, (row.get(5), Offset(row.get(6))));
            }
        }
        Ok(drawn.into_values().collect())
    }
}

impl TablesSnapshot<'_> {
    /// What was erased, and is being.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn erasures(&self) -> Result<Erasures, Error> {
        erasures(&self.transaction).await
    }
}

/// An erasure as `erasure` reads it.
const COLUMNS: &str = "erasure_id, organization_id, begun_at, begun_by, boundary_at is not null";

fn erasure(row: &Row) -> Erasure {
    Erasure {
        id: row.get(0),
        organization: row.get(1),
        begun_at: row.get(2),
        begun_by: row.get(3),
        has_boundary: row.get(4),
    }
}

/// What was erased, and is being, as a connection or a transaction sees it.
pub(super) async fn erasures(client: &impl GenericClient) -> Result<Erasures, Error> {
    let drawn =
        "select e.organization_id, b.topic, b.kafka_partition, b.topic_id, b.next_offset, e.boundary_at
                 from erasures e join erasure_boundaries b using (erasure_id)
                 order by 1, 2, 3, b.erasure_id";
    let boundary = |row: &Row| ErasureBoundary {
        organization: row.get(0),
        place: Place { topic: row.get(1), partition: row.get(2) },
        topic_id: row.get(3),
        next_offset: Offset(row.get(4)),
        drawn_at: row.get(5),
    };
    let boundaries = client.query(drawn, &[]).await?.iter().map(boundary).collect();
    Ok(Erasures { under_way: being_erased(client).await?, boundaries })
}

/// The organizations that are being erased: some of their rows are gone, others not yet.
pub(super) async fn being_erased(client: &impl GenericClient) -> Result<Vec<String>, Error> {
    let query = "select organization_id from erasures where boundary_at is null order by 1";
    Ok(client.query(query, &[]).await?.iter().map(|row| row.get(0)).collect())
}
