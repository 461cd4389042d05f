//! PostgreSQL: the only room that knows SQL.
//!
//! A member has three [`Store`]s: to claim and read, to write, and for upkeep. Each keeps one [`Connection`] open, with a
//! batch's statements prepared. A [`Probe`] beside them has a fourth one. Only a [`FencedTransaction`] writes to the counted
//! tables, and only the compare-and-set on the partitions' progress makes one. An operator's command has an
//! [`OperatorConnection`], and gives up where a member tries again.

pub mod settings;

mod activity;
mod connect;
mod connection;
mod counter_statements;
mod operator_connection;
mod remedy;

// A member's: claims, reads, writes, upkeep.
mod channel_rows;
mod channel_statements;
mod cluster;
mod columns;
mod excess;
mod fenced_transaction;
mod headers;
mod ledger_rows;
mod letter_rows;
mod merge;
mod page_statements;
mod pages;
mod primary;
mod probe;
mod progress;
mod refusal_rows;
mod roll_up_books;
mod rows;
mod statements;
mod tails;
pub mod upkeep;
mod writes;

// An operator's.
mod admissions;
mod books;
mod channel_book;
mod channel_repairs;
mod diagnosis;
mod erased_tables;
mod erasing;
mod erasures;
mod layouts;
mod letter_runs;
mod letters;
mod progress_rows;
mod repairs;
mod third_book;

pub use activity::Activity;
pub use books::{Books, DIFFERENCES_MAX, Difference, Extent, Pair};
pub use channel_book::{ChannelNamesRow, ChannelsRow};
pub use channel_repairs::ChannelRepair;
pub use channel_rows::ChannelRows;
pub use connect::Server;
pub use connection::{Access, Backoff, Connection, Store, describe};
pub use diagnosis::{SchemaSeen, ServerSeen, SessionsMax};
pub use erased_tables::{ErasedTable, OF_BATCHES, OF_SETTINGS, RowKey};
pub use erasing::{Boundary, Stepped, Why};
pub use erasures::{DrawnErasure, Erasure, ErasureBoundary, Erasures};
pub use fenced_transaction::{FencedTransaction, Step};
pub use layouts::{ClaimedPartition, Closed};
pub use ledger_rows::TailRow;
pub use letter_runs::{LetterRun, RunLine};
pub use letters::{Letter, LetterFilter, LetterLine, LetterPlace, Redriven};
pub use operator_connection::OperatorConnection;
pub use page_statements::PageAsked;
pub use primary::{Claimed, Incarnation};
pub use probe::Probe;
pub use progress::ClaimedProgress;
pub use progress_rows::{ProgressReset, ProgressRow, ResetOutcome};
pub use remedy::remedy;
pub use repairs::{MetricRepair, PageRepair, Repair, Repaired, WorkflowRepair};
pub use roll_up_books::RollUpDifference;
pub use rows::{PreparedCounters, Rows};
pub use third_book::{Cursor, MetricRow, OrganizationRow, RowFilter, Standing, TablesSnapshot, WorkflowRow};

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
    /// The database can't hold what is counted.
    #[error("{0}")]
    Unusable(String),
    /// A task of upkeep gave way: a lock that it needs on this table wasn't free.
    #[error(
        "another transaction holds a lock on {0}, and batches would have had to wait behind this task; find the transaction in \
         pg_locks and pg_stat_activity, and end it if it was forgotten"
    )]
    GaveWay(String),
    /// `consumer migrate` has dropped what this connection's statements rely on, or has made a cluster's database of this one.
    #[error("an upgrade of the database was finished meanwhile")]
    UpgradeFinished,
    /// The database contains what this program never writes.
    #[error("the database has {0}")]
    Unexpected(&'static str),
}

impl Error {
    /// Whether PostgreSQL refuses what it was given: a value out of range, a character that it can't store, a violated
    /// constraint, a limit exceeded. The same again is refused again, so these are no reason to wait.
    #[must_use]
    pub fn is_about_data(&self) -> bool {
        /// The classes "data exception", "integrity constraint violation" and "program limit exceeded".
        const CLASSES: [&str; 3] = ["22", "23", "54"];
        let code = if let Self::Database(error) = self { error.code() } else { None };
        code.is_some_and(|code| CLASSES.iter().any(|class| code.code().starts_with(class)))
    }
}

/// tokio-postgres itself says only "db error"; the message is in its cause.
fn in_words(error: &tokio_postgres::Error) -> String {
    if let Some(refused) = database::refused(error) {
        return refused;
    }
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(db), _) => format!("{} (SQLSTATE {})", db.message(), db.code().code()),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}
