//! What a client sends to set thresholds. Pure.

use crate::answer::decimal::Tenths;
use crate::answer::document::{At, BadDocument, Json};
use crate::answer::registry::{AlertRule, Bad, KPIS, Kpi};
use crate::answer::thresholds::{Limits, Own, Source};

/// The greatest `leastSample`.
const SAMPLE_MAX: f64 = 1e9;

/// The members of the document, and of an alert in it.
const MEMBERS: [&str; 1] = ["thresholds"];
const NUMBERS: [&str; 3] = ["warning", "critical", "leastSample"];

/// All of an organization's own thresholds, as they are to be. An alert that isn't named has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(Vec<(&'static str, Own)>);

impl Document {
    /// Reads a document: `{"thresholds": {"<alert>": {"warning", "critical", "leastSample"}}}`, where null, and what is missing,
    /// returns to the default.
    ///
    /// # Errors
    /// With the first thing that can't be used.
    pub fn read(body: &[u8]) -> Result<Self, BadDocument> {
        let (json, root) = (Json::read(body)?, At::whole());
        let members = root.members(&json, &MEMBERS)?;
        let Some(thresholds) = members.into_iter().next() else {
            return Err(root.bad("the member `thresholds` is missing"));
        };
        let (at, json) = (root.below("thresholds"), thresholds.1);
        let rules = || KPIS.iter().flat_map(|kpi| kpi.rules.iter().map(move |rule| (kpi, rule)));
        let keys: Vec<&str> = rules().map(|(_, rule)| rule.key).collect();
        let mut all = Vec::new();
        for (name, json) in at.members(json, &keys)? {
            let at = at.below(name);
            for (kpi, rule) in rules().filter(|(_, rule)| rule.key == name) {
                let own = if matches!(json, Json::Null) { Own::default() } else { own(&at, json, kpi)? };
                in_order(&at, rule, own)?;
                all.push((rule.key, own));
            }
        }
        Ok(Self(all))
    }

    /// The alerts' own thresholds.
    pub fn all(&self) -> impl Iterator<Item = (&str, Own)> {
        self.0.iter().map(|(alert, own)| (*alert, *own))
    }
}

/// An alert's own thresholds.
fn own(at: &At, json: &Json, kpi: &Kpi) -> Result<Own, BadDocument> {
    let mut own = Own::default();
    for (name, json) in at.members(json, &NUMBERS)? {
        let at = at.below(name);
        let number = match json {
            Json::Null => continue,
            Json::Number(number) => *number,
            Json::Object(_) | Json::Text(_) | Json::Other(_) => {
                return Err(at.bad(format!("this must be a number or null, and is {}", json.what())));
            }
        };
        match name {
            "warning" => own.warning = Some(threshold(&at, number, kpi)?),
            "critical" => own.critical = Some(threshold(&at, number, kpi)?),
            _ => own.least_sample = Some(sample(&at, number)?),
        }
    }
    Ok(own)
}

/// A threshold within the KPI's range, with as many decimals as its value is shown with.
fn threshold(at: &At, number: f64, kpi: &Kpi) -> Result<Tenths, BadDocument> {
    let [least, greatest] = kpi.unit.range();
    if !(least as f64..=greatest as f64).contains(&number) {
        let unit = kpi.unit.suffix();
        return Err(at.bad(format!("this must be from {least} to {greatest}{unit}")));
    }
    let tenths = Tenths::near(number);
    let is_shown = kpi.decimals > 0 || tenths.count() % 10 == 0;
    // What is nearest to a decimal in binary is nearer than this.
    if !is_shown || (number * 10.0 - tenths.count() as f64).abs() > 1e-3 {
        let allowed = if kpi.decimals > 0 { "one decimal at most" } else { "no decimals" };
        return Err(at.bad(format!("this must have {allowed}, as {} has", kpi.label)));
    }
    Ok(tenths)
}

fn sample(at: &At, number: f64) -> Result<i64, BadDocument> {
    let is_sample = (1.0..=SAMPLE_MAX).contains(&number) && number.fract() == 0.0;
    is_sample
        .then_some(number as i64)
        .ok_or_else(|| at.bad(format!("this must be a whole number from 1 to {SAMPLE_MAX}")))
}

/// What applies then must be in the order in which values get worse: a warning comes before it is critical.
fn in_order(at: &At, rule: &AlertRule, own: Own) -> Result<(), BadDocument> {
    let Limits { warning, critical, .. } = own.or(rule.defaults());
    let (agrees, must) = match rule.bad {
        Bad::Below => (critical <= warning, "must not be above"),
        Bad::Above => (critical >= warning, "must not be below"),
    };
    let said = |own: Option<Tenths>| match Source::of(own) {
        Source::Default => ", the default",
        Source::Organization => "",
    };
    let (of_critical, of_warning) = (said(own.critical), said(own.warning));
    let detail = || format!("`critical` ({critical}{of_critical}) {must} `warning` ({warning}{of_warning})");
    if agrees { Ok(()) } else { Err(at.bad(detail())) }
}
