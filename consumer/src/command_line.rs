//! The command line and the environment, read here and nowhere else.

use crate::member_settings::MemberSettings;
use crate::operator;
use crate::settings::BadSetting;
use crate::source;
use crate::store::settings::Database;
use admin::in_force::{InForce, Kind};
use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::net::SocketAddr;

/// Counts business records from Kafka into PostgreSQL, each exactly once.
///
/// Every setting is a flag or the environment variable named beside it.
#[derive(Debug, Parser)]
#[command(name = "consumer", version, max_term_width = 100)]
pub struct CommandLine {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// The settings of `run`, for people.
    #[arg(skip)]
    pub in_force: InForce,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Count until SIGTERM or Ctrl-C. A topic's partitions are shared by all members; more members than partitions are idle.
    #[command(after_help = KAFKA_CONFIG_HELP)]
    Run(Box<Run>),
    /// Bring the database's schema up to date. Safe to run concurrently and repeatedly.
    Migrate(Box<Migrate>),
    /// An operator's commands.
    #[command(flatten)]
    Operate(operator::Command),
}

const KAFKA_CONFIG_HELP: &str = "Any setting of librdkafka can be given as KAFKA_CONFIG_<SETTING>, with underscores for dots: \
KAFKA_CONFIG_SECURITY_PROTOCOL=SASL_SSL sets security.protocol=SASL_SSL. KAFKA_CONFIG_<SETTING>_FILE names a file that has the \
value, such as KAFKA_CONFIG_SASL_PASSWORD_FILE; it is read at the start. Settings that exact counting depends on are refused.";

/// Settings of `consumer run`.
#[derive(Clone, Debug, Args)]
pub struct Run {
    /// What a member is set to.
    #[command(flatten)]
    pub member: MemberSettings,
    /// Where health, readiness and Prometheus metrics are served. Keep it off the internet.
    #[arg(long, env = "ADMIN_ADDR", default_value = "127.0.0.1:9090")]
    pub admin_addr: SocketAddr,
    /// Where traces are sent.
    #[command(flatten)]
    pub traces: traces::Settings,
    /// Check all settings, with the files that they name, show them without secrets, and end. No server is asked. The exit code is 0
    /// if they can be used, otherwise 2.
    #[arg(long)]
    pub check_config: bool,
}

/// Settings of `consumer migrate`.
#[derive(Clone, Debug, Args)]
pub struct Migrate {
    /// PostgreSQL, whose schema it is.
    #[command(flatten)]
    pub database: Database,
    /// Once no member and no query-api of the former version runs: drop what only they need. Refused while a partition was
    /// last claimed by such a member.
    #[arg(long)]
    pub finish: bool,
    /// Distribute the tables by organization over the nodes of a Citus cluster, whose coordinator DATABASE_URL names. Members
    /// may count meanwhile.
    #[arg(long)]
    pub distribute: bool,
    /// Say what `--distribute` would do, and do nothing.
    #[arg(long, requires = "distribute", conflicts_with = "finish")]
    pub dry_run: bool,
}

impl CommandLine {
    /// Reads arguments and environment.
    ///
    /// # Errors
    /// When a setting is missing or wrong.
    pub fn read() -> Result<Self, BadSetting> {
        let matches = Self::command().try_get_matches().map_err(in_a_sentence)?;
        let mut line = Self::from_arg_matches(&matches).map_err(in_a_sentence)?;
        let wrong = match &mut line.command {
            Command::Run(run) => {
                run.member.source.kafka_config = kafka_config()?;
                line.in_force = in_force(&matches, &run.member.source);
                run.wrong()
            }
            Command::Migrate(migrate) => migrate.database.wrong(),
            Command::Operate(operator::Command::Doctor(doctor)) => {
                doctor.member.source.kafka_config = kafka_config()?;
                doctor.member.wrong()
            }
            Command::Operate(command) => {
                let cluster = match command.cluster() {
                    Some(cluster) => {
                        cluster.kafka_config = kafka_config()?;
                        cluster.wrong()
                    }
                    None => None,
                };
                command.database().and_then(Database::wrong).or(cluster)
            }
        };
        wrong.map_or(Ok(line), |wrong| Err(BadSetting(wrong)))
    }
}

/// The settings of the command that was given, and those of librdkafka, without secrets.
fn in_force(matches: &ArgMatches, source: &source::Settings) -> InForce {
    let given = matches.subcommand().and_then(|(name, matches)| {
        let command = CommandLine::command();
        Some(InForce::of(command.find_subcommand(name)?, matches))
    });
    source.given().fold(given.unwrap_or_default(), |in_force, (name, value, is_secret)| {
        in_force.and(&name, value, if is_secret { Kind::Secret } else { Kind::Plain })
    })
}

/// librdkafka's settings in the environment, of which other variables need not be text.
fn kafka_config() -> Result<BTreeMap<String, String>, BadSetting> {
    source::settings::kafka_config(std::env::vars_os()).map_err(BadSetting)
}

/// The names of the settings whose variables are no text.
fn not_utf8(command: &clap::Command) -> Vec<String> {
    let is_no_text =
        |name: &OsStr| std::env::vars_os().any(|(set, value)| set == name && value.to_str().is_none());
    let own = command.get_arguments().filter_map(clap::Arg::get_env).filter(|name| is_no_text(name));
    let own = own.map(|name| name.to_string_lossy().into_owned());
    own.chain(command.get_subcommands().flat_map(not_utf8)).collect()
}

/// The parser's error as one sentence, without its lines about usage. Prints help and version, and ends the process there.
fn in_a_sentence(error: clap::Error) -> BadSetting {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        error.exit();
    }
    if let (ErrorKind::MissingRequiredArgument, Some(ContextValue::Strings(missing))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    {
        let names = missing.iter().map(|name| setting(name)).collect::<Vec<_>>().join(" and ");
        return BadSetting(format!("{names} must be set; --help says to what"));
    }
    if error.kind() == ErrorKind::InvalidUtf8 {
        let names: BTreeSet<String> = not_utf8(&CommandLine::command()).into_iter().collect();
        let names = names.into_iter().collect::<Vec<_>>().join(" and ");
        let what = if names.is_empty() { "an argument" } else { &names };
        return BadSetting(format!("{what} is not UTF-8"));
    }
    let text = error.to_string();
    let sentence = text.trim_start_matches("error: ").split("\n\n").next().unwrap_or_default();
    BadSetting(sentence.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The variable in `--kafka-brokers <KAFKA_BROKERS>`.
fn variable(argument: &str) -> &str {
    argument.split_once('<').map_or(argument, |(_, name)| name.trim_end_matches('>'))
}

/// How the argument in `--kafka-brokers <KAFKA_BROKERS>` is best given: by its variable, or by its flag if it has none.
fn setting(argument: &str) -> &str {
    let name = variable(argument);
    let flag = argument.split_whitespace().next().filter(|flag| flag.starts_with("--"));
    flag.filter(|_| !is_variable(&CommandLine::command(), name)).unwrap_or(name)
}

/// Whether an argument of the command, or of one under it, may be given by this variable.
fn is_variable(command: &clap::Command, name: &str) -> bool {
    command.get_arguments().filter_map(clap::Arg::get_env).any(|variable| variable == name)
        || command.get_subcommands().any(|command| is_variable(command, name))
}

impl Run {
    /// The first thing wrong with the settings, in a sentence that names the variable.
    fn wrong(&self) -> Option<String> {
        self.member.wrong().or_else(|| self.traces.wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        <CommandLine as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn what_is_missing_is_named_as_it_can_be_given() {
        let check = |argument, expected| assert_eq!(setting(argument), expected, "{argument}");
        check("--topic <TOPIC>", "--topic");
        check("--kafka-brokers <KAFKA_BROKERS>", "KAFKA_BROKERS");
        check("--database-url <DATABASE_URL>", "DATABASE_URL");
        check("<PLACE>", "PLACE");
        let error = CommandLine::try_parse_from(["consumer", "check-record"]).unwrap_err();
        assert_eq!(in_a_sentence(error).0, "--topic must be set; --help says to what");
    }

    #[test]
    fn the_defaults_agree_with_one_another_and_a_setting_can_disagree() {
        let wrong = |more: &[&str]| {
            let needed = ["consumer", "run", "--database-url", "postgres://u@h/d", "--kafka-brokers", "h:1"];
            let line = CommandLine::parse_from(needed.iter().chain(more));
            let Command::Run(run) = line.command else { panic!("it is `run`") };
            run.wrong()
        };
        assert_eq!(wrong(&[]), None);
        let said = wrong(&["--failure-retention-days", "30"]).unwrap();
        assert!(said.contains("FAILURE_RETENTION_DAYS") && said.contains("LEDGER_RETENTION_DAYS"), "{said}");
    }
}
