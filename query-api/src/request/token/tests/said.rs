//! What a token says of organizations, scopes and its subject.

use super::*;
use crate::request::token::organizations::ORGANIZATIONS_MAX;

fn choice(claims: &Value, chosen: Option<&str>, expected: Result<&str, Refusal>) {
    let verifier = Verifier::new(&settings()).unwrap();
    let principal = verifier.verify(Some(&token(claims)), chosen.map(str::as_bytes), now());
    let organization = principal.map(|principal| principal.organization.to_string());
    assert_eq!(organization, expected.map(str::to_owned), "{claims} {chosen:?}");
}

#[test]
fn a_token_may_name_several_organizations_and_the_request_chooses_among_them() {
    let listed = |all: Value| json!({"organizations": all, "exp": NOW + 60});
    choice(&good(), Some("acme"), Ok("acme"));
    choice(&good(), Some("beta"), Err(Refusal::OtherOrganization));
    choice(&good(), Some(""), Err(Refusal::OtherOrganization));
    choice(&listed(json!(["beta"])), None, Ok("beta"));
    choice(&listed(json!(["beta", "beta"])), None, Ok("beta"));
    choice(&listed(json!(["beta", "gamma"])), None, Err(Refusal::SeveralOrganizations));
    choice(&listed(json!(["beta", "gamma"])), Some("gamma"), Ok("gamma"));
    choice(&listed(json!(["beta", "gamma"])), Some("acme"), Err(Refusal::OtherOrganization));
    choice(&listed(json!(["beta", "gamma"])), Some("Gamma"), Err(Refusal::OtherOrganization));
    let both = with("organizations", json!(["beta", "acme", "gamma"]));
    choice(&both, None, Ok("acme"));
    choice(&both, Some("gamma"), Ok("gamma"));
    choice(&both, Some("delta"), Err(Refusal::OtherOrganization));
    // What can't be an organization's id names none, and other claims of this name don't matter.
    choice(&listed(json!([])), None, Err(Refusal::NoOrganization));
    choice(&listed(json!([])), Some("acme"), Err(Refusal::NoOrganization));
    choice(&listed(json!(["", 7, {"id": "x"}, "a\u{0}b", "x".repeat(129), "beta"])), None, Ok("beta"));
    choice(&listed(json!("beta")), None, Err(Refusal::NoOrganization));
    choice(&with("organizations", json!({"beta": {}})), None, Ok("acme"));
    let many: Vec<_> = (0..=ORGANIZATIONS_MAX).map(|n| format!("o{n}")).collect();
    choice(&listed(json!(many)), Some("o0"), Ok("o0"));
    choice(&listed(json!(many)), Some(&format!("o{}", ORGANIZATIONS_MAX - 1)), Ok("o99"));
    choice(&listed(json!(many)), Some(&format!("o{ORGANIZATIONS_MAX}")), Err(Refusal::OtherOrganization));
}

proptest! {
    /// Whatever a token names and a request chooses, it gets one of the token's, and the chosen one if it chose.
    #[test]
    fn no_choice_leads_beyond_the_token(
        own in prop::option::of("[a-c]{0,2}"),
        listed in prop::collection::vec("[a-c]{0,2}", 0..5),
        chosen in prop::option::of("[a-c]{0,2}"),
    ) {
        let texts: Vec<&str> = listed.iter().map(String::as_str).collect();
        let named = Organizations::new(own.as_deref(), &texts);
        let is_named = |id: &str| !id.is_empty() && (own.as_deref() == Some(id) || texts.contains(&id));
        match named.choose(chosen.as_deref().map(str::as_bytes)) {
            Ok(id) => prop_assert!(is_named(&id) && chosen.is_none_or(|chosen| *chosen == *id)),
            Err(Refusal::OtherOrganization) => prop_assert!(!is_named(&chosen.unwrap())),
            Err(Refusal::SeveralOrganizations) => {
                prop_assert!(chosen.is_none() && own.is_none_or(|own| own.is_empty()));
            }
            Err(refusal) => {
                prop_assert_eq!(refusal, Refusal::NoOrganization);
                prop_assert!(!own.iter().chain(&listed).any(|id| !id.is_empty()));
            }
        }
    }
}

#[test]
fn a_token_allows_what_its_scopes_name_and_one_without_them_to_read() {
    use Permission::{MetricsRead, RefusalsRead, SettingsRead, SettingsWrite};
    let check = |claims: Value, expected: &[Permission]| {
        let principal =
            Verifier::new(&settings()).unwrap().verify(Some(&token(&claims)), None, now()).unwrap();
        let allowed: Vec<_> = Permission::ALL
            .into_iter()
            .filter(|permission| principal.permissions.include(*permission))
            .collect();
        assert_eq!(allowed, expected, "{claims}");
    };
    let reads = [MetricsRead, SettingsRead];
    check(good(), &reads);
    check(with("scope", json!("openid profile")), &reads);
    check(with("scope", json!("")), &reads);
    check(with("scope", json!(7)), &reads);
    check(with("scope", json!("METRICS:READ settings:write:all")), &reads);
    check(with("scope", json!("metrics:read")), &[MetricsRead]);
    check(with("scope", json!("openid  settings:write metrics:read")), &[MetricsRead, SettingsWrite]);
    check(with("scopes", json!(["settings:read", 7])), &[SettingsRead]);
    check(with("scp", json!(["settings:read settings:write"])), &[SettingsRead, SettingsWrite]);
    check(with("scp", json!("settings:write")), &[SettingsWrite]);
    check(with("scope", json!("refusals:read")), &[RefusalsRead]);
    check(with("scope", json!("refusals:read metrics:read")), &[MetricsRead, RefusalsRead]);
    let mut both = with("scope", json!("metrics:read"));
    both["scp"] = json!(["settings:read"]);
    check(both, &reads);
}

#[test]
fn the_subject_is_kept_if_it_can_be() {
    let check = |sub: Value, expected: Option<&str>| {
        let token = token(&with("sub", sub));
        let principal = Verifier::new(&settings()).unwrap().verify(Some(&token), None, now()).unwrap();
        assert_eq!(principal.subject.as_deref(), expected);
    };
    check(json!("auth0|7"), Some("auth0|7"));
    check(json!("x".repeat(255)), Some(&"x".repeat(255)));
    for odd in [json!("x".repeat(256)), json!(""), json!("a\nb"), json!(7), Value::Null] {
        check(odd, None);
    }
}
