//! Hours with more messages delivered than sent. They are counted rightly; the records about them are wrong, and operators are told.

use super::{Connection, Error};
use chrono::{DateTime, TimeDelta, Utc};
use domain::BucketSize;
use domain::excess::{DELIVERED_MIN, EXCESS_MIN, EXCESS_PERCENT};

/// Over how long hours are looked at.
const LOOKS_BACK: TimeDelta = TimeDelta::days(1);

/// Hours that ended later are left out: `SENT` may come after `DELIVERED`.
const SETTLED_AFTER: TimeDelta = TimeDelta::hours(1);

/// Organizations' hours from `$1` on and before `$2`, by the limits of [`domain::excess`].
const HOURS: &str = "
select count(*) from org_hourly_metrics
where hour_bucket >= $1 and hour_bucket < $2 and messages_delivered >= $3
  and messages_delivered - messages_sent >= $4
  and (messages_delivered - messages_sent) * 100 >= messages_sent * $5";

impl Connection {
    /// How many hours of organizations, of the last day that has settled, have more messages delivered than sent.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn hours_of_excess(&mut self, now: DateTime<Utc>) -> Result<i64, Error> {
        let until = BucketSize::Hour.floor(now - SETTLED_AFTER);
        let from = until - LOOKS_BACK;
        let limits = [DELIVERED_MIN, EXCESS_MIN, EXCESS_PERCENT];
        let [delivered, excess, percent] = &limits;
        Ok(self.client.query_one(HOURS, &[&from, &until, delivered, excess, percent]).await?.get(0))
    }
}
