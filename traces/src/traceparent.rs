//! The header `traceparent` of W3C's Trace Context, which names a span: `00-<trace>-<span>-<flags>`, in hexadecimal. Pure.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use std::fmt;

/// The header's name, in HTTP and in Kafka.
pub const TRACEPARENT: &str = "traceparent";

/// The only flag that is read: the trace's spans are recorded.
const SAMPLED: u8 = 1;

/// Bytes of version 00. Later versions have these, and may have more after another hyphen.
const BYTES: usize = 55;

/// A span, by what its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traceparent {
    trace: [u8; 16],
    span: [u8; 8],
    is_sampled: bool,
}

impl Traceparent {
    /// The span that a header's value names; `None` if it names none as the specification has it.
    #[must_use]
    pub fn parse(header: &[u8]) -> Option<Self> {
        let (known, more) = header.split_at_checked(BYTES)?;
        let [version] = hex(&known[..2])?;
        let is_longer_than_may_be = !more.is_empty() && (version == 0 || more[0] != b'-');
        let has_hyphens = [2, 35, 52].iter().all(|at| known[*at] == b'-');
        if version == 0xff || is_longer_than_may_be || !has_hyphens {
            return None;
        }
        let [flags] = hex(&known[53..])?;
        let (trace, span) = (hex(&known[3..35])?, hex(&known[36..52])?);
        let is_valid = trace != [0; 16] && span != [0; 8];
        is_valid.then_some(Self { trace, span, is_sampled: flags & SAMPLED != 0 })
    }

    /// Whether the trace's spans are recorded.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.is_sampled
    }

    /// Whether both spans are of one trace.
    #[must_use]
    pub fn is_of_the_trace_of(&self, other: &Self) -> bool {
        self.trace == other.trace
    }

    /// The same as OpenTelemetry has it, of another process.
    pub(crate) fn context(self) -> SpanContext {
        let flags = if self.is_sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
        let (trace, span) = (TraceId::from_bytes(self.trace), SpanId::from_bytes(self.span));
        SpanContext::new(trace, span, flags, true, TraceState::default())
    }

    /// The header that names this span; `None` if it is none.
    pub(crate) fn of(context: &SpanContext) -> Option<Self> {
        let (trace, span) = (context.trace_id().to_bytes(), context.span_id().to_bytes());
        context.is_valid().then_some(Self { trace, span, is_sampled: context.is_sampled() })
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (u128::from_be_bytes(self.trace), u64::from_be_bytes(self.span));
        write!(f, "00-{trace:032x}-{span:016x}-{:02x}", u8::from(self.is_sampled))
    }
}

/// So many bytes, written in lower-case hexadecimal; upper case is not allowed.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = (digit(digits[0])? << 4) | digit(digits[1])?;
    }
    Some(bytes)
}

const fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_header_names_a_span_and_says_whether_it_is_recorded() {
        let check = |header: &str, is_sampled: bool| {
            let parsed = Traceparent::parse(header.as_bytes()).expect(header);
            assert_eq!(parsed.is_sampled(), is_sampled, "{header}");
            let written = format!("00-{TRACE}-{SPAN}-0{}", u8::from(is_sampled));
            assert_eq!(parsed.to_string(), written, "{header}");
            assert_eq!(Traceparent::parse(written.as_bytes()), Some(parsed));
            assert_eq!(Traceparent::of(&parsed.context()), Some(parsed));
        };
        check(&format!("00-{TRACE}-{SPAN}-01"), true);
        check(&format!("00-{TRACE}-{SPAN}-00"), false);
        // Other flags say nothing about that.
        check(&format!("00-{TRACE}-{SPAN}-ff"), true);
        check(&format!("00-{TRACE}-{SPAN}-02"), false);
        // A later version is read as far as this one goes.
        check(&format!("01-{TRACE}-{SPAN}-01"), true);
        check(&format!("cc-{TRACE}-{SPAN}-01-what-the-future-brings"), true);
    }

    #[test]
    fn anything_else_names_none() {
        let upper = TRACE.to_uppercase();
        for header in [
            String::new(),
            "00".into(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!(" 00-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01 "),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("cc-{TRACE}-{SPAN}-01.more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0g-{TRACE}-{SPAN}-01"),
            format!("00-{upper}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{TRACE}-{SPAN}-0x"),
            format!("00_{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}_{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}_01"),
            format!("00-{}-{SPAN}-01", "é".repeat(16)),
            "x".repeat(BYTES),
        ] {
            assert_eq!(Traceparent::parse(header.as_bytes()), None, "{header:?}");
        }
        assert_eq!(Traceparent::parse(&[0xff; BYTES]), None);
        assert_eq!(Traceparent::of(&SpanContext::empty_context()), None);
    }
}
