//! What a client sends to set thresholds: read strictly, because what is passed over would be believed to be set. Pure.

use crate::answer::decimal::Tenths;
use crate::answer::registry::{AlertRule, Bad, KPIS, Kpi};
use crate::answer::thresholds::{Limits, Own, Source};
use crate::request::parameter::not_known;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The longest document, in bytes: many times what all alerts need.
pub const BYTES_MAX: usize = 16 * 1024;

/// The greatest `leastSample`.
const SAMPLE_MAX: f64 = 1e9;

/// How much of a parser's complaint is repeated: it quotes what was sent.
const COMPLAINT_CHARS_MAX: usize = 200;

/// The members of the document, and of an alert in it.
const MEMBERS: [&str; 1] = ["thresholds"];
const NUMBERS: [&str; 3] = ["warning", "critical", "leastSample"];

/// A document that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDocument {
    /// Where in it, as a JSON Pointer (RFC 6901); empty for all of it.
    pub pointer: String,
    /// What is wrong there and what is allowed, for people.
    pub detail: String,
}

/// All of an organization's own thresholds, as they are to be. An alert that isn't named has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(Vec<(&'static str, Own)>);

/// JSON, as far as it matters here. Unlike `serde_json`'s own, it keeps a member that occurs twice.
enum Json {
    Object(Vec<(String, Json)>),
    Number(f64),
    Null,
    /// Something else, in words.
    Other(&'static str),
}

/// A place in the document.
#[derive(Clone)]
struct At(String);

impl Document {
    /// Reads a document: `{"thresholds": {"<alert>": {"warning", "critical", "leastSample"}}}`, where null, and what is missing,
    /// returns to the default.
    ///
    /// # Errors
    /// With the first thing that can't be used.
    pub fn read(body: &[u8]) -> Result<Self, BadDocument> {
        let root = At(String::new());
        let json: Json = serde_json::from_slice(body).map_err(|error| {
            let complaint: String = error.to_string().chars().take(COMPLAINT_CHARS_MAX).collect();
            root.bad(format!("this is no JSON: {complaint}"))
        })?;
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
            Json::Object(_) => return Err(at.bad("this must be a number or null, and is an object")),
            Json::Other(what) => return Err(at.bad(format!("this must be a number or null, and is {what}"))),
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

impl At {
    fn below(&self, name: &str) -> Self {
        Self(format!("{}/{}", self.0, name.replace('~', "~0").replace('/', "~1")))
    }

    fn bad(&self, detail: impl Into<String>) -> BadDocument {
        BadDocument { pointer: self.0.clone(), detail: detail.into() }
    }

    /// The members of an object, of which none but these may be there, and each once.
    fn members<'a>(&self, json: &'a Json, known: &[&str]) -> Result<Vec<(&'a str, &'a Json)>, BadDocument> {
        let what = match json {
            Json::Object(members) => {
                for (number, (name, _)) in members.iter().enumerate() {
                    if !known.contains(&name.as_str()) {
                        let (name, detail) = not_known(name, known);
                        return Err(self.below(&name).bad(detail));
                    }
                    if members[..number].iter().any(|(other, _)| other == name) {
                        return Err(self.below(name).bad(format!("`{name}` is given more than once")));
                    }
                }
                return Ok(members.iter().map(|(name, json)| (name.as_str(), json)).collect());
            }
            Json::Number(_) => "a number",
            Json::Null => "null",
            Json::Other(what) => what,
        };
        Err(self.bad(format!("this must be an object, and is {what}")))
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Json::Other("a list"))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other("a boolean"))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Json, E> {
        Ok(Json::Other("a text"))
    }
}
