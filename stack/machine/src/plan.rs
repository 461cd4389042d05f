//! How Kafka, PostgreSQL and Redis are obtained.

use crate::environment::Environment;
use crate::kafka::KafkaPlan;
use crate::postgres::PostgresPlan;
use crate::redis::RedisPlan;

/// How each service is obtained. Nothing is started to find out.
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
    /// Checks the environment and the installed programs.
    #[must_use]
    pub fn find(environment: &Environment) -> Self {
        Self {
            kafka: KafkaPlan::find(environment),
            postgres: PostgresPlan::find(environment),
            redis: RedisPlan::find(environment),
        }
    }

    /// What these services can't show, in sentences for people; empty if all are real.
    #[must_use]
    pub fn shortcomings(&self) -> Vec<String> {
        [self.kafka.shortcoming(), self.postgres.shortcoming(), self.redis.shortcoming()]
            .into_iter()
            .flatten()
            .collect()
    }
}
