//! The pool of connections to PostgreSQL: a limit on every wait, TLS where the URL asks for it.

use database::{Connector, Error, MakeRustlsConnect, Session};
use deadpool_postgres::{Connect, Hook, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod, Runtime};
use futures_util::future::BoxFuture;
use std::path::PathBuf;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config};

/// How PostgreSQL is reached.
#[derive(clap::Args, Clone)]
#[group(skip)]
#[command(next_help_heading = "PostgreSQL")]
pub struct Settings {
    /// PostgreSQL, as postgres://user:password@host:port/database; with ?sslmode=require the connection is encrypted
    /// and the server's certificate checked. A role that may read, and write the organizations' settings, is enough. Of
    /// several hosts, separated by commas, the primary is read
    #[arg(long, env, hide_env_values = true)]
    pub database_url: Option<String>,

    /// A PEM file of certificate authorities to trust beside the system's. Set it where the database's certificate is
    /// signed by an authority of your own
    #[arg(long, env)]
    pub database_ca_file: Option<PathBuf>,

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
    #[arg(long, env, default_value = "2s", value_parser = humantime::parse_duration)]
    pub database_wait_timeout: Duration,

    /// How long making a connection may take; several hosts share it. Raise it where the database is far away
    #[arg(long, env, default_value = "3s", value_parser = humantime::parse_duration)]
    pub database_connect_timeout: Duration,

    /// How long PostgreSQL may work on one statement. Raise it if long ranges of large organizations time out
    #[arg(long, env, default_value = "4s", value_parser = humantime::parse_duration)]
    pub database_statement_timeout: Duration,
}

/// Why these settings can't be used: a sentence that names the variable.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadSettings(String);

/// What connections are made by, once `settings` have been found to be good.
pub fn connector(settings: &Settings) -> Result<Connector, BadSettings> {
    made_by(settings, &config(settings)?, "; set default_transaction_read_only = on")
}

/// What connections are made by that may write: of several hosts to the primary, whichever of them is read.
pub fn writer(settings: &Settings) -> Result<Connector, BadSettings> {
    let mut config = config(settings)?;
    if config.get_hosts().len() > 1 {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    made_by(settings, &config, "")
}

fn made_by(settings: &Settings, config: &Config, more: &str) -> Result<Connector, BadSettings> {
    let tls = if config.get_ssl_mode() == SslMode::Require { Some(tls(settings)?) } else { None };
    // By statements: poolers refuse to start sessions that are set up otherwise.
    let set = format!("set statement_timeout = {}{more}", settings.database_statement_timeout.as_millis());
    Ok(Connector::new(config, tls, settings.database_connect_timeout, set))
}

fn tls(settings: &Settings) -> Result<MakeRustlsConnect, BadSettings> {
    let file = settings.database_ca_file.as_deref().filter(|file| !file.as_os_str().is_empty());
    let name = file.map(|file| file.display().to_string()).unwrap_or_default();
    database::tls(file).map_err(|why| BadSettings(format!("DATABASE_CA_FILE ({name}) {why}")))
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

fn config(settings: &Settings) -> Result<Config, BadSettings> {
    let url = settings.database_url.as_deref().unwrap_or_default();
    // The error's text is left out: it may quote the URL, and that holds the password.
    let mut config = database::of_url(url).ok_or_else(|| BadSettings(NO_URL.into()))?;
    if config.get_hosts().is_empty() {
        return Err(BadSettings(NO_URL.into()));
    }
    // A standby may lack what has just been announced, and its rows would be kept as if they had that.
    if config.get_hosts().len() > 1 && !database::has_target(url) {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    // A server that vanished is given up after the same time as one that is slow.
    config.tcp_user_timeout(settings.database_statement_timeout);
    // So is one that vanished while nothing was sent to it: without an interval the system's would count, minutes in all.
    config.keepalives_idle(KEEPALIVE_EVERY).keepalives_interval(KEEPALIVE_EVERY).keepalives_retries(3);
    if config.get_application_name().is_none() {
        config.application_name("query-api");
    }
    Ok(config)
}

/// How often a silent host is asked whether it is there.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(2);

const NO_URL: &str = "DATABASE_URL must be set, and of the form postgres://user:password@host:port/database";

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(database_url: &str) -> Settings {
        Settings {
            database_url: Some(database_url.into()),
            database_ca_file: None,
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
        let check = |url: &str, target| {
            let config = config(&settings(url)).unwrap();
            assert_eq!(config.get_target_session_attrs(), target, "{url}");
            assert_eq!(config.get_application_name(), Some("query-api"));
        };
        check("postgres://u@a/x", TargetSessionAttrs::Any);
        check("postgres://u@a,b/x", TargetSessionAttrs::ReadWrite);
        check("postgres://u@a,b/x?target_session_attrs=any", TargetSessionAttrs::Any);
        check("postgres://u@a,b/x?target_session_attrs=read-only", TargetSessionAttrs::ReadOnly);
    }

    #[test]
    fn settings_of_the_url_stay() {
        let config = config(&settings("postgres://u@db/x?options=-c%20search_path%3Dm")).unwrap();
        assert_eq!(config.get_options(), Some("-c search_path=m"));
        assert!(connector(&settings("postgres://u@db/x?sslmode=require")).is_ok());
    }

    #[test]
    fn a_missing_authority_file_is_named() {
        let settings = Settings {
            database_ca_file: Some("/nowhere/ca.pem".into()),
            ..settings("postgres://u@db/x?sslmode=require")
        };
        assert!(connector(&settings).err().unwrap().to_string().contains("/nowhere/ca.pem"));
    }
}
