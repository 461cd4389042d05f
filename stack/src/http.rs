//! A minimal HTTP client for the admin addresses of our own programs.

use anyhow::{Context as _, ensure};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(2);
/// The longest answer that is read.
const BYTES_MAX: u64 = 4 << 20;

/// The body at `path`, if the answer is 200. Blocks until the program answers.
///
/// # Errors
/// When there is no answer, or one with another status.
pub fn get(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    // HTTP/1.0: the body ends when the connection closes.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(BYTES_MAX).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is cut off")?;
    let status = head.lines().next().unwrap_or_default();
    ensure!(status.split(' ').nth(1) == Some("200"), "{path} answers {status}: {}", body.trim());
    Ok(body.to_owned())
}

/// The sum of a Prometheus counter's series that have `label` (as `name="value"`); of all series if `label` is empty.
#[must_use]
pub fn series_sum(exposition: &str, name: &str, label: &str) -> u64 {
    let series = exposition.lines().filter_map(|line| line.strip_prefix(name)?.rsplit_once(' '));
    let ours = |labels: &str| labels.is_empty() || (labels.starts_with('{') && labels.ends_with('}'));
    let values = series.filter(|(labels, _)| ours(labels) && labels.contains(label)).map(|(_, value)| value);
    values.filter_map(|value| value.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_found_by_name_and_label() {
        let text = "# HELP a_total x\na_total{outcome=\"counted\"} 12\na_total{outcome=\"duplicate\"} 3\na_totals{outcome=\"duplicate\"} 9\n";
        assert_eq!(series_sum(text, "a_total", "outcome=\"duplicate\""), 3);
        assert_eq!(series_sum(text, "b_total", "outcome=\"duplicate\""), 0);
        assert_eq!(series_sum(text, "a_total", ""), 15);
        assert_eq!(series_sum("a_total 7\na_totals 9\n", "a_total", ""), 7);
    }
}
