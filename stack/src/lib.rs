//! Kafka, PostgreSQL and Redis: each one given by the environment, started here, or reported as missing. The demo, the
//! stories, benchmarks and chaos run on them.
//!
//! ```text
//! machine -> Services  kafka, postgres, redis: given, else started here, else reported as missing
//!               |
//!            run::server   a program that can be killed, stopped, paused and started again in place
//!               |
//!            run::process  a child process that ends when we do, however we end
//!
//! proxy       a proxy that fails PostgreSQL connections, also during COMMIT
//! prometheus  the alerts that are shipped, in a hurry
//! tls         what a server shows and trusts when it speaks TLS
//! binaries    the system's own programs, built and found
//! ```

pub mod bar;
pub mod binaries;
pub mod http;
pub mod port;
pub mod run;
pub mod token;
pub mod wait;

mod kafka;
mod postgres;
mod prometheus;
mod proxy;
mod redis;
mod tls;

pub use kafka::{Kafka, KafkaCluster, SecuredKafka, Security};
pub use postgres::{Citus, DatabaseUrl, PoolMode, Pooler, Postgres, PostgresPair, Role};
pub use prometheus::{Alert, FASTER, Prometheus, faster};
pub use proxy::{Cut, Proxy, Target};
pub use redis::Redis;
pub use tls::ServerTls;

use machine::environment::Environment;
use machine::plan::Plan;
use machine::{say, workspace};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the services are used for, which determines how much memory they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Many short stories: as little memory as possible.
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

/// One of the three services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Kafka.
    Kafka,
    /// PostgreSQL.
    Postgres,
    /// Redis.
    Redis,
}

/// Running services. Those started here end when the last clone is dropped, or when this process ends, however that
/// happens.
#[derive(Clone, Debug)]
pub struct Services {
    /// Kafka, for records.
    pub kafka: Arc<Kafka>,
    /// PostgreSQL, for counters.
    pub postgres: Arc<Postgres>,
    /// Redis, for cached answers, if there is one.
    pub redis: Option<Arc<Redis>>,
    purpose: Purpose,
    run: PathBuf,
    environment: Environment,
}

impl Services {
    /// Finds or starts each service, and prints a line for each with what was chosen and why.
    ///
    /// # Errors
    /// When PostgreSQL can't be obtained (the error says what to install), or an installed service doesn't start.
    pub async fn start(purpose: Purpose) -> anyhow::Result<Self> {
        let environment = Environment::read();
        let run = workspace::new_run(purpose.name())?;
        let plan = Plan::find(&environment);
        // The required service first: if it is missing, the error comes before anything else is waited for.
        let postgres = Postgres::start(plan.postgres, &run, &environment).await?.into();
        let kafka = Kafka::start(plan.kafka, purpose, &run, &environment).await?.into();
        let redis = Redis::start(plan.redis, &run, &environment).await?.map(Arc::new);
        let services = Self { kafka, postgres, redis, purpose, run, environment };
        services.introduce();
        Ok(services)
    }

    /// The same services, except that one is started again and not shared, so that it may be taken away. A service that the
    /// environment gives, or that is missing, stays as it is.
    ///
    /// # Errors
    /// When it doesn't start.
    pub async fn with_own(&self, service: Service) -> anyhow::Result<Self> {
        let mut services = self.clone();
        let plan = Plan::find(&self.environment);
        match service {
            Service::Kafka => {
                services.kafka =
                    Kafka::start(plan.kafka, self.purpose, &self.run, &self.environment).await?.into();
            }
            Service::Postgres => {
                services.postgres =
                    Postgres::start(plan.postgres, &self.run, &self.environment).await?.into();
            }
            Service::Redis => {
                services.redis = Redis::start(plan.redis, &self.run, &self.environment).await?.map(Arc::new);
            }
        }
        Ok(services)
    }

    /// Prints what each service is.
    pub fn introduce(&self) {
        say::choice("Kafka", &self.kafka);
        say::choice("PostgreSQL", &self.postgres);
        match &self.redis {
            Some(redis) => say::choice("Redis", redis),
            None => say::choice("Redis", format_args!("none: {}", machine::redis::MISSING)),
        }
        say::choice("Logs", self.run.display());
    }

    /// This run's folder under `target/`: logs, and state that is useful after the run.
    #[must_use]
    pub fn run(&self) -> &Path {
        &self.run
    }

    /// The environment in which they were found.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }
}
