//! PostgreSQL: the only room that knows SQL.
//!
//! A member has three [`Store`]s: to claim and read, to write, and for upkeep. Each keeps one [`Connection`] open, with a
//! batch's statements prepared. Only a [`FencedTransaction`] writes to the counted tables, and only the compare-and-set on
//! the partitions' progress makes one. An operator's command has an [`OperatorConnection`], and gives up where a member
//! tries again.

pub mod settings;

mod connect;
mod connection;
mod operator_connection;

// A member's: claims, reads, writes, upkeep.
mod fenced_transaction;
mod ledger_rows;
mod letter_rows;
mod merge;
mod page_statements;
mod pages;
mod progress;
mod rows;
mod statements;
mod tails;
pub mod upkeep;
mod writes;

// An operator's.
mod books;
mod layouts;
mod letter_runs;
mod letters;
mod progress_rows;

pub use books::{Books, DIFFERENCES_MAX, Difference, Extent, Pair};
pub use connect::connect;
pub use connection::{CONDITION, Connection, Store};
pub use fenced_transaction::{FencedTransaction, Step};
pub use layouts::Raised;
pub use ledger_rows::TailRow;
pub use letter_runs::{LetterRun, RunLine};
pub use letters::{Letter, LetterFilter, LetterLine, LetterPlace, Redriven};
pub use operator_connection::OperatorConnection;
pub use page_statements::PageAsked;
pub use progress::ClaimedProgress;
pub use progress_rows::{ProgressReset, ProgressRow, ResetOutcome};
pub use rows::{PreparedCounters, Rows};

/// A failure of PostgreSQL. A member waits and tries again; it never skips.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection or a statement failed.
    #[error("{}", in_words(.0))]
    Database(#[from] tokio_postgres::Error),
    /// No connection, or no end of the work, within the limit.
    #[error("no answer within {0:?}")]
    Timeout(std::time::Duration),
    /// The schema lacks migrations.
    #[error("the schema lacks {0}; run `consumer migrate`")]
    SchemaBehind(String),
    /// TLS was asked for and could not be set up.
    #[error("TLS: {0}")]
    Tls(String),
    /// The database contains what this program never writes.
    #[error("the database has {0}")]
    Unexpected(&'static str),
}

/// tokio-postgres itself says only "db error"; the message is in its cause.
fn in_words(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(db), _) => format!("{} (SQLSTATE {})", db.message(), db.code().code()),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}
