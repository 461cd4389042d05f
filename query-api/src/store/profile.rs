//! The row of an organization.

use crate::answer::summary::{Plan, Profile};
use crate::store::error::Error;
use deadpool_postgres::Object;

/// The organization's name and plan; `None` while nothing is known of it.
pub async fn profile(client: &Object, organization: &str) -> Result<Option<Profile>, Error> {
    let sql = "select name, plan_id, plan_name from organizations where organization_id = $1";
    let statement = client.prepare_cached(sql).await?;
    let Some(row) = client.query_opt(&statement, &[&organization]).await? else { return Ok(None) };
    // An update with an empty name or plan leaves it unknown.
    let name = Some(row.try_get(0)?).filter(|name: &String| !name.is_empty());
    let plan = Plan { id: row.try_get(1)?, name: row.try_get(2)? };
    let plan = Some(plan).filter(|plan| !plan.id.is_empty() || !plan.name.is_empty());
    Ok(Some(Profile { name, plan }))
}
