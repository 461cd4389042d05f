//! The pool of connections to PostgreSQL: a limit on every wait, TLS where the URL asks for it.

use deadpool_postgres::{Hook, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod, Runtime};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::config::SslMode;
use tokio_postgres::{CancelToken, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How PostgreSQL is reached.
#[derive(clap::Args, Clone)]
#[group(skip)]
#[command(next_help_heading = "PostgreSQL")]
pub struct Settings {
    /// PostgreSQL, as postgres://user:password@host:port/database; with ?sslmode=require the connection is encrypted
    /// and the server's certificate checked. A role that may only read is enough
    #[arg(long, env, hide_env_values = true)]
    pub database_url: Option<String>,

    /// A PEM file of certificate authorities to trust beside the system's. Set it where the database's certificate is
    /// signed by an authority of your own
    #[arg(long, env)]
    pub database_ca_file: Option<PathBuf>,

    /// How many connections loads may use at once; one more is for the probe of readiness. Raise it when requests wait for
    /// connections while the database is idle
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

    /// How long making a connection may take. Raise it where the database is far away
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

/// How connections are encrypted.
#[derive(Clone)]
pub enum Encryption {
    /// Not at all.
    Off,
    /// By TLS.
    Tls(MakeRustlsConnect),
}

impl Encryption {
    /// Asks PostgreSQL to cancel what it does for a connection, on a connection of its own.
    pub async fn cancel(&self, token: &CancelToken) -> Result<(), tokio_postgres::Error> {
        match self {
            Self::Off => token.cancel_query(NoTls).await,
            Self::Tls(tls) => token.cancel_query(tls.clone()).await,
        }
    }
}

/// A pool of `size` connections that connects when it is first used. A connection must pass `check` before it is used again.
pub fn pool(settings: &Settings, size: u16, check: Hook) -> Result<(Pool, Encryption), BadSettings> {
    let config = config(settings)?;
    // What may have died is found by `check`, which asks seldom: each load would wait for the reply.
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let (manager, encryption) = if config.get_ssl_mode() == SslMode::Require {
        let tls = tls(settings.database_ca_file.as_deref())?;
        (Manager::from_config(config, tls.clone(), recycling), Encryption::Tls(tls))
    } else {
        (Manager::from_config(config, NoTls, recycling), Encryption::Off)
    };
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
    Ok((pool.expect("a runtime is named, which is all the builder asks for"), encryption))
}

fn config(settings: &Settings) -> Result<Config, BadSettings> {
    let url = settings.database_url.as_deref().unwrap_or_default();
    // Other clients check certificates in their stricter modes only. This one always does, and knows no such modes.
    let url =
        url.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
    // The error's text is left out: it may quote the URL, and that holds the password.
    let mut config: Config = url.parse().map_err(|_| BadSettings(NO_URL.into()))?;
    if config.get_hosts().is_empty() {
        return Err(BadSettings(NO_URL.into()));
    }
    let ours = format!(
        "-c statement_timeout={} -c default_transaction_read_only=on",
        settings.database_statement_timeout.as_millis()
    );
    let options = config.get_options().map_or(ours.clone(), |theirs| format!("{theirs} {ours}"));
    config.options(options).connect_timeout(settings.database_connect_timeout);
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

fn tls(extra: Option<&Path>) -> Result<MakeRustlsConnect, BadSettings> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = extra.filter(|file| !file.as_os_str().is_empty()) {
        let bad = |why: String| BadSettings(format!("DATABASE_CA_FILE ({}) {why}", file.display()));
        let certificates = certificates(file).map_err(|error| bad(format!("can't be read: {error}")))?;
        if roots.add_parsable_certificates(certificates).0 == 0 {
            return Err(bad("has no certificate".into()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks the versions rustls thinks safe")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn certificates(
    file: &Path,
) -> Result<Vec<rustls::pki_types::CertificateDer<'static>>, rustls::pki_types::pem::Error> {
    use rustls::pki_types::pem::PemObject as _;
    rustls::pki_types::CertificateDer::pem_file_iter(file)?.collect()
}

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

    fn pool(settings: &Settings) -> Result<Pool, BadSettings> {
        super::pool(settings, 1, Hook::sync_fn(|_, _| Ok(()))).map(|(pool, _)| pool)
    }

    #[test]
    fn a_url_that_names_no_database_is_refused_without_being_quoted() {
        for url in ["", "mysql://root:hunter2@db/x", "postgres://u:hunter2@db:port/x", "dbname=x"] {
            let sentence = pool(&settings(url)).err().unwrap().to_string();
            assert!(sentence.contains("DATABASE_URL") && !sentence.contains("hunter2"), "{sentence}");
        }
    }

    #[test]
    fn connections_only_read_and_have_a_limit() {
        let config = config(&settings("postgres://u@db/x?options=-c%20search_path%3Dm")).unwrap();
        let expected = "-c search_path=m -c statement_timeout=1500 -c default_transaction_read_only=on";
        assert_eq!(config.get_options(), Some(expected));
        assert_eq!(config.get_application_name(), Some("query-api"));
    }

    #[test]
    fn stricter_modes_are_ours_anyway() {
        for mode in ["require", "verify-ca", "verify-full"] {
            let config = config(&settings(&format!("postgres://u@db/x?sslmode={mode}"))).unwrap();
            assert_eq!(config.get_ssl_mode(), SslMode::Require, "{mode}");
        }
        assert!(pool(&settings("postgres://u@db/x?sslmode=require")).is_ok());
    }

    #[test]
    fn a_missing_authority_file_is_named() {
        let settings = Settings {
            database_ca_file: Some("/nowhere/ca.pem".into()),
            ..settings("postgres://u@db/x?sslmode=require")
        };
        assert!(pool(&settings).err().unwrap().to_string().contains("/nowhere/ca.pem"));
    }
}
