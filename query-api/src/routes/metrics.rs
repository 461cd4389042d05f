//! `/metrics/<scope>`: the life of a request, from its token and query to a fresh or a stale answer.

use crate::answer::problem::Problem;
use crate::cache::{Key, Served};
use crate::load::{load, rows};
use crate::request::query::Query;
use crate::request::representation::Representation;
use crate::request::scope::Scope;
use crate::request::token::Permission;
use crate::routes::api::{Api, Repeatable};
use crate::routes::asking::{Asking, accepted, same_for, unread};
use crate::routes::csv::{self, Listed};
use crate::routes::freshness::{fresh, stale};
use crate::routes::{export, overview};
use std::sync::Arc;
use warp::http::header::HeaderMap;
use warp::reply::Response;

/// Answers, or gives up after `REQUEST_TIMEOUT`.
pub async fn answer_in_time(
    api: Arc<Api>,
    asked: Asked,
    headers: HeaderMap,
    pairs: Vec<(String, String)>,
) -> Result<Response, Problem> {
    let (now, keys_replaced) = ((api.clock)(), api.verifier.replaced());
    let principal = api.admit_for(&headers, asked.needs(), now)?;
    let organization = Arc::clone(&principal.organization);
    let limit = api.settings.request_timeout;
    let asking = Asking { principal, keys_replaced, now, headers: &headers, pairs: &pairs };
    let answered = async {
        match asked {
            Asked::Scope(scope) => answer(&api, scope, asking).await,
            Asked::Overview => overview::answer(&api, asking).await,
        }
    };
    let answered = tokio::time::timeout(limit, answered).await;
    let answered = answered.unwrap_or_else(|_| {
        tracing::warn!(asked = asked.name(), ?limit, "a request timed out");
        Err(Problem::unavailable())
    });
    api.finished(&organization, answered)
}

/// What a request's path asks for.
#[derive(Clone, Copy, Debug)]
pub enum Asked {
    /// One answer.
    Scope(Scope),
    /// Several at once.
    Overview,
}

impl Asked {
    const fn name(self) -> &'static str {
        match self {
            Self::Scope(scope) => scope.name(),
            Self::Overview => "overview",
        }
    }

    /// What the request's token must allow.
    const fn needs(self) -> Permission {
        match self {
            Self::Scope(scope) => scope.needs(),
            Self::Overview => Permission::MetricsRead,
        }
    }
}

async fn answer(api: &Arc<Api>, scope: Scope, asking: Asking<'_>) -> Result<Response, Problem> {
    let Asking { principal, keys_replaced, now, headers, pairs } = asking;
    let organization = Arc::clone(&principal.organization);
    let query = Query::from_pairs(scope, pairs, now, &api.ranges)?;
    let list = match Representation::chosen(scope, accepted(headers), pairs)? {
        Representation::Json => None,
        Representation::Csv(list) => Some(list),
        Representation::Ndjson => return export::open(api, &organization, query, pairs, now).await,
    };
    let key = Key { organization: Arc::clone(&organization), scope, query: query.key() };
    let asked = same_for(scope, pairs, now, &key.query, &api.ranges);
    let (loader, rows) = (Arc::clone(api), rows(&query));
    let load = || async move { load(&loader.store, &organization, &query, now).await };
    let served = api.cache.answer(key, rows, load).await.map_err(|error| unread(scope.name(), &error))?;
    let table = |list| Listed { scope, list, pairs, now };
    Ok(match served {
        Served::Fresh(answer, forms, standing) => {
            let mut response = match list {
                None => fresh(answer, headers),
                Some(list) => csv::fresh(answer, table(list), headers).await?,
            };
            // A CSV is made of the answer, and its compressed forms are other bytes.
            if list.is_none() {
                response.extensions_mut().insert(forms);
            }
            let repeatable = asked.map(|asked| Repeatable { principal, keys_replaced, standing, asked });
            if let Some(repeatable) = repeatable {
                response.extensions_mut().insert(repeatable);
            }
            response.map(Into::into)
        }
        Served::Stale(answer, forms, age) => match list {
            None => {
                let mut response = stale(&answer, age);
                response.extensions_mut().insert(forms);
                response.map(Into::into)
            }
            Some(list) => csv::stale(answer, table(list), age).await?.map(Into::into),
        },
    })
}
