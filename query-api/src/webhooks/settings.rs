//! What operators decide about webhooks.

use crate::webhooks::schedule::Schedule;
use ipnet::IpNet;
use std::path::PathBuf;
use std::time::Duration;

/// Whether something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Switch {
    /// It is.
    On,
    /// It isn't.
    Off,
}

/// Webhooks.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Webhooks")]
pub struct Settings {
    /// Whether organizations may have their alerts sent to addresses of theirs. It needs a role that may write the tables of
    /// webhooks, as deploy/roles.sql makes it, and a way out of your network
    #[arg(long, env, value_enum, default_value = "off")]
    pub webhooks: Switch,

    /// How many endpoints an organization may have. Raise it where many teams of one organization want their own
    #[arg(long, env, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub webhooks_max: u16,

    /// Whether http:// is allowed beside https://. Set it to on for tests alone: the messages can be read on the way
    #[arg(long, env, value_enum, default_value = "off")]
    pub webhook_allow_http: Switch,

    /// Networks beside the public ones that messages may be sent to, separated by commas, such as 10.20.0.0/16. Set it
    /// where receivers are in-house: whoever may change settings can have requests sent there
    #[arg(long, env, value_delimiter = ',')]
    pub webhook_allowed_networks: Vec<IpNet>,

    /// A PEM file of certificate authorities to trust beside the system's; read again for each attempt. Set it where receivers are
    /// in-house and their certificates are signed by an authority of your own
    #[arg(long, env)]
    pub webhook_ca_file: Option<PathBuf>,

    /// How long an attempt may take, from resolving the name to the response. Keep it at SHUTDOWN_TIMEOUT or below
    #[arg(long, env, default_value = "10s", value_parser = humantime::parse_duration)]
    pub webhook_timeout: Duration,

    /// How long after each failed attempt the next one is made; after the last the message is given up. The default is that
    /// of Standard Webhooks, three days in all
    #[arg(long, env, default_value = "5s,5m,30m,2h,5h,10h,14h,20h,24h")]
    pub webhook_retry_schedule: Schedule,

    /// How often an organization's alerts are evaluated at least, whether it has new numbers or not: alerts end by time, too
    #[arg(long, env, default_value = "1m", value_parser = humantime::parse_duration)]
    pub webhook_evaluation_interval: Duration,

    /// How often they are evaluated at most while numbers change. Raise it where thousands of organizations have webhooks
    #[arg(long, env, default_value = "5s", value_parser = humantime::parse_duration)]
    pub webhook_evaluation_min_interval: Duration,

    /// How long an alert must have been better, in each evaluation, before that is told. Raise it where alerts come and go
    #[arg(long, env, default_value = "5m", value_parser = humantime::parse_duration)]
    pub webhook_settle_time: Duration,

    /// How long messages are kept that were delivered or given up
    #[arg(long, env, default_value = "30days", value_parser = humantime::parse_duration)]
    pub webhook_retention: Duration,

    /// Where people reach the page, such as `https://metrics.example.com`: messages link to it. Set it where the page is served
    #[arg(long, env)]
    pub public_url: Option<String>,
}

impl Settings {
    /// Whether there are webhooks.
    #[must_use]
    pub fn are_on(&self) -> bool {
        self.webhooks == Switch::On
    }

    /// Whether http:// is allowed, too.
    #[must_use]
    pub fn allow_http(&self) -> bool {
        self.webhook_allow_http == Switch::On
    }

    /// The address of the page, if there is one.
    #[must_use]
    pub fn page(&self) -> Option<String> {
        let set = self.public_url.as_deref().map(str::trim).filter(|url| !url.is_empty())?;
        Some(format!("{}/overview", set.trim_end_matches('/')))
    }
}
