//! A list of an answer as a CSV response, which names its file and where its next page is.

use crate::answer::csv::Csv;
use crate::answer::problem::Problem;
use crate::answer::{Answer, etag};
use crate::request::raw_range::RawRange;
use crate::request::representation::List;
use crate::request::scope::Scope;
use crate::routes::freshness::{put_age, put_freshness};
use crate::routes::http::{conditional, put};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use std::time::Duration;
use warp::http::Response;
use warp::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LINK};

/// What the responses are (RFC 7111).
const CONTENT: &str = "text/csv; charset=utf-8; header=present";

/// CSV of longer answers is made on a thread for such work: requests that take little must not wait for it.
const LONG_BYTES: usize = 64 << 10;

/// The list that is asked for, and how.
pub struct Listed<'a> {
    /// What is asked.
    pub scope: Scope,
    /// Of that, the list.
    pub list: List,
    /// The request's parameters.
    pub pairs: &'a [(String, String)],
    /// When it is asked.
    pub now: DateTime<Utc>,
}

/// The list of a fresh answer, or 304 if the client has it.
///
/// # Errors
/// When the answer has no such list: a fault of ours.
pub async fn fresh(
    answer: Answer,
    listed: Listed<'_>,
    request: &HeaderMap,
) -> Result<Response<Bytes>, Problem> {
    let csv = csv(answer.body, &listed).await?;
    let mut response = conditional(csv.body.clone(), &etag(&csv.body), CONTENT, request);
    put_freshness(response.headers_mut(), answer.complete_through, answer.generated_at);
    put_names(response.headers_mut(), &csv, &listed);
    Ok(response)
}

/// The list of an older answer. Only its headers say that it is one.
///
/// # Errors
/// When the answer has no such list: a fault of ours.
pub async fn stale(answer: Answer, listed: Listed<'_>, age: Duration) -> Result<Response<Bytes>, Problem> {
    let csv = csv(answer.body, &listed).await?;
    let mut response = Response::new(csv.body.clone());
    put(&mut response, CONTENT_TYPE, CONTENT);
    put_age(response.headers_mut(), age);
    put_names(response.headers_mut(), &csv, &listed);
    Ok(response)
}

async fn csv(json: Bytes, Listed { scope, list, .. }: &Listed<'_>) -> Result<Csv, Problem> {
    let (scope, list) = (*scope, *list);
    let csv = if json.len() < LONG_BYTES {
        Csv::of(&json, scope, list)
    } else {
        let made = tokio::task::spawn_blocking(move || Csv::of(&json, scope, list)).await;
        made.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))
    };
    csv.ok_or_else(|| {
        tracing::error!(scope = scope.name(), list = list.name(), "an answer is not as its CSV expects it");
        Problem::internal()
    })
}

fn put_names(headers: &mut HeaderMap, csv: &Csv, listed: &Listed<'_>) {
    let next = csv.next.as_deref().and_then(|cursor| next_page(listed, cursor));
    let all = [(CONTENT_DISPOSITION, Some(disposition(csv, listed))), (LINK, next)];
    for (name, value) in all {
        let value: Option<(HeaderName, HeaderValue)> =
            value.and_then(|value| Some((name, HeaderValue::try_from(value).ok()?)));
        headers.extend(value);
    }
}

/// The name under which a browser saves it: what it is, and its range.
fn disposition(csv: &Csv, Listed { scope, list, .. }: &Listed<'_>) -> String {
    let what = match List::of(*scope) {
        [_] => scope.name().to_owned(),
        _ => format!("{}-{}", scope.name(), list.name()),
    };
    // To the minute, without the signs that file names can't have.
    let [from, to] = csv.range.each_ref().map(|time| {
        let digits: String =
            time.chars().take("2026-02-25T10:00".len()).filter(|c| !"-:".contains(*c)).collect();
        format!("{digits}Z")
    });
    format!("attachment; filename=\"{what}_{from}_{to}.csv\"")
}

/// The next page of the same range, however late it is asked for (RFC 8288). It is relative to the request, whose path proxies may
/// have changed.
fn next_page(Listed { list, pairs, now, .. }: &Listed<'_>, cursor: &str) -> Option<String> {
    let (_, parameter) = list.next_page()?;
    let ends = RawRange::from_pairs(pairs.iter().cloned()).ok()?.ends(*now).ok()?;
    let [from, to] = [ends.from, ends.to].map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    let own = [("from", from.as_str()), ("to", to.as_str()), (parameter, cursor)];
    let others = pairs.iter().filter(|(name, _)| own.iter().all(|(other, _)| other != name));
    let query =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(others).extend_pairs(own).finish();
    Some(format!("<?{query}>; rel=\"next\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed<'a>(scope: Scope, list: List, pairs: &'a [(String, String)]) -> Listed<'a> {
        Listed { scope, list, pairs, now: "2026-02-25T10:30:00Z".parse().unwrap() }
    }

    fn answer(next: &str) -> Answer {
        Answer::new(format!(
            r#"{{"range":{{"from":"2026-02-24T10:00:00.000Z","to":"2026-02-25T11:00:00.000Z"}},"completeThrough":null,
                "failures":[{{"executionId":"=e1"}}],"kpis":[],"nextCursor":{next},"generatedAt":"2026-02-25T10:30:00.000Z"}}"#
        ))
    }

    #[tokio::test]
    async fn a_csv_names_its_file_and_its_next_page() {
        let pairs = [("workflow", "a&b"), ("cursor", "old"), ("limit", "7")];
        let pairs = pairs.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let of = |next: &str| answer(next);
        let response =
            fresh(of("\"new\""), listed(Scope::Failures, List::Failures, &pairs), &HeaderMap::new())
                .await
                .unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap();
        assert_eq!(header("content-type"), "text/csv; charset=utf-8; header=present");
        let file = "attachment; filename=\"failures_20260224T1000Z_20260225T1100Z.csv\"";
        assert_eq!(header("content-disposition"), file);
        let next = "<?workflow=a%26b&limit=7&from=2026-02-24T10%3A30%3A00Z&to=2026-02-25T10%3A30%3A00Z&cursor=new>; rel=\"next\"";
        assert_eq!(header("link"), next);
        assert_eq!(
            (header("complete-through"), header("vary")),
            ("null", "accept, authorization, organization-id, accept-encoding")
        );
        assert!(response.body().starts_with(b"\"executionId\",") && response.body().ends_with(b"\r\n"));
        let last = fresh(of("null"), listed(Scope::Failures, List::Failures, &pairs), &HeaderMap::new())
            .await
            .unwrap();
        assert!(!last.headers().contains_key("link"), "it is the last page");
        let kpis =
            fresh(of("null"), listed(Scope::Summary, List::Kpis, &[]), &HeaderMap::new()).await.unwrap();
        let file = kpis.headers()["content-disposition"].to_str().unwrap();
        assert!(file.contains("\"summary-kpis_"), "{file}");
    }

    #[tokio::test]
    async fn each_representation_has_its_tag_and_a_client_that_has_it_gets_no_body() {
        let table = || listed(Scope::Failures, List::Failures, &[]);
        let response = fresh(answer("null"), table(), &HeaderMap::new()).await.unwrap();
        let tag = response.headers()["etag"].clone();
        assert_ne!(tag.as_bytes(), answer("null").etag);
        let mut known = HeaderMap::new();
        known.insert("if-none-match", tag);
        let response = fresh(answer("null"), table(), &known).await.unwrap();
        assert_eq!((response.status().as_u16(), response.body().len()), (304, 0));
    }

    #[tokio::test]
    async fn a_stale_csv_says_so_in_its_headers() {
        let table = listed(Scope::Failures, List::Failures, &[]);
        let response = stale(answer("null"), table, Duration::from_millis(12_900)).await.unwrap();
        assert_eq!(
            (&response.headers()["age"], &response.headers()["cache-control"]),
            (&HeaderValue::from(12), &HeaderValue::from_static("private, no-store"))
        );
        assert!(!response.headers().contains_key("etag"));
    }
}
