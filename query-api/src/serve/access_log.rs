//! The log of requests: a line for each, up to so many a second.
//!
//! A line says what was asked by whom, and how that ended: id, route, organization, status, time, and why it was refused. It never has
//! a query or a header but for the request's id, because clients may put secrets there.

use crate::routes::Traced;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How much of it is written.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Log")]
pub struct Settings {
    /// How many requests a second are written to the log, and as many refused ones apart; the next line says how many were
    /// left out. Raise it to find every request, 0 for none of them
    #[arg(long, env, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub access_log_per_second: u32,
}

/// The log of requests.
pub struct AccessLog {
    since: Instant,
    answered: Mutex<Sample>,
    refused: Mutex<Sample>,
    per_second: u32,
}

/// What was written in a second, and what was left out since the last line.
#[derive(Debug, Default)]
struct Sample {
    second: u64,
    written: u32,
    left_out: u64,
}

/// A finished request.
pub struct Finished<'a> {
    /// Its id.
    pub request_id: &'a str,
    /// Its method.
    pub method: &'a str,
    /// Its route, as in the metrics.
    pub route: &'static str,
    /// The status of its response.
    pub status: u16,
    /// What else is known of it.
    pub traced: Traced,
    /// How long its response took.
    pub took: Duration,
}

impl AccessLog {
    /// A log with no line yet.
    pub fn new(settings: &Settings) -> Self {
        let (answered, refused) = Default::default();
        Self { since: Instant::now(), answered, refused, per_second: settings.access_log_per_second }
    }

    /// Writes a line about the request, unless there are too many.
    pub fn write(&self, finished: &Finished<'_>) {
        let sample = if finished.traced.refused.is_some() { &self.refused } else { &self.answered };
        let second = self.since.elapsed().as_secs();
        let admitted = sample.lock().unwrap_or_else(PoisonError::into_inner).admit(second, self.per_second);
        // Who asks for details gets all lines.
        let all = tracing::enabled!(tracing::Level::DEBUG);
        if let Some(left_out) = admitted.or(all.then_some(0)) {
            let Finished { request_id, method, route, status, traced, took } = finished;
            tracing::info!(
                request_id,
                method,
                route,
                status,
                organization = traced.organization.as_deref(),
                reason = traced.refused,
                took_us = took.as_micros() as u64,
                left_out = (left_out > 0).then_some(left_out),
                "request"
            );
        }
    }
}

impl Sample {
    /// Whether a line may be written in this second; if so, how many have been left out since the last one.
    fn admit(&mut self, second: u64, per_second: u32) -> Option<u64> {
        if second != self.second {
            (self.second, self.written) = (second, 0);
        }
        if self.written >= per_second {
            self.left_out += 1;
            return None;
        }
        self.written += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_lines_a_second_and_the_next_says_how_many_were_left_out() {
        let mut sample = Sample::default();
        let mut check = |second, admitted| assert_eq!(sample.admit(second, 2), admitted, "{second}");
        check(0, Some(0));
        check(0, Some(0));
        check(0, None);
        check(0, None);
        check(1, Some(2));
        check(1, Some(0));
        check(1, None);
        check(7, Some(1));
        assert_eq!(Sample::default().admit(0, 0), None);
    }
}
