//! The contract of this API: for programs at `/openapi.json`, for people at `/docs` and `/problems/...`.
//!
//! The document is written by hand, in `contract/openapi.json`, because it is a promise: it changes only when somebody
//! decides so. Tests compare it with real answers, both ways.

use crate::answer::problem::KINDS;
use crate::routes::document::Document;
use crate::routes::http::get;
use std::collections::HashMap;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Rejection};

mod html;

/// The document, OpenAPI 3.1.
pub const OPENAPI: &str = include_str!("contract/openapi.json");

const STYLE: &str = include_str!("contract/docs.css");

/// Documents that are the same for all clients and need no token.
pub(super) fn routes() -> BoxedFilter<(Response,)> {
    let document = serde_json::from_str(OPENAPI).expect("tests read it");
    let page = |html: String| Document::new(html, "text/html; charset=utf-8");
    let openapi = fixed(Document::new(OPENAPI, "application/json"));
    let docs = fixed(page(html::contract(&document)));
    let style = fixed(Document::new(STYLE, "text/css"));
    let problems: HashMap<_, _> = KINDS.iter().map(|kind| (kind.name, page(html::problem(kind)))).collect();
    let problem = warp::path!("problems" / String).and(get()).and_then(move |name: String, headers| {
        let page = problems.get(name.as_str()).map(|page| page.reply(&headers));
        std::future::ready(page.ok_or_else(warp::reject::not_found))
    });
    let openapi = warp::path!("openapi.json").and(openapi);
    let docs = warp::path!("docs").and(docs);
    let style = warp::path!("docs.css").and(style);
    openapi.or(docs).unify().or(style).unify().or(problem).unify().boxed()
}

fn fixed(document: Document) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone {
    get().map(move |headers| document.reply(&headers))
}

#[cfg(test)]
mod tests;
