//! Redis: a given server, else a local server, else none. It is a cache: everything works without it.

use crate::port;
use crate::run::program::Program;
use crate::run::server::Server;
use crate::wait::Seen;
use anyhow::Context as _;
use machine::environment::Environment;
use machine::redis::RedisPlan;
use machine::say::without_password;
use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// How long one attempt to get an answer may take.
const LOOK_LIMIT: Duration = Duration::from_secs(1);

/// A running Redis.
#[derive(Debug)]
pub struct Redis {
    url: String,
    why: &'static str,
    local: Option<(Server, SocketAddr)>,
}

impl Redis {
    /// Carries out the plan; `None` if there is no Redis.
    ///
    /// # Errors
    /// When an installed server doesn't start.
    pub async fn start(
        plan: RedisPlan,
        run: &Path,
        environment: &Environment,
    ) -> anyhow::Result<Option<Self>> {
        match plan {
            RedisPlan::Missing => Ok(None),
            RedisPlan::Given(url) => Ok(Some(Self { url, why: "REDIS_URL is set", local: None })),
            RedisPlan::Local(path) => {
                port::with_fresh(async || Self::local(&path, run, environment).await).await.map(Some)
            }
        }
    }

    async fn local(path: &Path, run: &Path, environment: &Environment) -> anyhow::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port::free()?));
        let program = Program::new("Redis", path, run.join(format!("redis-{}.log", address.port())))
            .inherit(environment)
            .folder(run)
            .args(["--bind", "127.0.0.1", "--port", &address.port().to_string()])
            .args(["--save", "", "--appendonly", "no"]);
        let server = Server::start(program, async || answers(address)).await?;
        let why = "started here (REDIS_URL is not set, a server is installed)";
        Ok(Self { url: format!("redis://{address}"), why, local: Some((server, address)) })
    }

    /// The value of `REDIS_URL`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The server started here, to be stopped, killed or paused; `None` if it isn't ours.
    #[must_use]
    pub fn server(&self) -> Option<&Server> {
        self.local.as_ref().map(|(server, _)| server)
    }

    /// Starts it again, empty, after a stop or a kill.
    ///
    /// # Errors
    /// When it isn't ours, or doesn't start.
    pub async fn start_again(&self) -> anyhow::Result<()> {
        let (server, address) = self.local.as_ref().context("this Redis was not started here")?;
        server.start_again(async || answers(*address)).await
    }
}

impl fmt::Display for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", without_password(&self.url), self.why)
    }
}

fn answers(address: SocketAddr) -> Seen<()> {
    match ping(address) {
        Ok(()) => Seen::Ready(()),
        Err(error) => Seen::NotYet(error.to_string()),
    }
}

fn ping(address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, LOOK_LIMIT)?;
    stream.set_read_timeout(Some(LOOK_LIMIT))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer)?;
    if &answer == b"+PONG" { Ok(()) } else { Err(std::io::Error::other("it doesn't answer PING")) }
}
