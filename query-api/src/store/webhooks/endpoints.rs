//! Where organizations are told.

use crate::store::error::Error;
use crate::store::webhooks::write::Write;
use crate::store::webhooks::{Webhooks, deliveries, millis};
use crate::webhooks::endpoint::{Asked, Endpoint};
use crate::webhooks::secret::Secret;
use chrono::{DateTime, Utc};
use std::time::Duration;
use tokio_postgres::Row;

/// An endpoint to be made.
#[derive(Debug)]
pub struct New<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its address.
    pub url: &'a str,
    /// What people say of it.
    pub description: &'a str,
    /// Whether messages are sent to it.
    pub enabled: bool,
    /// What signs them.
    pub secret: &'a Secret,
    /// Who makes it, as the token names them.
    pub created_by: Option<&'a str>,
}

/// Who asks: the organization, and the token's subject.
pub type Asker<'a> = (&'a str, Option<&'a str>);

/// Why an endpoint is disabled that a request has disabled.
const BY_REQUEST: &str = "a request has disabled it";

/// An endpoint as `endpoint` reads it.
const COLUMNS: &str = "endpoint_id, url, description, disabled_at, disabled_reason,
                       case when previous_until > now() then previous_until end as previous_until, created_at, created_by,
                       revision";

fn endpoint(row: &Row) -> Result<Endpoint, Error> {
    let disabled_at: Option<DateTime<Utc>> = row.try_get(3)?;
    Ok(Endpoint {
        id: row.try_get(0)?,
        url: row.try_get(1)?,
        description: row.try_get(2)?,
        enabled: disabled_at.is_none(),
        disabled_at,
        disabled_reason: row.try_get(4)?,
        previous_secret_until: row.try_get(5)?,
        created_at: row.try_get(6)?,
        created_by: row.try_get(7)?,
    })
}

impl Webhooks {
    /// The organization's endpoints, in the order in which they were made.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up, as for all others.
    pub async fn endpoints(&self, organization: &str) -> Result<Vec<Endpoint>, Error> {
        let write = self.begin().await?;
        let sql = format!(
            "select {COLUMNS} from webhook_endpoints where organization_id = $1 order by created_at, endpoint_id"
        );
        let endpoints = write.rows(&sql, &[&organization]).await?.iter().map(endpoint).collect();
        write.commit().await?;
        endpoints
    }

    /// One of them.
    ///
    /// # Errors
    /// As above.
    pub async fn endpoint(&self, organization: &str, id: &str) -> Result<Option<Endpoint>, Error> {
        let write = self.begin().await?;
        let sql = format!(
            "select {COLUMNS} from webhook_endpoints where organization_id = $1 and endpoint_id = $2"
        );
        let found = write.row(&sql, &[&organization, &id]).await?;
        write.commit().await?;
        found.as_ref().map(endpoint).transpose()
    }

    /// Makes one; `None` if the organization has `max` already.
    ///
    /// # Errors
    /// As above.
    pub async fn make_endpoint(
        &self,
        organization: &str,
        new: &New<'_>,
        max: u16,
    ) -> Result<Option<Endpoint>, Error> {
        let write = self.begin().await?;
        let known = "insert into alert_evaluations (organization_id) values ($1) on conflict do nothing";
        write.change(known, &[&organization]).await?;
        lock(&write, organization).await?;
        let count = "select count(*) from webhook_endpoints where organization_id = $1";
        let count: Option<i64> =
            write.row(count, &[&organization]).await?.map(|row| row.try_get(0)).transpose()?;
        if count.unwrap_or_default() >= max.into() {
            write.commit().await?;
            return Ok(None);
        }
        let New { id, url, description, enabled, secret, created_by } = new;
        let sql = format!(
            "insert into webhook_endpoints (endpoint_id, organization_id, url, description, secret, created_by, disabled_at,
                                            disabled_reason)
             values ($1, $2, $3, $4, $5, $6, case when $7 then null else now() end, case when $7 then null else $8 end)
             returning {COLUMNS}"
        );
        let made = write
            .row(
                &sql,
                &[id, &organization, url, description, &secret.bytes(), created_by, enabled, &BY_REQUEST],
            )
            .await?;
        let made = changed(&write, (organization, *created_by), None, made.as_ref()).await?;
        write.commit().await?;
        Ok(made)
    }

    /// Changes one; `None` if there is none. Once it is disabled, nothing is pending for it.
    ///
    /// # Errors
    /// As above.
    pub async fn change_endpoint(
        &self,
        asker: Asker<'_>,
        id: &str,
        asked: &Asked,
    ) -> Result<Option<Endpoint>, Error> {
        let (write, organization) = (self.begin().await?, asker.0);
        let before = before(&write, organization, id).await?;
        let Asked { url, description, enabled } = asked;
        let sql = format!(
            "update webhook_endpoints
             set revision = revision + 1, url = coalesce($3, url), description = coalesce($4, description),
                 disabled_at = case $5 when true then null when false then coalesce(disabled_at, now()) else disabled_at end,
                 disabled_reason = case $5 when true then null when false then coalesce(disabled_reason, $6)
                                           else disabled_reason end
             where organization_id = $1 and endpoint_id = $2
             returning {COLUMNS}"
        );
        let after = write.row(&sql, &[&organization, &id, url, description, enabled, &BY_REQUEST]).await?;
        if after.is_some() && *enabled == Some(false) {
            deliveries::give_up(&write, id).await?;
        }
        let changed = changed(&write, asker, before.as_ref(), after.as_ref()).await?;
        write.commit().await?;
        Ok(changed)
    }

    /// Replaces its secret; the one before signs for as long as `overlap`, too. `None` if there is no such endpoint.
    ///
    /// # Errors
    /// As above.
    pub async fn replace_secret(
        &self,
        asker: Asker<'_>,
        id: &str,
        secret: &Secret,
        overlap: Duration,
    ) -> Result<Option<Endpoint>, Error> {
        let (write, organization) = (self.begin().await?, asker.0);
        let before = before(&write, organization, id).await?;
        let sql = format!(
            "update webhook_endpoints
             set revision = revision + 1, previous_secret = secret, previous_until = now() + $4 * interval '1 millisecond', secret = $3
             where organization_id = $1 and endpoint_id = $2
             returning {COLUMNS}"
        );
        let after = write.row(&sql, &[&organization, &id, &secret.bytes(), &millis(overlap)]).await?;
        let changed = changed(&write, asker, before.as_ref(), after.as_ref()).await?;
        write.commit().await?;
        Ok(changed)
    }

    /// Deletes it and its messages, and returns whether it was there. With the last one, what the organization was told is forgotten.
    ///
    /// # Errors
    /// As above.
    pub async fn delete_endpoint(&self, asker: Asker<'_>, id: &str) -> Result<bool, Error> {
        let (write, organization) = (self.begin().await?, asker.0);
        lock(&write, organization).await?;
        let before = before(&write, organization, id).await?;
        let delete = "delete from webhook_endpoints where organization_id = $1 and endpoint_id = $2";
        write.change(delete, &[&organization, &id]).await?;
        let forget = "delete from alert_evaluations
                      where organization_id = $1 and not exists (select from webhook_endpoints where organization_id = $1)";
        write.change(forget, &[&organization]).await?;
        changed(&write, asker, before.as_ref(), None).await?;
        write.commit().await?;
        Ok(before.is_some())
    }
}

/// The endpoint, before it is changed.
async fn before(write: &Write, organization: &str, id: &str) -> Result<Option<Row>, Error> {
    let sql = format!(
        "select {COLUMNS} from webhook_endpoints where organization_id = $1 and endpoint_id = $2 for update"
    );
    write.row(&sql, &[&organization, &id]).await
}

/// Writes into the audit that an endpoint was changed, made or deleted; its secrets aren't in there. Returns what it is then.
async fn changed(
    write: &Write,
    (organization, subject): Asker<'_>,
    before: Option<&Row>,
    after: Option<&Row>,
) -> Result<Option<Endpoint>, Error> {
    let [was, is] = [before, after].map(|row| row.map(endpoint).transpose());
    let (was, is) = (was?, is?);
    let Some(id) = is.as_ref().or(was.as_ref()).map(|endpoint| endpoint.id.as_str()) else { return Ok(None) };
    let revision: i64 = match (before, after) {
        (_, Some(row)) => row.try_get(8)?,
        (Some(row), None) => row.try_get::<_, i64>(8)? + 1,
        (None, None) => return Ok(None),
    };
    let json = |endpoint: &Option<Endpoint>| serde_json::to_value(endpoint).expect("texts and times");
    let audit = "insert into settings_changes (organization_id, setting, revision, changed_by, before, after)
                 values ($1, $2, $3, $4, $5, $6)";
    let setting = format!("webhooks/{id}");
    write.change(audit, &[&organization, &setting, &revision, &subject, &json(&was), &json(&is)]).await?;
    Ok(is)
}

/// Waits until nobody evaluates the organization's alerts, or changes how many endpoints it has.
async fn lock(write: &Write, organization: &str) -> Result<(), Error> {
    let lock = "select 1 from alert_evaluations where organization_id = $1 for update";
    write.row(lock, &[&organization]).await.map(drop)
}
