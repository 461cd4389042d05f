//! What organizations were told of their alerts: compared, and written with the messages that follow, by one at a time.

use crate::answer::registry::Severity;
use crate::store::error::Error;
use crate::store::webhooks::write::Write;
use crate::store::webhooks::{Webhooks, millis};
use crate::webhooks::Settings;
use crate::webhooks::told::Told;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use tokio_postgres::Row;

/// How many organizations are looked at together.
pub const DUE_MAX: i64 = 1_000;

/// An organization whose alerts may be due to be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The organization.
    pub organization: Arc<str>,
    /// Its version before the numbers that were evaluated last.
    pub version: Option<u64>,
    /// Whether it is due, whatever its version is now.
    pub by_time: bool,
}

/// A message to be sent to each endpoint of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// What it tells.
    pub event_type: &'static str,
    /// Its body.
    pub payload: String,
}

/// An evaluation that has begun: nobody else evaluates the organization until it ends.
pub struct Evaluation {
    write: Write,
    organization: Arc<str>,
    /// What the organization was told.
    pub told: Vec<Told>,
    /// When it began, by PostgreSQL's clock: instances must agree.
    pub now: DateTime<Utc>,
}

impl Webhooks {
    /// The organizations with endpoints that were not evaluated within the least interval, the longest ago first, without those that are
    /// excluded.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn due(&self, settings: &Settings, excluded: &[Arc<str>]) -> Result<Vec<Due>, Error> {
        let write = self.begin().await?;
        let sql =
            "select a.organization_id, a.version, a.evaluated_at <= now() - $1 * interval '1 millisecond'
                   from alert_evaluations a
                   where a.evaluated_at <= now() - $2 * interval '1 millisecond'
                     and a.organization_id <> all($4)
                     and exists (select from webhook_endpoints e
                                 where e.organization_id = a.organization_id and e.disabled_at is null)
                   order by a.evaluated_at limit $3";
        let [interval, least] = intervals(settings);
        let excluded: Vec<&str> = excluded.iter().map(|id| &**id).collect();
        let rows = write.rows(sql, &[&interval, &least, &DUE_MAX, &excluded]).await?;
        write.commit().await?;
        let due = |row: &Row| {
            let version: Option<i64> = row.try_get(1)?;
            let organization = row.try_get::<_, &str>(0)?.into();
            Ok(Due { organization, version: version.map(i64::cast_unsigned), by_time: row.try_get(2)? })
        };
        rows.iter().map(due).collect()
    }

    /// Begins an evaluation; `None` if the organization is not due any more, or somebody else evaluates it. `version` was read before.
    ///
    /// # Errors
    /// As above.
    pub async fn begin_evaluation(
        &self,
        organization: &Arc<str>,
        version: Option<u64>,
        settings: &Settings,
    ) -> Result<Option<Evaluation>, Error> {
        let write = self.begin().await?;
        let sql = "select now() from alert_evaluations
                   where organization_id = $1 and evaluated_at <= now() - $2 * interval '1 millisecond'
                     and (version is distinct from $3 or evaluated_at <= now() - $4 * interval '1 millisecond')
                   for update skip locked";
        let [interval, least] = intervals(settings);
        let version = version.map(u64::cast_signed);
        let Some(row) = write.row(sql, &[&&**organization, &least, &version, &interval]).await? else {
            write.commit().await?;
            return Ok(None);
        };
        let now = row.try_get(0)?;
        let told = "select alert_key, severity, alert, opened_at, changed_at, better_since, fine_since
                    from alert_states where organization_id = $1";
        let told = write.rows(told, &[&&**organization]).await?;
        let told = told.iter().map(state).collect::<Result<_, _>>()?;
        Ok(Some(Evaluation { write, organization: Arc::clone(organization), told, now }))
    }
}

fn intervals(settings: &Settings) -> [f64; 2] {
    [settings.webhook_evaluation_interval, settings.webhook_evaluation_min_interval].map(millis)
}

fn state(row: &Row) -> Result<Told, Error> {
    let severity = match row.try_get(1)? {
        "warning" => Severity::Warning,
        "critical" => Severity::Critical,
        _ => return Err(Error::Unexpected("an alert of another severity in alert_states")),
    };
    Ok(Told {
        key: row.try_get(0)?,
        severity,
        alert: row.try_get(2)?,
        opened_at: row.try_get(3)?,
        changed_at: row.try_get(4)?,
        better_since: row.try_get(5)?,
        fine_since: row.try_get(6)?,
    })
}

const fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Healthy => "healthy",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

impl Evaluation {
    /// Writes what the organization has been told after this, and a message to each of its endpoints that is enabled; both at once, or
    /// neither.
    ///
    /// # Errors
    /// As above.
    pub async fn end(self, told: &[Told], messages: &[Message], version: Option<u64>) -> Result<(), Error> {
        let Self { write, organization, .. } = self;
        let organization = &*organization;
        let keys: Vec<&str> = told.iter().map(|told| told.key.as_str()).collect();
        let ended = "delete from alert_states where organization_id = $1 and alert_key <> all($2)";
        write.change(ended, &[&organization, &keys]).await?;
        for told in told {
            keep(&write, organization, told).await?;
        }
        if !messages.is_empty() {
            send(&write, organization, messages).await?;
        }
        let evaluated =
            "update alert_evaluations set evaluated_at = now(), version = $2 where organization_id = $1";
        write.change(evaluated, &[&organization, &version.map(u64::cast_signed)]).await?;
        write.commit().await
    }
}

async fn keep(write: &Write, organization: &str, told: &Told) -> Result<(), Error> {
    let sql = "insert into alert_states (organization_id, alert_key, severity, alert, opened_at, changed_at, better_since,
                                         fine_since)
               values ($1, $2, $3, $4, $5, $6, $7, $8)
               on conflict (organization_id, alert_key) do update
               set severity = excluded.severity, alert = excluded.alert, changed_at = excluded.changed_at,
                   better_since = excluded.better_since, fine_since = excluded.fine_since";
    let Told { key, severity, alert, opened_at, changed_at, better_since, fine_since } = told;
    let severity = name(*severity);
    write
        .change(sql, &[&organization, key, &severity, alert, opened_at, changed_at, better_since, fine_since])
        .await
        .map(drop)
}

/// Endpoints are locked: one that is disabled meanwhile gives up what is pending for it after this, or is told nothing.
async fn send(write: &Write, organization: &str, messages: &[Message]) -> Result<(), Error> {
    let sql = "insert into webhook_deliveries (message_id, endpoint_id, organization_id, event_type, payload, next_attempt_at)
               select m.id, e.endpoint_id, e.organization_id, m.event_type, m.payload, now()
               from webhook_endpoints e
                    cross join unnest($2::text[], $3::text[], $4::text[]) as m (id, event_type, payload)
               where e.organization_id = $1 and e.disabled_at is null
               for share of e";
    let ids: Vec<&str> = messages.iter().map(|message| message.id.as_str()).collect();
    let types: Vec<&str> = messages.iter().map(|message| message.event_type).collect();
    let payloads: Vec<&str> = messages.iter().map(|message| message.payload.as_str()).collect();
    write.change(sql, &[&organization, &ids, &types, &payloads]).await.map(drop)
}
