//! What benchmarks of the consumer begin and end with: the services and binaries, and the comparison with the known truth.

use ::load::{Differences, Truth, check};
use anyhow::ensure;
use machine::say;
use stack::binaries::{Binaries, Profile};
use stack::{Purpose, Services};
use tokio::task::block_in_place;
use tokio_postgres::Client;

/// The services, with a real Kafka, and the binaries to measure.
pub struct Stage {
    /// Kafka, PostgreSQL, and Redis if there is one.
    pub services: Services,
    /// The binaries, built for release.
    pub binaries: Binaries,
}

impl Stage {
    /// Starts the services, and builds the binaries.
    ///
    /// # Errors
    /// When that fails, or Kafka isn't a real one.
    pub async fn set() -> anyhow::Result<Self> {
        let services = Services::start(Purpose::Benchmarks).await?;
        ensure!(
            services.kafka.is_real(),
            "a benchmark needs a real Kafka: install Java 17 or newer and Maven"
        );
        say::line("Building consumer and query-api (release)");
        let binaries = block_in_place(|| Binaries::build(Profile::Release))?;
        Ok(Self { services, binaries })
    }
}

/// Compares every sum in the database with the truth, and returns the comparison, which has no difference.
///
/// # Errors
/// When a sum is wrong: a benchmark has no figure then.
pub async fn must_be_right(client: &Client, truth: &Truth) -> anyhow::Result<Differences> {
    let differences = check(client, truth).await?;
    ensure!(differences.is_empty(), "the counts are wrong, so there is no figure: {differences}");
    Ok(differences)
}
