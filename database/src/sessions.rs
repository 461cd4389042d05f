//! Whether a connection keeps its session, or a pooler gives it another one for each transaction or statement.
//!
//! What a session was set to, its prepared statements, temporary state and advisory locks are lost with it, and worse: the next
//! client of the pool finds them. So a pooler has to keep a session for as long as a client is connected. PgBouncer calls that
//! `pool_mode = session`.
//!
//! No pooler says which it does: PgBouncer passes on the server's own version and parameters, and its administrators alone may
//! ask for its settings. Two connections find it out by what makes the difference. One marks its session with a number that
//! nobody else has, in a setting that no pooler knows and could carry along. Then each reads the mark, several times in turn,
//! and outside of transactions, in which some poolers forbid anything:
//!
//! * The other connection finds the mark: the two share a session, though both are connected. PgBouncer gives the session that
//!   was used last first, so this is how an idle pool shows.
//! * The connection that has set the mark misses it: it has another session. This is how a busy pool shows, and one that
//!   gives its sessions in turn.
//!
//! Neither can happen if each connection keeps a session of its own, so PostgreSQL itself and poolers of sessions are never
//! refused. Other servers than the first one may stand behind the other connection: then it finds no mark, which proves
//! nothing. A pooler that sees a session being set, and keeps it from then on, passes, as it should. The reverse isn't certain:
//! a pooler of transactions passes if other clients arrange it so that each question meets the session it must not meet. So
//! there are several rounds.
//!
//! Nothing else may be set before, since in a pool of transactions others would find it.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

/// Times that each connection looks.
const ROUNDS: usize = 4;
/// The setting that the mark is in.
const MARK: &str = "business_metrics.session";

/// How long the other connection may take for an answer: a pool may have no session for it.
const OTHER_LIMIT: Duration = Duration::from_secs(1);

/// What was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The session is the connection's own.
    Kept,
    /// It seems to be, but the other connection was of no help.
    Unsure,
    /// Others get it, too.
    Shared,
}

/// Finds out whether a connection keeps its session, with the help of another one to the same address.
pub async fn look(session: &Client, mut other: Option<&Client>) -> Result<Finding, Error> {
    let mark = format!("{:016x}", RandomState::new().hash_one(0));
    // No statement is prepared: it wouldn't be found again in another session.
    session.batch_execute(&format!("set {MARK} = '{mark}'")).await?;
    for _ in 0..ROUNDS {
        if let Some(client) = other {
            match tokio::time::timeout(OTHER_LIMIT, read(client)).await {
                Ok(Ok(found)) if found.as_ref() == Some(&mark) => return Ok(Finding::Shared),
                Ok(Ok(_)) => {}
                Ok(Err(_)) | Err(_) => other = None,
            }
        }
        if read(session).await?.as_ref() != Some(&mark) {
            return Ok(Finding::Shared);
        }
    }
    Ok(if other.is_some() { Finding::Kept } else { Finding::Unsure })
}

async fn read(client: &Client) -> Result<Option<String>, Error> {
    let messages = client.simple_query(&format!("select current_setting('{MARK}', true)")).await?;
    let text = |message: &SimpleQueryMessage| {
        let SimpleQueryMessage::Row(row) = message else { return None };
        row.get(0).map(str::to_owned)
    };
    Ok(messages.iter().find_map(text))
}
