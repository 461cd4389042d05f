//! How far counting is, read from the tables and from the consumer's metrics.

use super::stage::Stage;
use anyhow::Context as _;
use load::Tally;
use stack::http;
use std::fmt;

/// The five counters to which a unique record adds exactly one, summed over all organizations.
const COUNTED: &str = "select coalesce(sum(orders_created + payments_total + workflows_total + messages_sent \
                       + messages_delivered), 0)::bigint from org_daily_metrics";

/// All refused records, whether kept whole or not.
const REFUSED: &str = "select (select count(*) from dead_letters) \
                       + (select coalesce(sum(records), 0)::bigint from dead_letter_runs)";

/// The numbers of records at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Produced, without repeats.
    pub unique: u64,
    /// Counted in the tables.
    pub counted: i64,
    /// Recognized as counted before.
    pub duplicates: u64,
    /// Refused, and kept as dead letters.
    pub dead_letters: i64,
    /// Produced, but not committed yet.
    pub lag: i64,
}

impl Standing {
    /// The numbers now, when Kafka has the `produced` records of this tally.
    ///
    /// # Errors
    /// When the database doesn't answer.
    pub async fn read(stage: &Stage, produced: u64, tally: Tally) -> anyhow::Result<Self> {
        let client = stage.client();
        let number = async |query: &str| -> anyhow::Result<i64> {
            Ok(client.query_one(query, &[]).await.context("the database doesn't answer")?.get(0))
        };
        let read = number("select coalesce(sum(next_offset), 0)::bigint from consumer_progress").await?;
        let metrics =
            tokio::task::block_in_place(|| http::get(stage.consumer_admin(), "/metrics")).unwrap_or_default();
        Ok(Self {
            unique: tally.counted,
            counted: number(COUNTED).await?,
            duplicates: http::series_sum(&metrics, "consumer_records_total", "outcome=\"duplicate\""),
            dead_letters: number(REFUSED).await?,
            lag: i64::try_from(produced)? - read,
        })
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unique, counted, duplicates, dead_letters, lag } = self;
        write!(
            f,
            "produced {unique} unique, counted {counted}, duplicates {duplicates}, dead letters {dead_letters}, lag {lag}"
        )
    }
}
