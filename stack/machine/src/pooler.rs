//! How a connection pooler for PostgreSQL is obtained: PgBouncer, if it is installed.

use crate::environment::Environment;
use std::path::{Path, PathBuf};

/// The message if there is none.
pub const MISSING: &str =
    "stories about poolers: PgBouncer is not installed (Debian: apt-get install pgbouncer)";

/// Where distributions install it, off the `PATH` of those who are not root.
const HIDDEN_AT: &str = "/usr/sbin/pgbouncer";

/// PgBouncer's program, if it is installed.
#[must_use]
pub fn find(environment: &Environment) -> Option<PathBuf> {
    let hidden = Path::new(HIDDEN_AT);
    environment.find("pgbouncer").or_else(|| hidden.is_file().then(|| hidden.to_owned()))
}

/// What can't be shown without it.
#[must_use]
pub fn shortcoming(environment: &Environment) -> Option<String> {
    find(environment).is_none().then(|| MISSING.to_owned())
}
