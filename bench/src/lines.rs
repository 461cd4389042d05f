//! Figures over time as SVG: panels one below the other, in the reader's light or dark color scheme. Pure.

use super::chart::{STYLE, escaped, grouped};
use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const MARGIN: f64 = 16.0;
const HEAD: f64 = 64.0;
const LABEL: f64 = 22.0;
const PANEL: f64 = 110.0;
const GAP: f64 = 20.0;

/// A figure over time.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name, with its unit.
    pub label: String,
    /// Its values, one a second, 0 or more.
    pub values: Vec<f64>,
    /// The limit below which it should stay.
    pub limit: f64,
}

/// Figures over the same period.
#[derive(Clone, Debug)]
pub struct Lines {
    /// The title.
    pub title: String,
    /// The circumstances.
    pub note: String,
    /// The figures from top to bottom.
    pub lines: Vec<Line>,
}

impl Lines {
    /// The whole SVG document.
    #[must_use]
    pub fn svg(&self) -> String {
        let (mut height, mut panels) = (HEAD, String::new());
        for line in &self.lines {
            panels.push_str(&line.svg(height));
            height += LABEL + PANEL + GAP;
        }
        let (title, note) = (escaped(&self.title), escaped(&self.note));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
             <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\" rx=\"6\"/>\n\
             <text class=\"title\" x=\"{MARGIN}\" y=\"28\">{title}</text>\n\
             <text class=\"note\" x=\"{MARGIN}\" y=\"48\">{note}</text>\n{panels}</svg>\n"
        )
    }
}

impl Line {
    /// Its panel, with its top at `top`. The limit is a dashed line.
    fn svg(&self, top: f64) -> String {
        let peak = self.values.iter().copied().fold(0.0, f64::max);
        let most = peak.max(self.limit).max(f64::MIN_POSITIVE);
        let (floor, right) = (top + LABEL + PANEL, WIDTH - MARGIN);
        let y = |value: f64| floor - PANEL * value / most;
        let step = (right - MARGIN) / (self.values.len().max(2) - 1) as f64;
        let mut points = String::new();
        for (number, value) in self.values.iter().enumerate() {
            // Writing to a string can't fail.
            let _ = write!(points, "{:.1},{:.1} ", MARGIN + step * number as f64, y(*value));
        }
        let (label, base, limit) = (escaped(&self.label), top + 12.0, y(self.limit));
        let (peak, most) = (grouped(peak), grouped(self.limit));
        format!(
            "<text x=\"{MARGIN}\" y=\"{base}\">{label}</text>\
             <text class=\"note\" x=\"{right}\" y=\"{base}\" text-anchor=\"end\">at most {peak}, to stay below {most}</text>\n\
             <path d=\"M{MARGIN} {floor}H{right}\" stroke=\"#8c959f\"/>\
             <path d=\"M{MARGIN} {limit:.1}H{right}\" stroke=\"#8c959f\" stroke-dasharray=\"4 4\"/>\n\
             <polyline points=\"{}\" fill=\"none\" stroke=\"#0969da\" stroke-width=\"1.5\"/>\n",
            points.trim_end()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(values: &[f64], limit: f64) -> String {
        let line = Line { label: "a < b".into(), values: values.into(), limit };
        Lines { title: "T".into(), note: "n".into(), lines: vec![line] }.svg()
    }

    #[test]
    fn the_highest_value_reaches_the_top_and_the_last_the_right() {
        let svg = svg(&[0.0, 50.0, 100.0], 10.0);
        let (top, floor) = (HEAD + LABEL, HEAD + LABEL + PANEL);
        let middle = f64::midpoint(MARGIN, WIDTH - MARGIN);
        let points = format!(
            "{MARGIN:.1},{floor:.1} {middle:.1},{:.1} {:.1},{top:.1}\"",
            f64::midpoint(top, floor),
            WIDTH - MARGIN
        );
        assert!(svg.contains(&points), "{svg}");
        assert!(svg.contains("a &lt; b"), "{svg}");
    }

    #[test]
    fn nothing_divides_by_zero() {
        for values in [&[][..], &[0.0], &[0.0, 0.0]] {
            let svg = svg(values, 0.0);
            assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
