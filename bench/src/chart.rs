//! A bar chart as SVG: horizontal bars with labels and values, in the reader's light or dark color scheme. Pure.

use std::fmt::Write as _;

/// Widths and heights in the SVG's own units.
const WIDTH: f64 = 760.0;
const MARGIN: f64 = 16.0;
const LABELS: f64 = 170.0;
/// The room after the longest bar for its value.
const VALUES: f64 = 150.0;
const HEAD: f64 = 64.0;
const ROW: f64 = 34.0;
const BAR: f64 = 20.0;

/// The styles of text, bars and background.
pub const STYLE: &str = "\
    text { font: 14px system-ui, sans-serif; fill: #1f2328 } \
    .title { font-weight: 600; font-size: 16px } .note { font-size: 12px; fill: #59636e } \
    .ground { fill: #ffffff } .bar { fill: #8c959f } .ours { fill: #0969da } \
    @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .note { fill: #9198a1 } \
    .ground { fill: #0d1117 } .bar { fill: #6e7681 } .ours { fill: #4493f8 } }";

/// One bar.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Its label.
    pub label: String,
    /// Its value, 0 or more: bars are drawn in proportion.
    pub value: f64,
    /// The value as text for people.
    pub text: String,
    /// Whether it is the bar that the chart is about.
    pub ours: bool,
}

/// A chart of some bars.
#[derive(Clone, Debug)]
pub struct Chart {
    /// The chart's title.
    pub title: String,
    /// The circumstances.
    pub note: String,
    /// The bars from top to bottom.
    pub bars: Vec<Bar>,
}

impl Bar {
    /// A bar of records per second.
    #[must_use]
    pub fn rate(label: &str, rate: f64, ours: bool) -> Self {
        Self { label: label.to_owned(), value: rate, text: format!("{} records/s", grouped(rate)), ours }
    }

    /// A bar of requests per second.
    #[must_use]
    pub fn requests(label: &str, rate: f64, ours: bool) -> Self {
        Self { text: format!("{} requests/s", grouped(rate)), ..Self::rate(label, rate, ours) }
    }

    /// A bar of milliseconds.
    #[must_use]
    pub fn millis(label: &str, millis: f64, ours: bool) -> Self {
        let text = if millis < 10.0 { format!("{millis:.2} ms") } else { format!("{} ms", grouped(millis)) };
        Self { text, ..Self::rate(label, millis, ours) }
    }
}

impl Chart {
    /// The whole SVG document.
    #[must_use]
    pub fn svg(&self) -> String {
        let (mut height, mut rows) = (HEAD, String::new());
        let most = self.bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
        for bar in &self.bars {
            rows.push_str(&bar.svg(height, most));
            height += ROW;
        }
        height += MARGIN;
        let (title, note) = (escaped(&self.title), escaped(&self.note));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
             <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\" rx=\"6\"/>\n\
             <text class=\"title\" x=\"{MARGIN}\" y=\"28\">{title}</text>\n\
             <text class=\"note\" x=\"{MARGIN}\" y=\"48\">{note}</text>\n{rows}</svg>\n"
        )
    }
}

impl Bar {
    /// Its row, with its top at `top`, where the longest bar has the value `most`.
    fn svg(&self, top: f64, most: f64) -> String {
        let room = WIDTH - MARGIN - LABELS - VALUES - MARGIN;
        let part = if most > 0.0 { self.value.max(0.0) / most } else { 0.0 };
        let (left, length) = (MARGIN + LABELS, (room * part).max(1.0));
        let (base, end) = (top + BAR - 5.0, left + length + 8.0);
        let class = if self.ours { "bar ours" } else { "bar" };
        let (label, text) = (escaped(&self.label), escaped(&self.text));
        let mut row = format!("<text x=\"{}\" y=\"{base}\" text-anchor=\"end\">{label}</text>", left - 10.0);
        // Writing to a string can't fail.
        let _ = writeln!(
            row,
            "<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"3\"/>\
             <text x=\"{end:.1}\" y=\"{base}\">{text}</text>"
        );
        row
    }
}

/// A whole number with separated thousands.
#[must_use]
pub fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < -0.5 { format!("-{text}") } else { text }
}

/// Text escaped for XML.
#[must_use]
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: &[f64]) -> String {
        let bars = values.iter().map(|value| Bar::rate("a < b", *value, *value > 50.0)).collect();
        Chart { title: "T & U".into(), note: "n".into(), bars }.svg()
    }

    #[test]
    fn bars_are_in_proportion_and_the_longest_fills_its_room() {
        let svg = chart(&[100.0, 25.0]);
        let room = WIDTH - MARGIN - LABELS - VALUES - MARGIN;
        assert!(svg.contains(&format!("width=\"{room:.1}\"")), "{svg}");
        assert!(svg.contains(&format!("width=\"{:.1}\"", room / 4.0)), "{svg}");
        assert_eq!(svg.matches("bar ours").count(), 1);
    }

    #[test]
    fn text_is_escaped_and_nothing_divides_by_zero() {
        let svg = chart(&[0.0]);
        assert!(svg.contains("T &amp; U") && svg.contains("a &lt; b") && !svg.contains("NaN"), "{svg}");
        assert!(chart(&[]).ends_with("</svg>\n"));
    }

    #[test]
    fn thousands_stand_apart() {
        let check = |number, expected| assert_eq!(grouped(number), expected);
        check(0.4, "0");
        check(999.0, "999");
        check(1_234_567.4, "1,234,567");
        check(-1_000.0, "-1,000");
    }
}
