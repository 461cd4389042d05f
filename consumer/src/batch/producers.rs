//! The spans in which a batch's records were produced: what their headers `traceparent` name. Pure.

use traces::{TRACEPARENT, Traceparent};

/// Spans that a batch keeps. What of others' traces is in the batch isn't linked to it.
pub const PRODUCERS_MAX: usize = 64;

/// Spans of as many traces, the first that was seen of each. Traces that nobody records are left out.
#[derive(Debug, Default)]
pub struct Producers {
    spans: Vec<Traceparent>,
}

impl Producers {
    /// Takes a record's headers in. Once there are enough spans they aren't looked at.
    #[inline]
    pub fn take(&mut self, headers: &[(&[u8], Option<&[u8]>)]) {
        if !headers.is_empty() && self.spans.len() < PRODUCERS_MAX {
            self.look(headers);
        }
    }

    fn look(&mut self, headers: &[(&[u8], Option<&[u8]>)]) {
        let header = headers.iter().find(|(name, _)| *name == TRACEPARENT.as_bytes());
        let span = header.and_then(|(_, value)| Traceparent::parse((*value)?));
        let Some(span) = span.filter(Traceparent::is_sampled) else { return };
        // Records of one trace often follow one another, so its span is near the end.
        if !self.spans.iter().rev().any(|known| known.is_of_the_trace_of(&span)) {
            self.spans.push(span);
        }
    }

    /// The spans, in the order in which they were seen.
    #[must_use]
    pub fn into_spans(self) -> Vec<Traceparent> {
        self.spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of a trace's span.
    fn header(trace: u32, span: u32, flags: &str) -> Vec<u8> {
        format!("00-{trace:032x}-{span:016x}-{flags}").into_bytes()
    }

    fn kept(records: &[Vec<(&str, Vec<u8>)>]) -> Vec<String> {
        let mut producers = Producers::default();
        for record in records {
            let headers: Vec<(&[u8], Option<&[u8]>)> =
                record.iter().map(|(name, value)| (name.as_bytes(), Some(&**value))).collect();
            producers.take(&headers);
        }
        producers.into_spans().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_first_span_of_each_trace_that_is_recorded_is_kept() {
        let check = |records: &[Vec<(&str, Vec<u8>)>], expected: &[(u32, u32)]| {
            let text = |(trace, span): &(u32, u32)| format!("00-{trace:032x}-{span:016x}-01");
            assert_eq!(kept(records), expected.iter().map(text).collect::<Vec<_>>(), "{records:?}");
        };
        let of = |trace, span| vec![(TRACEPARENT, header(trace, span, "01"))];
        check(&[], &[]);
        check(&[vec![]], &[]);
        check(&[of(1, 1)], &[(1, 1)]);
        check(&[of(1, 1), of(2, 1), of(1, 2), of(2, 2), of(3, 9)], &[(1, 1), (2, 1), (3, 9)]);
        check(&[vec![(TRACEPARENT, header(1, 1, "00"))]], &[]);
        check(&[vec![(TRACEPARENT, b"nonsense".to_vec())]], &[]);
        check(&[vec![("Traceparent", header(1, 1, "01"))]], &[]);
        let beside = vec![("content-type", b"application/json".to_vec()), (TRACEPARENT, header(4, 2, "01"))];
        check(&[beside], &[(4, 2)]);
    }

    #[test]
    fn no_more_are_kept_than_a_number() {
        let of = |trace| vec![(TRACEPARENT, header(trace, 1, "01"))];
        let records: Vec<_> = (1..200).map(of).collect();
        assert_eq!(kept(&records).len(), PRODUCERS_MAX);
    }

    #[test]
    fn a_header_without_a_value_names_nothing() {
        let mut producers = Producers::default();
        producers.take(&[(TRACEPARENT.as_bytes(), None)]);
        assert!(producers.into_spans().is_empty());
    }
}
