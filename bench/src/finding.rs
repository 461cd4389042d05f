//! A figure beside its target: a row of the table of `bench all`.

use machine::say;
use serde::Serialize;

/// A row of the table of `bench all`.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The name of the figure.
    pub what: String,
    /// The target.
    pub target: String,
    /// The figure.
    pub figure: String,
    /// Whether the figure meets the target.
    pub met: bool,
}

impl Finding {
    /// A figure that should be `least` or more; `word` formats both.
    pub fn at_least(what: impl Into<String>, figure: f64, least: f64, word: impl Fn(f64) -> String) -> Self {
        let target = format!("≥ {}", word(least));
        Self { what: what.into(), target, figure: word(figure), met: figure >= least }
    }

    /// A figure that should be `most` or less; `word` formats both.
    pub fn at_most(what: impl Into<String>, figure: f64, most: f64, word: impl Fn(f64) -> String) -> Self {
        let target = format!("≤ {}", word(most));
        Self { what: what.into(), target, figure: word(figure), met: figure <= most }
    }

    /// A consumer's peak memory, which may be its ledger's budget plus 512 MB.
    pub fn memory(what: &str, peak_mb: f64, budget_mib: u64) -> Self {
        let what = format!("{what}: the consumer's peak memory, with {budget_mib} MiB for its ledger");
        #[allow(clippy::cast_precision_loss)] // a budget is far below 2^53 bytes
        let most = (budget_mib << 20) as f64 / 1e6 + 512.0;
        Self::at_most(what, peak_mb, most, |mb| format!("{mb:.0} MB"))
    }

    /// A missing figure, with the reason.
    pub fn missing(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), target: "a figure".into(), figure: why.into(), met: false }
    }
}

/// Prints the table.
pub fn print(findings: &[Finding]) {
    let width = |of: fn(&Finding) -> &str, head: &str| {
        findings.iter().map(of).chain([head]).map(|text| text.chars().count()).max().unwrap_or_default()
    };
    let what = width(|finding| &finding.what, "what");
    let target = width(|finding| &finding.target, "target");
    let figure = width(|finding| &finding.figure, "figure");
    say::line(format_args!("{:<what$}  {:<target$}  {:<figure$}  met", "what", "target", "figure"));
    for finding in findings {
        let met = if finding.met { "yes" } else { "no" };
        let Finding { what: name, target: wanted, figure: found, .. } = finding;
        say::line(format_args!("{name:<what$}  {wanted:<target$}  {found:<figure$}  {met}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_reached_exactly_is_met() {
        let check = |finding: Finding, expected: (&str, &str, bool)| {
            assert_eq!((&*finding.target, &*finding.figure, finding.met), expected);
        };
        let word = |figure| format!("{figure:.1}");
        check(Finding::at_least("a", 0.5, 0.5, word), ("≥ 0.5", "0.5", true));
        check(Finding::at_least("a", 0.4, 0.5, word), ("≥ 0.5", "0.4", false));
        check(Finding::at_most("a", 0.5, 0.5, word), ("≤ 0.5", "0.5", true));
        check(Finding::at_most("a", f64::NAN, 0.5, word), ("≤ 0.5", "NaN", false));
        check(Finding::memory("a", 600.0, 64), ("≤ 579 MB", "600 MB", false));
    }
}
