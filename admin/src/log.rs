//! The log's lines: a fault that goes on writes at most one a second, and a line of a trace has the trace's id.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// How far apart two warnings about the same are at least: of those in between, only their number is written.
pub const APART: Duration = Duration::from_secs(1);

/// Writes events in the format `F`, warnings about the same at most once a second. The next line says how many were left out.
///
/// Warnings are about the same if one place in the code makes them. Places that speak of one dependency give its name as
/// their target, such as `kafka`, and count as one. Errors are all written, because each is said once, where it happens, unless
/// [`Limited::errors_too`] is called: errors of requests come as often as clients ask.
#[derive(Debug)]
pub struct Limited<F> {
    format: F,
    limits: Mutex<Limits>,
    limits_errors: bool,
    /// The id of the trace that a line is written in.
    trace_id: fn() -> Option<String>,
}

/// When each subject was last written about.
#[derive(Debug, Default)]
struct Limits {
    subjects: HashMap<Subject, Written>,
}

/// What an event is about: a dependency, or a place in the code.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Subject {
    Dependency(&'static str),
    Place(&'static str, Option<u32>),
}

#[derive(Debug)]
struct Written {
    at: Instant,
    left_out: u64,
}

impl<F> Limited<F> {
    /// Writes in this format.
    pub fn new(format: F) -> Self {
        Self { format, limits: Mutex::default(), limits_errors: false, trace_id: || None }
    }

    /// The same, with errors limited as warnings are.
    #[must_use]
    pub fn errors_too(self) -> Self {
        Self { limits_errors: true, ..self }
    }

    /// The same, with the id of the trace that a line is written in.
    #[must_use]
    pub fn with_trace_ids(self, trace_id: fn() -> Option<String>) -> Self {
        Self { trace_id, ..self }
    }
}

impl<S, N, F> FormatEvent<S, N> for Limited<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let left_out = match Subject::of(event.metadata(), self.limits_errors) {
            None => 0,
            Some(subject) => {
                let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(left_out) = limits.admit(subject, Instant::now()) else { return Ok(()) };
                left_out
            }
        };
        let trace_id = (self.trace_id)();
        if left_out == 0 && trace_id.is_none() {
            return self.format.format_event(context, writer, event);
        }
        let mut line = String::new();
        self.format.format_event(context, Writer::new(&mut line), event)?;
        if let Some(trace_id) = trace_id {
            line = with_member(&line, "trace_id", &format!("\"{trace_id}\""));
        }
        if left_out > 0 {
            line = with_member(&line, "left_out", &left_out.to_string());
        }
        writer.write_str(&line)
    }
}

impl Subject {
    /// `None` for an event that is always written.
    fn of(metadata: &Metadata<'static>, limits_errors: bool) -> Option<Self> {
        let (is_error, is_warning) = (*metadata.level() == Level::ERROR, *metadata.level() == Level::WARN);
        if is_error && !limits_errors {
            return None;
        }
        let dependency = Some(metadata.target()).filter(|target| Some(*target) != metadata.module_path());
        match dependency {
            Some(name) if !name.contains("::") => Some(Self::Dependency(name)),
            _ if is_warning || is_error => {
                Some(Self::Place(metadata.file().unwrap_or_default(), metadata.line()))
            }
            _ => None,
        }
    }
}

impl Limits {
    /// Whether a line about this subject may be written now; if so, how many have been left out since the last one.
    fn admit(&mut self, subject: Subject, now: Instant) -> Option<u64> {
        match self.subjects.get_mut(&subject) {
            Some(written) if now.saturating_duration_since(written.at) < APART => {
                written.left_out += 1;
                None
            }
            Some(written) => {
                written.at = now;
                Some(std::mem::take(&mut written.left_out))
            }
            None => {
                self.subjects.insert(subject, Written { at: now, left_out: 0 });
                Some(0)
            }
        }
    }
}

/// The line, JSON or text, with one more member; its value is written as JSON writes it.
fn with_member(line: &str, name: &str, value: &str) -> String {
    match line.trim_end().strip_suffix('}') {
        Some(object) if line.starts_with('{') => format!("{object},\"{name}\":{value}}}\n"),
        _ => format!("{} {name}={}\n", line.trim_end(), value.trim_matches('"')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::Arc;
    use tracing_subscriber::fmt::format::JsonFields;

    #[test]
    fn a_subject_has_a_line_a_second_and_the_next_one_says_how_many_were_left_out() {
        let (mut limits, start) = (Limits::default(), Instant::now());
        let mut check = |name, millis, admitted| {
            let now = start + Duration::from_millis(millis);
            assert_eq!(limits.admit(Subject::Dependency(name), now), admitted, "{name} at {millis} ms");
        };
        check("kafka", 0, Some(0));
        check("kafka", 1, None);
        check("postgresql", 2, Some(0));
        check("kafka", 999, None);
        check("kafka", 1_000, Some(2));
        check("kafka", 1_001, None);
        check("kafka", 5_000, Some(1));
        check("kafka", 9_000, Some(0));
    }

    #[test]
    fn count_and_trace_are_members_of_the_line() {
        let check = |line, name, value, expected| assert_eq!(with_member(line, name, value), expected);
        let (json, text) = ("{\"level\":\"WARN\"}\n", "WARN away again_in=2s\n");
        check(json, "left_out", "3", "{\"level\":\"WARN\",\"left_out\":3}\n");
        check(json, "trace_id", "\"4b\"", "{\"level\":\"WARN\",\"trace_id\":\"4b\"}\n");
        check(text, "left_out", "3", "WARN away again_in=2s left_out=3\n");
        check(text, "trace_id", "\"4b\"", "WARN away again_in=2s trace_id=4b\n");
    }

    /// What a test has logged.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn warnings_of_one_place_or_one_dependency_are_limited_and_errors_where_that_is_said() {
        let format = || Limited::new(tracing_subscriber::fmt::format().json().flatten_event(true));
        let check = |errors, format| {
            let text = logged(format);
            let count = |what: &str| text.lines().filter(|line| line.contains(what)).count();
            let all = ["a place", "not a warning", "an error", "one place", "another place"];
            assert_eq!(all.map(count), [1, 5, errors, 1, 0], "{text}");
        };
        check(5, format());
        check(1, format().errors_too());
    }

    type Json = tracing_subscriber::fmt::format::Format<tracing_subscriber::fmt::format::Json>;

    /// What is logged of each of some events five times.
    fn logged(format: Limited<Json>) -> String {
        let written = Written::default();
        let to = written.clone();
        let log = tracing_subscriber::fmt().event_format(format).fmt_fields(JsonFields::new());
        let log = log.with_writer(move || to.clone()).finish();
        tracing::subscriber::with_default(log, || {
            for _ in 0..5 {
                tracing::warn!("a place");
                tracing::info!("not a warning");
                tracing::error!("an error");
                tracing::warn!(target: "kafka", "one place");
                tracing::info!(target: "kafka", "another place");
            }
        });
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_of_a_trace_has_its_id_and_is_json_still() {
        let written = Written::default();
        let to = written.clone();
        let format = Limited::new(tracing_subscriber::fmt::format().json().flatten_event(true));
        let format = format.with_trace_ids(|| Some("4bf92f3577b34da6a3ce929d0e0e4736".into()));
        let log = tracing_subscriber::fmt().event_format(format).fmt_fields(JsonFields::new());
        let log = log.with_writer(move || to.clone()).finish();
        tracing::subscriber::with_default(log, || tracing::info!("a line"));
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert!(text.ends_with(",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\"}\n"), "{text}");
        assert!(text.starts_with('{') && text.contains("a line"), "{text}");
    }
}
