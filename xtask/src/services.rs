//! Kafka, PostgreSQL and Redis: each one given by the environment, or started here, or said to be missing.

mod java;
mod kafka;
mod maven;
mod mock_kafka;
mod postgres;
mod postgres_programs;
mod redis;

pub use kafka::{Kafka, KafkaPlan};
pub use mock_kafka::MockKafka;
pub use postgres::{DatabaseUrl, Postgres, PostgresPlan};
pub use redis::{Redis, RedisPlan};

use crate::environment::Environment;
use crate::{say, workspace};
use std::path::{Path, PathBuf};

/// What the services are for, which decides how much memory they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Many short stories: as little as works.
    Tests,
    /// A person watching.
    Demo,
    /// Millions of records a second.
    Benchmarks,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Tests => "tests",
            Self::Demo => "demo",
            Self::Benchmarks => "bench",
        }
    }
}

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

/// Running services. Those started here end with this value, or with this process, however that ends.
#[derive(Debug)]
pub struct Services {
    /// Where the records are.
    pub kafka: Kafka,
    /// Where the counts are.
    pub postgres: Postgres,
    /// Where the answers are cached, if anywhere.
    pub redis: Option<Redis>,
    run: PathBuf,
    environment: Environment,
}

impl Services {
    /// Finds or starts each service and says, a line each, what was chosen and why.
    ///
    /// # Errors
    /// When PostgreSQL can't be had (the error says what to install), or something installed does not start.
    pub async fn start(purpose: Purpose) -> anyhow::Result<Self> {
        let services = Self::start_quietly(purpose).await?;
        services.introduce();
        Ok(services)
    }

    /// The same without a word.
    ///
    /// # Errors
    /// As for [`Services::start`].
    pub async fn start_quietly(purpose: Purpose) -> anyhow::Result<Self> {
        let environment = Environment::read();
        let run = workspace::new_run(purpose.name())?;
        let plan = Plan::find(&environment);
        let kafka = Kafka::start(plan.kafka, purpose, &run, &environment).await?;
        let postgres = Postgres::start(plan.postgres, &run, &environment).await?;
        let redis = Redis::start(plan.redis, &run, &environment).await?;
        Ok(Self { kafka, postgres, redis, run, environment })
    }

    /// Says what each service is.
    pub fn introduce(&self) {
        say::choice("Kafka", &self.kafka);
        say::choice("PostgreSQL", &self.postgres);
        match &self.redis {
            Some(redis) => say::choice("Redis", redis),
            None => say::choice("Redis", format_args!("none: {}", redis::MISSING)),
        }
        say::choice("Logs", self.run.display());
    }

    /// This run's folder under `target/`: logs, and state worth a look afterwards.
    #[must_use]
    pub fn run(&self) -> &Path {
        &self.run
    }

    /// The environment they were found in.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }
}
