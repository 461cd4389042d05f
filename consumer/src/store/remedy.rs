//! What people can do about a failure of PostgreSQL.

use super::Error;
use std::error::Error as _;
use tokio_postgres::error::SqlState;

/// A failure in a sentence, with the next step where there is one.
pub fn with_remedy(error: &Error) -> String {
    match remedy(error) {
        Some(remedy) => format!("{error}; {remedy}"),
        None => error.to_string(),
    }
}

/// What people can do about a failure, where its own sentence doesn't say it.
pub fn remedy(error: &Error) -> Option<&'static str> {
    match error {
        Error::Database(error) => match error.as_db_error() {
            Some(error) => of_state(error.code()),
            None if is_read_only(error) => Some("let DATABASE_URL lead to the primary"),
            // What was refused is a certificate, and the sentence about it has the remedy.
            None if database::refused(error).is_some() => None,
            None => Some("check DATABASE_URL, the network, and that PostgreSQL runs"),
        },
        Error::Timeout(_) => Some("check the network, and look for locks in pg_stat_activity"),
        // Their sentences have the remedy.
        Error::SchemaBehind(_)
        | Error::Unexpected(_)
        | Error::Unusable(_)
        | Error::GaveWay(_)
        | Error::UpgradeFinished => None,
    }
}

/// Whether the server was reached, and is no primary.
fn is_read_only(error: &tokio_postgres::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>());
    cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::PermissionDenied)
}

fn of_state(state: &SqlState) -> Option<&'static str> {
    const REMEDIES: [(&SqlState, &str); 10] = [
        (
            &SqlState::INSUFFICIENT_PRIVILEGE,
            "give the role in DATABASE_URL this right, or the role that owns the tables",
        ),
        (
            &SqlState::INVALID_PASSWORD,
            "check user and password in DATABASE_URL, or in the file that has the password",
        ),
        (
            &SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            "check user and sslmode in DATABASE_URL, DATABASE_CERT_FILE, and pg_hba.conf",
        ),
        (&SqlState::INVALID_CATALOG_NAME, "check the database's name in DATABASE_URL, or create it"),
        (&SqlState::UNDEFINED_TABLE, "run `consumer migrate`, and check search_path"),
        (&SqlState::READ_ONLY_SQL_TRANSACTION, "let DATABASE_URL lead to the primary"),
        (&SqlState::LOCK_NOT_AVAILABLE, "look for the session that holds the lock in pg_stat_activity"),
        (&SqlState::DISK_FULL, "make room on PostgreSQL's disk"),
        (
            &SqlState::PROTOCOL_VIOLATION,
            "if a pooler says this, look into its settings and log, and leave `options` out of DATABASE_URL",
        ),
        (&SqlState::TOO_MANY_CONNECTIONS, "raise max_connections, or close other sessions"),
    ];
    REMEDIES.iter().find(|(known, _)| *known == state).map(|(_, remedy)| *remedy)
}
