//! Kafka, PostgreSQL and Redis: each one given by the environment, or started here, or said to be missing. What the
//! demo, the stories, benchmarks and chaos stand on.
//!
//! ```text
//! machine -> Services  kafka, postgres, redis: given, else started here, else said to be missing
//!               |
//!            run::server   a program that can be killed, stopped, paused and started again in place
//!               |
//!            run::process  one child, which ends when we do, however we end
//!
//! proxy     a go-between that fails connections, in mid-COMMIT too
//! binaries  the system's own programs, built and found
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
mod proxy;
mod redis;

pub use kafka::Kafka;
pub use postgres::{DatabaseUrl, Postgres};
pub use proxy::{Cut, Proxy};
pub use redis::Redis;

use machine::environment::Environment;
use machine::plan::Plan;
use machine::{say, workspace};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the services are for, which decides how much memory they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Many short stories: as little as works.
    Tests,
    /// A person watching.
    Demo,
    /// Millions of records a second.
    Benchmarks,
    /// Faults while records stream through.
    Chaos,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Tests => "tests",
            Self::Demo => "demo",
            Self::Benchmarks => "bench",
            Self::Chaos => "chaos",
        }
    }
}

/// One of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Kafka.
    Kafka,
    /// PostgreSQL.
    Postgres,
    /// Redis.
    Redis,
}

/// Running services. Those started here end with the last value that has them, or with this process, however that
/// ends.
#[derive(Clone, Debug)]
pub struct Services {
    /// Where the records are.
    pub kafka: Arc<Kafka>,
    /// Where the counts are.
    pub postgres: Arc<Postgres>,
    /// Where the answers are cached, if anywhere.
    pub redis: Option<Arc<Redis>>,
    purpose: Purpose,
    run: PathBuf,
    environment: Environment,
}

impl Services {
    /// Finds or starts each service and says, a line each, what was chosen and why.
    ///
    /// # Errors
    /// When PostgreSQL can't be had (the error says what to install), or something installed does not start.
    pub async fn start(purpose: Purpose) -> anyhow::Result<Self> {
        let environment = Environment::read();
        let run = workspace::new_run(purpose.name())?;
        let plan = Plan::find(&environment);
        // First what can't be done without, so that its lack is said before anything else is waited for.
        let postgres = Postgres::start(plan.postgres, &run, &environment).await?.into();
        let kafka = Kafka::start(plan.kafka, purpose, &run, &environment).await?.into();
        let redis = Redis::start(plan.redis, &run, &environment).await?.map(Arc::new);
        let services = Self { kafka, postgres, redis, purpose, run, environment };
        services.introduce();
        Ok(services)
    }

    /// The same services, but for one that is started anew and shared with nobody: it may be taken away. A service
    /// that is given by the environment, or missing, stays what it is.
    ///
    /// # Errors
    /// When it does not start.
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

    /// Says what each service is.
    pub fn introduce(&self) {
        say::choice("Kafka", &self.kafka);
        say::choice("PostgreSQL", &self.postgres);
        match &self.redis {
            Some(redis) => say::choice("Redis", redis),
            None => say::choice("Redis", format_args!("none: {}", machine::redis::MISSING)),
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
