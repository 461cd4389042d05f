//! `/settings/webhooks/...`: where an organization is told of its alerts, and what has become of the messages.

use crate::answer::document::BYTES_MAX;
use crate::answer::problem::Problem;
use crate::request::parameter::only;
use crate::request::rates::Admission;
use crate::request::token::{Permission, Principal};
use crate::routes::api::Api;
use crate::routes::http::{json, put};
use crate::sending::{Untested, random};
use crate::store::webhooks::{Asker, New, Retried};
use crate::store::{Error, webhooks};
use crate::webhooks::delivery::Page;
use crate::webhooks::endpoint::{Asked, Endpoint, WithSecret};
use bytes::{Buf, Bytes};
use futures_util::Stream;
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use warp::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, VARY, X_CONTENT_TYPE_OPTIONS,
};
use warp::http::{Method, Response, StatusCode};

/// How long the secret of before signs messages, too: so long receivers have to take the new one over.
const OVERLAP: Duration = Duration::from_secs(24 * 3_600);

/// When a test may be tried again that had no place.
const RETRY_TEST: Duration = Duration::from_secs(2);

/// What a path is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place<'a> {
    /// `/settings/webhooks`
    All,
    /// `/settings/webhooks/{id}`
    One(&'a str),
    /// `/settings/webhooks/{id}/test`
    Test(&'a str),
    /// `/settings/webhooks/{id}/secret`
    Secret(&'a str),
    /// `/settings/webhooks/{id}/deliveries`
    Deliveries(&'a str),
    /// `/settings/webhooks/{id}/deliveries/{message}/retry`
    Retry(&'a str, &'a str),
}

impl<'a> Place<'a> {
    /// That of the rest of a path.
    fn of(rest: &'a str) -> Option<Self> {
        let parts: Vec<&str> = rest.split('/').collect();
        let place = match parts[..] {
            [""] => return Some(Self::All),
            [id] => Self::One(id),
            [id, "test"] => Self::Test(id),
            [id, "secret"] => Self::Secret(id),
            [id, "deliveries"] => Self::Deliveries(id),
            [id, "deliveries", message, "retry"] => Self::Retry(id, message),
            _ => return None,
        };
        (!parts.contains(&"")).then_some(place)
    }

    /// The methods it has.
    const fn allows(self) -> &'static str {
        match self {
            Self::All => "GET, HEAD, POST",
            Self::One(_) => "GET, HEAD, PATCH, DELETE",
            Self::Test(_) | Self::Secret(_) | Self::Retry(..) => "POST",
            Self::Deliveries(_) => "GET, HEAD",
        }
    }

    /// Whether a request of this method has a body that says something.
    fn takes_body(self, method: &str) -> bool {
        matches!((self, method), (Self::All, "POST") | (Self::One(_), "PATCH"))
    }
}

/// A request.
pub struct Requested {
    /// Its method.
    pub method: Method,
    /// What follows `/settings/webhooks/` in its path.
    pub rest: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// The pairs of its query.
    pub pairs: Vec<(String, String)>,
}

/// Answers. The organization is that of the token, and no id leads to another one's endpoints.
pub async fn answer<B: Buf>(
    api: Arc<Api>,
    requested: Requested,
    body: impl Stream<Item = Result<B, warp::Error>> + Send,
) -> Result<Response<Bytes>, Problem> {
    let Requested { method, rest, headers, pairs } = requested;
    let place = Place::of(&rest).ok_or_else(Problem::not_found)?;
    let reads = method == Method::GET || method == Method::HEAD;
    let asked = if reads { "GET" } else { method.as_str() };
    if !place.allows().split(", ").any(|allowed| allowed == asked) {
        return Err(Problem::method_not_allowed(place.allows()));
    }
    let permission = if reads { Permission::SettingsRead } else { Permission::SettingsWrite };
    let principal = api.admit_for(&headers, permission, (api.clock)())?;
    let organization = Arc::clone(&principal.organization);
    if !api.sender.settings.are_on() {
        return api.finished(&organization, Err(Problem::webhooks_off()));
    }
    let answered = async {
        let body = if place.takes_body(asked) {
            let read =
                tokio::time::timeout(api.settings.request_timeout, json(&headers, body, BYTES_MAX)).await;
            read.unwrap_or_else(|_| Err(Problem::unavailable()))?
        } else {
            Bytes::new()
        };
        Requests { api: &api, principal }.answer(asked, place, &pairs, &body).await
    };
    let answered = answered.await;
    api.finished(&organization, answered)
}

/// Requests of a principal.
struct Requests<'a> {
    api: &'a Api,
    principal: Principal,
}

impl Requests<'_> {
    async fn answer(
        &self,
        method: &str,
        place: Place<'_>,
        pairs: &[(String, String)],
        body: &[u8],
    ) -> Result<Response<Bytes>, Problem> {
        if let Place::Deliveries(id) = place {
            let page = Page::from_pairs(pairs)?;
            self.admit("GET")?;
            return self.deliveries(id, &page).await;
        }
        only(pairs, &[])?;
        let asked = if place.takes_body(method) { self.asked(body)? } else { Asked::default() };
        self.admit(method)?;
        match (place, method) {
            (Place::All, "GET") => self.list().await,
            (Place::All, _) => self.make(&asked).await,
            (Place::One(id), "GET") => self.show(id).await,
            (Place::One(id), "PATCH") => self.change(id, &asked).await,
            (Place::One(id), _) => self.delete(id).await,
            (Place::Test(id), _) => self.test(id).await,
            (Place::Secret(id), _) => self.replace_secret(id).await,
            (Place::Retry(id, message), _) => self.retry(id, message).await,
            (Place::Deliveries(_), _) => Err(Problem::not_found()),
        }
    }

    /// Whether the organization's rate allows it. What was asked for wrongly costs no change; a test and another attempt do, because they
    /// cost others something.
    fn admit(&self, method: &str) -> Result<(), Problem> {
        let (limit, now) = (&self.api.rate_limit, Instant::now());
        let is_read = method == "GET";
        let admission = if is_read {
            limit.admit_load(self.organization(), 1, now)
        } else {
            limit.admit_change(self.organization(), now)
        };
        match admission {
            Admission::Granted => Ok(()),
            Admission::Wait(wait) if is_read => Err(Problem::too_many_requests(wait)),
            Admission::Wait(wait) => Err(Problem::too_many_changes(wait)),
        }
    }

    fn organization(&self) -> &Arc<str> {
        &self.principal.organization
    }

    fn webhooks(&self) -> &webhooks::Webhooks {
        self.api.store.webhooks()
    }

    fn asked(&self, body: &[u8]) -> Result<Asked, Problem> {
        Ok(Asked::from_body(body, self.api.sender.rules())?)
    }

    fn asker(&self) -> Asker<'_> {
        (self.organization(), self.principal.subject.as_deref())
    }

    async fn list(&self) -> Result<Response<Bytes>, Problem> {
        let webhooks = self.webhooks().endpoints(self.organization()).await.map_err(unavailable)?;
        Ok(reply(StatusCode::OK, &serde_json::json!({ "webhooks": webhooks })))
    }

    async fn make(&self, asked: &Asked) -> Result<Response<Bytes>, Problem> {
        let (id, secret) = (random::id("wh"), random::secret());
        let new = New {
            id: &id,
            url: asked.new_url()?,
            description: asked.description.as_deref().unwrap_or_default(),
            enabled: asked.enabled.unwrap_or(true),
            secret: &secret,
            created_by: self.principal.subject.as_deref(),
        };
        let max = self.api.sender.settings.webhooks_max;
        let made =
            self.webhooks().make_endpoint(self.organization(), &new, max).await.map_err(unavailable)?;
        let Some(endpoint) = made else {
            return Err(Problem::conflict(format!(
                "there are {max} webhooks already, which is the most: delete one first"
            )));
        };
        tracing::info!(organization = %self.organization(), webhook = id, "a webhook is made");
        let mut response = reply(StatusCode::CREATED, &WithSecret::new(&endpoint, &secret));
        if let Ok(place) = HeaderValue::try_from(format!("/settings/webhooks/{id}")) {
            response.headers_mut().insert(LOCATION, place);
        }
        Ok(response)
    }

    async fn show(&self, id: &str) -> Result<Response<Bytes>, Problem> {
        found(self.webhooks().endpoint(self.organization(), id).await)
    }

    async fn change(&self, id: &str, asked: &Asked) -> Result<Response<Bytes>, Problem> {
        let changed = found(self.webhooks().change_endpoint(self.asker(), id, asked).await)?;
        tracing::info!(organization = %self.organization(), webhook = id, "a webhook is changed");
        Ok(changed)
    }

    async fn delete(&self, id: &str) -> Result<Response<Bytes>, Problem> {
        if !self.webhooks().delete_endpoint(self.asker(), id).await.map_err(unavailable)? {
            return Err(Problem::not_found());
        }
        tracing::info!(organization = %self.organization(), webhook = id, "a webhook is deleted");
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    }

    async fn replace_secret(&self, id: &str) -> Result<Response<Bytes>, Problem> {
        let secret = random::secret();
        let replaced = self.webhooks().replace_secret(self.asker(), id, &secret, OVERLAP).await;
        let endpoint = replaced.map_err(unavailable)?.ok_or_else(Problem::not_found)?;
        tracing::info!(organization = %self.organization(), webhook = id, "a webhook's secret is replaced");
        Ok(reply(StatusCode::OK, &WithSecret::new(&endpoint, &secret)))
    }

    async fn test(&self, id: &str) -> Result<Response<Bytes>, Problem> {
        let tested =
            self.api.sender.test(self.organization(), id).await.map_err(|untested| match untested {
                Untested::Busy => Problem::too_many_requests(RETRY_TEST),
                Untested::Store(error) => unavailable(error),
            })?;
        let delivery = tested.ok_or_else(Problem::not_found)?;
        Ok(reply(StatusCode::OK, &delivery))
    }

    async fn deliveries(&self, id: &str, page: &Page) -> Result<Response<Bytes>, Problem> {
        let all = self.webhooks().deliveries(self.organization(), id, page).await.map_err(unavailable)?;
        let deliveries = all.ok_or_else(Problem::not_found)?;
        Ok(reply(StatusCode::OK, &page.answer(deliveries)))
    }

    async fn retry(&self, id: &str, message: &str) -> Result<Response<Bytes>, Problem> {
        match self.webhooks().retry(self.organization(), id, message).await.map_err(unavailable)? {
            Retried::Due(delivery) => {
                self.api.sender.wake();
                Ok(reply(StatusCode::OK, &*delivery))
            }
            Retried::Disabled => Err(Problem::conflict("the webhook is disabled: enable it first")),
            Retried::Missing => Err(Problem::not_found()),
        }
    }
}

fn found(endpoint: Result<Option<Endpoint>, Error>) -> Result<Response<Bytes>, Problem> {
    let endpoint = endpoint.map_err(unavailable)?.ok_or_else(Problem::not_found)?;
    Ok(reply(StatusCode::OK, &endpoint))
}

fn unavailable(error: Error) -> Problem {
    tracing::warn!(%error, "webhooks can't be read or changed");
    if matches!(error, Error::ReadOnly(_)) { Problem::read_only() } else { Problem::unavailable() }
}

/// Nobody may keep it: it may have a secret.
fn reply(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    let body = serde_json::to_vec(body).expect("answers are structs, numbers and strings");
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    put(&mut response, CONTENT_TYPE, "application/json");
    put(&mut response, CACHE_CONTROL, "private, no-store");
    put(&mut response, VARY, "authorization, organization-id");
    put(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_places() {
        let check = |rest, place| assert_eq!(Place::of(rest), place, "{rest}");
        check("", Some(Place::All));
        check("wh_1", Some(Place::One("wh_1")));
        check("wh_1/test", Some(Place::Test("wh_1")));
        check("wh_1/secret", Some(Place::Secret("wh_1")));
        check("wh_1/deliveries", Some(Place::Deliveries("wh_1")));
        check("wh_1/deliveries/m/retry", Some(Place::Retry("wh_1", "m")));
        for nothing in
            ["wh_1/", "/test", "wh_1/tests", "wh_1/deliveries/m", "wh_1/deliveries//retry", "a/b/c"]
        {
            check(nothing, None);
        }
    }
}
