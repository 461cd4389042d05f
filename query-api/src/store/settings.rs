//! Settings of organizations, and the audit of their changes. Each has a table, and all tables one shape: a row for each organization,
//! with how often it was changed, and the document, in a column that has the setting's name.

use crate::answer::setting::{Kept, Setting};
use crate::store::error::Error;
use chrono::{DateTime, Utc};
use deadpool_postgres::Object;
use serde_json::Value;
use std::collections::HashMap;

const AUDITED: &str = "
    insert into settings_changes (organization_id, setting, revision, changed_at, changed_by, before, after)
    values ($1, $2, $3, $4, $5, $6, $7)";

fn kept_sql(setting: &str) -> String {
    format!("select revision, {setting} from organization_{setting} where organization_id = $1")
}

/// The row of an organization that has none: changes take turns by its lock.
fn begun_sql(setting: &str) -> String {
    format!(
        "insert into organization_{setting} (organization_id, revision, {setting}) values ($1, 0, '{{}}')
         on conflict (organization_id) do nothing"
    )
}

fn locked_sql(setting: &str) -> String {
    format!(
        "select revision, {setting}, now() from organization_{setting} where organization_id = $1 for update"
    )
}

fn changed_sql(setting: &str) -> String {
    format!(
        "update organization_{setting} set revision = $2, {setting} = $3, updated_at = $4, updated_by = $5
         where organization_id = $1"
    )
}

/// The organization's setting.
pub async fn kept<S: Setting>(client: &Object, organization: &str) -> Result<Kept<S>, Error> {
    let statement = client.prepare_cached(&kept_sql(S::NAME)).await?;
    let Some(row) = client.query_opt(&statement, &[&organization]).await? else { return Ok(Kept::default()) };
    Ok(Kept { revision: row.try_get(0)?, setting: S::from_stored(&row.try_get::<_, Value>(1)?) })
}

/// How often each of these organizations has changed the setting; those that never did are left out.
pub async fn revisions<S: Setting>(
    client: &Object,
    organizations: &[&str],
) -> Result<HashMap<String, u64>, Error> {
    let setting = S::NAME;
    let sql = format!(
        "select organization_id, revision from organization_{setting} where organization_id = any($1)"
    );
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &[&organizations]).await?;
    let revision =
        |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get::<_, i64>(1)?.unsigned_abs()));
    rows.iter().map(revision).collect()
}

/// Changes the organization's setting on this subject's behalf, in one transaction with the audit of it, as `change` says.
/// Returns what it was, and what it is.
pub async fn change<S: Setting>(
    client: &Object,
    (organization, subject): (&str, Option<&str>),
    change: impl FnOnce(&Kept<S>, DateTime<Utc>) -> Option<S> + Send,
) -> Result<[Kept<S>; 2], Error> {
    client.batch_execute("start transaction read write").await?;
    client.execute(&client.prepare_cached(&begun_sql(S::NAME)).await?, &[&organization]).await?;
    let row = client.query_one(&client.prepare_cached(&locked_sql(S::NAME)).await?, &[&organization]).await?;
    let stored: Value = row.try_get(1)?;
    let before = Kept { revision: row.try_get(0)?, setting: S::from_stored(&stored) };
    let now: DateTime<Utc> = row.try_get(2)?;
    let Some(setting) = change(&before, now) else {
        client.batch_execute("rollback").await?;
        return Ok([before.clone(), before]);
    };
    let after = Kept { revision: before.revision + 1, setting };
    let to_store = after.setting.to_stored();
    let statement = client.prepare_cached(&changed_sql(S::NAME)).await?;
    client.execute(&statement, &[&organization, &after.revision, &to_store, &now, &subject]).await?;
    let statement = client.prepare_cached(AUDITED).await?;
    let audited =
        [&organization as &(dyn tokio_postgres::types::ToSql + Sync), &S::NAME, &after.revision, &now];
    let audited = [&audited[..], &[&subject, &stored, &to_store]].concat();
    client.execute(&statement, &audited).await?;
    client.batch_execute("commit").await?;
    Ok([before, after])
}
