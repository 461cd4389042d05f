//! What one organization's flood of the dearest questions costs another.
//!
//! 64 clients of a large organization ask for answers of 90 days by hour, each of another range, so that every answer is loaded.
//! Meanwhile another organization asks for summaries that were not asked for before, at a constant rate, and `/readyz` is asked ten
//! times a second. All limits are the API's own.

use super::asking::Asking;
use super::chart::{Bar, Chart};
use super::connection::{Connection, request};
use super::finding::Finding;
use super::large::{self, Large};
use super::latencies::Latencies;
use super::record::{Outputs, Row};
use super::round::drop_database;
use super::serving::Serving;
use super::stored::{Question, Stored};
use chrono::{DateTime, TimeDelta, Utc};
use machine::say;
use serde::Serialize;
use stack::binaries::{self, Profile};
use stack::token::Secret;
use stack::{Purpose, Services, http, wait};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::block_in_place;

/// The target for 99 of 100 answers of the other organization.
const P99_MAX_MS: f64 = 50.0;
/// Clients of the flood, each with one request under way.
const CLIENTS: usize = 64;
/// How long a client of the flood that was refused waits: its own work would be measured otherwise.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);
/// Answers a second of the other organization.
const RATE: f64 = 20.0;
/// The other organization.
const OTHER: u64 = 1;
/// Organizations beside the large one.
const ORGANIZATIONS: u64 = 100;
/// Days of each.
const DAYS: u32 = 90;
/// What the flood asks for, in turn.
const DEAREST: [&str; 2] = ["trends", "delivery-health"];
/// How often readiness is asked for.
const READY_EVERY: Duration = Duration::from_millis(100);

/// Options of `flood`.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub struct Options {
    /// Fewer rows and seconds: to try the benchmark, never for figures
    #[arg(long)]
    quick: bool,
    /// How many connections each organization may use (DATABASE_POOL_SHARE), to compare; by default what the API has by itself
    #[arg(long)]
    share: Option<u16>,
    #[command(flatten)]
    #[serde(skip)]
    outputs: Outputs,
}

/// The servers, and what is asked of them.
struct Stage {
    api: Serving,
    stored: Stored,
    large: Large,
    /// Of the other organization, and of the large one.
    tokens: [String; 2],
}

/// What was seen.
#[derive(Clone, Copy, Debug, Serialize)]
struct Seen {
    /// The other organization's answers without a flood.
    calm: Latencies,
    /// The same in the flood.
    flooded: Latencies,
    flood: Flood,
    ready: Ready,
}

/// Answers to the flood.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Flood {
    answered: u64,
    refused: u64,
}

/// Answers of `/readyz`.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Ready {
    asked: u64,
    not_ready: u64,
}

/// Measures, prints and saves the figures.
///
/// # Errors
/// When something can't be started, or the other organization gets no answer, or a wrong one.
pub async fn run(options: &Options) -> anyhow::Result<Vec<Finding>> {
    let (workflows, seconds) = if options.quick { (50, 5) } else { (500, 60) };
    let services = Services::start(Purpose::Benchmarks).await?;
    say::line("Building query-api (release)");
    let built = block_in_place(|| binaries::build_packages(&["query-api"], Profile::Release))?;
    let [query_api]: [PathBuf; 1] = built.try_into().expect("one for each package");
    let name = format!("bench_flood_{}", std::process::id());
    let database = services.postgres.create_migrated(&name).await?;
    let stored = Stored::until(Utc::now(), ORGANIZATIONS, DAYS);
    stored.store(&mut database.connect().await?).await?;
    let large = Large { workflows, days: DAYS, from: stored.from };
    large.store(&database.connect().await?).await?;
    let secret = Secret::random()?;
    let api = Serving::query_api_as_shipped(&query_api, &services, &database, &name, &secret, options.share)
        .await?;
    let other = Question::new(OTHER, 0..1).organization();
    let tokens = [secret.token(&other)?, secret.token(large::ORGANIZATION)?];
    let stage = Stage { api, stored, large, tokens };
    let seen = block_in_place(|| stage.measure(seconds))?;
    say::line("Every answer of the other organization was right.");
    let rows = [Row::new("flood", &seen)?];
    options.outputs.write(&services, "flood", options, &rows, &seen.chart().svg()).await?;
    drop(stage);
    drop_database(&services, &name).await?;
    Ok(seen.findings())
}

impl Stage {
    fn measure(&self, seconds: u32) -> anyhow::Result<Seen> {
        let mut questions = self.questions();
        let mut next = |seconds: u32| {
            let count = usize::try_from(seconds).expect("seconds") * RATE as usize;
            questions.by_ref().take(count).collect::<Vec<_>>()
        };
        let calm = self.ask_for_other(&next(seconds / 3))?;
        say::line(format_args!("without a flood  {calm}"));
        let (over, from) = (AtomicBool::new(false), AtomicU64::new(0));
        let asked = next(seconds);
        let (flooded, flood, ready) = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| self.flood(&from, &over))).collect();
            let ready = scope.spawn(|| self.readiness(&over));
            let flooded = self.ask_for_other(&asked);
            over.store(true, Ordering::Relaxed);
            let flood = clients.into_iter().map(joined).sum::<anyhow::Result<Flood>>();
            (flooded, flood, joined(ready))
        });
        let seen = Seen { calm, flooded: flooded?, flood: flood?, ready };
        let Seen { flooded, flood: Flood { answered, refused }, ready: Ready { asked, not_ready }, .. } =
            seen;
        say::line(format_args!("in the flood     {flooded}"));
        say::line(format_args!(
            "the flood: {answered} answered, {refused} refused; not ready {not_ready} of {asked} times"
        ));
        Ok(seen)
    }

    /// Hours of the other organization, each not asked for before.
    fn questions(&self) -> impl Iterator<Item = Question> {
        let hours = self.stored.hours();
        (1..72).flat_map(move |length| {
            (0..hours - length).map(move |from| Question::new(OTHER, from..from + length))
        })
    }

    fn ask_for_other(&self, questions: &[Question]) -> anyhow::Result<Latencies> {
        let requests: Vec<Vec<u8>> =
            questions.iter().map(|question| request(&question.path(&self.stored), &self.tokens[0])).collect();
        let asking = Asking {
            address: self.api.address(),
            rate: RATE,
            requests: u64::try_from(requests.len())?,
            questions: &requests,
        };
        asking.latencies(|number, answer| self.stored.check(&questions[number], answer))
    }

    /// One client of the flood.
    fn flood(&self, next: &AtomicU64, over: &AtomicBool) -> anyhow::Result<Flood> {
        let mut connection = Connection::open(self.api.address())?;
        let mut flood = Flood::default();
        while !over.load(Ordering::Relaxed) {
            let path = self.dear_path(next.fetch_add(1, Ordering::Relaxed));
            if connection.status(&request(&path, &self.tokens[1]))? == 200 {
                flood.answered += 1;
            } else {
                flood.refused += 1;
                wait::until_instant(Instant::now() + REFUSED_PAUSE);
            }
        }
        Ok(flood)
    }

    /// Nearly 90 days by hour; no two numbers below a hundred thousand have the same range.
    fn dear_path(&self, number: u64) -> String {
        let number = i64::try_from(number).expect("a few thousand");
        let (scope, back, less) = (number % 2, number / 2 % 2_000, number / 4_000 % 24);
        let to = self.large.from + TimeDelta::days(DAYS.into()) - TimeDelta::hours(back);
        let from = to - TimeDelta::days(DAYS.into()) + TimeDelta::hours(less);
        let at = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M:%SZ");
        let endpoint = DEAREST[usize::try_from(scope).expect("0 or 1")];
        format!("/metrics/{endpoint}?from={}&to={}&granularity=hour", at(from), at(to))
    }

    fn readiness(&self, over: &AtomicBool) -> Ready {
        let mut ready = Ready::default();
        while !over.load(Ordering::Relaxed) {
            ready.asked += 1;
            ready.not_ready += u64::from(!is_ready(self.api.admin()));
            wait::until_instant(Instant::now() + READY_EVERY);
        }
        ready
    }
}

fn is_ready(admin: SocketAddr) -> bool {
    http::get(admin, "/readyz").is_ok()
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl std::iter::Sum for Flood {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            answered: sum.answered + one.answered,
            refused: sum.refused + one.refused,
        })
    }
}

impl Seen {
    fn chart(&self) -> Chart {
        let bar = |label: &str, latencies: &Latencies, ours| Bar::millis(label, latencies.p99_ms, ours);
        Chart {
            title: "Another organization's uncached summary".into(),
            note: format!("99th percentile; {CLIENTS} clients of one organization ask for 90 days by hour"),
            bars: vec![bar("in the flood", &self.flooded, true), bar("without it", &self.calm, false)],
        }
    }

    fn findings(&self) -> Vec<Finding> {
        let what = "another organization's cold summary, in a flood";
        let Ready { asked, not_ready } = self.ready;
        let ready = Finding {
            what: "readiness in the flood".into(),
            target: "always ready".into(),
            figure: format!("not ready {not_ready} of {asked} times"),
            met: not_ready == 0,
        };
        let p99 = self.flooded.p99_ms;
        vec![Finding::at_most(what, p99, P99_MAX_MS, |ms| format!("p99 {ms:.1} ms")), ready]
    }
}
