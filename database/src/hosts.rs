//! Which of several hosts is tried when, and for how long. Pure.
//!
//! Each host has a limit of its own: one that accepts connections and is silent would otherwise use up the time of all. Hosts
//! that were silent lately come last, so that only the first connection waits for them.

use std::time::{Duration, Instant};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// For how long a host that was silent is tried after the others.
const LAST_FOR: Duration = Duration::from_secs(30);

/// The hosts of a configuration, each as a configuration of its own.
pub fn each(config: &Config) -> Vec<Config> {
    let count = config.get_hosts().len().max(config.get_hostaddrs().len());
    if count < 2 { vec![config.clone()] } else { (0..count).map(|index| alone(config, index)).collect() }
}

/// The same with one of its hosts. A configuration can't give hosts up, so this is made anew.
fn alone(config: &Config, index: usize) -> Config {
    let mut alone = Config::new();
    config.get_user().map(|user| alone.user(user));
    config.get_password().map(|password| alone.password(password));
    config.get_dbname().map(|name| alone.dbname(name));
    config.get_options().map(|options| alone.options(options));
    config.get_application_name().map(|name| alone.application_name(name));
    alone.ssl_mode(config.get_ssl_mode()).ssl_negotiation(config.get_ssl_negotiation());
    alone.channel_binding(config.get_channel_binding());
    alone.target_session_attrs(config.get_target_session_attrs());
    alone.load_balance_hosts(config.get_load_balance_hosts());
    config.get_connect_timeout().map(|limit| alone.connect_timeout(*limit));
    config.get_tcp_user_timeout().map(|limit| alone.tcp_user_timeout(*limit));
    alone.keepalives(config.get_keepalives()).keepalives_idle(config.get_keepalives_idle());
    config.get_keepalives_interval().map(|interval| alone.keepalives_interval(interval));
    config.get_keepalives_retries().map(|retries| alone.keepalives_retries(retries));
    match config.get_hosts().get(index) {
        Some(Host::Tcp(name)) => alone.host(name),
        Some(Host::Unix(path)) => alone.host_path(path),
        None => &mut alone,
    };
    config.get_hostaddrs().get(index).map(|address| alone.hostaddr(*address));
    let ports = config.get_ports();
    ports.get(index).or(ports.first()).map(|port| alone.port(*port));
    alone
}

/// The order in which hosts are tried: as they are written, those that were silent lately last.
pub fn order(silent_since: &[Option<Instant>], now: Instant) -> Vec<usize> {
    let was_silent = |index: &usize| {
        let since = silent_since.get(*index).copied().flatten();
        since.is_some_and(|since| now.saturating_duration_since(since) < LAST_FOR)
    };
    let (silent, others): (Vec<usize>, Vec<usize>) = (0..silent_since.len()).partition(was_silent);
    others.into_iter().chain(silent).collect()
}

/// How long the next host may take, if so many hosts share what is left.
pub fn share(left: Duration, hosts: usize) -> Duration {
    left / u32::try_from(hosts.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_is_tried_with_all_that_is_set() {
        let url = "postgres://u:p@a:1,b:2/d?application_name=x&sslmode=require&target_session_attrs=read-write\
                   &connect_timeout=7&keepalives_idle=8&options=-c%20a%3Db";
        let alone = |host: &str| url.replace("a:1,b:2", host).parse::<Config>().unwrap();
        assert_eq!(each(&url.parse().unwrap()), [alone("a:1"), alone("b:2")]);
        let one: Config = "postgres://u@a/d".parse().unwrap();
        assert_eq!(each(&one), [one]);
    }

    #[test]
    fn a_host_that_was_silent_lately_is_tried_last() {
        let now = Instant::now() + LAST_FOR;
        assert_eq!(order(&[None, None, None], now), [0, 1, 2]);
        assert_eq!(order(&[Some(now), None, None], now), [1, 2, 0]);
        assert_eq!(order(&[Some(now), Some(now)], now), [0, 1]);
        assert_eq!(order(&[Some(now - LAST_FOR), None], now), [0, 1]);
    }

    #[test]
    fn hosts_that_refuse_leave_their_time_to_the_others() {
        assert_eq!(share(Duration::from_secs(9), 3), Duration::from_secs(3));
        assert_eq!(share(Duration::from_secs(9), 1), Duration::from_secs(9));
    }
}
