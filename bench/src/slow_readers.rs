//! What others notice of many clients that ask and never read.
//!
//! Each slow reader connects, asks for a long answer many times over, and reads nothing. It connects again when it was closed. They
//! come from a few addresses. Beside them two kinds of clients ask with a token, at constant rates: some over connections
//! that stay, some over a new one for each request.

use super::asking::Asking;
use super::chart::{Bar, Chart};
use super::connection::{Connection, request};
use super::finding::Finding;
use super::latencies::Latencies;
use super::record::{Outputs, Row};
use super::round::drop_database;
use super::serving::Serving;
use super::stored::{Question, Stored};
use anyhow::Context as _;
use chrono::Utc;
use machine::say;
use serde::Serialize;
use stack::binaries::{self, Profile};
use stack::token::Secret;
use stack::{Purpose, Services, wait};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::{JoinSet, block_in_place};

/// The target for 99 of 100 answers to others.
const P99_MAX_MS: f64 = 50.0;
/// Slow readers.
const READERS: u32 = 2_000;
/// The addresses that they come from, of this machine.
const ADDRESSES: u32 = 20;
/// How often each asks without reading: the answers don't fit into any buffer.
const ASKS: usize = 200;
/// How long one that was closed waits before it connects again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Requests a second over connections that stay.
const KEPT_RATE: f64 = 200.0;
/// Requests a second over a new connection each.
const NEW_RATE: f64 = 50.0;
/// How long the readers come before others are measured.
const BEFORE: Duration = Duration::from_secs(10);

/// Options of `slow-readers`.
#[derive(Clone, Debug, clap::Args, Serialize)]
pub struct Options {
    /// Fewer seconds: to try the benchmark, never for figures
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    #[serde(skip)]
    outputs: Outputs,
}

/// What others wait.
#[derive(Clone, Copy, Debug, Serialize)]
struct Others {
    kept: Latencies,
    new: Latencies,
}

/// Measures, prints and saves the figures.
///
/// # Errors
/// When something can't be started, or an answer to others is missing or wrong.
pub async fn run(options: &Options) -> anyhow::Result<Vec<Finding>> {
    let seconds = if options.quick { 5 } else { 20 };
    let services = Services::start(Purpose::Benchmarks).await?;
    say::line("Building query-api (release)");
    let built = block_in_place(|| binaries::build_packages(&["query-api"], Profile::Release))?;
    let name = format!("bench_slow_readers_{}", std::process::id());
    let database = services.postgres.create_migrated(&name).await?;
    let stored = Stored::until(Utc::now(), 100, 7);
    stored.store(&mut database.connect().await?).await?;
    let secret = Secret::random()?;
    let api = Serving::query_api(&built[0], &services, &database, &name, &secret).await?;
    let question = Question::new(0, stored.hours() - 24..stored.hours());
    let asked = request(&question.path(&stored), &secret.token(&question.organization())?);
    let measure = || block_in_place(|| others(api.address(), &asked, seconds, &stored, &question));

    let alone = measure()?;
    say::line(format_args!("{READERS} slow readers come from {ADDRESSES} addresses"));
    let mut readers = JoinSet::new();
    for number in 0..READERS {
        readers.spawn(read_nothing(api.address(), number));
    }
    wait::pass(BEFORE).await;
    let beside = measure()?;
    readers.shutdown().await;

    let rows = [Row::new("alone", &alone)?, Row::new("beside slow readers", &beside)?];
    for (name, others) in [("alone", alone), ("beside slow readers", beside)] {
        say::line(format_args!("{name}: over connections that stay {}", others.kept));
        say::line(format_args!("{name}: over new connections {}", others.new));
    }
    options.outputs.write(&services, "slow-readers", options, &rows, &chart(alone, beside).svg()).await?;
    drop(api);
    drop_database(&services, &name).await?;
    let most = |what: &str, latencies: Latencies| {
        let what = format!("{READERS} slow readers: others' answers over {what}, 99th percentile");
        Finding::at_most(what, latencies.p99_ms, P99_MAX_MS, |ms| format!("{ms:.1} ms"))
    };
    Ok(vec![most("connections that stay", beside.kept), most("new connections", beside.new)])
}

fn chart(alone: Others, beside: Others) -> Chart {
    let bar = |label: &str, latencies: Latencies, ours| Bar::millis(label, latencies.p99_ms, ours);
    Chart {
        title: format!("Answers beside {READERS} clients that never read"),
        note: "99th percentile of a cached summary".into(),
        bars: vec![
            bar("alone", alone.kept, false),
            bar("beside them", beside.kept, true),
            bar("alone, new connections", alone.new, false),
            bar("beside them, new connections", beside.new, true),
        ],
    }
}

/// Asks at both rates for so many seconds.
fn others(
    address: SocketAddr,
    asked: &[u8],
    seconds: u32,
    stored: &Stored,
    question: &Question,
) -> anyhow::Result<Others> {
    let requests = (KEPT_RATE * f64::from(seconds)) as u64;
    let questions = [asked.to_vec()];
    let asking = Asking { address, rate: KEPT_RATE, requests, questions: &questions };
    std::thread::scope(|scope| {
        let new = scope.spawn(|| over_new_connections(address, asked, seconds));
        let kept = asking.latencies(|_, answer| stored.check(question, answer))?;
        let new = new.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(Others { kept, new })
    })
}

/// The latencies of requests that each have a connection of their own, from when they were due.
fn over_new_connections(address: SocketAddr, asked: &[u8], seconds: u32) -> anyhow::Result<Latencies> {
    let start = Instant::now();
    let mut all = Vec::new();
    for number in 0..(NEW_RATE * f64::from(seconds)) as u32 {
        let due = start + Duration::from_secs_f64(f64::from(number) / NEW_RATE);
        wait::until_instant(due);
        Connection::open(address)?.ask(asked)?;
        all.push(due.elapsed());
    }
    Latencies::of(all).context("nothing was asked")
}

/// Connects, asks and reads nothing, again and again, from some moment on.
async fn read_nothing(to: SocketAddr, number: u32) {
    let host = u8::try_from(number % ADDRESSES).unwrap_or_default();
    let from = Ipv4Addr::new(127, 0, 1, 1 + host);
    // Not all at once: the processors would be busy with connecting, and not with the readers.
    wait::pass(AGAIN_AFTER * number / READERS).await;
    let requests = "GET /openapi.json HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".repeat(ASKS);
    loop {
        // The connection is closed on it sooner or later; that is what is measured.
        let _closed = ask_only(to, from, requests.as_bytes()).await;
        wait::pass(AGAIN_AFTER).await;
    }
}

async fn ask_only(to: SocketAddr, from: Ipv4Addr, requests: &[u8]) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let stream: TcpStream = socket.connect(to).await?;
    let mut asked = 0;
    loop {
        stream.writable().await?;
        match stream.try_write(&requests[asked..]) {
            Ok(0) => return Ok(()),
            // It asks from the beginning when all is sent, for as long as it is let.
            Ok(sent) => asked = (asked + sent) % requests.len(),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
