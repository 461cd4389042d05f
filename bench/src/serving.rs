//! The query API, and the server it is compared with, as processes with their own addresses.

use anyhow::bail;
use stack::http;
use stack::port;
use stack::run::process::Process;
use stack::run::program::Program;
use stack::token::Secret;
use stack::wait::{self, Seen};
use stack::{DatabaseUrl, Services};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// How long a server may take from its start until it is ready.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// A server that is ready. Dropping this ends it.
#[derive(Debug)]
pub struct Serving {
    process: Process,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Serving {
    /// The query API with this database. No organization has a rate limit, since one client asks for all.
    ///
    /// # Errors
    /// When it doesn't become ready.
    pub async fn query_api(
        path: &Path,
        services: &Services,
        database: &DatabaseUrl,
        prefix: &str,
        secret: &Secret,
    ) -> anyhow::Result<Self> {
        let program = query_api(path, services, database, prefix, secret);
        Self::start(program.env("RATE_LIMIT_PER_SECOND", "0"), services).await
    }

    /// The query API with this database, and all limits as it has them by itself, but for this share of connections.
    ///
    /// # Errors
    /// When it doesn't become ready.
    pub async fn query_api_as_shipped(
        path: &Path,
        services: &Services,
        database: &DatabaseUrl,
        prefix: &str,
        secret: &Secret,
        share: Option<u16>,
    ) -> anyhow::Result<Self> {
        let mut program = query_api(path, services, database, prefix, secret);
        if let Some(share) = share {
            program = program.env("DATABASE_POOL_SHARE", share.to_string());
        }
        Self::start(program, services).await
    }

    /// The server that answers every request with the content of one file.
    ///
    /// # Errors
    /// When it doesn't become ready.
    pub async fn constant(path: &Path, services: &Services, body: &Path) -> anyhow::Result<Self> {
        let program = Program::new("constant", path, services.run().join("constant.log"));
        Self::start(program.env("BODY_FILE", body), services).await
    }

    async fn start(program: Program, services: &Services) -> anyhow::Result<Self> {
        let local = || anyhow::Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port::free()?)));
        let (address, admin) = (local()?, local()?);
        let program = program
            .inherit(services.environment())
            .env("LISTEN_ADDR", address.to_string())
            .env("ADMIN_ADDR", admin.to_string());
        let mut process = Process::start(program)?;
        wait::until("a server to be ready", READY_LIMIT, async || {
            if let Some(status) = process.ended() {
                bail!("a server ended ({status}); the end of its log:\n{}", process.log_tail());
            }
            Ok(match tokio::task::block_in_place(|| http::get(admin, "/readyz")) {
                Ok(_) => Seen::Ready(()),
                Err(error) => Seen::NotYet(format!("{error:#}")),
            })
        })
        .await?;
        Ok(Self { process, address, admin })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its admin address.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

fn query_api(
    path: &Path,
    services: &Services,
    database: &DatabaseUrl,
    prefix: &str,
    secret: &Secret,
) -> Program {
    let program = Program::new("query-api", path, services.run().join("query-api.log"))
        .env("DATABASE_URL", database.as_str())
        .env("JWT_HS256_SECRET", secret.as_str())
        // Nobody has to notice that it ends.
        .env("SHUTDOWN_DELAY", "0s");
    match &services.redis {
        Some(redis) => program.env("REDIS_URL", redis.url()).env("CACHE_KEY_PREFIX", prefix),
        None => program,
    }
}
