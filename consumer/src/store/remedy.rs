//! What people can do about a failure of PostgreSQL.

use super::Error;
use database::remedies::of_state;
use std::error::Error as _;

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

/// Whether PostgreSQL gave no answer. A refusal is one.
pub fn is_silence(error: &Error) -> bool {
    match error {
        Error::Timeout(_) => true,
        Error::Database(error) => {
            error.as_db_error().is_none() && !is_read_only(error) && database::refused(error).is_none()
        }
        Error::SchemaBehind(_)
        | Error::Unexpected(_)
        | Error::Unusable(_)
        | Error::GaveWay(_)
        | Error::UpgradeFinished => false,
    }
}

/// Whether the server was reached, and is no primary.
fn is_read_only(error: &tokio_postgres::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>());
    cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::PermissionDenied)
}
