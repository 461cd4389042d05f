//! How fast the query API answers: from its cache beside a constant body, and from PostgreSQL.
//!
//! `wrk` measures the rate of cached answers, in turn with the peer `constant`, which returns the same bytes behind the
//! same server and layers. Latencies are measured at constant rates (`asking`), those of cached answers at half of the API's
//! maximum. Each uncached answer is for another organization that was not asked for before, and is
//! compared with the stored rows.

use super::asking::Asking;
use super::chart::{Bar, Chart, grouped};
use super::connection::{Connection, request};
use super::finding::Finding;
use super::group::{Group, create_topics};
use super::large::{Cold, Large};
use super::latencies::Latencies;
use super::live;
use super::record::{Outputs, Row};
use super::report::median_of;
use super::round::{as_float, drop_database};
use super::serving::Serving;
use super::stored::{Question, Stored};
use super::wrk::{self, Wrk};
use ::load::{Rng, Topics};
use anyhow::{Context as _, ensure};
use chrono::Utc;
use machine::say;
use serde::Serialize;
use stack::binaries::{self, Profile};
use stack::run::usage::Usage;
use stack::token::Secret;
use stack::{Purpose, Services};
use std::path::{Path, PathBuf};
use tokio::task::block_in_place;

/// The target: cached answers reach at least this share of the constant body's rate.
const RATIO_MIN: f64 = 0.9;
/// The target for 99 of 100 cached answers at half of the maximum rate.
const CACHED_P99_MAX_MS: f64 = 2.0;
/// The target for uncached answers at [`UNCACHED_RATE`].
const UNCACHED_P99_MAX_MS: f64 = 5.0;
/// Uncached answers a second.
const UNCACHED_RATE: f64 = 150.0;
/// Cached answers a second if wrk, which measures the maximum, isn't installed.
const CACHED_RATE: f64 = 5_000.0;
/// The organization of the repeated request. No uncached request is for it.
const HOT: u64 = 0;
/// Seed of the ranges of uncached requests.
const SEED: u64 = 1;
/// What is asked for again and again: endpoint, and the encoding that the client takes.
const REPEATED: [(&str, Option<&str>); 4] =
    [("summary", None), ("trends", None), ("summary", Some("gzip")), ("trends", Some("gzip"))];

/// Options of `read`.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub struct Options {
    /// Fewer organizations, days and seconds: to try the benchmark, never for figures
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    #[serde(skip)]
    outputs: Outputs,
}

/// The sizes.
struct Size {
    organizations: u64,
    days: u32,
    /// Workflows and days of the large organization.
    large: (u32, u32),
    rounds: u32,
    /// The duration of each measurement of cached answers.
    seconds: u32,
}

/// Both servers, and the requests to them.
struct Stage {
    services: Services,
    api: Serving,
    /// One for each answer that is repeated uncompressed: summary, trends.
    constants: [Serving; 2],
    stored: Stored,
    large: Large,
    hot: Question,
    token: String,
}

/// One round of cached answers: requests per second, and processor microseconds per request.
#[derive(Clone, Copy, Debug, Serialize)]
struct Round {
    api: f64,
    api_cpu_us: f64,
    constant: f64,
    constant_cpu_us: f64,
    ratio: f64,
}

/// Latencies at a rate.
#[derive(Clone, Copy, Debug, Serialize)]
struct Paced {
    requests_per_second: f64,
    #[serde(flatten)]
    latencies: Latencies,
}

/// An answer that is asked for again and again.
struct Repeated {
    /// What is asked for, for people.
    name: String,
    rounds: Vec<Round>,
    median: Round,
}

/// All figures.
struct Figures {
    /// None without wrk. The first is the summary.
    repeated: Vec<Repeated>,
    cold: Vec<Cold>,
    api: Paced,
    constant: Paced,
    uncached: Paced,
    live: Option<live::Seen>,
}

/// Measures, prints and saves the figures.
///
/// # Errors
/// When something can't be started, or an answer is wrong.
pub async fn run(options: &Options) -> anyhow::Result<Vec<Finding>> {
    let size = options.size();
    let services = Services::start(Purpose::Benchmarks).await?;
    say::line("Building query-api, its peer and consumer (release)");
    let built = block_in_place(|| {
        binaries::build_packages(&["query-api", "constant", "consumer"], Profile::Release)
    })?;
    let [query_api, constant, consumer]: [PathBuf; 3] = built.try_into().expect("one for each package");
    let name = format!("bench_read_{}", std::process::id());
    let database = services.postgres.create_migrated(&name).await?;
    let stored = Stored::until(Utc::now(), size.organizations, size.days);
    stored.store(&mut database.connect().await?).await?;
    let (workflows, days) = size.large;
    let large = Large { workflows, days, from: Stored::until(Utc::now(), 0, days).from };
    large.store(&database.connect().await?).await?;

    let secret = Secret::random()?;
    let topics = Topics::prefixed(&format!("bench-{}-", std::process::id()));
    create_topics(&services, &topics, live::PARTITIONS).await?;
    let api = Serving::query_api(&query_api, &services, &database, &topics.events, &secret).await?;
    say::line("RATE_LIMIT_PER_SECOND=0: one organization asks for all");
    let hot = Question::new(HOT, stored.hours() - 24..stored.hours());
    let token = secret.token(&hot.organization())?;
    let (bytes, trends) = block_in_place(|| first_answers(&api, &stored, &hot, &token))?;
    let summary = constant_of(&constant, &services, "summary", &bytes).await?;
    let trends = constant_of(&constant, &services, "trends", &trends).await?;
    let stage = Stage { services, api, constants: [summary, trends], stored, large, hot, token };

    let mut figures = block_in_place(|| stage.measure(&size, &secret))?;
    let Stage { services, api, .. } = &stage;
    let group = Group { services, consumer: &consumer, topics: &topics, name: &name, database: &database };
    figures.live = Some(block_in_place(|| stage.large.keep_open(api, &secret, group))?);
    say::line("Every answer was right.");
    let rows = figures.rows()?;
    let chart = figures.chart(&stage.stored, bytes.len());
    options.outputs.write(&stage.services, "read", options, &rows, &chart.svg()).await?;
    let Stage { services, api, large, .. } = stage;
    drop(api);
    drop_database(&services, &name).await?;
    Ok(figures.findings(&size, &large))
}

/// The answers that are repeated: the summary, and trends of the same range.
fn first_answers(
    api: &Serving,
    stored: &Stored,
    hot: &Question,
    token: &str,
) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let mut connection = Connection::open(api.address())?;
    let summary = connection.ask(&request(&hot.path(stored), token))?.to_vec();
    stored.check(hot, &summary)?;
    let trends = connection.ask(&request(&of_endpoint("trends", &hot.path(stored)), token))?.to_vec();
    Ok((summary, trends))
}

/// The path of another endpoint for the range of a summary.
fn of_endpoint(endpoint: &str, path: &str) -> String {
    path.replacen("summary", endpoint, 1)
}

/// A server that always gives this body.
async fn constant_of(path: &Path, services: &Services, name: &str, body: &[u8]) -> anyhow::Result<Serving> {
    let file = services.run().join(format!("{name}.json"));
    std::fs::write(&file, body)?;
    Serving::constant(path, services, &file).await
}

impl Options {
    fn size(&self) -> Size {
        if self.quick {
            Size { organizations: 500, days: 14, large: (50, 30), rounds: 3, seconds: 2 }
        } else {
            Size { organizations: 10_000, days: 90, large: (500, 90), rounds: 3, seconds: 6 }
        }
    }
}

impl Stage {
    fn measure(&self, size: &Size, secret: &Secret) -> anyhow::Result<Figures> {
        // First the organizations that were not asked for before.
        let uncached = self.uncached(secret)?;
        say_paced("uncached", &uncached);
        let cold = self.large.ask(&self.api, secret)?;
        let mut repeated = Vec::new();
        match Wrk::find(self.services.environment()) {
            Some(wrk) => {
                say::line(
                    "round            cached/s  constant/s  ratio | CPU us per request: cached  constant",
                );
                for (endpoint, encoding) in REPEATED {
                    repeated.push(self.repeated(&wrk, endpoint, encoding, size)?);
                }
            }
            None => say::line(wrk::MISSING),
        }
        let rate = repeated.first().map_or(CACHED_RATE, |summary| summary.median.api / 2.0);
        let api = self.cached(&self.api, rate, size.seconds)?;
        say_paced("cached", &api);
        let constant = self.cached(&self.constants[0], rate, size.seconds)?;
        say_paced("constant", &constant);
        Ok(Figures { repeated, cold, api, constant, uncached, live: None })
    }

    /// Measures an answer and its constant body in turn.
    fn repeated(
        &self,
        wrk: &Wrk,
        endpoint: &str,
        encoding: Option<&str>,
        size: &Size,
    ) -> anyhow::Result<Repeated> {
        let name = encoding.map_or_else(|| endpoint.to_owned(), |encoding| format!("{endpoint} {encoding}"));
        let path = of_endpoint(endpoint, &self.hot.path(&self.stored));
        let mut headers = vec![format!("Authorization: Bearer {}", self.token)];
        headers.extend(encoding.map(|encoding| format!("Accept-Encoding: {encoding}")));
        let constant = &self.constants[usize::from(endpoint == "trends")];
        let mut rounds = Vec::new();
        for number in 1..=size.rounds {
            let rate = |server: &Serving| {
                let before = Usage::now();
                let rate = wrk.rate(server.address(), &path, &headers, size.seconds)?;
                let cpu = Usage::now().of_process_since(&before, server.id());
                anyhow::Ok((rate, cpu * 1e6 / (rate * f64::from(size.seconds))))
            };
            let ((api, api_cpu_us), (constant, constant_cpu_us)) = (rate(&self.api)?, rate(constant)?);
            let round = Round { api, api_cpu_us, constant, constant_cpu_us, ratio: api / constant };
            say_round(&format!("{name} {number}"), &round);
            rounds.push(round);
        }
        let median = median(&rounds).context("there is a round")?;
        say_round(&format!("{name} median"), &median);
        Ok(Repeated { name, rounds, median })
    }

    /// Latencies of the same answer at a constant rate.
    fn cached(&self, server: &Serving, rate: f64, seconds: u32) -> anyhow::Result<Paced> {
        let question = request(&self.hot.path(&self.stored), &self.token);
        let mut connection = Connection::open(server.address())?;
        let whole = connection.ask(&question)?.to_vec();
        self.stored.check(&self.hot, &whole)?;
        let counted = until_made(&whole)?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a few hundred thousand
        let requests = (rate * f64::from(seconds)) as u64;
        let asking = Asking { address: server.address(), rate, requests, questions: &[question] };
        let latencies = asking.latencies(|_, answer| {
            ensure!(answer.starts_with(counted), "a cached answer has other numbers than the one before");
            Ok(())
        })?;
        Ok(Paced { requests_per_second: rate, latencies })
    }

    /// Latencies of answers that were not asked for before, each of another organization.
    fn uncached(&self, secret: &Secret) -> anyhow::Result<Paced> {
        let asked = questions(&self.stored);
        let finished = |question: &Question| {
            let token = secret.token(&question.organization())?;
            Ok(request(&question.path(&self.stored), &token))
        };
        let questions = asked.iter().map(finished).collect::<anyhow::Result<Vec<_>>>()?;
        let (address, requests) = (self.api.address(), u64::try_from(questions.len())?);
        say::line(format_args!("Asking for {requests} organizations that were not asked for before"));
        let asking = Asking { address, rate: UNCACHED_RATE, requests, questions: &questions };
        let latencies = asking.latencies(|number, answer| self.stored.check(&asked[number], answer))?;
        Ok(Paced { requests_per_second: UNCACHED_RATE, latencies })
    }
}

/// An answer up to its time of creation: that part is always the same.
fn until_made(answer: &[u8]) -> anyhow::Result<&[u8]> {
    let text = std::str::from_utf8(answer)?;
    let made = text.find("\"generatedAt\"").context("an answer has no time of creation")?;
    Ok(&answer[..made])
}

/// A request for each organization but the repeated one, in random order, for random hours.
fn questions(stored: &Stored) -> Vec<Question> {
    let mut rng = Rng::new(SEED);
    let mut organizations: Vec<u64> = (0..stored.organizations).filter(|number| *number != HOT).collect();
    rng.shuffle(&mut organizations);
    let hours = stored.hours().unsigned_abs();
    let mut hour = || i64::try_from(rng.below(hours + 1)).expect("below some thousands");
    let mut question = |organization| {
        let (one, other) = (hour(), hour());
        // An empty range would be widened to an hour.
        let (from, to) = (one.min(other), one.max(other));
        let (from, to) = if from == to { (from.max(1) - 1, to.max(1)) } else { (from, to) };
        Question::new(organization, from..to)
    };
    organizations.into_iter().map(&mut question).collect()
}

fn say_paced(name: &str, paced: &Paced) {
    let Paced { requests_per_second: rate, latencies } = paced;
    say::line(format_args!("{name:<9} at {:>7} a second: {latencies}", grouped(*rate)));
}

fn say_round(name: &str, round: &Round) {
    let Round { api, api_cpu_us, constant, constant_cpu_us, ratio } = round;
    say::line(format_args!(
        "{name:<15}{api:>10.0}{constant:>12.0}{ratio:>7.2} |{api_cpu_us:>27.1}{constant_cpu_us:>10.1}"
    ));
}

fn median(rounds: &[Round]) -> Option<Round> {
    Some(Round {
        api: median_of(rounds, |round| round.api)?,
        api_cpu_us: median_of(rounds, |round| round.api_cpu_us)?,
        constant: median_of(rounds, |round| round.constant)?,
        constant_cpu_us: median_of(rounds, |round| round.constant_cpu_us)?,
        ratio: median_of(rounds, |round| round.ratio)?,
    })
}

impl Figures {
    fn rows(&self) -> anyhow::Result<Vec<Row>> {
        let mut rows = Vec::new();
        for Repeated { name, rounds, median } in &self.repeated {
            rows.push(Row::new(format!("{name}, median"), median)?);
            for (number, round) in (1..).zip(rounds) {
                rows.push(Row::new(format!("{name}, round {number}"), round)?);
            }
        }
        for cold in &self.cold {
            rows.push(Row::new(format!("cold {}", cold.endpoint), cold)?);
        }
        rows.push(Row::new("cached", &self.api)?);
        rows.push(Row::new("constant", &self.constant)?);
        rows.push(Row::new("uncached", &self.uncached)?);
        if let Some(live) = &self.live {
            rows.push(Row::new("live pages", live)?);
        }
        Ok(rows)
    }

    fn chart(&self, stored: &Stored, bytes: usize) -> Chart {
        let Stored { organizations, days, .. } = stored;
        let (cached, uncached) = (&self.api.latencies, &self.uncached.latencies);
        let bars = self.repeated.iter().flat_map(|Repeated { name, median, .. }| {
            [
                Bar::requests(&format!("cached {name}"), median.api, true),
                Bar::requests(&format!("constant body, {name}"), median.constant, false),
            ]
        });
        Chart {
            title: "Answers of the query API".into(),
            note: format!(
                "{bytes} bytes; p99 {:.2} ms at half of that rate; uncached {:.2} ms, of {} organizations x {days} days",
                cached.p99_ms,
                uncached.p99_ms,
                grouped(as_float(*organizations)),
            ),
            bars: bars.collect(),
        }
    }

    fn findings(&self, size: &Size, large: &Large) -> Vec<Finding> {
        let rates = self.repeated.iter().map(|Repeated { name, median, .. }| Finding {
            what: format!("cached {name}, of a constant body behind the same layers"),
            target: format!("at least {RATIO_MIN}"),
            figure: format!("{:.2} ({} a second)", median.ratio, grouped(median.api)),
            met: median.ratio >= RATIO_MIN,
        });
        let cold = large.findings(&self.cold);
        let p99 = |what: String, paced: &Paced, most: f64| Finding {
            what,
            target: format!("p99 at most {most} ms"),
            figure: format!("{:.2} ms", paced.latencies.p99_ms),
            met: paced.latencies.p99_ms <= most,
        };
        let organizations = grouped(as_float(size.organizations));
        let uncached = format!("uncached summary, {organizations} organizations x {} days", size.days);
        let cached = "cached summary at half of its rate".to_owned();
        let paced =
            [p99(cached, &self.api, CACHED_P99_MAX_MS), p99(uncached, &self.uncached, UNCACHED_P99_MAX_MS)];
        rates.chain(paced).chain(cold).chain(self.live.as_ref().map(live::finding)).collect()
    }
}
