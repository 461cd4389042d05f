//! Why rows can't be read.

use deadpool_postgres::PoolError;

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
    /// The state of the schema can't be read.
    #[error("the schema can't be read: {}", causes(.0))]
    Schema(#[from] migrations::Error),
    /// A row has what the consumer never writes.
    #[error("the database has {0}")]
    Unexpected(&'static str),
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
