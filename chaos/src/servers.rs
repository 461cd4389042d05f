//! The servers of a run: Kafka brokers, a PostgreSQL pair and Redis. All are started here, so that they may be taken away.

use machine::environment::Environment;
use machine::kafka::{KafkaPlan, LocalKafka};
use machine::plan::Plan;
use machine::postgres::Programs;
use machine::redis::RedisPlan;
use machine::{say, workspace};
use stack::{KafkaCluster, PostgresPair, Redis};
use std::path::{Path, PathBuf};

/// The servers.
#[derive(Debug)]
pub struct Servers {
    /// The brokers.
    pub kafka: KafkaCluster,
    /// The primary and its standby.
    pub postgres: PostgresPair,
    /// Redis.
    pub redis: Redis,
    run: PathBuf,
    environment: Environment,
}

/// What can be started here.
struct Startable {
    kafka: LocalKafka,
    postgres: Programs,
    redis: RedisPlan,
}

impl Servers {
    /// Starts all, with this many Kafka brokers.
    ///
    /// # Errors
    /// When one can't be started here; the error says what to install.
    pub async fn start(brokers: usize) -> anyhow::Result<Self> {
        let environment = Environment::read();
        let run = workspace::new_run("chaos")?;
        let startable = startable(&environment).map_err(anyhow::Error::msg)?;
        let postgres = PostgresPair::start(&startable.postgres, &run, &environment).await?;
        say::choice("PostgreSQL", &postgres);
        let kafka = KafkaCluster::start(&startable.kafka, brokers, &run, &environment).await?;
        say::choice("Kafka", kafka.kafka());
        let redis = Redis::start(startable.redis, &run, &environment).await?;
        let redis = redis.ok_or_else(|| anyhow::anyhow!("{}", machine::redis::MISSING))?;
        say::choice("Redis", &redis);
        say::choice("Logs", run.display());
        Ok(Self { kafka, postgres, redis, run, environment })
    }

    /// This run's folder.
    #[must_use]
    pub fn run(&self) -> &Path {
        &self.run
    }

    /// The environment in which they were started.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }
}

/// Why the servers can't be started here, in a sentence.
#[must_use]
pub fn lacking() -> Option<String> {
    startable(&Environment::read()).err()
}

fn startable(environment: &Environment) -> Result<Startable, String> {
    let ours = |what: &str, variable: &str, packages: &str| {
        format!(
            "{what} must be started here, or it can't be taken away: unset {variable}, install {packages}"
        )
    };
    let plan = Plan::find(environment);
    let kafka = match plan.kafka {
        KafkaPlan::Local(local) => local,
        KafkaPlan::Given(_) | KafkaPlan::Mock(_) => {
            return Err(ours("Kafka", "KAFKA_BROKERS", "Java 17 or newer and Maven"));
        }
    };
    let packages = "PostgreSQL 15 or newer with pg_basebackup and pg_dump";
    let postgres = PostgresPair::programs(environment);
    let postgres = postgres.ok_or_else(|| ours("PostgreSQL", "DATABASE_URL", packages))?;
    match plan.redis {
        redis @ RedisPlan::Local(_) => Ok(Startable { kafka, postgres, redis }),
        RedisPlan::Given(_) | RedisPlan::Missing => Err(ours("Redis", "REDIS_URL", "redis-server")),
    }
}
