//! What people can do about what PostgreSQL replies.

use std::error::Error;
use tokio_postgres::error::{DbError, SqlState};

/// What PostgreSQL itself replied, with the next step where there is one; `None` if the error is no reply of its, such as when nobody
/// answers.
#[must_use]
pub fn of_reply(error: &(dyn Error + 'static)) -> Option<String> {
    let mut chain = std::iter::successors(Some(error), |&error| error.source());
    let reply = chain.find_map(|error| error.downcast_ref::<DbError>())?;
    Some(match of_state(reply.code()) {
        Some(remedy) => format!("{}; {remedy}", reply.message()),
        None => reply.message().to_owned(),
    })
}

/// What people can do about this state, where PostgreSQL's own words don't say it.
#[must_use]
pub fn of_state(state: &SqlState) -> Option<&'static str> {
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
