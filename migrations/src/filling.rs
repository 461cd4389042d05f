//! Filling what a migration has added from what was counted before, step by step, while members count.

use crate::report::{Error, Told};
use tokio_postgres::Client;

/// A step's rows are few and found by their keys, whatever the statistics say of tables that have just grown.
pub(crate) const BY_INDEX: &str =
    "set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off";

/// Takes steps until one finds nothing more, and tells of how many of the table's rows that is done. A step returns how many
/// rows it has set, `None` at the end, and keeps in the database where the next one goes on.
pub(crate) async fn fill(
    client: &mut Client,
    (what, table): (&'static str, &str),
    mut step: impl AsyncFnMut(&mut Client) -> Result<Option<i64>, Error>,
    told: &mut dyn FnMut(Told),
) -> Result<(), Error> {
    let total = "select greatest(reltuples, 0)::bigint from pg_class where oid = $1::text::regclass";
    let total: i64 = client.query_one(total, &[&table]).await?.get(0);
    let mut done = 0;
    while let Some(set) = step(client).await? {
        done += set;
        told(Told::Advanced { what, done, total: total.max(done) });
    }
    Ok(())
}
