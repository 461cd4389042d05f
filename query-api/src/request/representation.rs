//! In which form an answer is given: what its client accepts, and which of the answer's lists is meant. Pure.

use crate::request::parameter::{BadParameter, single};
use crate::request::scope::Scope;

/// The parameter that names one of an answer's lists.
pub const LIST: &str = "list";

/// A weight of 1 in `Accept`.
const WHOLE: u16 = 1_000;

/// A media type in which answers are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// The whole answer, RFC 8259.
    Json,
    /// One list of the answer, RFC 4180.
    Csv,
    /// All pages of a list, an object a line.
    Ndjson,
}

impl Media {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// Those in which the scope's answers are given, in the order of our preference.
    #[must_use]
    pub const fn of(scope: Scope) -> &'static [Self] {
        match scope {
            Scope::Failures => &[Self::Json, Self::Csv, Self::Ndjson],
            Scope::Summary
            | Scope::Trends
            | Scope::WorkflowHealth
            | Scope::FailureGroups
            | Scope::DeliveryHealth
            | Scope::Insights
            | Scope::Refusals => &[Self::Json, Self::Csv],
        }
    }
}

/// A list in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// The KPIs of a summary.
    Kpis,
    /// The alerts of a summary.
    Alerts,
    /// The buckets of the range.
    Series,
    /// The buckets that it is compared with.
    PreviousSeries,
    /// The page of workflows.
    Workflows,
    /// The page of failures in workflow health.
    RecentFailures,
    /// The page of failures.
    Failures,
    /// The page of failures' groups.
    Groups,
    /// The channels of messages.
    Channels,
    /// The insights.
    Insights,
    /// What was refused, by topic and reason.
    Refusals,
    /// Some records that were refused.
    Examples,
}

impl List {
    /// The name of the answer's member.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kpis => "kpis",
            Self::Alerts => "alerts",
            Self::Series => "series",
            Self::PreviousSeries => "previousSeries",
            Self::Workflows => "workflows",
            Self::RecentFailures => "recentFailures",
            Self::Failures => "failures",
            Self::Groups => "groups",
            Self::Channels => "channels",
            Self::Insights => "insights",
            Self::Refusals => "refusals",
            Self::Examples => "examples",
        }
    }

    /// The lists of the scope's answers.
    #[must_use]
    pub const fn of(scope: Scope) -> &'static [Self] {
        match scope {
            Scope::Summary => &[Self::Kpis, Self::Alerts],
            Scope::Trends => &[Self::Series, Self::PreviousSeries],
            Scope::WorkflowHealth => &[Self::Workflows, Self::RecentFailures],
            Scope::Failures => &[Self::Failures],
            Scope::FailureGroups => &[Self::Groups],
            Scope::DeliveryHealth => &[Self::Channels, Self::Series],
            Scope::Insights => &[Self::Insights],
            Scope::Refusals => &[Self::Refusals, Self::Examples, Self::Series],
        }
    }

    /// The one that is meant where none is named; `None` where people would mean either.
    const fn unnamed(scope: Scope) -> Option<Self> {
        match scope {
            Scope::Summary => Some(Self::Kpis),
            Scope::Trends => Some(Self::Series),
            Scope::Failures => Some(Self::Failures),
            Scope::FailureGroups => Some(Self::Groups),
            Scope::Insights => Some(Self::Insights),
            Scope::Refusals => Some(Self::Refusals),
            Scope::WorkflowHealth | Scope::DeliveryHealth => None,
        }
    }

    /// The member that has the cursor of the next page, and the parameter that takes it; `None` where there are no pages.
    #[must_use]
    pub const fn next_page(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Workflows => Some(("nextWorkflowsCursor", "workflowsCursor")),
            Self::RecentFailures | Self::Failures | Self::Groups => Some(("nextCursor", "cursor")),
            Self::Kpis
            | Self::Alerts
            | Self::Series
            | Self::PreviousSeries
            | Self::Channels
            | Self::Insights
            | Self::Refusals
            | Self::Examples => None,
        }
    }
}

/// The form in which an answer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Representation {
    /// All of it.
    Json,
    /// This list of it.
    Csv(List),
    /// All pages of its only list.
    Ndjson,
}

/// Why an answer can't be given in any form that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The client accepts none of these.
    NotAcceptable(&'static [Media]),
    /// A parameter and the form don't fit.
    Parameter(BadParameter),
}

impl From<BadParameter> for Refused {
    fn from(bad: BadParameter) -> Self {
        Self::Parameter(bad)
    }
}

impl Representation {
    /// The one that the values of `Accept` and the parameters ask for.
    ///
    /// # Errors
    /// When none of the scope's is accepted, or `list` is missing, unknown, or given with another form than CSV.
    pub fn chosen<'a>(
        scope: Scope,
        accept: impl Iterator<Item = &'a str>,
        pairs: &[(String, String)],
    ) -> Result<Self, Refused> {
        let offers = Media::of(scope);
        let named = single(pairs, LIST)?;
        let media = negotiate(accept, offers).ok_or(Refused::NotAcceptable(offers))?;
        match (media, named) {
            (Media::Csv, named) => Ok(Self::Csv(list(scope, named)?)),
            (Media::Json | Media::Ndjson, Some(_)) => {
                Err(BadParameter::new(LIST, "`list` is for `Accept: text/csv`: JSON has all lists").into())
            }
            (Media::Json, None) => Ok(Self::Json),
            (Media::Ndjson, None) => Ok(Self::Ndjson),
        }
    }
}

fn list(scope: Scope, named: Option<&str>) -> Result<List, BadParameter> {
    let lists = List::of(scope);
    let names = || lists.iter().map(|list| list.name()).collect::<Vec<_>>().join(", ");
    match named {
        Some(name) => lists
            .iter()
            .copied()
            .find(|list| list.name() == name)
            .ok_or_else(|| BadParameter::new(LIST, format!("`list` must be one of {}", names()))),
        None => List::unnamed(scope).ok_or_else(|| {
            let detail = format!("a CSV has one list: `list` must say which, one of {}", names());
            BadParameter::new(LIST, detail)
        }),
    }
}

/// The best of the offers for a client that sends these values of `Accept`; `None` if it accepts none of them. Each offer has the
/// weight of the most specific range that matches it (RFC 9110, section 12.5.1). Of equal weights the one that is named most
/// precisely is taken, then the first. Ranges that can't be read are ignored, so that an odd client gets what it always got.
pub fn negotiate<'a>(accept: impl Iterator<Item = &'a str>, offers: &[Media]) -> Option<Media> {
    let ranges: Vec<_> = accept.flat_map(|value| value.split(',')).filter_map(MediaRange::read).collect();
    if ranges.is_empty() {
        return offers.first().copied();
    }
    let weighed = offers.iter().rev().filter_map(|offer| {
        let matching = ranges.iter().filter_map(|range| Some((range.precision(offer.name())?, range.weight)));
        let (precision, weight) = matching.max()?;
        (weight > 0).then_some((weight, precision, *offer))
    });
    // Of equals the last is taken, which is the first offer.
    weighed.max_by_key(|(weight, precision, _)| (*weight, *precision)).map(|(_, _, offer)| offer)
}

/// A range of media types that a client accepts, and how much it likes them, in thousandths.
struct MediaRange {
    kind: String,
    subtype: String,
    weight: u16,
}

impl MediaRange {
    /// Parameters other than the weight are ignored: those that clients send say what our forms are anyway, as `charset=utf-8`.
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next()?.to_ascii_lowercase();
        // Some clients of old send `*` for `*/*`.
        let (kind, subtype) = if name == "*" { ("*", "*") } else { name.split_once('/')? };
        let is_token = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_token(kind) || !is_token(subtype) || (kind == "*" && subtype != "*") {
            return None;
        }
        let weight = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse::<f64>())
        });
        let weight = weight.unwrap_or(Ok(1.0)).ok().filter(|weight| (0.0..=1.0).contains(weight))?;
        let weight = (weight * f64::from(WHOLE)).round() as u16;
        Some(Self { kind: kind.to_owned(), subtype: subtype.to_owned(), weight })
    }

    /// How precisely it names a media type; `None` if it doesn't include it.
    fn precision(&self, name: &str) -> Option<u8> {
        let (kind, subtype) = name.split_once('/')?;
        match (&*self.kind, &*self.subtype) {
            ("*", "*") => Some(0),
            (own, "*") if own == kind => Some(1),
            (own, exact) if own == kind && exact == subtype => Some(2),
            (_, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Media; 3] = [Media::Json, Media::Csv, Media::Ndjson];

    #[test]
    fn the_best_of_what_is_accepted_is_given() {
        let check = |accept: &[&str], expected: Option<Media>| {
            assert_eq!(negotiate(accept.iter().copied(), &ALL), expected, "{accept:?}");
        };
        let [json, csv, ndjson] = ALL.map(Some);
        check(&[], json);
        check(&["*/*"], json);
        check(&["*"], json);
        check(&[""], json);
        check(&["application/json"], json);
        check(&["text/csv"], csv);
        check(&["TEXT/CSV; charset=utf-8; header=present"], csv);
        check(&["application/x-ndjson"], ndjson);
        check(&["text/*"], csv);
        check(&["application/*"], json);
        check(&["text/csv, application/json"], json);
        check(&["text/csv, application/json;q=0.9"], csv);
        check(&["application/json;q=0.1", "text/csv;q=0.2"], csv);
        check(&["text/csv, */*"], csv);
        check(&["text/csv;q=0.5, */*"], json);
        check(&["*/*, application/json;q=0"], csv);
        check(&["application/json;q=0, application/*;q=0.3, text/*;q=0.2"], ndjson);
        check(&["text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8"], json);
        check(&["text/html, image/gif, *; q=.2, */*; q=.2"], json);
        check(&["text/html"], None);
        check(&["text/html;level=1, application/xml"], None);
        check(&["text/csv;q=0"], None);
        check(&["*/*;q=0"], None);
        // What can't be read is as if it weren't there.
        check(&["csv"], json);
        check(&["text/csv;q=2"], json);
        check(&["text/csv;q=x, application/x-ndjson"], ndjson);
        check(&["*/csv"], json);
    }

    proptest! {
        #[test]
        fn whatever_is_sent_what_is_given_is_offered(accept in ".{0,60}", from in 0..3usize, to in 0..4usize) {
            let offers = &ALL[from.min(to)..to.max(from)];
            let given = negotiate([accept.as_str()].into_iter(), offers);
            prop_assert!(given.is_none_or(|media| offers.contains(&media)));
        }

        #[test]
        fn the_greatest_weight_wins(weights in prop::array::uniform3(0..=WHOLE)) {
            let accept: Vec<_> = ALL.iter().zip(weights)
                .map(|(media, weight)| format!("{};q={}", media.name(), f64::from(weight) / f64::from(WHOLE)))
                .collect();
            let given = negotiate([accept.join(", ").as_str()].into_iter(), &ALL);
            let best = weights.iter().copied().max().filter(|weight| *weight > 0);
            let expected = best.and_then(|best| ALL.into_iter().zip(weights).find(|(_, weight)| *weight == best));
            prop_assert_eq!(given, expected.map(|(media, _)| media));
        }
    }

    #[test]
    fn a_csv_has_the_list_that_is_meant() {
        let check =
            |scope: Scope, accept: &str, list: Option<&str>, expected: Result<Representation, &str>| {
                let pairs: Vec<_> = list.iter().map(|name| (LIST.to_owned(), (*name).to_owned())).collect();
                let chosen = Representation::chosen(scope, [accept].into_iter(), &pairs);
                let chosen = chosen.map_err(|refused| match refused {
                    Refused::NotAcceptable(offers) => offers.iter().map(|media| media.name()).collect(),
                    Refused::Parameter(bad) => bad.detail,
                });
                match (&chosen, expected) {
                    (Ok(chosen), Ok(expected)) => assert_eq!(*chosen, expected, "{scope:?} {list:?}"),
                    (Err(said), Err(part)) => assert!(said.contains(part), "{scope:?} {list:?}: {said}"),
                    (_, _) => panic!("{scope:?} {accept} {list:?}: {chosen:?}"),
                }
            };
        use Representation::{Csv, Json, Ndjson};
        check(Scope::Summary, "text/csv", None, Ok(Csv(List::Kpis)));
        check(Scope::Summary, "text/csv", Some("alerts"), Ok(Csv(List::Alerts)));
        check(Scope::Trends, "text/csv", None, Ok(Csv(List::Series)));
        check(Scope::Trends, "text/csv", Some("previousSeries"), Ok(Csv(List::PreviousSeries)));
        check(Scope::WorkflowHealth, "text/csv", None, Err("workflows, recentFailures"));
        check(Scope::WorkflowHealth, "text/csv", Some("channels"), Err("workflows, recentFailures"));
        check(Scope::DeliveryHealth, "text/csv", None, Err("channels, series"));
        check(Scope::DeliveryHealth, "text/csv", Some("series"), Ok(Csv(List::Series)));
        check(Scope::DeliveryHealth, "*/*", None, Ok(Json));
        check(Scope::Refusals, "text/csv", None, Ok(Csv(List::Refusals)));
        check(Scope::Refusals, "text/csv", Some("examples"), Ok(Csv(List::Examples)));
        check(Scope::DeliveryHealth, "*/*", Some("series"), Err("`Accept: text/csv`"));
        check(Scope::Failures, "application/x-ndjson", None, Ok(Ndjson));
        check(Scope::Trends, "application/x-ndjson", None, Err("application/jsontext/csv"));
        for scope in Scope::ALL {
            assert_eq!(List::of(scope).len() > 1, scope.parameters().contains(&LIST), "{scope:?}");
            assert!(List::unnamed(scope).is_none_or(|list| List::of(scope).contains(&list)), "{scope:?}");
        }
    }
}
