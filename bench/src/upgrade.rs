//! An upgrade of a database with a past, from an older build of the consumer to this one, while both count.
//!
//! The older build makes the database, and its members count records at a constant rate while this build migrates, while its
//! members take over, and while `migrate --finish` ends the older build's time. The progress of each partition is read from
//! PostgreSQL about every 20 ms. At the end every quarter of an hour of the past must be what it was, the days of the workflows
//! must be the sums of their hours, and every sum of what was counted meanwhile must be right.

use super::chart::{Bar, Chart, grouped};
use super::finding::Finding;
use super::group::{Group, create_topics};
use super::record::{Outputs, Row};
use super::round::{as_float, drop_database};
use super::stage::{Stage, must_be_right};
use super::watch::Watch;
use ::load::Topics;
use anyhow::{Context as _, ensure};
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use machine::say;
use serde::Serialize;
use stack::Services;
use stack::run::process::Process;
use stack::run::program::Program;
use stack::wait::{self, Seen};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_postgres::Client;

const PARTITIONS: i32 = 8;
/// Hours of each organization: less than the time that an older build keeps quarters of hours for.
const HOURS: i64 = 600;
/// Organizations that are stored in one transaction.
const AT_ONCE: i64 = 500;
/// How long partitions are watched before and after each step.
const CALM: Duration = Duration::from_secs(10);
/// How long a member may take to claim partitions or to end.
const CHANGE_LIMIT: Duration = Duration::from_secs(120);
/// How long a migration may take.
const MIGRATION_LIMIT: Duration = Duration::from_secs(3 * 3_600);
/// The longest standstill while a migration works.
const STANDSTILL: Duration = Duration::from_secs(1);

/// Quarters of an hour of organizations `$1` to `$2`, `$4` hours up to `$3`, in the table of older builds. In the first quarter of
/// every tenth hour there are runs of a workflow.
const QUARTERS: &str = "
    insert into org_quarter_hourly_metrics
        (organization_id, quarter_bucket, orders_created, payments_total, payments_successful, messages_sent,
         messages_delivered, workflows_total, total_execution_time_ms)
    select 'past_' || lpad(o::text, 6, '0'), $3::timestamptz - q * interval '15 minutes', n, 2 * n, n, 3 * n, 3 * n - q % 2,
           w, 100 * w
    from generate_series($1::bigint, $2::bigint - 1) as o, generate_series(4 * $4::bigint, 1, -1) as q,
         lateral (select 1 + (7 * o + 13 * q) % 20 as n, case when q % 40 = 0 then 1 + q % 3 else 0 end as w) as numbers
    order by o, q desc";
/// The runs of the same workflows by hour.
const RUNS: &str = "
    insert into workflow_hourly_metrics
        (organization_id, workflow_id, hour_bucket, workflow_name, name_as_of, runs, total_execution_time_ms, durations)
    select organization_id, 'w', quarter_bucket, 'Nightly', now(), workflows_total, total_execution_time_ms,
           workflows_total * trunc(10::numeric ^ 240)
    from org_quarter_hourly_metrics
    where workflows_total > 0 and organization_id >= 'past_' || lpad($1::bigint::text, 6, '0')
      and organization_id < 'past_' || lpad($2::bigint::text, 6, '0')
    order by organization_id, quarter_bucket";
/// The hours, or the days, of the same.
const BUCKETS: &str = "
    insert into TABLE
        (organization_id, BUCKET, orders_created, payments_total, payments_successful, messages_sent, messages_delivered,
         workflows_total, total_execution_time_ms)
    select organization_id, date_trunc('UNIT', quarter_bucket, 'UTC') as bucket, sum(orders_created), sum(payments_total),
           sum(payments_successful), sum(messages_sent), sum(messages_delivered), sum(workflows_total),
           sum(total_execution_time_ms)
    from org_quarter_hourly_metrics
    where organization_id >= 'past_' || lpad($1::bigint::text, 6, '0')
      and organization_id < 'past_' || lpad($2::bigint::text, 6, '0')
    group by organization_id, bucket order by organization_id, bucket";
/// A sum over all cells of the past's quarters that any difference changes.
const DIGEST: &str = "
    select count(*), sum(hash_record_extended(row(organization_id, quarter_bucket, orders_created, payments_total,
               payments_successful, messages_sent, messages_delivered, workflows_total), 0)::numeric)::text
    from RELATION where organization_id like 'past%' and orders_created > 0";
/// Days of workflows that aren't the sums of their hours.
const WRONG_DAYS: &str = "
    select count(*), min(concat(h, ' and ', d)) from
        (select organization_id, workflow_id, date_bin('1 day', hour_bucket, 'epoch') as day_bucket, sum(runs) as runs,
                sum(durations) as durations from workflow_hourly_metrics group by 1, 2, 3) h
    full join workflow_daily_metrics d using (organization_id, workflow_id, day_bucket)
    where (h.runs, h.durations) is distinct from (d.runs, d.durations)";

/// Options of `upgrade`.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub struct Options {
    /// The consumer's binary of an older version, built from its commit
    #[arg(long, value_name = "FILE")]
    former: PathBuf,
    /// Quarters of an hour that the older version has counted
    #[arg(long, default_value_t = 100_000_000, value_parser = clap::value_parser!(u64).range(2_400..=1_000_000_000))]
    quarters: u64,
    /// Records produced each second meanwhile
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1_000..=1_000_000))]
    rate: u64,
    #[command(flatten)]
    #[serde(skip)]
    outputs: Outputs,
}

/// A step of the upgrade.
#[derive(Clone, Debug, Serialize)]
struct Step {
    name: &'static str,
    seconds: f64,
    /// The longest standstill of a partition meanwhile, in seconds.
    standstill: f64,
}

/// Measures, prints and saves the figures.
///
/// # Errors
/// When something can't be started, a step fails, or a cell or a sum is wrong.
pub async fn run(options: &Options) -> anyhow::Result<Vec<Finding>> {
    let former = options.former.canonicalize().context("the older version's consumer")?;
    let Stage { services, binaries } = Stage::set().await?;
    let topics = Topics::prefixed(&format!("bench-{}-upgrade-", std::process::id()));
    create_topics(&services, &topics, PARTITIONS).await?;
    let name = format!("upgrade_{}", std::process::id());
    let database = services.postgres.create_database(&name).await?;
    let (consumer, topics) = (&*binaries.consumer, &topics);
    let group = Group { services: &services, consumer, topics, name: &name, database: &database };
    let steps = options.measure(&group, &former).await?;
    drop_database(&services, &name).await?;
    say::line("Every cell and every sum was right.");
    options.report(&services, &steps).await
}

impl Options {
    async fn measure(&self, group: &Group<'_>, former: &Path) -> anyhow::Result<Vec<Step>> {
        let of_former = Group { consumer: former, ..*group };
        let mut made = command(&of_former, &["migrate"], "former-migrate")?;
        let status = wait::until("the older version's migration", CHANGE_LIMIT, async || {
            Ok(made.ended().map_or_else(|| Seen::NotYet("it runs".into()), Seen::Ready))
        });
        ensure!(status.await?.success(), "the older version's migration failed:\n{}", made.log_tail());
        let mut client = group.database.connect().await?;
        let mut watch = group.watch(PARTITIONS).await?;
        // A member makes the months' tables of quarters before it counts.
        let mut members = vec![of_former.start("former-1", &[])?, of_former.start("former-2", &[])?];
        watch.until("members of the older version", CHANGE_LIMIT, |watch| all_owned(watch, &members)).await?;
        self.store(&mut client).await?;
        let before = digest(&client, "org_quarter_hourly_metrics").await?;

        let producer = group.produce(PARTITIONS, self.rate)?;
        let mut steps = Vec::new();
        say::line("step                                seconds   longest standstill of a partition, s");
        let start = watch.now();
        watch.until("counting", CHANGE_LIMIT, |watch| watch.all_advanced_since(start)).await?;
        let start = watch.now();
        watch.look_on(CALM).await?;
        steps.push(Step::since("members of the older version", start, &watch));

        let start = watch.now();
        ended(command(group, &["migrate"], "migrate")?, &mut watch).await?;
        steps.push(Step::since("migrate, beside them", start, &watch));

        let start = watch.now();
        members.extend([group.start("new-1", &[])?, group.start("new-2", &[])?]);
        watch.until("members of both", CHANGE_LIMIT, |watch| shared(watch, &members)).await?;
        watch.look_on(CALM).await?;
        for mut member in members.drain(..2) {
            tokio::task::block_in_place(|| member.stop());
        }
        watch.until("this version's members alone", CHANGE_LIMIT, |watch| all_owned(watch, &members)).await?;
        watch.look_on(CALM).await?;
        steps.push(Step::since("members one version after the other", start, &watch));

        let start = watch.now();
        ended(command(group, &["migrate", "--finish"], "finish")?, &mut watch).await?;
        watch.look_on(CALM).await?;
        steps.push(Step::since("migrate --finish, beside these", start, &watch));

        let sent = producer.end()?;
        watch.until("all to be counted", CHANGE_LIMIT, |watch| watch.committed() >= sent.records).await?;
        members.iter_mut().for_each(Process::stop);
        let after = digest(&client, "org_quarter_metrics").await?;
        ensure!(before == after, "quarters of the past were {before:?} and are {after:?}");
        let wrong = client.query_one(WRONG_DAYS, &[]).await?;
        let (wrong, one): (i64, Option<String>) = (wrong.get(0), wrong.get(1));
        ensure!(wrong == 0, "{wrong} days of workflows are not the sums of their hours, such as {one:?}");
        for table in
            ["org_hourly_metrics", "org_daily_metrics", "workflow_hourly_metrics", "workflow_daily_metrics"]
        {
            client.execute(&format!("delete from {table} where organization_id like 'past%'"), &[]).await?;
        }
        must_be_right(&client, &sent.truth).await?;
        say::line(format_args!("{} records were counted meanwhile", grouped(as_float(sent.records))));
        Ok(steps)
    }

    /// Stores the past: what an older version's members have counted.
    async fn store(&self, client: &mut Client) -> anyhow::Result<()> {
        let organizations = i64::try_from(self.quarters)? / (4 * HOURS);
        let until: DateTime<Utc> = Utc::now().duration_trunc(TimeDelta::hours(1))?;
        say::line(format_args!(
            "Storing {} quarters of an hour of {organizations} organizations",
            grouped(as_float(self.quarters))
        ));
        let bar = stack::bar::bar("stored", organizations.unsigned_abs());
        for first in (0..organizations).step_by(usize::try_from(AT_ONCE)?) {
            let end = organizations.min(first + AT_ONCE);
            let transaction = client.transaction().await?;
            transaction.execute(QUARTERS, &[&first, &end, &until, &HOURS]).await?;
            transaction.execute(RUNS, &[&first, &end]).await?;
            for (table, bucket, unit) in
                [("org_hourly_metrics", "hour_bucket", "hour"), ("org_daily_metrics", "day_bucket", "day")]
            {
                let buckets = BUCKETS.replace("TABLE", table).replace("BUCKET", bucket).replace("UNIT", unit);
                transaction.execute(&buckets, &[&first, &end]).await?;
            }
            transaction.commit().await?;
            bar.set_position(end.unsigned_abs());
        }
        bar.finish_and_clear();
        client.batch_execute("analyze").await?;
        Ok(())
    }

    async fn report(&self, services: &Services, steps: &[Step]) -> anyhow::Result<Vec<Finding>> {
        let rows: Vec<Row> =
            steps.iter().map(|step| Row::new(step.name, step)).collect::<anyhow::Result<_>>()?;
        let bar = |step: &Step| Bar {
            label: step.name.into(),
            value: step.standstill,
            text: seconds(step.standstill),
            ours: step.name.contains("migrate"),
        };
        let chart = Chart {
            title: "How long partitions stand still at most during an upgrade".into(),
            note: format!(
                "{} quarters of an hour; {} records/s",
                grouped(as_float(self.quarters)),
                grouped(as_float(self.rate))
            ),
            bars: steps.iter().map(bar).collect(),
        };
        self.outputs.write(services, "upgrade", self, &rows, &chart.svg()).await?;
        let migrations = steps.iter().filter(|step| step.name.contains("migrate"));
        let finding = |step: &Step| {
            let what = format!("{}: the longest that a partition stood still", step.name);
            Finding::at_most(what, step.standstill, STANDSTILL.as_secs_f64(), seconds)
        };
        Ok(migrations.map(finding).collect())
    }
}

impl Step {
    /// The step that has begun at `start` and ends now; prints it.
    fn since(name: &'static str, start: Duration, watch: &Watch) -> Self {
        let all: Vec<usize> = (0..watch.moves().partitions()).collect();
        let standstill = watch.moves().longest(&all, start, watch.now()).as_secs_f64();
        let step = Self { name, seconds: (watch.now() - start).as_secs_f64(), standstill };
        say::line(format_args!("{name:<35}{:>8.1}{standstill:>10.2}", step.seconds));
        step
    }
}

/// A command of the consumer that ends by itself.
fn command(group: &Group<'_>, args: &[&str], log: &str) -> anyhow::Result<Process> {
    let log = group.services.run().join(format!("consumer-{}-{log}.log", group.name));
    let program = Program::new("consumer", group.consumer, log).inherit(group.services.environment());
    Process::start(program.args(args).env("DATABASE_URL", group.database.as_str()))
}

/// Waits, while partitions are watched, until a command has ended well.
async fn ended(mut command: Process, watch: &mut Watch) -> anyhow::Result<()> {
    let mut status = None;
    watch
        .until("the migration to end", MIGRATION_LIMIT, |_| {
            status = status.or_else(|| command.ended());
            status.is_some()
        })
        .await?;
    ensure!(status.is_some_and(|status| status.success()), "it failed:\n{}", command.log_tail());
    Ok(())
}

/// How many quarters of the past count something, and a digest of them.
async fn digest(client: &Client, relation: &str) -> anyhow::Result<(i64, Option<String>)> {
    let row = client.query_one(&DIGEST.replace("RELATION", relation), &[]).await?;
    Ok((row.get(0), row.get(1)))
}

/// Whether these members have all partitions.
fn all_owned(watch: &Watch, members: &[Process]) -> bool {
    let owned: usize = members.iter().map(|member| watch.owned_by(member.id()).len()).sum();
    owned == watch.moves().partitions()
}

/// Whether each of these members has partitions.
fn shared(watch: &Watch, members: &[Process]) -> bool {
    all_owned(watch, members) && watch.shared_by(members)
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.2} s")
}
