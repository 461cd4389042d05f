//! What a migration tells, and why it fails.

use tokio_postgres::error::SqlState;

/// What a migration tells while it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It waits for this, and will try again.
    Waits(&'static str),
    /// It builds an index.
    Builds {
        /// Which.
        index: String,
    },
    /// It moves a table's rows to the nodes of a cluster.
    Distributes {
        /// Which.
        table: &'static str,
        /// How many rows it has, estimated.
        rows: i64,
    },
    /// It has done so much of something.
    Advanced {
        /// Of what.
        what: &'static str,
        /// Rows done since it was called.
        done: i64,
        /// Rows in all, estimated.
        total: i64,
    },
}

/// Why a migration did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// PostgreSQL failed, or went away.
    #[error("the database failed while migrating: {0}")]
    Database(#[from] tokio_postgres::Error),
    /// The database can't hold what is counted, in a sentence that says what to do.
    #[error("{0}")]
    Unusable(String),
    /// The history in the database and the embedded files disagree, or a statement failed.
    #[error("{0}")]
    Migration(#[from] refinery::Error),
    /// Somebody else's locks were never free for long enough.
    #[error("others hold locks on {0} (a dump, a forgotten transaction): end them, and run this again")]
    Locked(&'static str),
    /// Members of the former version still need what is to be dropped, each in a sentence.
    #[error("nothing is dropped:\n{}", .0.join("\n"))]
    Unfinished(Vec<String>),
    /// The tables can't be distributed over nodes, each reason in a sentence.
    #[error("nothing is distributed:\n{}", .0.join("\n"))]
    Undistributable(Vec<String>),
}

/// Whether a statement gave way to somebody's lock.
pub fn is_lock_timeout(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE)
}
