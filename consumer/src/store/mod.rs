//! PostgreSQL: the only module that knows SQL.
//!
//! A member has a connection to claim and to read, one to write, and one for upkeep, each with its statements prepared
//! once. Nothing is written to the counted tables but through a [`FencedTransaction`], which only the compare-and-set on the partitions' progress makes.

mod books;
mod connection;
mod fenced_transaction;
mod layouts;
mod ledger_rows;
mod letter_rows;
mod letter_runs;
mod letters;
mod merge;
mod page_statements;
mod pages;
mod progress;
mod progress_rows;
mod rows;
mod session;
pub mod settings;
mod statements;
mod tails;
pub mod upkeep;

pub use books::{Books, DIFFERENCES_MAX, Difference, Extent, Pair};
pub use connection::{CONDITION, Connection, Settings, Store, connect};
pub use fenced_transaction::{FencedTransaction, Step};
pub use layouts::Raised;
pub use ledger_rows::TailRow;
pub use letter_runs::{LetterRun, RunLine};
pub use letters::{Letter, LetterFilter, LetterLine, LetterPlace, Redriven};
pub use page_statements::PageAsked;
pub use progress::ClaimedProgress;
pub use progress_rows::{ProgressReset, ProgressRow, ResetOutcome};
pub use rows::{PreparedCounters, Rows};
pub use session::Session;

/// What went wrong with PostgreSQL. Always a reason to wait and try again, never to skip.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection or a statement failed.
    #[error("{}", in_words(.0))]
    Database(#[from] tokio_postgres::Error),
    /// No connection within the limit.
    #[error("no answer within {0:?}")]
    Timeout(std::time::Duration),
    /// The schema lacks migrations.
    #[error("the schema lacks {0}; run `consumer migrate`")]
    SchemaBehind(String),
    /// TLS is asked for and can't be had.
    #[error("TLS: {0}")]
    Tls(String),
    /// What the database has is not what this program writes.
    #[error("the database has {0}")]
    Unexpected(&'static str),
}

/// tokio-postgres says only "db error" by itself; the cause has the words.
fn in_words(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(db), _) => format!("{} (SQLSTATE {})", db.message(), db.code().code()),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}
