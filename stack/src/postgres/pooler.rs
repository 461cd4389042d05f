//! PgBouncer before a PostgreSQL: one of each story that needs it.

use super::answers;
use super::cluster::{new_folder, write_private};
use super::url::DatabaseUrl;
use crate::port;
use crate::run::program::Program;
use crate::run::server::Server;
use crate::run::user::User;
use anyhow::Context as _;
use machine::environment::Environment;
use rustix::process::Signal;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use tokio_postgres::Config;

/// How long it may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// For how long a client has a server's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolMode {
    /// For as long as it is connected.
    Session,
    /// For a transaction.
    Transaction,
    /// For a statement.
    Statement,
}

/// A running PgBouncer.
#[derive(Debug)]
pub struct Pooler {
    address: SocketAddr,
    _server: Server,
}

impl PoolMode {
    const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Transaction => "transaction",
            Self::Statement => "statement",
        }
    }
}

impl Pooler {
    /// Starts one before the server of these URLs, for the roles that they name. A pool has as many sessions as `sessions`.
    ///
    /// # Errors
    /// When the URLs name no server, or it doesn't start.
    pub async fn start(
        program: &Path,
        urls: &[DatabaseUrl],
        (mode, sessions): (PoolMode, u16),
        run: &Path,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        port::with_fresh(async || {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port::free()?));
            let folder = new_folder()?;
            let (user, first) = (User::for_postgres()?, urls.first().context("a pooler needs a URL")?);
            let (settings, roles) = (folder.join("pgbouncer.ini"), folder.join("roles.txt"));
            write_private(&roles, &passwords(urls)?)?;
            write_private(&settings, &configuration(address, first, &roles, (mode, sessions))?)?;
            if let Some(user) = &user {
                [&folder, &roles, &settings].into_iter().try_for_each(|path| user.own(path))?;
            }
            let log = run.join(format!("pgbouncer-{}.log", address.port()));
            let program = Program::new("PgBouncer", program, log)
                .inherit(environment)
                .user(user)
                .folder(&folder)
                .scratch(&folder)
                .arg(&settings)
                .end_by(Signal::TERM, GRACE);
            let url = first.at(address);
            let server = Server::start(program, async || answers(&url).await).await?;
            Ok(Self { address, _server: server })
        })
        .await
    }

    /// The address on which it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn configuration(
    address: SocketAddr,
    url: &DatabaseUrl,
    roles: &Path,
    (mode, sessions): (PoolMode, u16),
) -> anyhow::Result<String> {
    let server = url.server()?;
    let (host, port) = server.rsplit_once(':').context("an address has a port")?;
    Ok(format!(
        "[databases]\n* = host={host} port={port}\n\
         [pgbouncer]\nlisten_addr = {}\nlisten_port = {}\nunix_socket_dir =\n\
         auth_type = scram-sha-256\nauth_file = {}\n\
         pool_mode = {}\ndefault_pool_size = {sessions}\nmax_client_conn = 200\n",
        address.ip(),
        address.port(),
        roles.display(),
        mode.name()
    ))
}

/// The roles with their passwords, as PgBouncer reads them.
fn passwords(urls: &[DatabaseUrl]) -> anyhow::Result<String> {
    let mut lines = String::new();
    for url in urls {
        let config: Config = url.as_str().parse()?;
        let password = String::from_utf8_lossy(config.get_password().unwrap_or_default());
        writeln!(lines, "\"{}\" \"{password}\"", config.get_user().unwrap_or_default())?;
    }
    Ok(lines)
}
