//! Tokens that are believed, and the many that are not. The private keys in `testkeys` sign nothing but these tests.

use super::*;
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NOW: i64 = 1_772_013_600;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

fn settings() -> Settings {
    Settings {
        jwt_hs256_secret: Some(SECRET.into()),
        jwt_jwks_file: None,
        jwt_issuer: None,
        jwt_audience: None,
        jwt_leeway: Duration::ZERO,
    }
}

fn signed(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    format!("Bearer {}", jsonwebtoken::encode(header, claims, key).unwrap())
}

fn token(claims: &Value) -> String {
    signed(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET.as_bytes()))
}

fn good() -> Value {
    json!({"organization_id": "acme", "exp": NOW + 60})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

fn ask(settings: &Settings, authorization: &str) -> Result<String, Refusal> {
    Verifier::new(settings).unwrap().organization(Some(authorization), now())
}

fn check(claims: &Value, expected: Result<&str, Refusal>) {
    assert_eq!(ask(&settings(), &token(claims)), expected.map(str::to_owned), "{claims}");
}

#[test]
fn the_claims_decide() {
    check(&good(), Ok("acme"));
    check(&with("exp", json!(NOW + 1)), Ok("acme"));
    check(&with("exp", json!(NOW as f64 + 0.5)), Ok("acme"));
    check(&with("exp", json!(NOW)), Err(Refusal::Expired));
    check(&with("exp", json!(NOW - 1)), Err(Refusal::Expired));
    check(&with("exp", json!("tomorrow")), Err(Refusal::Invalid));
    check(&with("exp", Value::Null), Err(Refusal::Invalid));
    check(&json!({"organization_id": "acme"}), Err(Refusal::Invalid));
    check(&with("nbf", json!(NOW)), Ok("acme"));
    check(&with("nbf", json!(NOW + 1)), Err(Refusal::Invalid));
    check(&with("aud", json!("anybody")), Ok("acme"));
    check(&json!({"exp": NOW + 60}), Err(Refusal::NoOrganization));
    check(&with("organization_id", json!("")), Err(Refusal::NoOrganization));
    check(&with("organization_id", json!("  ")), Err(Refusal::NoOrganization));
    check(&with("organization_id", json!(7)), Err(Refusal::NoOrganization));
    check(&with("organization_id", json!(["acme"])), Err(Refusal::NoOrganization));
    check(&with("organization_id", json!("a\u{0}b")), Err(Refusal::NoOrganization));
    check(&with("organization_id", json!("x".repeat(129))), Err(Refusal::NoOrganization));
    check(&with("organization_id", json!("org:with:colons")), Ok("org:with:colons"));
}

#[test]
fn only_a_bearer_token_is_a_token() {
    let check = |authorization: &str, refusal| {
        assert_eq!(ask(&settings(), authorization), Err(refusal), "{authorization}");
    };
    check("", Refusal::Invalid);
    check("Bearer", Refusal::Invalid);
    check("Bearer ", Refusal::Invalid);
    check("Bearer a.b.c", Refusal::Invalid);
    check("Basic YWNtZTphY21l", Refusal::Invalid);
    check(&format!("Bearer {}", "x".repeat(TOKEN_BYTES_MAX + 1)), Refusal::Invalid);
    assert_eq!(Verifier::new(&settings()).unwrap().organization(None, now()), Err(Refusal::Missing));
    assert_eq!(ask(&settings(), &token(&good()).replacen("Bearer", "bearer", 1)), Ok("acme".into()));
}

#[test]
fn another_key_or_algorithm_is_not_believed() {
    let refused = |authorization: &str| assert_eq!(ask(&settings(), authorization), Err(Refusal::Invalid));
    let other = EncodingKey::from_secret(b"another secret of thirty-two bytes");
    refused(&signed(&Header::new(Algorithm::HS256), &good(), &other));
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    refused(&signed(&Header::new(Algorithm::HS512), &good(), &key));
    refused(&signed(
        &Header { crit: Some(vec!["b64".into()]), ..Header::new(Algorithm::HS256) },
        &good(),
        &key,
    ));
    // {"alg":"none"} with no signature, and the good token without its signature.
    let good = token(&good());
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    refused(&format!("{unsigned}."));
    let payload = unsigned.split('.').nth(1).unwrap();
    refused(&format!("Bearer eyJhbGciOiJub25lIn0.{payload}."));
}

#[test]
fn issuer_and_audience_are_checked_when_set() {
    let settings =
        Settings { jwt_issuer: Some("me".into()), jwt_audience: Some("metrics".into()), ..settings() };
    let check = |issuer: Value, audience: Value, accepted: bool| {
        let mut claims = good();
        (claims["iss"], claims["aud"]) = (issuer, audience);
        assert_eq!(ask(&settings, &token(&claims)).is_ok(), accepted, "{claims}");
    };
    check(json!("me"), json!("metrics"), true);
    check(json!("me"), json!(["other", "metrics"]), true);
    check(json!("you"), json!("metrics"), false);
    check(json!("me"), json!("other"), false);
    check(json!("me"), Value::Null, false);
    check(Value::Null, json!("metrics"), false);
}

#[test]
fn leeway_is_a_setting() {
    let settings = Settings { jwt_leeway: Duration::from_secs(5), ..settings() };
    assert!(ask(&settings, &token(&with("exp", json!(NOW - 4)))).is_ok());
    assert_eq!(ask(&settings, &token(&with("exp", json!(NOW - 5)))), Err(Refusal::Expired));
    assert!(ask(&settings, &token(&with("nbf", json!(NOW + 5)))).is_ok());
}

const RSA: &[u8] = include_bytes!("testkeys/rsa.pem");
const RSA_WEAK: &[u8] = include_bytes!("testkeys/rsa-weak.pem");
const EC: &[u8] = include_bytes!("testkeys/ec.pem");
const ED: &[u8] = include_bytes!("testkeys/ed.pem");

fn rsa() -> EncodingKey {
    EncodingKey::from_rsa_pem(RSA).unwrap()
}

/// A verifier of the public halves of the keys, each with its name.
fn public(keys: &[(&str, &EncodingKey, Algorithm)]) -> Vec<Key> {
    let jwk = |(id, key, algorithm): &(&str, &EncodingKey, Algorithm)| {
        let mut jwk = Jwk::from_encoding_key(key, *algorithm).unwrap();
        jwk.common.key_id = Some((*id).into());
        public_key(&jwk)
    };
    keys.iter().filter_map(jwk).collect()
}

fn verifier(keys: Vec<Key>) -> Verifier {
    Verifier { keys, issuer: None, audience: None, leeway: Duration::ZERO }
}

#[test]
fn each_public_key_verifies_its_own_algorithm() {
    let (rsa, ec, ed) = (rsa(), EncodingKey::from_ec_pem(EC).unwrap(), EncodingKey::from_ed_pem(ED).unwrap());
    let keys = [("r", &rsa, Algorithm::RS256), ("c", &ec, Algorithm::ES256), ("d", &ed, Algorithm::EdDSA)];
    let verifier = verifier(public(&keys));
    assert_eq!(verifier.keys.len(), 3);
    let check = |kid: Option<&str>, key: &EncodingKey, algorithm, expected: bool| {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
        let outcome = verifier.organization(Some(&signed(&header, &good(), key)), now());
        assert_eq!(outcome.is_ok(), expected, "{kid:?} {algorithm:?}");
    };
    for (id, key, algorithm) in keys {
        check(Some(id), key, algorithm, true);
        check(None, key, algorithm, true);
        check(Some("unknown"), key, algorithm, false);
    }
    check(Some("r"), &rsa, Algorithm::RS512, false);
    check(Some("c"), &ed, Algorithm::EdDSA, false);
    check(None, &EncodingKey::from_secret(SECRET.as_bytes()), Algorithm::HS256, false);
}

/// Key sets of identity providers also hold keys for other things, of kinds this library may not even know.
#[test]
fn a_key_set_may_hold_keys_that_are_of_no_use_here() {
    let with_key = |key: &EncodingKey, algorithm| {
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
        jwk["kid"] = json!("k");
        json!({"keys": [
            {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "kid": "big"},
            {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
            {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "new"},
            jwk,
        ]})
    };
    let ed = EncodingKey::from_ed_pem(ED).unwrap();
    for (key, algorithm) in [(&rsa(), Algorithm::RS256), (&ed, Algorithm::EdDSA)] {
        let keys = key_set(with_key(key, algorithm).to_string().as_bytes()).unwrap();
        let ids: Vec<_> = keys.iter().map(|key| (key.id.as_deref(), key.algorithm)).collect();
        assert_eq!(ids, [(Some("k"), algorithm)]);
    }
    assert!(key_set(br#"{"keys": []}"#).err().unwrap().contains("no key"));
    assert!(key_set(b"{}").err().unwrap().contains("no JSON Web Key Set"));
}

#[test]
fn a_public_key_is_no_secret() {
    let jwk = Jwk::from_encoding_key(&rsa(), Algorithm::RS256).unwrap();
    let key = DecodingKey::from_jwk(&jwk).unwrap();
    let DecodingKeyKind::RsaModulusExponent { n, .. } = key.kind() else {
        panic!("an RSA key has a modulus")
    };
    let forged = signed(&Header::new(Algorithm::HS256), &good(), &EncodingKey::from_secret(n));
    let keys = public(&[("r", &rsa(), Algorithm::RS256)]);
    assert_eq!(verifier(keys).organization(Some(&forged), now()), Err(Refusal::Invalid));
}

#[test]
fn keys_that_are_weak_secret_or_for_something_else_are_left_out() {
    let weak = EncodingKey::from_rsa_pem(RSA_WEAK).unwrap();
    assert!(public(&[("w", &weak, Algorithm::RS256)]).is_empty());
    assert!(public(&[("s", &EncodingKey::from_secret(b"x"), Algorithm::HS256)]).is_empty());
    assert!(public(&[("p", &rsa(), Algorithm::PS256)]).is_empty());
    let mut jwk = Jwk::from_encoding_key(&rsa(), Algorithm::RS256).unwrap();
    jwk.common.public_key_use = Some(PublicKeyUse::Encryption);
    assert!(public_key(&jwk).is_none());
}

#[test]
fn a_service_without_a_usable_key_does_not_start() {
    let check = |settings: &Settings, names: &[&str]| {
        let sentence = Verifier::new(settings).err().unwrap().to_string();
        assert!(names.iter().all(|name| sentence.contains(name)), "{sentence}");
        assert!(!sentence.contains('\n'), "{sentence}");
    };
    let without = Settings { jwt_hs256_secret: None, ..settings() };
    check(&without, &["JWT_HS256_SECRET", "JWT_JWKS_FILE"]);
    check(&Settings { jwt_hs256_secret: Some(String::new()), ..settings() }, &["JWT_HS256_SECRET"]);
    check(&Settings { jwt_hs256_secret: Some("short".into()), ..settings() }, &["JWT_HS256_SECRET", "32"]);
    check(&Settings { jwt_jwks_file: Some("keys.json".into()), ..settings() }, &["both"]);
    let nowhere = Settings { jwt_jwks_file: Some("/nowhere/keys.json".into()), ..without };
    check(&nowhere, &["JWT_JWKS_FILE", "/nowhere/keys.json"]);
}
