//! Spans, below one another. While tracing is off there are none, and each call here is a look at a static.
//!
//! The current span of a thread is the one whose future is polled ([`Span::around`]), or that was entered ([`Span::enter`]).

use crate::traceparent::Traceparent;
use futures_util::future::Either;
use opentelemetry::trace::{
    FutureExt as _, Link, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _, TraceId,
    Tracer as _, WithContext,
};
use opentelemetry::{Array, Context, ContextGuard, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SdkTracer;
use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::{Instant, SystemTime};

/// Makes the process' spans; unset while tracing is off.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// What a span is to other processes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Work within the process.
    Internal,
    /// A request that is answered.
    Server,
    /// A request that is made.
    Client,
    /// Messages that are taken from a queue.
    Consumer,
}

/// A span that is about to begin.
#[derive(Debug)]
pub struct Start {
    below: Context,
    builder: SpanBuilder,
}

/// A span that is under way, and ends when it is dropped; nothing while tracing is off.
#[derive(Debug, Default)]
#[must_use = "a span ends when it is dropped"]
pub struct Span(Option<Context>);

/// Where a span is in its trace: others can begin below it, also after it has ended.
#[derive(Clone, Debug, Default)]
pub struct Origin(Option<SpanContext>);

/// Makes a span the thread's current one, until it is dropped.
#[must_use = "it is the current span until this is dropped"]
pub struct Entered {
    _guard: Option<ContextGuard>,
}

/// From now on spans are made, by this tracer. Of several calls the first one counts.
pub(crate) fn make_by(tracer: SdkTracer) {
    let _first_stays = TRACER.set(tracer);
}

/// Whether spans are made.
#[must_use]
pub fn are_on() -> bool {
    TRACER.get().is_some()
}

/// A span of this name, below the current one.
pub fn span(name: &'static str) -> Span {
    if are_on() { Start::within_current(name).begin() } else { Span(None) }
}

/// A span below the current one, for what this database does, such as `postgresql`.
pub fn of_database(name: &'static str, system: &'static str) -> Span {
    if !are_on() {
        return Span(None);
    }
    let span = Start::within_current(name).kind(Kind::Client).begin();
    span.set("db.system.name", system);
    span
}

/// Sets an attribute of the current span.
pub fn note(key: &'static str, value: &'static str) {
    if are_on() {
        Context::map_current(|context| context.span().set_attribute(KeyValue::new(key, value)));
    }
}

/// The future with the current span, for a task of its own: a task begins without any.
pub fn carried<F: Future>(future: F) -> Either<WithContext<F>, F> {
    if are_on() { Either::Left(future.with_current_context()) } else { Either::Right(future) }
}

/// The id of the trace that the current span is in.
#[must_use]
pub fn current_id() -> Option<String> {
    TRACER.get()?;
    let id = Context::map_current(|context| context.span().span_context().trace_id());
    (id != TraceId::INVALID).then(|| id.to_string())
}

impl Start {
    /// The first span of a trace of its own.
    #[must_use]
    pub fn root(name: impl Into<Cow<'static, str>>) -> Self {
        Self::below(Context::new(), name)
    }

    /// A span below the current one.
    #[must_use]
    pub fn within_current(name: impl Into<Cow<'static, str>>) -> Self {
        Self::below(Context::current(), name)
    }

    /// A span below one of another process; the first of a trace of its own if there is none.
    #[must_use]
    pub fn of_remote(parent: Option<Traceparent>, name: impl Into<Cow<'static, str>>) -> Self {
        let none = Context::new();
        let below =
            parent.map_or_else(Context::new, |parent| none.with_remote_span_context(parent.context()));
        Self::below(below, name)
    }

    fn below(below: Context, name: impl Into<Cow<'static, str>>) -> Self {
        Self { below, builder: SpanBuilder::from_name(name) }
    }

    /// What it is to other processes.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.builder.span_kind = Some(match kind {
            Kind::Internal => SpanKind::Internal,
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
            Kind::Consumer => SpanKind::Consumer,
        });
        self
    }

    /// It has begun at this moment.
    #[must_use]
    pub fn since(mut self, since: Instant) -> Self {
        self.builder.start_time = SystemTime::now().checked_sub(since.elapsed());
        self
    }

    /// It comes of these spans, which are in traces of their own.
    #[must_use]
    pub fn linked_to(mut self, spans: impl IntoIterator<Item = Traceparent>) -> Self {
        let link = |span: Traceparent| Link::with_context(span.context());
        self.builder.links = Some(spans.into_iter().map(link).collect());
        self
    }

    /// Begins it.
    pub fn begin(self) -> Span {
        let Self { below, builder } = self;
        let begin = |tracer: &SdkTracer| below.with_span(tracer.build_with_context(builder, &below));
        Span(TRACER.get().map(begin))
    }
}

impl Span {
    /// A span below this one.
    pub fn child(&self, name: &'static str) -> Self {
        self.start_child(name).map_or(Self(None), Start::begin)
    }

    /// A span below this one that has begun at this moment.
    pub fn child_since(&self, name: &'static str, since: Instant) -> Self {
        self.start_child(name).map_or(Self(None), |start| start.since(since).begin())
    }

    fn start_child(&self, name: &'static str) -> Option<Start> {
        self.0.as_ref().map(|context| Start::below(context.clone(), name))
    }

    /// Whether what is set here is sent to anybody.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.0.as_ref().is_some_and(|context| context.span().is_recording())
    }

    /// Sets an attribute.
    pub fn set(&self, key: &'static str, value: impl Into<Value>) {
        if let Some(context) = &self.0 {
            context.span().set_attribute(KeyValue::new(key, value));
        }
    }

    /// Sets an attribute to a number.
    pub fn count(&self, key: &'static str, number: impl TryInto<i64>) {
        self.set(key, number.try_into().unwrap_or(i64::MAX));
    }

    /// Sets an attribute to several texts.
    pub fn list(&self, key: &'static str, texts: impl IntoIterator<Item = String>) {
        if self.0.is_some() {
            let texts = texts.into_iter().map(StringValue::from).collect();
            self.set(key, Value::Array(Array::String(texts)));
        }
    }

    /// What it stands for has failed. `why` names a kind of failure, and has nothing of a request or a record in it.
    pub fn fail(&self, why: &'static str) {
        if let Some(context) = &self.0 {
            context.span().set_status(Status::error(why));
            self.set("error.type", why);
        }
    }

    /// It comes of this span, too, which is in a trace of its own.
    pub fn link(&self, to: Traceparent) {
        if let Some(context) = &self.0 {
            context.span().add_link(to.context(), Vec::new());
        }
    }

    /// Its name to other processes.
    #[must_use]
    pub fn traceparent(&self) -> Option<Traceparent> {
        self.origin().traceparent()
    }

    /// Where it is in its trace.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin(self.0.as_ref().map(|context| context.span().span_context().clone()))
    }

    /// Makes it the thread's current span.
    pub fn enter(&self) -> Entered {
        Entered { _guard: self.0.clone().map(Context::attach) }
    }

    /// The future, with this as the current span.
    pub fn around<F: Future>(&self, future: F) -> Either<WithContext<F>, F> {
        match &self.0 {
            Some(context) => Either::Left(future.with_context(context.clone())),
            None => Either::Right(future),
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(context) = &self.0 {
            context.span().end();
        }
    }
}

impl Origin {
    /// A span below this one.
    pub fn child(&self, name: &'static str) -> Span {
        let Some(parent) = &self.0 else { return Span(None) };
        Start::below(Context::new().with_remote_span_context(parent.clone()), name).begin()
    }

    /// Its name to other processes.
    #[must_use]
    pub fn traceparent(&self) -> Option<Traceparent> {
        self.0.as_ref().and_then(Traceparent::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Queue;
    use crate::settings::Sampling;
    use metrics::Counter;
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData};
    use tokio::sync::mpsc;

    const CALLER: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const UNRECORDED: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-00";

    fn ended(spans: &mut mpsc::Receiver<SpanData>) -> SpanData {
        spans.try_recv().expect("a span has ended")
    }

    /// One test, because a process has one tracer.
    #[test]
    fn spans_are_below_one_another_and_end_once() {
        assert!(!are_on() && span("nothing").traceparent().is_none() && current_id().is_none());
        let (queue, mut spans) = mpsc::channel(8);
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampling::ParentOrOn.sampler(1.0))
            .with_span_processor(Queue::new(queue, Counter::noop()))
            .build();
        make_by(provider.tracer("here"));

        let caller = Traceparent::parse(CALLER);
        let request = Start::of_remote(caller, "request").kind(Kind::Server).begin();
        let own = request.traceparent().expect("it is on");
        assert!(own.is_of_the_trace_of(&caller.expect("a header")) && Some(own) != caller);
        {
            let _entered = request.enter();
            assert_eq!(current_id().as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
            let inner = span("inner");
            inner.count("rows", 7_usize);
            inner.list("names", ["a".to_owned()]);
            inner.fail("timeout");
        }
        assert_eq!(current_id(), None);
        let inner = ended(&mut spans);
        assert_eq!((&*inner.name, inner.attributes.len()), ("inner", 3));
        assert_eq!(
            Traceparent::parse(CALLER).map(|caller| caller.context().trace_id()),
            Some(inner.span_context.trace_id())
        );
        let origin = request.origin();
        drop(request);
        let request = ended(&mut spans);
        assert_eq!(inner.parent_span_id, request.span_context.span_id());
        assert!(request.parent_span_is_remote && request.span_kind == SpanKind::Server);
        drop(origin.child("later"));
        assert_eq!(ended(&mut spans).parent_span_id, request.span_context.span_id());

        let unrecorded = Start::of_remote(Traceparent::parse(UNRECORDED), "request").begin();
        assert!(!unrecorded.is_recording() && !unrecorded.child("inner").is_recording());
        let named = unrecorded.traceparent().expect("its name is passed on all the same");
        assert!(!named.is_sampled());
        drop(unrecorded);
        assert!(spans.try_recv().is_err(), "nothing of it is sent");

        drop(Start::root("batch").linked_to(caller).begin());
        let batch = ended(&mut spans);
        assert_eq!(batch.links.len(), 1);
        assert!(batch.parent_span_id == opentelemetry::trace::SpanId::INVALID);

        (0..20).for_each(|_| drop(span("flood")));
        let kept = std::iter::from_fn(|| spans.try_recv().ok()).count();
        assert_eq!(kept, 8, "there is no room for more, and nobody waits");
    }
}
