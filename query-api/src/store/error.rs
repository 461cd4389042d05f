//! Why rows can't be read.

use deadpool_postgres::PoolError;
use std::time::Duration;
use tokio_postgres::error::SqlState;

/// Why rows can't be read now. The request may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection: PostgreSQL is unreachable, or all connections are busy.
    #[error("no connection to PostgreSQL: {}", causes(.0))]
    NoConnection(#[from] PoolError),
    /// The organization's loads use all the connections that they may use at once.
    #[error("the organization's share of connections is in use")]
    ShareInUse,
    /// PostgreSQL refused the query or gave up on it.
    #[error("PostgreSQL failed: {}", causes(.0))]
    Failed(#[from] tokio_postgres::Error),
    /// PostgreSQL, or what is between here and there, has taken longer than work may that isn't a load.
    #[error("PostgreSQL did not finish within {0:?}")]
    TooLong(Duration),
    /// The state of the schema can't be read.
    #[error("the schema can't be read: {}", causes(.0))]
    Schema(#[from] migrations::Error),
    /// The server that `DATABASE_URL` leads to takes no writes.
    #[error(
        "PostgreSQL takes no writes: {0}. Settings can be changed where DATABASE_URL names the primary, alone or among others"
    )]
    ReadOnly(String),
    /// A row has what the consumer never writes.
    #[error("the database has {0}")]
    Unexpected(&'static str),
}

impl Error {
    /// Whether it says nothing of what was asked: there was no connection, or it ended.
    pub fn is_of_connection(&self) -> bool {
        match self {
            Self::NoConnection(_) => true,
            Self::Failed(error) => error.is_closed(),
            Self::ShareInUse
            | Self::TooLong(_)
            | Self::Schema(_)
            | Self::ReadOnly(_)
            | Self::Unexpected(_) => false,
        }
    }

    /// The same, found to be no failure if the server is a standby, or takes no writes for another reason.
    pub fn of_write(self) -> Self {
        let failed = match &self {
            Self::NoConnection(PoolError::Backend(error)) | Self::Failed(error) => error,
            Self::NoConnection(_)
            | Self::ShareInUse
            | Self::TooLong(_)
            | Self::Schema(_)
            | Self::ReadOnly(_)
            | Self::Unexpected(_) => return self,
        };
        // A standby refuses transactions that write, other servers the first statement that does. Where several hosts are named,
        // none was found to be a primary.
        let states = [SqlState::READ_ONLY_SQL_TRANSACTION, SqlState::FEATURE_NOT_SUPPORTED];
        let is_refused = failed.code().is_some_and(|code| states.contains(code));
        let cause =
            std::error::Error::source(failed).and_then(|cause| cause.downcast_ref::<std::io::Error>());
        let is_none = cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::PermissionDenied);
        if is_refused || is_none { Self::ReadOnly(causes(failed)) } else { self }
    }
}

/// An error's text and those of its causes: the libraries keep "connection refused" two levels down.
pub fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = Vec::new();
    for text in chain.map(ToString::to_string) {
        // Some errors repeat the text of their cause.
        if !texts.iter().any(|said| said.contains(&text)) {
            texts.push(text);
        }
    }
    texts.join(": ")
}
