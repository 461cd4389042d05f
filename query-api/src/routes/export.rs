//! All failures of a range in one response, as NDJSON: an object a line (application/x-ndjson).
//!
//! ```text
//! first page -> headers
//! a task reads page after page -> a channel of one page -> the response's body
//! ```
//!
//! The client sets the pace. While it takes nothing no connection to PostgreSQL is held, and two pages are in memory at most. Each page
//! is paid for with the organization's rate; when that is used up, the task waits. The pages are not of one state of the database, but
//! newer failures don't shift them. A response that breaks off was not ended properly, and so isn't taken for a whole one.

use crate::answer::failures::{Failure, failures_page};
use crate::answer::known::Known;
use crate::answer::problem::Problem;
use crate::cache::slots::{Full, Slot};
use crate::request::listing::failures::{FailureCursor, FailuresPage, Which};
use crate::request::parameter::BadParameter;
use crate::request::query::Query;
use crate::request::range::Range;
use crate::request::rates::Admission;
use crate::request::representation::Media;
use crate::routes::api::Api;
use crate::routes::freshness::put_freshness;
use crate::store::{Error, Read};
use bytes::{BufMut as _, Bytes, BytesMut};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use warp::Reply as _;
use warp::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use warp::reply::Response;

/// How many failures an export has at most. If there are more, its last line says where the next one goes on.
const FAILURES_MAX: usize = 100_000;

/// Parameters of pages alone: a page of a group costs as much as 10,000 failures.
const OF_PAGES: [&str; 2] = ["limit", "group"];

/// How many failures are read at once.
const PAGE: u16 = 500;

/// How long an export may take, the client's pauses included.
const TIME_MAX: Duration = Duration::from_secs(600);

/// How many exports there may be at once.
pub const EXPORTS_MAX: usize = 32;

/// How many of them one organization may have.
pub const EXPORTS_PER_ORGANIZATION_MAX: usize = 2;

/// What an export reads.
struct Export {
    api: Arc<Api>,
    organization: Arc<str>,
    range: Range,
    which: Which,
    position: Position,
    _slot: Slot,
}

/// How far an export is.
struct Position {
    /// The last failure that it has; `None` at its beginning.
    cursor: Option<FailureCursor>,
    /// How many more it may have.
    left: usize,
}

/// A page of an export: its lines, and whether there are more.
struct Page {
    lines: Bytes,
    is_last: bool,
}

/// The last line of an export that isn't whole.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GoesOn {
    next_cursor: String,
}

/// Begins an export: the first page is read before the response begins, so that what fails at once is a problem.
///
/// # Errors
/// When too many are under way, a parameter of pages is given, or the first page can't be read.
pub async fn open(
    api: &Arc<Api>,
    organization: &Arc<str>,
    query: Query,
    pairs: &[(String, String)],
    now: DateTime<Utc>,
) -> Result<Response, Problem> {
    for name in OF_PAGES {
        if pairs.iter().any(|(given, _)| given == name) {
            let detail = format!("`{name}` is for pages: this form has all failures");
            return Err(BadParameter::new(name, detail).into());
        }
    }
    let Query::Failures(range, which, FailuresPage { cursor, .. }) = query else {
        return Err(Problem::internal());
    };
    let slot = api.exports.take(organization).map_err(|full| match full {
        Full::Organization => Problem::too_many_exports(),
        Full::All => Problem::unavailable(),
    })?;
    let (owned, organization) = (Arc::clone(api), Arc::clone(organization));
    let position = Position { cursor, left: FAILURES_MAX };
    let mut export = Export { api: owned, organization, range, which, position, _slot: slot };
    if let Some(wait) = export.pay() {
        return Err(Problem::too_many_requests(wait));
    }
    let (first, known) = export.page().await.map_err(|error| {
        tracing::warn!(asked = "export", %error, "the rows can't be read");
        Problem::unavailable()
    })?;
    Ok(response(export, first, &known, now))
}

impl Export {
    /// Pays for a page; if it can't be paid for yet, how long until it can.
    fn pay(&self) -> Option<Duration> {
        match self.api.rate_limit.admit_load(&self.organization, PAGE.into(), Instant::now()) {
            Admission::Granted => None,
            Admission::Wait(wait) => Some(wait),
        }
    }

    /// Reads the next page.
    async fn page(&mut self) -> Result<(Page, Known), Error> {
        let store = &self.api.store;
        let turn = store.turn(&self.organization).await?;
        let page = self.position.next();
        let reading = store.reading(&turn).await?;
        let read = reading.failures(&self.range, &self.which, &page).await;
        let Read { known, rows } = reading.give_back(read)?;
        Ok((self.position.take(rows, page.limit), known))
    }

    /// Sends the other pages, until the client is gone.
    async fn send(mut self, pages: mpsc::Sender<io::Result<Bytes>>) {
        loop {
            while let Some(wait) = self.pay() {
                tokio::time::sleep(wait).await;
            }
            // There is room before the page is read, so that it isn't read for a client that takes none.
            let Ok(room) = pages.reserve().await else { return };
            match self.page().await {
                Ok((page, _)) => {
                    room.send(Ok(page.lines));
                    if page.is_last {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "an export breaks off: the rows can't be read");
                    return room.send(Err(io::Error::other("the rows can't be read")));
                }
            }
        }
    }
}

impl Position {
    /// The page that is to be read.
    fn next(&self) -> FailuresPage {
        FailuresPage {
            cursor: self.cursor.clone(),
            limit: PAGE.min(u16::try_from(self.left).unwrap_or(PAGE)),
        }
    }

    /// The lines of the page that was read, whose rows are one more if there are more.
    fn take(&mut self, rows: Vec<Failure>, limit: u16) -> Page {
        let (failures, next) = failures_page(rows, limit);
        self.left -= failures.len();
        self.cursor = failures.last().map(Failure::cursor);
        let mut lines = BytesMut::new();
        failures.iter().for_each(|failure| put_line(&mut lines, failure));
        let is_full = self.left == 0;
        // Nobody could tell an export that was ended by its limit from a whole one.
        if let Some(next_cursor) = next.clone().filter(|_| is_full) {
            put_line(&mut lines, &GoesOn { next_cursor });
        }
        Page { lines: lines.freeze(), is_last: is_full || next.is_none() }
    }
}

fn response(export: Export, first: Page, known: &Known, now: DateTime<Utc>) -> Response {
    let (sender, receiver) = mpsc::channel(1);
    if !first.is_last {
        tokio::spawn(async move {
            let broken = sender.clone();
            if tokio::time::timeout(TIME_MAX, export.send(sender)).await.is_err() {
                drop(broken.send(Err(io::Error::other("the export took too long"))).await);
            }
        });
    }
    let first = futures_util::stream::iter([Ok(first.lines)]);
    let others = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|page| (page, receiver))
    });
    let body = futures_util::StreamExt::chain(first, others);
    let mut response = warp::reply::stream(body).into_response();
    let text = |time: DateTime<Utc>| Bytes::from(time.to_rfc3339_opts(SecondsFormat::Millis, true));
    let through = known.complete_through.map_or_else(|| Bytes::from_static(b"null"), text);
    let headers = response.headers_mut();
    put_freshness(headers, through, text(now));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(Media::Ndjson.name()));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"failures.ndjson\""));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn put_line(lines: &mut BytesMut, line: &impl Serialize) {
    let json = serde_json::to_vec(line).expect("lines are structs, numbers and strings");
    lines.put_slice(&json);
    lines.put_u8(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn failure(n: usize) -> Failure {
        Failure {
            execution_id: format!("e{n}"),
            workflow_id: "w1".into(),
            workflow_name: "Welcome".into(),
            outcome: "FAILED".into(),
            error_message: "line 1\nline 2".into(),
            execution_time_ms: 7,
            finished_at: "2026-02-25T09:00:00Z".parse().unwrap(),
        }
    }

    /// All lines of an export of so many failures, which may have so many, and where its last page began.
    fn export(stored: usize, most: usize) -> Vec<Value> {
        let (mut position, mut text) = (Position { cursor: None, left: most }, Vec::new());
        loop {
            let FailuresPage { cursor, limit } = position.next();
            let from = cursor.map_or(0, |cursor| cursor.execution_id[1..].parse::<usize>().unwrap() + 1);
            let until = stored.min(from + usize::from(limit) + 1);
            let page = position.take((from..until).map(failure).collect(), limit);
            text.extend_from_slice(&page.lines);
            if page.is_last {
                break;
            }
        }
        let text = String::from_utf8(text).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    proptest! {
        #[test]
        fn an_export_has_each_failure_once_and_says_where_it_goes_on(stored in 0..1_700usize, most in 1..1_600usize) {
            let mut lines = export(stored, most);
            let goes_on = lines.pop_if(|line| line.get("nextCursor").is_some());
            let ids: Vec<_> = lines.iter().map(|line| line["executionId"].as_str().unwrap().to_owned()).collect();
            let expected: Vec<_> = (0..stored.min(most)).map(|n| format!("e{n}")).collect();
            prop_assert_eq!(ids, expected);
            prop_assert_eq!(goes_on.is_some(), stored > most);
            if let Some(line) = goes_on {
                let cursor = FailureCursor::from_text(line["nextCursor"].as_str().unwrap()).unwrap();
                prop_assert_eq!(cursor, failure(most - 1).cursor());
            }
        }
    }
}
