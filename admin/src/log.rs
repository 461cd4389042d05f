//! The log's limit: a fault that goes on writes at most one line a second.

use std::collections::HashMap;
use std::fmt;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// How far apart two lines about the same are at least.
const APART: Duration = Duration::from_secs(1);

/// Writes events in the format `F`, warnings about the same at most once a second. The next line says how many were left out.
///
/// Warnings are about the same if one place in the code makes them. Places that speak of one dependency give its name as
/// their target, such as `kafka`, and count as one. Errors are all written: each is said once, where it happens.
#[derive(Debug)]
pub struct Limited<F> {
    format: F,
    limits: Mutex<Limits>,
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
        Self { format, limits: Mutex::default() }
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
        let Some(subject) = Subject::of(event.metadata()) else {
            return self.format.format_event(context, writer, event);
        };
        let admitted =
            self.limits.lock().unwrap_or_else(PoisonError::into_inner).admit(subject, Instant::now());
        match admitted {
            None => Ok(()),
            Some(0) => self.format.format_event(context, writer, event),
            Some(left_out) => {
                let mut line = String::new();
                self.format.format_event(context, Writer::new(&mut line), event)?;
                writer.write_str(&with_count(&line, left_out))
            }
        }
    }
}

impl Subject {
    /// `None` for an event that is always written.
    fn of(metadata: &Metadata<'static>) -> Option<Self> {
        let dependency = Some(metadata.target()).filter(|target| Some(*target) != metadata.module_path());
        match dependency {
            Some(name) if !name.contains("::") && *metadata.level() != Level::ERROR => {
                Some(Self::Dependency(name))
            }
            _ if *metadata.level() == Level::WARN => {
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

/// The line, JSON or text, with the number of lines left out before it.
fn with_count(line: &str, left_out: u64) -> String {
    match line.trim_end().strip_suffix('}') {
        Some(object) if line.starts_with('{') => format!("{object},\"left_out\":{left_out}}}\n"),
        _ => {
            let mut text = line.trim_end().to_owned();
            let _ = writeln!(text, " left_out={left_out}");
            text
        }
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
    fn the_count_is_a_member_of_the_line() {
        assert_eq!(with_count("{\"level\":\"WARN\"}\n", 3), "{\"level\":\"WARN\",\"left_out\":3}\n");
        assert_eq!(with_count("WARN away again_in=2s\n", 3), "WARN away again_in=2s left_out=3\n");
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
    fn warnings_of_one_place_or_one_dependency_are_limited_and_errors_are_not() {
        let written = Written::default();
        let to = written.clone();
        let format = Limited::new(tracing_subscriber::fmt::format().json().flatten_event(true));
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
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let count = |what: &str| text.lines().filter(|line| line.contains(what)).count();
        assert_eq!(
            ["a place", "not a warning", "an error", "one place", "another place"].map(count),
            [1, 5, 5, 1, 0],
            "{text}"
        );
    }
}
