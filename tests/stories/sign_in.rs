//! Signing in at the page: what the whole server tells it, and which settings it refuses. A browser signs in at a real provider
//! in `dashboard/e2e/signIn.spec.ts`.

use serde_json::json;
use tests::{Launch, Stack};

const ISSUER: &str = "https://id.example.com/realms/main";

/// A folder with nothing but an index.
pub fn built(stack: &Stack) -> String {
    let folder = stack.services().run().join(format!("{}-sign-in-dist", stack.name()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("index.html"), "<!doctype html>").expect("a file");
    folder.to_str().expect("a path is text").to_owned()
}

/// An API of which an issuer's keys verify the tokens. Nobody has to be there for them.
fn with_keys(stack: &Stack) -> Launch<'_> {
    stack.api().without("JWT_HS256_SECRET").set("JWT_JWKS_URL", "http://127.0.0.1:1/keys")
}

fn with_provider(launch: Launch<'_>) -> Launch<'_> {
    launch.set("OIDC_ISSUER", ISSUER).set("OIDC_CLIENT_ID", "page")
}

#[tokio::test]
async fn the_page_is_told_where_people_sign_in_and_may_ask_nobody_else() {
    let stack = Stack::start().await;
    let launch = with_provider(with_keys(&stack)).set("DASHBOARD_DIR", built(&stack));
    let launch = launch.set("JWT_ISSUER", ISSUER).set("OIDC_RESOURCE", "urn:metrics");
    let launch =
        launch.set("OIDC_SCOPE", "openid offline_access").set("OIDC_ORIGINS", "https://login.example.com");
    let api = launch.set("ACCESS_CONTACT", "metrics@example.com").serve().await;
    let told = api.get_with("/overview/settings.json", &[]).await;
    assert_eq!((told.status, told.header("cache-control")), (200, "no-cache"), "{}", told.body);
    let expected = json!({
        "accessContact": "metrics@example.com",
        "maxRangeDays": 93,
        "signIn": {
            "issuer": ISSUER, "clientId": "page", "scope": "openid offline_access", "audience": null,
            "resource": "urn:metrics"
        }
    });
    assert_eq!(told.json(), expected);
    let etag = told.header("etag").to_owned();
    assert_eq!(api.get_with("/overview/settings.json", &[("if-none-match", &etag)]).await.status, 304);
    let page = api.get_with("/overview", &[]).await;
    let policy = page.header("content-security-policy");
    let connected = "; connect-src 'self' https://id.example.com https://login.example.com; ";
    assert!(policy.contains(connected), "{policy}");
    let docs = api.get_with("/docs", &[]).await;
    assert!(
        docs.header("content-security-policy").contains("; connect-src 'self'; "),
        "the page alone asks the provider"
    );
}

#[tokio::test]
async fn without_a_provider_the_page_asks_nobody() {
    let stack = Stack::start().await;
    // As Compose passes variables that are not there.
    let launch =
        stack.api().set("DASHBOARD_DIR", built(&stack)).set("OIDC_ISSUER", "").set("OIDC_CLIENT_ID", "");
    let api = launch.set("OIDC_ORIGINS", "").set("ACCESS_CONTACT", "").serve().await;
    let told = api.get_with("/overview/settings.json", &[]).await.json();
    assert_eq!(told, json!({ "accessContact": null, "maxRangeDays": 93, "signIn": null }));
    let page = api.get_with("/overview", &[]).await;
    assert!(page.header("content-security-policy").contains("; connect-src 'self'; "));
}

#[tokio::test]
async fn a_sign_in_that_would_let_nobody_in_is_refused_at_the_start() {
    let stack = Stack::start().await;
    let keyed = || with_provider(with_keys(&stack));
    let cases = [
        (with_provider(stack.api()), "JWT_JWKS_URL"),
        (with_keys(&stack).set("OIDC_ISSUER", ISSUER), "OIDC_CLIENT_ID"),
        (with_keys(&stack).set("OIDC_CLIENT_ID", "page"), "OIDC_ISSUER"),
        (keyed().set("JWT_ISSUER", "https://id.example.com"), "JWT_ISSUER"),
        (keyed().set("OIDC_ISSUER", "http://id.example.com"), "OIDC_ISSUER"),
        (keyed().set("OIDC_SCOPE", "profile"), "OIDC_SCOPE"),
        (keyed().set("OIDC_ORIGINS", "login.example.com"), "OIDC_ORIGINS"),
    ];
    for (launch, named) in cases {
        let ended = launch.run().await;
        assert_eq!(ended.code, Some(2), "{named}: {ended:#?}");
        assert!(ended.errors.contains(named), "{named}: {ended:#?}");
    }
}
