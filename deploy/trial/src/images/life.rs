//! The images on real servers, as compose.yaml and the chart run them: migrated, healthy, counting, and ended by SIGTERM.

use super::built::Image;
use super::container::{Container, Launch};
use super::sandbox::Sandbox;
use crate::steps::Steps;
use anyhow::{Context as _, ensure};
use load::Topics;
use machine::environment::Environment;
use stack::token::Secret;
use stack::wait::{self, Seen};
use stack::{DatabaseUrl, Purpose, Role, Services, http, port};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_postgres::Client;

/// How long a command that ends by itself may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(120);
/// How long the first records may take.
const COUNT_LIMIT: Duration = Duration::from_secs(120);
/// How many records of history are published.
const RECORDS: u32 = 3_000;
/// Of each topic.
const PARTITIONS: i32 = 8;

/// Everything that containers are started with.
struct Place<'a> {
    sandbox: &'a Sandbox,
    services: Services,
    database: DatabaseUrl,
    secret: Secret,
}

/// The containers that run until they are stopped.
struct Running<'a> {
    consumer: Container<'a>,
    query_api: Container<'a>,
    producer: Container<'a>,
    api: SocketAddr,
}

/// Takes all steps, each on what the one before has left.
pub(super) async fn run(
    sandbox: &Sandbox,
    environment: &Environment,
    steps: &mut Steps,
) -> anyhow::Result<()> {
    if environment.kafka_brokers.is_some() || environment.database_url.is_some() {
        steps.skip(
            "on real servers",
            "KAFKA_BROKERS or DATABASE_URL is set: the trial makes topics and roles of its own",
        );
        return Ok(());
    }
    let services = Services::start(Purpose::Tests).await?;
    if !services.kafka.is_real() {
        steps.skip("on real servers", "there is no real Kafka here");
        return Ok(());
    }
    let database = services.postgres.create_database("business_metrics_images").await?;
    let place = Place { sandbox, services, database, secret: Secret::random()? };
    if !steps.take("consumer: migrates, as the owner's role", place.migrate().await) {
        return Ok(());
    }
    steps.take("consumer: without Kafka not healthy, and ends with 0", place.is_unhealthy().await);
    let mut running = match place.start() {
        Ok(running) => running,
        Err(error) => {
            steps.take("all: start", Err(error));
            return Ok(());
        }
    };
    let healthy = async {
        running.consumer.until_healthy().await?;
        running.query_api.until_healthy().await
    };
    steps.take("consumer and query-api: healthy", healthy.await);
    for (name, container) in [
        ("consumer", &running.consumer),
        ("query-api", &running.query_api),
        ("demo-producer", &running.producer),
    ] {
        steps.take(format!("{name}: no rights, nothing writable, nobody's user"), container.is_restricted());
    }
    steps.take("consumer: counts what demo-producer publishes", place.counts().await);
    steps.take("query-api: serves the page", serves_the_page(running.api));
    steps.take("demo-producer: SIGTERM ends it with 0", running.producer.ends_with_0().await);
    steps.take("consumer: SIGTERM ends it with 0", running.consumer.ends_with_0().await);
    steps.take("query-api: SIGTERM ends it with 0", running.query_api.ends_with_0().await);
    let audit = place.consumer("audit", Role::Consumer)?.args(&["audit"]).finish(COMMAND_LIMIT);
    steps.take("consumer: the books agree", audit.await);
    Ok(())
}

impl<'a> Place<'a> {
    async fn migrate(&self) -> anyhow::Result<()> {
        self.services.kafka.create_topics(&Topics::default().all(), PARTITIONS).await?;
        self.database.grant_roles().await?;
        self.consumer("migrate", Role::Owner)?.args(&["migrate"]).finish(COMMAND_LIMIT).await?;
        self.database.grant_roles().await
    }

    /// A member that reaches no broker is alive and not healthy.
    async fn is_unhealthy(&self) -> anyhow::Result<()> {
        let admin = local()?;
        let launch = self.consumer("alone", Role::Consumer)?;
        let launch = launch.set("KAFKA_BROKERS", local()?.to_string()).set("ADMIN_ADDR", admin.to_string());
        let member = launch.start()?;
        let alive = wait::until("a member to be alive", COMMAND_LIMIT, async || {
            let answer = tokio::task::block_in_place(|| http::get(admin, "/healthz"));
            Ok(answer.map_or_else(|_| Seen::NotYet(member.log_tail()), |_| Seen::Ready(())))
        });
        alive.await?;
        ensure!(!member.is_healthy()?, "it says that it is");
        member.ends_with_0().await
    }

    fn start(&self) -> anyhow::Result<Running<'a>> {
        let kafka = self.services.kafka.brokers();
        let (api, api_admin, consumer_admin) = (local()?, local()?, local()?);
        let consumer = self.consumer("member", Role::Consumer)?;
        let consumer = consumer.set("KAFKA_BROKERS", kafka).set("ADMIN_ADDR", consumer_admin.to_string());
        let secrets = self.secrets(Role::Api)?;
        readable(&secrets.join("jwt_hs256_secret"), self.secret.as_str())?;
        let query_api = self.with_redis(Launch::new(self.sandbox, Image::QueryApi, "api"));
        let query_api = query_api
            .secrets(&secrets)
            .set("DATABASE_URL_FILE", "/run/secrets/database_url")
            .set("JWT_HS256_SECRET_FILE", "/run/secrets/jwt_hs256_secret")
            .set("LISTEN_ADDR", api.to_string())
            .set("ADMIN_ADDR", api_admin.to_string());
        let producer = Launch::new(self.sandbox, Image::DemoProducer, "producer");
        let producer = producer.set("KAFKA_BROKERS", kafka).set("DEMO_RECORDS", RECORDS.to_string());
        Ok(Running {
            consumer: consumer.start()?,
            query_api: query_api.start()?,
            producer: producer.start()?,
            api,
        })
    }

    /// Waits until orders are counted.
    async fn counts(&self) -> anyhow::Result<()> {
        let client = self.database.connect().await?;
        wait::until("orders to be counted", COUNT_LIMIT, async || {
            let orders = orders(&client).await?;
            Ok(Seen::when(orders > 0, format!("{orders} orders are counted")))
        })
        .await
    }

    /// The consumer's image, as this role, whose address of the database is in a file.
    fn consumer(&self, what: &str, role: Role) -> anyhow::Result<Launch<'a>> {
        let launch = self.with_redis(Launch::new(self.sandbox, Image::Consumer, what));
        let secrets = self.secrets(role)?;
        Ok(launch.secrets(&secrets).set("DATABASE_URL_FILE", "/run/secrets/database_url"))
    }

    fn with_redis(&self, launch: Launch<'a>) -> Launch<'a> {
        match &self.services.redis {
            Some(redis) => launch.set("REDIS_URL", redis.url()),
            None => launch,
        }
    }

    /// A folder with a role's secrets.
    fn secrets(&self, role: Role) -> anyhow::Result<PathBuf> {
        let folder = self.sandbox.run().join(format!("secrets-{role:?}"));
        std::fs::create_dir_all(&folder)?;
        readable(&folder.join("database_url"), self.database.of(role).as_str())?;
        Ok(folder)
    }
}

/// Writes a file that the images' user can read.
fn readable(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text)?;
    let permissions = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(path, permissions)
        .with_context(|| format!("{} can't be made readable", path.display()))
}

fn serves_the_page(api: SocketAddr) -> anyhow::Result<()> {
    let page = tokio::task::block_in_place(|| http::get(api, "/overview"))?;
    ensure!(page.contains("<html"), "/overview is no page: {page}");
    Ok(())
}

async fn orders(client: &Client) -> anyhow::Result<i64> {
    let sum = "select coalesce(sum(orders_created), 0)::bigint from org_daily_metrics";
    Ok(client.query_one(sum, &[]).await?.get(0))
}

fn local() -> anyhow::Result<SocketAddr> {
    Ok((Ipv4Addr::LOCALHOST, port::free()?).into())
}
