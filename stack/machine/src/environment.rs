//! The program's environment variables, read here and nowhere else.
#![expect(
    clippy::disallowed_methods,
    reason = "the one place where xtask and the tests read the environment"
)]

use std::ffi::OsString;
use std::path::PathBuf;

/// Variables that child processes inherit. All others that they need are set explicitly.
const PASSED_ON: [&str; 9] =
    ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "RUST_BACKTRACE", "RUST_LOG", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The environment of the developer's shell.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `KAFKA_BROKERS`: a Kafka cluster to use instead of one started here.
    pub kafka_brokers: Option<String>,
    /// `DATABASE_URL`: a PostgreSQL to use instead of one started here; its role must be allowed to create databases.
    pub database_url: Option<String>,
    /// `CITUS_URL`: a Citus cluster's coordinator, for the stories about many nodes; none is started here.
    pub citus_url: Option<String>,
    /// `REDIS_URL`: a Redis to use instead of one started here.
    pub redis_url: Option<String>,
    /// `JAVA_HOME`: where Java is searched before `PATH`.
    pub java_home: Option<PathBuf>,
    /// `CHROMIUM`: the browser that visits the page, instead of an installed one.
    pub chromium: Option<PathBuf>,
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
    /// The variables that programs started here inherit.
    pub passed_on: Vec<(OsString, OsString)>,
}

impl Environment {
    /// Reads it. An empty variable counts as unset.
    #[must_use]
    pub fn read() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            kafka_brokers: text("KAFKA_BROKERS"),
            database_url: text("DATABASE_URL"),
            citus_url: text("CITUS_URL"),
            redis_url: text("REDIS_URL"),
            java_home: text("JAVA_HOME").map(PathBuf::from),
            chromium: text("CHROMIUM").map(PathBuf::from),
            path: std::env::var_os("PATH")
                .map(|path| std::env::split_paths(&path).collect())
                .unwrap_or_default(),
            passed_on: PASSED_ON
                .iter()
                .filter_map(|name| std::env::var_os(name).map(|value| (OsString::from(name), value)))
                .collect(),
        }
    }

    /// The path of the program `name`, searched along `PATH`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        self.path.iter().map(|folder| folder.join(name)).find(|path| path.is_file())
    }
}
