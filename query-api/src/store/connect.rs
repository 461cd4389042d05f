//! The pool of connections to PostgreSQL: a limit on every wait, TLS where the URL asks for it.

use database::{Address, Connector, Error, Session};
use deadpool_postgres::{Connect, Hook, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod, Runtime};
use futures_util::future::BoxFuture;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::{Client, Config};

/// How PostgreSQL is reached.
#[derive(clap::Args, Clone)]
#[group(skip)]
#[command(next_help_heading = "PostgreSQL")]
pub struct Settings {
    /// Where it is.
    #[command(flatten)]
    pub database: database::Settings,

    /// How many connections loads may use at once; one more is for the probe of readiness, and up to two for changes of
    /// settings. Raise it when requests wait for connections while the database is idle
    #[arg(long, env, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub database_pool_size: u16,

    /// How many of them one organization's loads may use at once; each is the work of up to one processor in the database. Raise it,
    /// with the pool, where the database has more processors
    #[arg(long, env, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub database_pool_share: u16,

    /// How long a load waits for its organization's turn, and then for a free connection. Lower it to fail sooner under
    /// overload
    #[arg(long, env, default_value = "4s", value_parser = humantime::parse_duration)]
    pub database_wait_timeout: Duration,

    /// How long making a connection may take; several hosts share it. Raise it where the database is far away
    #[arg(long, env, default_value = "3s", value_parser = humantime::parse_duration)]
    pub database_connect_timeout: Duration,

    /// How long PostgreSQL may work on one statement. Raise it if long ranges of large organizations time out
    #[arg(long, env, default_value = "4s", value_parser = humantime::parse_duration)]
    pub database_statement_timeout: Duration,
}

/// For how many statements' time a connection is lent to work that isn't a load.
const STATEMENTS_WAITED: u32 = 2;

impl Settings {
    /// How long work that isn't a load may take in all, the wait for a connection included. PostgreSQL ends slow statements itself; who
    /// hears nothing for as long is connected to nobody.
    pub(super) fn work_within(&self) -> Duration {
        let statements = self.database_statement_timeout.saturating_mul(STATEMENTS_WAITED);
        let connection = self.database_wait_timeout.saturating_add(self.database_connect_timeout);
        connection.saturating_add(statements)
    }
}

/// Why these settings can't be used: a sentence that names the variable.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadSettings(String);

/// What connections are made by, once `settings` have been found to be good.
pub fn connector(settings: &Settings) -> Result<Connector, BadSettings> {
    made_by(settings, "; set default_transaction_read_only = on", for_reading)
}

/// What connections are made by that may write: of several hosts to the primary, whichever of them is read.
pub fn writer(settings: &Settings) -> Result<Connector, BadSettings> {
    made_by(settings, "", for_writing)
}

fn made_by(settings: &Settings, more: &str, target: fn(&mut Address)) -> Result<Connector, BadSettings> {
    let patience = settings.database_statement_timeout;
    let set_up = move |address: &mut Address| {
        adjust(&mut address.config, patience);
        target(address);
    };
    // By statements: poolers refuse to start sessions that are set up otherwise.
    let set = format!("set statement_timeout = {}{more}", patience.as_millis());
    let connector = Connector::new(&settings.database, set_up, settings.database_connect_timeout, set);
    connector.map_err(|bad| BadSettings(bad.0))
}

/// Of several hosts the primary is read, unless the URL says otherwise: a standby may lack what has just been announced, and its
/// rows would be kept as if they had that.
fn for_reading(address: &mut Address) {
    if address.config.get_hosts().len() > 1 && !address.has_target {
        address.config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
}

fn for_writing(address: &mut Address) {
    if address.config.get_hosts().len() > 1 {
        address.config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
}

fn adjust(config: &mut Config, patience: Duration) {
    // A server that vanished is given up after the same time as one that is slow.
    config.tcp_user_timeout(patience);
    // So is one that vanished while nothing was sent to it: without an interval the system's would count, minutes in all.
    config.keepalives_idle(KEEPALIVE_EVERY).keepalives_interval(KEEPALIVE_EVERY).keepalives_retries(3);
    if config.get_application_name().is_none() {
        config.application_name("query-api");
    }
}

/// A pool of `size` connections that connects when it is first used. A connection must pass `check` before it is used again.
pub fn pool(settings: &Settings, connector: Connector, size: u16, check: Hook) -> Pool {
    // What may have died is found by `check`, which asks seldom: each load would wait for the reply.
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_connect(Config::new(), ByConnector(connector), recycling);
    let pool = Pool::builder(manager)
        .max_size(size.into())
        // The one that was used last has its statements prepared, and was silent for the shortest time.
        .queue_mode(QueueMode::Lifo)
        .pre_recycle(check)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(settings.database_wait_timeout))
        .create_timeout(Some(settings.database_connect_timeout))
        .recycle_timeout(Some(settings.database_connect_timeout))
        .build();
    pool.expect("a runtime is named, which is all the builder asks for")
}

/// A pool's connections are the connector's.
struct ByConnector(Connector);

impl Connect for ByConnector {
    fn connect(
        &self,
        _config: &Config,
    ) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), tokio_postgres::Error>> {
        Box::pin(async move {
            match self.0.connect().await {
                Ok(Session { client, task }) => Ok((client, task)),
                Err(Error::Failed(error)) => Err(error),
                // The pool has no word for these, and gives up in its own time, which is the same or shorter.
                Err(Error::Silent(_) | Error::NoSession) => std::future::pending().await,
            }
        })
    }
}

/// How often a silent host is asked whether it is there.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(database_url: &str) -> Settings {
        Settings {
            database: database::Settings::of_url(database_url),
            database_pool_size: 4,
            database_pool_share: 2,
            database_wait_timeout: Duration::from_secs(1),
            database_connect_timeout: Duration::from_secs(1),
            database_statement_timeout: Duration::from_millis(1_500),
        }
    }

    #[test]
    fn a_url_that_names_no_database_is_refused_without_being_quoted() {
        for url in ["", "mysql://root:hunter2@db/x", "postgres://u:hunter2@db:port/x", "dbname=x"] {
            let sentence = connector(&settings(url)).err().unwrap().to_string();
            assert!(sentence.contains("DATABASE_URL") && !sentence.contains("hunter2"), "{sentence}");
        }
    }

    #[test]
    fn of_several_hosts_the_primary_is_read_unless_the_url_says_otherwise() {
        let check = |url: &str, reading, writing| {
            let address = || database::Settings::of_url(url).read().ok().unwrap();
            let (mut read, mut written) = (address(), address());
            for_reading(&mut read);
            for_writing(&mut written);
            let targets = [read, written].map(|address| address.config.get_target_session_attrs());
            assert_eq!(targets, [reading, writing], "{url}");
        };
        let (any, primary, standby) =
            (TargetSessionAttrs::Any, TargetSessionAttrs::ReadWrite, TargetSessionAttrs::ReadOnly);
        check("postgres://u@a/x", any, any);
        check("postgres://u@a,b/x", primary, primary);
        check("postgres://u@a,b/x?target_session_attrs=any", any, primary);
        check("postgres://u@a,b/x?target_session_attrs=read-only", standby, primary);
    }

    #[test]
    fn work_has_the_time_of_a_wait_a_connection_and_two_statements() {
        assert_eq!(settings("").work_within(), Duration::from_secs(5));
        let endless = Settings { database_statement_timeout: Duration::MAX, ..settings("") };
        assert_eq!(endless.work_within(), Duration::MAX);
    }

    #[test]
    fn settings_of_the_url_stay() {
        let name = |url: &str| {
            let mut config = database::Settings::of_url(url).read().ok().unwrap().config;
            adjust(&mut config, Duration::from_secs(1));
            config.get_application_name().map(str::to_owned)
        };
        assert_eq!(name("postgres://u@db/x").as_deref(), Some("query-api"));
        assert_eq!(name("postgres://u@db/x?application_name=other").as_deref(), Some("other"));
        assert!(connector(&settings("postgres://u@db/x?sslmode=require")).is_ok());
    }

    #[test]
    fn a_missing_authority_file_is_named() {
        let mut settings = settings("postgres://u@db/x?sslmode=require");
        settings.database.database_ca_file = Some("/nowhere/ca.pem".into());
        let said = connector(&settings).err().unwrap().to_string();
        assert!(said.contains("DATABASE_CA_FILE (/nowhere/ca.pem)"), "{said}");
    }
}
