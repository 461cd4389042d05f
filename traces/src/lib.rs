//! Traces: spans of batches and requests, and their way to an OpenTelemetry collector.
//!
//! Off unless the settings name a collector. Then no span is made, no thread runs, and each place that would make a span costs
//! one look at a static.
//!
//! ```text
//! settings     OpenTelemetry's own variables, as far as they are honoured
//! traceparent  the header that names a span                                  pure
//! span         spans below one another, in one process
//! queue        spans that have ended; no more than a number that has a name
//! export       sent by a thread of its own
//! collector    to whom: OTLP over HTTP
//! ```
//!
//! Nobody waits for any of it: a span that finds no room in the queue is dropped, and counted.

mod collector;
mod export;
mod queue;
mod settings;
mod span;
mod traceparent;

pub use export::{Export, FINISH_WAIT_MAX};
pub use settings::{Sampling, Settings};
pub use span::{Entered, Kind, Origin, Span, Start, are_on, carried, current_id, note, of_database, span};
pub use traceparent::{TRACEPARENT, Traceparent};

use collector::Collector;
use credentials::BadSetting;
use metrics::{counter, describe_counter};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::SdkTracerProvider;
use queue::Queue;
use tokio::sync::mpsc;

/// Spans that have ended and wait to be sent. With more, further ones are dropped.
const QUEUE_SPANS_MAX: usize = 2_048;

/// What a process is, as its spans say.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// Its name, unless `OTEL_SERVICE_NAME` says another.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The metric that counts its spans by what became of them.
    pub spans: &'static str,
}

/// What became of spans.
#[derive(Debug)]
struct Meters {
    /// The collector has taken them.
    sent: metrics::Counter,
    /// There was no room in the queue.
    dropped: metrics::Counter,
    /// The collector was away, or refused them.
    failed: metrics::Counter,
}

/// Begins to make spans, if the settings name a collector. Call it once, when metrics are recorded already.
///
/// # Errors
/// When a setting is wrong, in a sentence that names the variable.
pub fn start(settings: &Settings, service: Service) -> Result<Option<Export>, BadSetting> {
    let Some(chosen) = settings.chosen()? else { return Ok(None) };
    let meters = Meters::new(service.spans);
    let (spans, ended) = mpsc::channel(QUEUE_SPANS_MAX);
    let queue = Queue::new(spans, meters.dropped.clone());
    let resource = resource(service, chosen.service_name.clone(), chosen.attributes.clone());
    let collector = Collector::new(&chosen, &resource)?;
    let provider = SdkTracerProvider::builder()
        .with_sampler(chosen.sampling.sampler(chosen.ratio))
        .with_resource(resource)
        .with_span_processor(queue)
        .build();
    let export = Export::begin(ended, collector, meters).map_err(|error| {
        BadSetting(format!("traces can't be sent: the system has no thread left: {error}"))
    })?;
    span::make_by(provider.tracer(service.name));
    tracing::info!(collector = chosen.shown(), "traces are sent");
    Ok(Some(export))
}

/// What all spans of the process say. What operators say comes last, and replaces the rest.
fn resource(service: Service, name: Option<String>, attributes: Vec<(String, String)>) -> Resource {
    let attributes = attributes.into_iter().map(|(key, value)| KeyValue::new(key, value));
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_service_name(service.name)
        .with_attribute(KeyValue::new("service.version", service.version))
        .with_attribute(KeyValue::new("service.instance.id", instance()))
        .with_attributes(attributes)
        .with_attributes(name.map(|name| KeyValue::new("service.name", name)))
        .build()
}

/// The process, among all that do the same: host and number.
fn instance() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let host = host.map_or_else(|_| "unknown".into(), |name| name.trim().to_owned());
    format!("{host}:{}", std::process::id())
}

impl Meters {
    fn new(name: &'static str) -> Self {
        describe_counter!(
            name,
            "Spans of traces by outcome: sent, dropped because the queue was full, or failed at the collector."
        );
        let of = |outcome: &'static str| {
            let counter = counter!(name, "outcome" => outcome);
            // A counter that first appears with its first event can't be asked for an increase.
            counter.increment(0);
            counter
        };
        Self { sent: of("sent"), dropped: of("dropped"), failed: of("failed") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: Service = Service { name: "here", version: "1.2.3", spans: "spans_total" };

    #[test]
    fn what_operators_say_of_the_process_replaces_what_it_says_itself() {
        let check = |name: Option<&str>, attributes: &[(&str, &str)], key: &'static str, expected: &str| {
            let attributes = attributes.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
            let resource = resource(SERVICE, name.map(str::to_owned), attributes);
            let said = resource.get(&opentelemetry::Key::new(key)).map(|value| value.to_string());
            assert_eq!(said.as_deref(), Some(expected), "{key}");
        };
        check(None, &[], "service.name", "here");
        check(None, &[], "service.version", "1.2.3");
        check(None, &[("service.name", "of attributes")], "service.name", "of attributes");
        check(Some("of the name"), &[("service.name", "of attributes")], "service.name", "of the name");
        check(None, &[("deployment.environment.name", "test")], "deployment.environment.name", "test");
    }
}
