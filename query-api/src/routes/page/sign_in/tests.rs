//! Which settings of signing in can be used, and what the page is told of them.

use super::*;
use clap::Parser as _;
use serde_json::json;

const KEYS: &str = "--jwt-jwks-url https://id.example.com/keys";
const CLIENT: &str = "--oidc-client-id page";

/// The settings of the process that these flags make.
fn settings(flags: &str) -> crate::settings::Settings {
    crate::settings::Settings::parse_from(["query-api"].into_iter().chain(flags.split_whitespace()))
}

fn sign_in(flags: &str) -> Result<Option<SignIn>, BadSignIn> {
    let settings = settings(flags);
    SignIn::new(&settings.page.sign_in, &settings.token)
}

#[test]
fn nobody_signs_in_where_nothing_is_set() {
    assert_eq!(sign_in(""), Ok(None));
    assert_eq!(sign_in(KEYS), Ok(None));
    let settings = settings("--oidc-issuer= --oidc-client-id= --oidc-origins= --access-contact=");
    assert_eq!(SignIn::new(&settings.page.sign_in, &settings.token), Ok(None));
    let told = told(&settings.page.sign_in, None, 93);
    assert_eq!(told, json!({"accessContact": null, "maxRangeDays": 93, "signIn": null}));
}

#[test]
fn the_page_is_told_what_it_needs_and_no_more() {
    let flags = format!(
        "{KEYS} {CLIENT} --oidc-issuer https://id.example.com/realms/main --oidc-scope openid --access-contact a@example.com"
    );
    let settings = settings(&flags);
    let sign_in = SignIn::new(&settings.page.sign_in, &settings.token).unwrap().unwrap();
    assert_eq!(sign_in.origins, ["https://id.example.com"]);
    let expected = json!({
        "accessContact": "a@example.com",
        "maxRangeDays": 7,
        "signIn": {
            "issuer": "https://id.example.com/realms/main", "clientId": "page", "scope": "openid", "audience": null,
            "resource": null
        }
    });
    assert_eq!(told(&settings.page.sign_in, Some(&sign_in), 7), expected);
}

#[test]
fn the_issuers_origin_and_those_that_are_listed_may_be_asked() {
    let check = |issuer: &str, more: &str, origins: &[&str]| {
        let sign_in = sign_in(&format!("{KEYS} {CLIENT} --oidc-issuer {issuer} {more}")).unwrap().unwrap();
        assert_eq!(sign_in.origins, origins, "{issuer} {more}");
        assert_eq!(sign_in.issuer, issuer);
    };
    check("https://id.example.com/", "", &["https://id.example.com"]);
    check("https://ID.Example.com:8443/a/b", "", &["https://id.example.com:8443"]);
    check("http://127.0.0.1:9400", "", &["http://127.0.0.1:9400"]);
    check("http://localhost:9400", "", &["http://localhost:9400"]);
    let more = "--oidc-origins https://login.example.com,https://api.example.com:8443/";
    let all = ["https://id.example.com", "https://login.example.com", "https://api.example.com:8443"];
    check("https://id.example.com", more, &all);
}

#[test]
fn settings_that_let_nobody_in_are_refused_and_named() {
    let issuer = "--oidc-issuer https://id.example.com";
    let check = |flags: &str, names: &[&str]| {
        let sentence = sign_in(flags).expect_err(flags).to_string();
        assert!(names.iter().all(|name| sentence.contains(name)), "{flags}: {sentence}");
    };
    check(&format!("{KEYS} {issuer}"), &["OIDC_CLIENT_ID"]);
    check(&format!("{KEYS} {CLIENT}"), &["OIDC_ISSUER"]);
    check(&format!("{CLIENT} {issuer}"), &["OIDC_ISSUER", "JWT_JWKS_URL"]);
    let secret = "--jwt-hs256-secret 0123456789abcdef0123456789abcdef";
    check(&format!("{CLIENT} {issuer} {secret}"), &["JWT_JWKS_URL", "JWT_HS256_SECRET"]);
    let other = "--jwt-issuer https://id.example.com/";
    check(&format!("{KEYS} {CLIENT} {issuer} {other}"), &["OIDC_ISSUER", "JWT_ISSUER"]);
    check(&format!("{KEYS} {CLIENT} {issuer} --oidc-scope profile"), &["OIDC_SCOPE", "openid"]);
    for issuer in [
        "http://id.example.com",
        "id.example.com",
        "ftp://id.example.com",
        "https://",
        "https://id.example.com?x=y",
        "https://id.example.com#x",
        "https://user@id.example.com",
        "https://id.example.com;script-src",
        "https://*.example.com",
        "https://[::1]:8443",
        "/realms/main",
    ] {
        check(&format!("{KEYS} {CLIENT} --oidc-issuer {issuer}"), &["OIDC_ISSUER", "https://"]);
    }
    for origin in
        ["http://login.example.com", "https://login.example.com/path", "login.example.com", "https://*"]
    {
        check(&format!("{KEYS} {CLIENT} {issuer} --oidc-origins {origin}"), &["OIDC_ORIGINS", origin]);
    }
}

#[test]
fn an_audience_that_the_api_will_hardly_find_is_remarked() {
    let said = |flags: &str| {
        let settings = settings(&format!("{KEYS} {flags}"));
        remarks(&settings.page.sign_in, &settings.token)
    };
    let issuer = "--oidc-issuer https://id.example.com";
    assert_eq!(said(&format!("{issuer} --oidc-audience metrics --jwt-audience metrics")), [""; 0]);
    assert_eq!(said(&format!("{issuer} --jwt-audience metrics")), [""; 0], "the provider may know by itself");
    assert_eq!(said(&format!("{issuer} --oidc-audience metrics")), [""; 0]);
    assert_eq!(said("--oidc-audience other --jwt-audience metrics"), [""; 0], "nobody signs in");
    let remarks = said(&format!("{issuer} --oidc-resource urn:x --jwt-audience metrics"));
    assert!(
        remarks.len() == 1 && remarks[0].contains("JWT_AUDIENCE") && remarks[0].contains("urn:x"),
        "{remarks:?}"
    );
}
