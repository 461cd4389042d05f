//! Prometheus with the rules that are shipped, in a time of its own: their minutes last a second.
//!
//! The rules wait for minutes and half hours before they fire, and no test can. So a copy of them is made in which every time is
//! divided by [`FASTER`]: how long a condition must hold (`for:`), the windows (`[5m]`), the shifts (`offset 5m`), and thresholds of
//! time, which the rules write as minutes times 60. Nothing else is changed. Scrapes and evaluations are a second apart instead of
//! fifteen.
//!
//! What this shows is that expressions, labels and texts fit what the programs say. That a condition has to hold for so many minutes
//! is shown by `promtool test rules`, which takes the rules as they are.

use crate::http;
use crate::port;
use crate::run::program::Program;
use crate::run::server::Server;
use crate::wait::Seen;
use anyhow::Context as _;
use machine::environment::Environment;
use machine::prometheus::Programs;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

/// How many times as fast as in the shipped rules time goes in their copy.
pub const FASTER: u32 = 60;

/// What stands before a duration in minutes.
const BEFORE_DURATIONS: [&str; 3] = ["for: ", "[", "offset "];

/// How a threshold of time turns minutes into seconds.
const MINUTES: &str = " * 60";

/// A running Prometheus. It scrapes what it was started with.
#[derive(Debug)]
pub struct Prometheus {
    address: SocketAddr,
    _server: Server,
}

/// An alert that Prometheus has raised.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Alert {
    /// Its labels; `alertname` is among them.
    pub labels: BTreeMap<String, String>,
    /// What it tells people.
    pub annotations: BTreeMap<String, String>,
    state: String,
}

impl Alert {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.labels.get("alertname").map_or("", String::as_str)
    }
}

#[derive(Deserialize)]
struct Reply<T> {
    data: T,
}

#[derive(Deserialize)]
struct Alerts {
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
struct Queried {
    result: Value,
}

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    name: String,
    query: String,
}

impl Prometheus {
    /// Starts one with these rules, made [`faster`], which scrapes the targets of each job.
    ///
    /// # Errors
    /// When it doesn't start.
    pub async fn start(
        programs: &Programs,
        rules: &str,
        jobs: &[(&str, Vec<SocketAddr>)],
        run: &Path,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        port::with_fresh(async || {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port::free()?));
            let folder = run.join(format!("prometheus-{}", address.port()));
            std::fs::create_dir_all(&folder)?;
            std::fs::write(folder.join("rules.yaml"), faster(rules))?;
            std::fs::write(folder.join("prometheus.yaml"), configuration(jobs)?)?;
            let log = run.join(format!("prometheus-{}.log", address.port()));
            let program = Program::new("Prometheus", &programs.prometheus, log)
                .inherit(environment)
                .folder(&folder)
                .scratch(&folder)
                .args(["--config.file=prometheus.yaml", "--storage.tsdb.path=data", "--log.level=warn"])
                // It looks for new targets at intervals, and so for the first ones, too.
                .arg("--scrape.discovery-reload-interval=1s")
                .arg(format!("--web.listen-address={address}"));
            let server = Server::start(program, async || answers(address)).await?;
            Ok(Self { address, _server: server })
        })
        .await
    }

    /// The alerts that fire now.
    ///
    /// # Errors
    /// When it doesn't answer.
    pub fn firing(&self) -> anyhow::Result<Vec<Alert>> {
        let Alerts { alerts } = self.get("/api/v1/alerts")?;
        Ok(alerts.into_iter().filter(|alert| alert.state == "firing").collect())
    }

    /// The alerts of its rules, and the expression of each.
    ///
    /// # Errors
    /// When it doesn't answer.
    pub fn expressions(&self) -> anyhow::Result<Vec<(String, String)>> {
        let Groups { groups } = self.get("/api/v1/rules")?;
        Ok(groups.into_iter().flat_map(|group| group.rules).map(|rule| (rule.name, rule.query)).collect())
    }

    /// How many series an expression has now.
    ///
    /// # Errors
    /// When it is none, or Prometheus doesn't answer.
    pub fn series(&self, expression: &str) -> anyhow::Result<usize> {
        let asked = format!("/api/v1/query?query={}", encoded(expression));
        let queried: Queried = self.get(&asked).with_context(|| format!("the expression {expression}"))?;
        Ok(queried.result.as_array().map_or(0, Vec::len))
    }

    /// The names of all metrics that it has scraped.
    ///
    /// # Errors
    /// When it doesn't answer.
    pub fn names(&self) -> anyhow::Result<BTreeSet<String>> {
        self.get("/api/v1/label/__name__/values")
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let Reply { data } = serde_json::from_str(&http::get(self.address, path)?)?;
        Ok(data)
    }
}

/// These rules with every time divided by [`FASTER`].
#[must_use]
pub fn faster(rules: &str) -> String {
    let thresholds = rules.replace(MINUTES, &format!("{MINUTES} / {FASTER}"));
    BEFORE_DURATIONS.iter().fold(thresholds, |rules, before| durations_divided(&rules, before))
}

/// Divides the minutes that follow upon `before`.
fn durations_divided(rules: &str, before: &str) -> String {
    let mut parts = rules.split(before);
    let mut divided = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        divided += before;
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let minutes = part[..end].parse::<u32>().ok().zip(part[end..].strip_prefix('m'));
        match minutes {
            Some((minutes, rest)) => {
                divided += &format!("{}ms", minutes * 60_000 / FASTER);
                divided += rest;
            }
            None => divided += part,
        }
    }
    divided
}

fn configuration(jobs: &[(&str, Vec<SocketAddr>)]) -> anyhow::Result<String> {
    let mut text =
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yaml]\nscrape_configs:\n"
            .to_owned();
    for (job, targets) in jobs {
        // A list of JSON is one of YAML.
        let targets = serde_json::to_string(&targets.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        writeln!(text, "  - {{job_name: {job}, static_configs: [{{targets: {targets}}}]}}")?;
    }
    Ok(text)
}

/// As a query string carries it: each byte by its number.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        let _ = write!(encoded, "%{byte:02X}");
        encoded
    })
}

fn answers(address: SocketAddr) -> Seen<()> {
    match http::get(address, "/-/ready") {
        Ok(_) => Seen::Ready(()),
        Err(error) => Seen::NotYet(format!("{error:#}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_divided_and_nothing_else() {
        let check = |rules: &str, expected: &str| assert_eq!(faster(rules), expected);
        check("        for: 10m\n", "        for: 10000ms\n");
        check("rate(a_total[5m]) > 0.1 offset 15m", "rate(a_total[5000ms]) > 0.1 offset 15000ms");
        check("max(lag_seconds) > 5 * 60", "max(lag_seconds) > 5 * 60 / 60");
        check("for: example, a[0] and 60m of it\n", "for: example, a[0] and 60m of it\n");
    }

    #[test]
    fn an_expression_is_encoded_whole() {
        assert_eq!(encoded("a>1"), "%61%3E%31");
    }
}
