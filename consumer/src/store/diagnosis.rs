//! What a database is set to, and what this role may do in it, for `consumer doctor`. Only reads.

use super::connect::Server;
use super::settings::Database;
use super::{Error, OperatorConnection};
use crate::clock::{Clock, Question};
use database::rights;
use std::time::Duration;
use tokio_postgres::error::SqlState;

/// What a server is set to, as far as members depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSeen {
    /// Its version as a number: 150018 is 15.18.
    pub version: i32,
    /// Its version for people.
    pub version_text: String,
    /// The role of this connection.
    pub role: String,
    /// Whether that may do anything.
    pub is_superuser: bool,
    /// Settings that durability depends on and that are off.
    pub off: Vec<String>,
    /// How many sessions there may be.
    pub sessions: SessionsMax,
}

/// How many sessions there may be; a negative limit is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionsMax {
    /// Of the server, without those that it reserves.
    pub server: i32,
    /// Of the database.
    pub database: i32,
    /// Of the role.
    pub role: i32,
}

/// How the schema stands to this program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaSeen {
    /// Why the database can't hold what is counted, in a sentence.
    pub unusable: Option<String>,
    /// The migrations that it lacks.
    pub missing: Vec<String>,
    /// Those of a later version that it has.
    pub later: Vec<String>,
}

const SERVER: &str = "
select current_setting('server_version_num')::integer, current_setting('server_version'), current_user::text,
       r.rolsuper,
       array(select setting from unnest(array['fsync', 'full_page_writes', 'synchronous_commit']) as s (setting)
             where current_setting(setting) = 'off'),
       current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
           - coalesce(current_setting('reserved_connections', true), '0')::integer,
       d.datconnlimit, r.rolconnlimit
from pg_roles r, pg_database d
where r.rolname = current_user and d.datname = current_database()";

/// Sessions by the name that members have, too. Those that were opened by this process come later than this one.
const SESSIONS: &str = "
select count(*) from pg_stat_activity a, pg_stat_activity own
where own.pid = pg_backend_pid() and a.datname = current_database() and a.backend_start < own.backend_start
  and a.application_name = own.application_name";

impl OperatorConnection {
    /// Connects to a database whatever its schema is. No statement takes longer than `limit`, or waits for long for a lock.
    ///
    /// # Errors
    /// When the settings can't be used, or PostgreSQL is away or refuses.
    pub async fn examine(database: &Database, limit: Duration) -> Result<Self, Error> {
        let server = Server::new(database).map_err(|bad| Error::Unusable(bad.0))?;
        let client = server.connect().await?;
        let millis = limit.as_millis();
        let limits = format!("set statement_timeout = {millis}; set lock_timeout = {millis}");
        client.batch_execute(&limits).await?;
        Ok(Self { client })
    }

    /// What the server is set to.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn server(&self) -> Result<ServerSeen, Error> {
        let row = self.client.query_one(SERVER, &[]).await?;
        Ok(ServerSeen {
            version: row.get(0),
            version_text: row.get(1),
            role: row.get(2),
            is_superuser: row.get(3),
            off: row.get(4),
            sessions: SessionsMax { server: row.get(5), database: row.get(6), role: row.get(7) },
        })
    }

    /// Reads the database's clock.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn read_clock(&self, clock: &Clock) -> Result<(), Error> {
        let question = Question::ask();
        let shown = self.client.query_one("select clock_timestamp()", &[]).await?.get(0);
        clock.take(question.answer(shown));
        Ok(())
    }

    /// How the schema stands to this program.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn schema(&self) -> Result<SchemaSeen, Error> {
        Ok(SchemaSeen {
            unusable: migrations::unusable(&self.client).await?,
            missing: migrations::missing(&self.client).await?,
            later: migrations::later(&self.client).await?,
        })
    }

    /// The rights on tables that a member needs and this role lacks, as `RIGHT on table`.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn rights_lacking(&self) -> Result<Vec<String>, Error> {
        Ok(rights::lacking(&self.client, &rights::of_consumer()).await?)
    }

    /// Sessions of members in the database, which were there before this connection.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn sessions_of_members(&self) -> Result<i64, Error> {
        Ok(self.client.query_one(SESSIONS, &[]).await?.get(0))
    }
}

impl Error {
    /// Whether PostgreSQL refuses who this client says it is, or the database that it names.
    #[must_use]
    pub fn is_about_login(&self) -> bool {
        let code = self.code().map(SqlState::code).unwrap_or_default();
        code.starts_with("28") || code == SqlState::INVALID_CATALOG_NAME.code()
    }

    /// Whether this role lacks a right.
    #[must_use]
    pub fn is_about_rights(&self) -> bool {
        self.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE)
    }

    fn code(&self) -> Option<&SqlState> {
        if let Self::Database(error) = self { error.code() } else { None }
    }
}
