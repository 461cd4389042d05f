//! Redis: a given server, else a local server, else none. It is a cache: everything works without it.

use crate::port;
use crate::run::program::Program;
use crate::run::server::Server;
use crate::tls::ServerTls;
use crate::wait::Seen;
use anyhow::{Context as _, ensure};
use machine::environment::Environment;
use machine::redis::RedisPlan;
use machine::say::without_password;
use std::fmt;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
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

    /// Has it speak TLS on a port of its own, too, with this certificate, or replaces the one it had. Clients may show a certificate;
    /// `must_show` says whether they must.
    ///
    /// # Errors
    /// When it isn't ours, or doesn't take that.
    pub fn encrypt(&self, port: u16, tls: &ServerTls, must_show: bool) -> anyhow::Result<()> {
        let (_, address) = self.local.as_ref().context("this Redis was not started here")?;
        let ServerTls { certificate, key, authority } = tls;
        let files = [("cert", certificate), ("key", key), ("ca-cert", authority)];
        let mut command = String::from("CONFIG SET");
        for (name, path) in files {
            write!(command, " tls-{name}-file {}", path.display())?;
        }
        let auth = if must_show { "yes" } else { "optional" };
        let answer = ask(*address, &format!("{command} tls-auth-clients {auth} tls-port {port}"))?;
        ensure!(answer == "+OK", "Redis doesn't speak TLS: {answer}");
        Ok(())
    }

    /// Has it do something, in one line as a person would type it, and returns the first line of its answer.
    ///
    /// # Errors
    /// When it isn't ours, or doesn't answer.
    pub fn command(&self, line: &str) -> anyhow::Result<String> {
        let (_, address) = self.local.as_ref().context("this Redis was not started here")?;
        Ok(ask(*address, line)?)
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
    match ask(address, "PING")?.as_str() {
        "+PONG" => Ok(()),
        answer => Err(std::io::Error::other(format!("it answers PING by {answer}"))),
    }
}

/// The first line of the answer to a command.
fn ask(address: SocketAddr, command: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, LOOK_LIMIT)?;
    stream.set_read_timeout(Some(LOOK_LIMIT))?;
    write!(stream, "{command}\r\n")?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(answer.trim_end().to_owned())
}
