//! How the API is served.

use crate::serve::server::socket::Patience;
use std::net::SocketAddr;
use std::time::Duration;

/// How the API is served.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Server")]
pub struct Settings {
    /// Where the API is served. Set it to 0.0.0.0:8080 in a container
    #[arg(long, env, default_value = "127.0.0.1:8080", value_parser = address)]
    pub listen_addr: SocketAddr,

    /// Where /healthz, /readyz and Prometheus' /metrics are, without a token. Set it to an address that only the
    /// operators' network reaches
    #[arg(long, env, default_value = "127.0.0.1:9091", value_parser = address)]
    pub admin_addr: SocketAddr,

    /// Origins whose pages may read the API, separated by commas, such as `https://app.example.com`; none by default.
    /// Set it where the dashboard is served from another origin than the API
    #[arg(long, env, value_delimiter = ',')]
    pub cors_origins: Vec<String>,

    /// How many connections are served at once; further ones wait to be accepted. Raise it, with the limit of open
    /// files, where many dashboards stay connected
    #[arg(long, env, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub connections_max: u32,

    /// How many connections one address may have over which no valid token was sent yet; a further one takes the place of
    /// the oldest. Raise it where many people without a session sit behind one address
    #[arg(long, env, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub connections_per_address_max: u32,

    /// How long a client may take to send a request's head. Raise it where clients are on very slow lines
    #[arg(long, env, default_value = "10s", value_parser = humantime::parse_duration)]
    pub header_timeout: Duration,

    /// How long a connection may stay open without a request. Raise it above the idle time of a proxy in front
    #[arg(long, env, default_value = "75s", value_parser = humantime::parse_duration)]
    pub idle_timeout: Duration,

    /// How long a client may take nothing of an answer before it is closed. Raise it where clients pause while they read
    #[arg(long, env, default_value = "10s", value_parser = humantime::parse_duration)]
    pub write_timeout: Duration,

    /// How long after SIGTERM connections are still accepted and requests answered, while /readyz says that the process
    /// isn't ready; a second signal ends it at once, as SIGINT does. Set it to as long as load balancers take to notice
    #[arg(long, env, default_value = "5s", value_parser = humantime::parse_duration)]
    pub shutdown_delay: Duration,

    /// How long requests under way may take to finish after that. Keep it at REQUEST_TIMEOUT or above, and, with
    /// SHUTDOWN_DELAY, below the orchestrator's grace period
    #[arg(long, env, default_value = "10s", value_parser = humantime::parse_duration)]
    pub shutdown_timeout: Duration,
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "it must be an IP address and a port, such as 127.0.0.1:8080 or [::]:8080")
}

impl Settings {
    /// How long a client is waited for.
    pub(super) const fn patience(&self) -> Patience {
        Patience { head: self.header_timeout, idle: self.idle_timeout, write: self.write_timeout }
    }
}

/// Why the API can't be served: a sentence that names the variable.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadSettings(pub(super) String);
