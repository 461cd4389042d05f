//! Gauges that are written from what is so at the moment of a scrape. A recorder shows a gauge for ever; here, what has gone,
//! such as a partition that has moved to another member, is not shown any more.

use std::fmt;
use std::fmt::Write as _;

/// A gauge with all of its series.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    name: String,
    help: &'static str,
    series: Vec<Series>,
}

#[derive(Clone, Debug, PartialEq)]
struct Series {
    /// As they are written, with their braces; empty without labels.
    labels: String,
    value: f64,
}

impl Family {
    /// A gauge without series: nothing of it is shown.
    #[must_use]
    pub fn new(name: impl Into<String>, help: &'static str) -> Self {
        Self { name: name.into(), help, series: Vec::new() }
    }

    /// A gauge without labels.
    #[must_use]
    pub fn of(name: impl Into<String>, help: &'static str, value: f64) -> Self {
        let mut family = Self::new(name, help);
        family.add(&[], value);
        family
    }

    /// Adds the series with these labels.
    pub fn add(&mut self, labels: &[(&str, &str)], value: f64) {
        self.series.push(Series { labels: written(labels), value });
    }
}

/// The format that Prometheus reads.
impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, help, series } = self;
        if series.is_empty() {
            return Ok(());
        }
        writeln!(f, "# HELP {name} {help}")?;
        writeln!(f, "# TYPE {name} gauge")?;
        for Series { labels, value } in series {
            writeln!(f, "{name}{labels} {value}")?;
        }
        writeln!(f)
    }
}

fn written(labels: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (number, (name, value)) in labels.iter().enumerate() {
        let before = if number == 0 { '{' } else { ',' };
        let _ = write!(text, "{before}{name}=\"{}\"", escaped(value));
    }
    if !labels.is_empty() {
        text.push('}');
    }
    text
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_written_with_its_help_and_each_of_its_series() {
        let mut family = Family::new("lag", "Records behind.");
        assert_eq!(family.to_string(), "", "nothing is shown of a gauge without series");
        family.add(&[("topic", "a"), ("partition", "0")], 12.0);
        family.add(&[("topic", "a \"b\"\\\n"), ("partition", "1")], 0.25);
        let expected = "# HELP lag Records behind.\n# TYPE lag gauge\n\
                        lag{topic=\"a\",partition=\"0\"} 12\n\
                        lag{topic=\"a \\\"b\\\"\\\\\\n\",partition=\"1\"} 0.25\n\n";
        assert_eq!(family.to_string(), expected);
    }

    #[test]
    fn a_gauge_without_labels_has_one_series() {
        let of = |value| Family::of("at", "When.", value).to_string();
        assert_eq!(of(1_700_000_000.5), "# HELP at When.\n# TYPE at gauge\nat 1700000000.5\n\n");
        assert_eq!(of(0.0), "# HELP at When.\n# TYPE at gauge\nat 0\n\n");
    }
}
