//! The thresholds that organizations have set themselves, and the audit of their changes.

use crate::answer::thresholds::{Kept, Thresholds};
use crate::store::error::Error;
use chrono::{DateTime, Utc};
use deadpool_postgres::Object;
use serde_json::Value;
use std::collections::HashMap;

/// The audit's name for these settings.
const SETTING: &str = "thresholds";

const KEPT: &str = "select revision, thresholds from organization_thresholds where organization_id = $1";

/// The row of an organization that has none: changes take turns by its lock.
const BEGUN: &str = "
    insert into organization_thresholds (organization_id, revision, thresholds) values ($1, 0, '{}')
    on conflict (organization_id) do nothing";

const LOCKED: &str = "
    select revision, thresholds, now() from organization_thresholds where organization_id = $1 for update";

const CHANGED: &str = "
    update organization_thresholds set revision = $2, thresholds = $3, updated_at = $4, updated_by = $5
    where organization_id = $1";

const AUDITED: &str = "
    insert into settings_changes (organization_id, setting, revision, changed_at, changed_by, before, after)
    values ($1, $2, $3, $4, $5, $6, $7)";

/// The organization's own thresholds.
pub async fn kept(client: &Object, organization: &str) -> Result<Kept, Error> {
    let statement = client.prepare_cached(KEPT).await?;
    let Some(row) = client.query_opt(&statement, &[&organization]).await? else { return Ok(Kept::default()) };
    let thresholds = Thresholds::from_stored(&row.try_get::<_, Value>(1)?);
    Ok(Kept { revision: row.try_get(0)?, thresholds })
}

/// How often each of these organizations has changed its thresholds; those that never did are left out.
pub async fn revisions(client: &Object, organizations: &[&str]) -> Result<HashMap<String, u64>, Error> {
    let sql = "select organization_id, revision from organization_thresholds where organization_id = any($1)";
    let statement = client.prepare_cached(sql).await?;
    let rows = client.query(&statement, &[&organizations]).await?;
    let revision =
        |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get::<_, i64>(1)?.unsigned_abs()));
    rows.iter().map(revision).collect()
}

/// Changes the organization's thresholds on this subject's behalf, in one transaction with the audit of it, as `change` says.
/// Returns what they were, and what they are.
pub async fn change(
    client: &Object,
    (organization, subject): (&str, Option<&str>),
    change: impl FnOnce(&Kept, DateTime<Utc>) -> Option<Thresholds> + Send,
) -> Result<[Kept; 2], Error> {
    client.batch_execute("start transaction read write").await?;
    client.execute(&client.prepare_cached(BEGUN).await?, &[&organization]).await?;
    let row = client.query_one(&client.prepare_cached(LOCKED).await?, &[&organization]).await?;
    let stored: Value = row.try_get(1)?;
    let before = Kept { revision: row.try_get(0)?, thresholds: Thresholds::from_stored(&stored) };
    let now: DateTime<Utc> = row.try_get(2)?;
    let Some(thresholds) = change(&before, now) else {
        client.batch_execute("rollback").await?;
        return Ok([before.clone(), before]);
    };
    let after = Kept { revision: before.revision + 1, thresholds };
    let to_store = after.thresholds.to_stored();
    let statement = client.prepare_cached(CHANGED).await?;
    client.execute(&statement, &[&organization, &after.revision, &to_store, &now, &subject]).await?;
    let statement = client.prepare_cached(AUDITED).await?;
    let audited =
        [&organization as &(dyn tokio_postgres::types::ToSql + Sync), &SETTING, &after.revision, &now];
    let audited = [&audited[..], &[&subject, &stored, &to_store]].concat();
    client.execute(&statement, &audited).await?;
    client.batch_execute("commit").await?;
    Ok([before, after])
}
