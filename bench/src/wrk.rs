//! The load generator `wrk`: as many requests as a server can answer.

use anyhow::{Context as _, ensure};
use machine::environment::Environment;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

/// The message if it is missing.
pub const MISSING: &str =
    "wrk is not installed (Debian: apt-get install wrk); requests per second are omitted";

/// One thread asks; the server has the other processor, and the rest of this one.
const THREADS: &str = "1";
/// Persistent connections.
const CONNECTIONS: &str = "32";

/// An installed `wrk`.
#[derive(Clone, Debug)]
pub struct Wrk(PathBuf);

impl Wrk {
    /// The `wrk` on `PATH`.
    #[must_use]
    pub fn find(environment: &Environment) -> Option<Self> {
        environment.find("wrk").map(Self)
    }

    /// Requests per second that the server at `address` answers, over this many seconds, with these headers.
    ///
    /// # Errors
    /// When a request fails, or gets an error status.
    pub fn rate(
        &self,
        address: SocketAddr,
        path: &str,
        headers: &[String],
        seconds: u32,
    ) -> anyhow::Result<f64> {
        let mut command = Command::new(&self.0);
        command.args(["--threads", THREADS, "--connections", CONNECTIONS]);
        command.arg("--duration").arg(format!("{seconds}s"));
        for header in headers {
            command.arg("--header").arg(header);
        }
        let output = command.arg(format!("http://{address}{path}")).output().context("wrk can't be run")?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "wrk failed: {}", String::from_utf8_lossy(&output.stderr));
        rate(&said)
    }
}

/// The rate in a report, unless it also has failures.
fn rate(report: &str) -> anyhow::Result<f64> {
    let of = |name: &str| report.lines().find_map(|line| line.trim().strip_prefix(name));
    for failure in ["Non-2xx or 3xx responses:", "Socket errors:"] {
        ensure!(of(failure).is_none(), "requests failed, so there is no figure:\n{report}");
    }
    let rate = of("Requests/sec:").and_then(|rate| rate.trim().parse().ok());
    rate.with_context(|| format!("wrk reports no rate:\n{report}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "Running 1s test @ http://127.0.0.1:1/x\n  1 threads and 4 connections\n  \
                          100 requests in 1.00s, 1.00MB read\nRequests/sec:  18234.56\nTransfer/sec:     1.00MB\n";

    #[test]
    fn the_rate_is_read() {
        assert_eq!(rate(REPORT).unwrap(), 18_234.56);
    }

    #[test]
    fn failures_have_no_rate() {
        assert!(rate(&format!("{REPORT}  Non-2xx or 3xx responses: 3\n")).is_err());
        assert!(rate(&format!("{REPORT}  Socket errors: connect 0, read 3, write 0, timeout 0\n")).is_err());
        assert!(rate("").is_err());
    }
}
