//! How Kafka, PostgreSQL and Redis will be had.

use crate::environment::Environment;
use crate::kafka::KafkaPlan;
use crate::postgres::PostgresPlan;
use crate::redis::RedisPlan;

/// How each service will be had: found out without starting anything.
#[derive(Debug)]
pub struct Plan {
    /// Kafka.
    pub kafka: KafkaPlan,
    /// PostgreSQL.
    pub postgres: PostgresPlan,
    /// Redis.
    pub redis: RedisPlan,
}

impl Plan {
    /// Looks at the environment and at what is installed.
    #[must_use]
    pub fn find(environment: &Environment) -> Self {
        Self {
            kafka: KafkaPlan::find(environment),
            postgres: PostgresPlan::find(environment),
            redis: RedisPlan::find(environment),
        }
    }

    /// What can't be shown with these services, in sentences for people; empty when all of them are real.
    #[must_use]
    pub fn shortcomings(&self) -> Vec<String> {
        [self.kafka.shortcoming(), self.postgres.shortcoming(), self.redis.shortcoming()]
            .into_iter()
            .flatten()
            .collect()
    }
}
