//! The settings in force, for people: each with where it comes from, and without secrets. Every value becomes a `Shown` before it
//! is written anywhere, and that has no secret any more.

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use std::fmt;

/// What is shown in place of a secret.
const HIDDEN: &str = "***";
/// Words in the names of settings whose values are secrets.
const SECRET: [&str; 6] = ["password", "passwd", "secret", "token", "headers", "credential"];

/// Parameters of addresses whose values are no secrets.
const SHOWN_PARAMETERS: [&str; 11] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "keepalives",
    "load_balance_hosts",
    "protocol",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
];

/// The settings of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InForce(Vec<Setting>);

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Setting {
    /// The environment variable.
    name: String,
    shown: Shown,
    from: Origin,
}

/// A value as people may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown(String);

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    NotSet,
    Default,
    Environment,
    Flag,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No secret, though it may be an address that has a password.
    Plain,
    /// An address, which may have a password in whatever way it is written.
    Address,
    /// A secret.
    Secret,
}

impl Kind {
    /// A setting whose values `--help` hides is a secret, and so is one whose name says so, unless it is an address.
    fn of(name: &str, is_hidden: bool) -> Self {
        if name.ends_with("_URL") || name.ends_with("_ENDPOINT") {
            Self::Address
        } else if is_hidden || names_secret(name) {
            Self::Secret
        } else {
            Self::Plain
        }
    }
}

impl Shown {
    fn of(value: &str, kind: Kind) -> Self {
        if value.is_empty() {
            return Self(String::new());
        }
        Self(match kind {
            Kind::Secret => HIDDEN.to_owned(),
            Kind::Plain if !value.contains("://") => value.to_owned(),
            Kind::Plain | Kind::Address => without_secrets(value),
        })
    }
}

impl InForce {
    /// The settings of this command that have a variable.
    #[must_use]
    pub fn of(command: &Command, matches: &ArgMatches) -> Self {
        let settings = command.get_arguments().filter_map(|argument| {
            let name = argument.get_env()?.to_string_lossy().into_owned();
            let kind = Kind::of(&name, argument.is_hide_env_values_set());
            let id = argument.get_id().as_str();
            let values = matches.get_raw(id).into_iter().flatten();
            let values = values.map(|value| Shown::of(&value.to_string_lossy(), kind).0);
            let shown = Shown(values.collect::<Vec<_>>().join(","));
            let from = match matches.value_source(id) {
                None => Origin::NotSet,
                Some(ValueSource::EnvVariable) => Origin::Environment,
                Some(ValueSource::CommandLine) => Origin::Flag,
                Some(_) => Origin::Default,
            };
            Some(Setting { name, shown, from })
        });
        Self(settings.collect())
    }

    /// The same with a variable that the command line doesn't know.
    #[must_use]
    pub fn and(mut self, name: &str, value: &str, kind: Kind) -> Self {
        let setting =
            Setting { name: name.to_owned(), shown: Shown::of(value, kind), from: Origin::Environment };
        self.0.push(setting);
        self
    }

    /// What was chosen: the settings that aren't defaults, in one line for the log.
    #[must_use]
    pub fn chosen(&self) -> String {
        let is_chosen = |setting: &&Setting| matches!(setting.from, Origin::Environment | Origin::Flag);
        let chosen = self.0.iter().filter(is_chosen).map(|Setting { name, shown, .. }| {
            let Shown(shown) = shown;
            if shown.contains(char::is_whitespace) {
                format!("{name}={shown:?}")
            } else {
                format!("{name}={shown}")
            }
        });
        chosen.collect::<Vec<_>>().join(" ")
    }
}

/// A line for each setting.
impl fmt::Display for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|setting| setting.name.len()).max().unwrap_or_default();
        for (number, Setting { name, shown: Shown(shown), from }) in self.0.iter().enumerate() {
            let (value, from) = match from {
                Origin::NotSet => ("-", "not set"),
                Origin::Default => (shown.as_str(), "default"),
                Origin::Environment => (shown.as_str(), "environment"),
                Origin::Flag => (shown.as_str(), "flag"),
            };
            let end = if number + 1 == self.0.len() { "" } else { "\n" };
            write!(f, "{name:<width$}  {value}  ({from}){end}")?;
        }
        Ok(())
    }
}

/// A file's name is no secret.
fn names_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    !name.ends_with("_file") && SECRET.iter().any(|word| name.contains(word))
}

/// What of an address people may see: no password, and of parameters only values that are known to be no secrets. What isn't
/// understood is hidden whole, since a password may be anywhere in it.
fn without_secrets(address: &str) -> String {
    readable(address).unwrap_or_else(|| HIDDEN.to_owned())
}

/// The same, if the address is a URL with a host.
fn readable(address: &str) -> Option<String> {
    if address.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let (scheme, rest) = address.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    // A password may have any character, so the last sign ends it.
    let (user, rest) = rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
    // What ends the place of a server within a password leaves readers to guess where the password ends.
    if !is_scheme || user.is_some_and(|user| user.contains(['/', '?', '#'])) {
        return None;
    }
    let rest = rest.split('#').next().unwrap_or_default();
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let hosts = place.split('/').next().unwrap_or_default();
    let is_of_host = |c: char| c.is_alphanumeric() || ".-_:,[]%".contains(c);
    if !hosts.contains(char::is_alphanumeric) || !hosts.chars().all(is_of_host) {
        return None;
    }
    // Whatever else the web's addresses have may be a key.
    if ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return Some(format!("{scheme}://{place}"));
    }
    let user = user.map(|user| match user.split_once(':') {
        Some((user, _)) => format!("{user}:{HIDDEN}@"),
        None => format!("{user}@"),
    });
    let parameters: Vec<_> =
        parameters.split('&').filter(|parameter| !parameter.is_empty()).map(shown).collect();
    let mark = if parameters.is_empty() { "" } else { "?" };
    Some(format!("{scheme}://{}{place}{mark}{}", user.unwrap_or_default(), parameters.join("&")))
}

/// A parameter of an address, its value only if it is known to be no secret.
fn shown(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, _)) if SHOWN_PARAMETERS.contains(&name) => parameter.to_owned(),
        Some((name, _)) => format!("{name}={HIDDEN}"),
        None => HIDDEN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    /// Settings of a kind each.
    #[derive(clap::Parser)]
    struct Line {
        #[arg(long, env = "IN_FORCE_URL", hide_env_values = true)]
        url: Option<String>,
        #[arg(long, env = "IN_FORCE_SIGNING", hide_env_values = true)]
        signing: Option<String>,
        #[arg(long, env = "IN_FORCE_TOKEN")]
        token: Option<String>,
        #[arg(long, env = "IN_FORCE_TOKEN_FILE")]
        token_file: Option<String>,
        #[arg(long, env = "IN_FORCE_LIST", value_delimiter = ',')]
        list: Vec<String>,
        #[arg(long, env = "IN_FORCE_LIMIT", default_value_t = 7)]
        limit: u32,
        #[arg(long)]
        dry_run: bool,
    }

    fn in_force(arguments: &[&str]) -> InForce {
        let command = <Line as clap::CommandFactory>::command();
        let matches = command.clone().get_matches_from(["x"].iter().chain(arguments));
        let line = Line::parse_from(["x"].iter().chain(arguments));
        assert!(line.limit == 7 && !line.dry_run);
        assert!(line.list.len() < 3 && line.token_file.is_none_or(|file| file.starts_with('/')));
        assert!([line.url, line.signing, line.token].iter().flatten().all(|value| value.contains("sesame")));
        InForce::of(&command, &matches)
    }

    #[test]
    fn settings_are_told_with_where_they_come_from_and_without_secrets() {
        let given = ["--url", "redis://u:sesame@h:1", "--signing", "sesame", "--token", "sesame"];
        let more = ["--token-file", "/run/token", "--list", "a,b c"];
        let in_force = in_force(&[&given[..], &more[..]].concat());
        let expected = [
            "IN_FORCE_URL         redis://u:***@h:1  (flag)",
            "IN_FORCE_SIGNING     ***  (flag)",
            "IN_FORCE_TOKEN       ***  (flag)",
            "IN_FORCE_TOKEN_FILE  /run/token  (flag)",
            "IN_FORCE_LIST        a,b c  (flag)",
            "IN_FORCE_LIMIT       7  (default)",
            "IN_FORCE_PASSWORD    ***  (environment)",
        ];
        let in_force = in_force.and("IN_FORCE_PASSWORD", "sesame", Kind::Secret);
        assert_eq!(in_force.to_string().lines().collect::<Vec<_>>(), expected);
        assert_eq!(
            in_force.chosen(),
            "IN_FORCE_URL=redis://u:***@h:1 IN_FORCE_SIGNING=*** IN_FORCE_TOKEN=*** IN_FORCE_TOKEN_FILE=/run/token \
             IN_FORCE_LIST=\"a,b c\" IN_FORCE_PASSWORD=***"
        );
        assert!(!format!("{in_force:?}").contains("sesame"));
    }

    #[test]
    fn what_is_not_set_is_told_too_and_chosen_by_nobody() {
        let in_force = in_force(&[]);
        assert!(in_force.to_string().starts_with("IN_FORCE_URL         -  (not set)\n"), "{in_force}");
        assert_eq!(in_force.chosen(), "");
    }

    #[test]
    fn addresses_are_shown_without_their_secrets() {
        let check = |text: &str, expected: &str| assert_eq!(without_secrets(text), expected, "{text}");
        check("postgres://h/d", "postgres://h/d");
        check("postgres://u@h/d?sslmode=require", "postgres://u@h/d?sslmode=require");
        check("postgres://u:sesame@h1:1,h2:2/d", "postgres://u:***@h1:1,h2:2/d");
        check("postgres://u:ses@me@[::1]:5/d", "postgres://u:***@[::1]:5/d");
        check("redis://:sesame@h", "redis://:***@h");
        check("redis://h/1?protocol=resp3#sesame", "redis://h/1?protocol=resp3");
        check("postgres://u@h/d?password=sesame&sslmode=a", "postgres://u@h/d?password=***&sslmode=a");
        check("redis+unix://h/s.sock?pass=sesame&sesame", "redis+unix://h/s.sock?pass=***&***");
        check("https://h:1/keys?key=sesame", "https://h:1/keys");
        check("https://u:sesame@h/keys", "https://h/keys");
        check("HTTPS://sesame@h/?sslmode=sesame", "HTTPS://h/");
        for unreadable in [
            "unix:///s.sock?pass=sesame",
            "host=h password=a://sesame",
            "host=h,password=a://sesame",
            "sesame",
            "://sesame",
            "postgres://:@/sesame",
            "postgres://u:ses/me@h/d",
            "postgres://u:ses?me@h/d",
            "redis://:ses#me@h",
            "postgres://h/d password=sesame",
            "redis://ses$me",
        ] {
            check(unreadable, "***");
        }
    }

    #[test]
    fn a_secret_is_hidden_whatever_it_looks_like() {
        let check = |value: &str, kind, expected: &str| {
            assert_eq!(Shown::of(value, kind), Shown(expected.to_owned()), "{value}");
        };
        check("ses://ame", Kind::Secret, "***");
        check("", Kind::Secret, "");
        check("host=h password=sesame", Kind::Address, "***");
        check("redis://:sesame@h", Kind::Address, "redis://:***@h");
        check("https://u:sesame@h/keys", Kind::Plain, "https://h/keys");
        check("a,b c", Kind::Plain, "a,b c");
        check("collector:4318?sesame", Kind::Address, "***");
        let kind =
            |name: &str, is_hidden, expected| assert_eq!(Kind::of(name, is_hidden), expected, "{name}");
        kind("JWT_HS256_SECRET", true, Kind::Secret);
        kind("DATABASE_URL", true, Kind::Address);
        kind("JWT_JWKS_URL", false, Kind::Address);
        kind("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", false, Kind::Address);
        kind("OTEL_EXPORTER_OTLP_HEADERS", false, Kind::Secret);
        kind("DATABASE_PASSWORD_FILE", false, Kind::Plain);
        kind("CACHE_KEY_PREFIX", false, Kind::Plain);
    }
}
