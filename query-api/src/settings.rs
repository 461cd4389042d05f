//! The settings of the process, composed of those of its modules: the one place that reads the environment.

use crate::cache::{self, loads, shared};
use crate::request::{rate_limit, raw_range, token};
use crate::serve::{access_log, log, server};
use crate::{routes, store, streams, webhooks};
use admin::in_force::InForce;
use clap::{CommandFactory as _, FromArgMatches as _};

/// Answers the dashboard: rows of PostgreSQL, through a cache, as JSON.
///
/// Every setting is a flag or an environment variable of the same name; durations are written 250ms, 10s, 1h.
#[derive(clap::Parser, Clone)]
#[command(name = "query-api", version, max_term_width = 110)]
pub struct Settings {
    /// How the API is served.
    #[command(flatten)]
    pub server: server::Settings,
    /// Whose tokens are valid.
    #[command(flatten)]
    pub token: token::Settings,
    /// How PostgreSQL is reached.
    #[command(flatten)]
    pub store: store::Settings,
    /// Where the shared cache is.
    #[command(flatten)]
    pub shared: shared::Settings,
    /// How answers are kept.
    #[command(flatten)]
    pub cache: cache::Settings,
    /// How far ranges may reach.
    #[command(flatten)]
    pub ranges: raw_range::Settings,
    /// How many requests organizations may make.
    #[command(flatten)]
    pub rate_limit: rate_limit::Settings,
    /// How much is loaded at once.
    #[command(flatten)]
    pub loads: loads::Settings,
    /// How many streams there may be.
    #[command(flatten)]
    pub streams: streams::Settings,
    /// What organizations are told of their alerts.
    #[command(flatten)]
    pub webhooks: webhooks::Settings,
    /// Where the page's files are, and how people sign in.
    #[command(flatten)]
    pub page: routes::page::Settings,
    /// How long a request may take.
    #[command(flatten)]
    pub routes: routes::Settings,
    /// What is logged.
    #[command(flatten)]
    pub log: log::Settings,
    /// How many requests are.
    #[command(flatten)]
    pub access_log: access_log::Settings,
    /// Where traces are sent.
    #[command(flatten)]
    pub traces: traces::Settings,
}

/// Answers the dashboard: rows of PostgreSQL, through a cache, as JSON.
///
/// Every setting is a flag or an environment variable of the same name; durations are written 250ms, 10s, 1h.
#[derive(clap::Parser, Clone)]
#[command(name = "query-api", version, max_term_width = 110)]
pub struct CommandLine {
    /// The settings.
    #[command(flatten)]
    pub settings: Settings,

    /// Check all settings, with the files and keys that they name, show them without secrets, and end. No server is asked. The exit
    /// code is 0 if they can be used, otherwise 2
    #[arg(long)]
    pub check_config: bool,

    /// Ask the query-api that runs on this machine, at ADMIN_ADDR, whether it is ready, and end: for the health check of an image that
    /// has no shell. The exit code is 0 if it is, otherwise 1
    #[arg(long, conflicts_with = "check_config")]
    pub ready: bool,

    /// The settings, for people.
    #[arg(skip)]
    pub in_force: InForce,
}

/// Settings that are no text, in a sentence that names them.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoText(String);

impl CommandLine {
    /// Reads arguments and environment. Prints what is wrong or asked for otherwise, and ends the process there.
    ///
    /// # Errors
    /// When a setting is not UTF-8.
    pub fn read() -> Result<Self, NoText> {
        let command = Self::command();
        let read = command.clone().try_get_matches().and_then(|matches| {
            let line = Self::from_arg_matches(&matches)?;
            Ok(Self { in_force: InForce::of(&command, &matches), ..line })
        });
        read.map_err(|error| {
            if error.kind() != clap::error::ErrorKind::InvalidUtf8 {
                error.exit();
            }
            let is_no_text = |name: &&std::ffi::OsStr| {
                std::env::vars_os().any(|(set, value)| set == **name && value.to_str().is_none())
            };
            let names = command.get_arguments().filter_map(clap::Arg::get_env).filter(is_no_text);
            let names: Vec<_> = names.map(std::ffi::OsStr::to_string_lossy).collect();
            let what = if names.is_empty() { "an argument".into() } else { names.join(" and ") };
            NoText(format!("{what} is not UTF-8"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_done_with_the_settings_stands_beside_them() {
        CommandLine::command().debug_assert();
        let about = CommandLine::command().get_about().map(ToString::to_string);
        assert!(about.is_some_and(|about| about.starts_with("Answers the dashboard")));
        let both = CommandLine::command().try_get_matches_from(["query-api", "--ready", "--check-config"]);
        assert!(both.is_err());
    }

    #[test]
    fn every_setting_is_a_flag_and_a_variable_of_one_name_with_a_sentence() {
        let command = Settings::command();
        command.clone().debug_assert();
        for argument in command.get_arguments() {
            let name = argument.get_id().as_str();
            let Some(variable) = argument.get_env() else { panic!("{name} has no variable") };
            assert_eq!(variable.to_str().unwrap(), name.to_uppercase());
            assert_eq!(argument.get_long().unwrap(), name.replace('_', "-"));
            assert!(argument.get_help().unwrap().to_string().len() > 40, "{name} is not explained");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let command = Settings::command();
        let hidden = |name: &str| {
            command
                .get_arguments()
                .find(|argument| argument.get_id() == name)
                .unwrap()
                .is_hide_env_values_set()
        };
        let secrets = ["jwt_hs256_secret", "database_url", "redis_url", "otel_exporter_otlp_headers"];
        assert!(secrets.into_iter().all(hidden));
    }
}
