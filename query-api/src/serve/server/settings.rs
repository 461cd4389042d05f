//! How the API is served.

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

    /// How long a client may take to send a request's head, or keep an idle connection. Raise it above the idle time of
    /// a proxy in front
    #[arg(long, env, default_value = "75s", value_parser = humantime::parse_duration)]
    pub header_timeout: Duration,

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

/// Why the API can't be served: a sentence that names the variable.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadSettings(pub(super) String);
