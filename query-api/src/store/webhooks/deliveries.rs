//! Messages, and who sends them. An instance leases a message for an attempt; an attempt's outcome is recorded only while no other one has
//! begun. So each message has one sequence of attempts, however many instances run.

use crate::store::error::Error;
use crate::store::webhooks::write::Write;
use crate::store::webhooks::{Webhooks, millis};
use crate::webhooks::delivery::{Delivery, Page, State};
use crate::webhooks::outcome::{Next, Outcome};
use crate::webhooks::secret::{Secret, Secrets};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Row;

/// How many old messages are deleted together.
const PRUNED_MAX: i64 = 1_000;

/// How much may be leased, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    /// How many messages.
    pub most: usize,
    /// How many of one organization are leased at once, by all instances.
    pub share: i64,
    /// For how long: longer than an attempt may take.
    pub time: Duration,
}

/// A message that is leased for an attempt.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub organization: Arc<str>,
    /// Its endpoint's id.
    pub endpoint: String,
    /// Its endpoint's address.
    pub url: String,
    /// What signs it.
    pub secrets: Secrets,
    /// Its body.
    pub payload: String,
    /// The number of this attempt.
    pub attempts: i32,
    /// How many attempts there were before the schedule began.
    begins_after: i32,
}

impl Claimed {
    /// How many attempts of the schedule this one makes.
    #[must_use]
    pub fn of_schedule(&self) -> u32 {
        u32::try_from(self.attempts - self.begins_after).unwrap_or_default()
    }
}

/// What came of retrying a message by hand.
#[derive(Clone, Debug, PartialEq)]
pub enum Retried {
    /// It is due.
    Due(Box<Delivery>),
    /// Its endpoint is disabled.
    Disabled,
    /// There is no such message.
    Missing,
}

/// How many messages there are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counted {
    /// Still to be delivered.
    pub pending: i64,
    /// Given up, and not deleted yet.
    pub dead: i64,
    /// For how many seconds the oldest of those has been due that nobody sends.
    pub oldest_due: f64,
}

/// What `claimed` reads of a message `d` and its endpoint `e`.
const CLAIMED: &str =
    "d.message_id, d.organization_id, d.endpoint_id, d.payload, d.attempts, d.begins_after, e.url, e.secret,
                       e.previous_secret, e.previous_until";

fn claimed(row: &Row) -> Result<Claimed, Error> {
    let previous = row.try_get::<_, Option<Vec<u8>>>(8)?.zip(row.try_get::<_, Option<DateTime<Utc>>>(9)?);
    Ok(Claimed {
        id: row.try_get(0)?,
        organization: row.try_get::<_, &str>(1)?.into(),
        endpoint: row.try_get(2)?,
        payload: row.try_get(3)?,
        attempts: row.try_get(4)?,
        begins_after: row.try_get(5)?,
        url: row.try_get(6)?,
        secrets: Secrets {
            current: Secret::new(row.try_get(7)?),
            previous: previous.map(|(secret, until)| (Secret::new(secret), until)),
        },
    })
}

/// What `delivery` reads.
const DELIVERY: &str =
    "message_id, event_type, created_at, attempts, last_attempt_at, last_status, last_error, next_attempt_at,
                        delivered_at, dead_at, payload";

fn delivery(row: &Row) -> Result<Delivery, Error> {
    let (next_attempt_at, delivered_at, dead_at) = (row.try_get(7)?, row.try_get(8)?, row.try_get(9)?);
    let state = match (next_attempt_at, dead_at) {
        (Some(_), _) => State::Pending,
        (None, Some(_)) => State::Dead,
        (None, None) => State::Delivered,
    };
    let payload: &str = row.try_get(10)?;
    Ok(Delivery {
        id: row.try_get(0)?,
        event_type: row.try_get(1)?,
        state,
        created_at: row.try_get(2)?,
        attempts: row.try_get(3)?,
        last_attempt_at: row.try_get(4)?,
        last_status: row.try_get(5)?,
        last_error: row.try_get(6)?,
        next_attempt_at,
        delivered_at,
        dead_at,
        payload: serde_json::from_str(payload).unwrap_or(Value::Null),
    })
}

/// What is due and free, at most so many of each organization with those that are leased, the longest due first. What somebody else
/// leases meanwhile is passed over.
const CLAIM: &str = "
    with ranked as (
        select d.endpoint_id, d.message_id, d.next_attempt_at, d.leased_until > now() as is_leased,
               row_number() over (partition by d.organization_id
                                  order by d.leased_until > now() desc, d.next_attempt_at, d.message_id) as place
        from webhook_deliveries d join webhook_endpoints e on e.endpoint_id = d.endpoint_id
        where d.next_attempt_at <= now() and e.disabled_at is null
    ), free as (
        select endpoint_id, message_id from ranked
        where not is_leased and place <= $2 order by next_attempt_at limit $1
    ), taken as (
        select d.endpoint_id, d.message_id from webhook_deliveries d join free using (endpoint_id, message_id)
        where d.next_attempt_at <= now() and d.leased_until <= now()
        for update of d skip locked
    )
    update webhook_deliveries d
    set leased_until = now() + $3 * interval '1 millisecond', attempts = d.attempts + 1, last_attempt_at = now()
    from taken t, webhook_endpoints e
    where d.endpoint_id = t.endpoint_id and d.message_id = t.message_id and e.endpoint_id = t.endpoint_id
    returning ";

impl Webhooks {
    /// Leases messages that are due.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up, as for all others.
    pub async fn claim(&self, lease: Lease) -> Result<Vec<Claimed>, Error> {
        let write = self.begin().await?;
        let most = i64::try_from(lease.most).unwrap_or(i64::MAX);
        let rows =
            write.rows(&format!("{CLAIM}{CLAIMED}"), &[&most, &lease.share, &millis(lease.time)]).await?;
        write.commit().await?;
        rows.iter().map(claimed).collect()
    }

    /// Makes a message to one endpoint, enabled or not, that is leased from the beginning; `None` if there is no such endpoint.
    ///
    /// # Errors
    /// As above.
    pub async fn make_claimed(
        &self,
        organization: &str,
        endpoint: &str,
        (id, event_type, payload): (&str, &str, &str),
        lease: Duration,
    ) -> Result<Option<Claimed>, Error> {
        let write = self.begin().await?;
        let make = "insert into webhook_deliveries (message_id, endpoint_id, organization_id, event_type, payload, attempts,
                                                    next_attempt_at, last_attempt_at, leased_until)
                    select $3, endpoint_id, organization_id, $4, $5, 1, now(), now(), now() + $6 * interval '1 millisecond'
                    from webhook_endpoints where organization_id = $1 and endpoint_id = $2";
        write.change(make, &[&organization, &endpoint, &id, &event_type, &payload, &millis(lease)]).await?;
        let sql = format!(
            "select {CLAIMED} from webhook_deliveries d join webhook_endpoints e on e.endpoint_id = d.endpoint_id
             where d.organization_id = $1 and d.endpoint_id = $2 and d.message_id = $3"
        );
        let made = write.row(&sql, &[&organization, &endpoint, &id]).await?;
        write.commit().await?;
        made.as_ref().map(claimed).transpose()
    }

    /// Records what an attempt has come to, unless another one has begun.
    ///
    /// # Errors
    /// As above.
    pub async fn record(&self, claimed: &Claimed, outcome: &Outcome, next: Next) -> Result<(), Error> {
        let write = self.begin().await?;
        if next == Next::Disabled {
            // Before its messages, as wherever both are changed.
            let disable = "update webhook_endpoints set disabled_at = now(), disabled_reason = $2
                           where endpoint_id = $1 and disabled_at is null";
            write.change(disable, &[&claimed.endpoint, &outcome.error()]).await?;
        }
        let again = match next {
            Next::Again(delay) => Some(millis(delay)),
            Next::Done | Next::Dead | Next::Disabled => None,
        };
        let is_done = next == Next::Done;
        let record = "update webhook_deliveries
                      set delivered_at = case when $4 then now() end,
                          dead_at = case when $4 or $5::double precision is not null then null else now() end,
                          next_attempt_at = now() + $5 * interval '1 millisecond', leased_until = '-infinity',
                          last_status = $6, last_error = $7
                      where endpoint_id = $1 and message_id = $2 and attempts = $3 and ($4 or next_attempt_at is not null)";
        let status = outcome.status().map(i32::from);
        let Claimed { endpoint, id, attempts, .. } = claimed;
        write.change(record, &[endpoint, id, attempts, &is_done, &again, &status, &outcome.error()]).await?;
        if next == Next::Disabled {
            give_up(&write, endpoint).await?;
        }
        write.commit().await
    }

    /// Gives a lease up: another instance may make the next attempt at once.
    ///
    /// # Errors
    /// As above.
    pub async fn release(&self, claimed: &Claimed) -> Result<(), Error> {
        let write = self.begin().await?;
        let sql = "update webhook_deliveries set leased_until = '-infinity', next_attempt_at = now()
                   where endpoint_id = $1 and message_id = $2 and attempts = $3 and next_attempt_at is not null";
        write.change(sql, &[&claimed.endpoint, &claimed.id, &claimed.attempts]).await?;
        write.commit().await
    }

    /// The messages of a page, and one more if there is one; `None` if there is no such endpoint.
    ///
    /// # Errors
    /// As above.
    pub async fn deliveries(
        &self,
        organization: &str,
        endpoint: &str,
        page: &Page,
    ) -> Result<Option<Vec<Delivery>>, Error> {
        if self.endpoint(organization, endpoint).await?.is_none() {
            return Ok(None);
        }
        let write = self.begin().await?;
        let sql = format!(
            "select {DELIVERY} from webhook_deliveries
             where organization_id = $1 and endpoint_id = $2
               and ($3::text is null or $3 = case when next_attempt_at is not null then 'pending'
                                                  when dead_at is not null then 'dead' else 'delivered' end)
               and ($4::timestamptz is null or (created_at, message_id) < ($4, $5))
             order by created_at desc, message_id desc limit $6"
        );
        let state = page.state.map(State::name);
        let (at, id) = page.after.as_ref().map(|after| (after.created_at, after.id.as_str())).unzip();
        let limit = i64::from(page.limit) + 1;
        let rows = write.rows(&sql, &[&organization, &endpoint, &state, &at, &id, &limit]).await?;
        write.commit().await?;
        rows.iter().map(delivery).collect::<Result<_, _>>().map(Some)
    }

    /// One of an endpoint's messages.
    ///
    /// # Errors
    /// As above.
    pub async fn delivery(
        &self,
        organization: &str,
        endpoint: &str,
        id: &str,
    ) -> Result<Option<Delivery>, Error> {
        let write = self.begin().await?;
        let sql = format!(
            "select {DELIVERY} from webhook_deliveries
             where organization_id = $1 and endpoint_id = $2 and message_id = $3"
        );
        let found = write.row(&sql, &[&organization, &endpoint, &id]).await?;
        write.commit().await?;
        found.as_ref().map(delivery).transpose()
    }

    /// Makes a message due whatever has become of it, and begins its schedule anew.
    ///
    /// # Errors
    /// As above.
    pub async fn retry(&self, organization: &str, endpoint: &str, id: &str) -> Result<Retried, Error> {
        let write = self.begin().await?;
        let enabled = "select disabled_at is null from webhook_endpoints
                       where organization_id = $1 and endpoint_id = $2 for share";
        let Some(row) = write.row(enabled, &[&organization, &endpoint]).await? else {
            write.commit().await?;
            return Ok(Retried::Missing);
        };
        if !row.try_get::<_, bool>(0)? {
            write.commit().await?;
            return Ok(Retried::Disabled);
        }
        let sql = format!(
            "update webhook_deliveries
             set next_attempt_at = now(), begins_after = attempts, delivered_at = null, dead_at = null
             where organization_id = $1 and endpoint_id = $2 and message_id = $3
             returning {DELIVERY}"
        );
        let retried = write.row(&sql, &[&organization, &endpoint, &id]).await?;
        write.commit().await?;
        let retried = retried.as_ref().map(delivery).transpose()?;
        Ok(retried.map_or(Retried::Missing, |delivery| Retried::Due(Box::new(delivery))))
    }

    /// How many messages there are, of all organizations.
    ///
    /// # Errors
    /// As above.
    pub async fn count(&self) -> Result<Counted, Error> {
        let write = self.begin().await?;
        let sql = "select (select count(*) from webhook_deliveries where next_attempt_at is not null),
                          (select count(*) from webhook_deliveries where dead_at is not null),
                          (select coalesce(extract(epoch from now() - min(next_attempt_at)), 0)::double precision
                           from webhook_deliveries where next_attempt_at <= now() and leased_until <= now())";
        let row = write.row(sql, &[]).await?;
        write.commit().await?;
        let Some(row) = row else { return Ok(Counted::default()) };
        Ok(Counted { pending: row.try_get(0)?, dead: row.try_get(1)?, oldest_due: row.try_get(2)? })
    }

    /// Deletes messages that are older than this.
    ///
    /// # Errors
    /// As above.
    pub async fn prune(&self, retention: Duration) -> Result<(), Error> {
        let write = self.begin().await?;
        let sql = "delete from webhook_deliveries where (endpoint_id, message_id) in (
                       select endpoint_id, message_id from webhook_deliveries
                       where created_at < now() - $1 * interval '1 millisecond' limit $2 for update skip locked)";
        write.change(sql, &[&millis(retention), &PRUNED_MAX]).await?;
        write.commit().await
    }
}

/// Gives up what is pending for an endpoint that has been disabled.
pub(super) async fn give_up(write: &Write, endpoint: &str) -> Result<(), Error> {
    let sql = "update webhook_deliveries
               set dead_at = now(), next_attempt_at = null,
                   last_error = coalesce(last_error, 'the endpoint was disabled before it was delivered')
               where endpoint_id = $1 and next_attempt_at is not null";
    write.change(sql, &[&endpoint]).await.map(drop)
}
