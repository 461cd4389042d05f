//! Tokens that are accepted, and the many that are refused. The private keys in `testkeys` sign nothing but these tests.

use super::key_ring::{REFUSED_MAX, VERIFIED_MAX};
use super::keys::{from_key_set, public_key};
use super::organizations::Organizations;
use super::*;
use jsonwebtoken::jwk::{Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{DecodingKey, DecodingKeyKind, EncodingKey, Header};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::PathBuf;

mod said;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NOW: i64 = 1_772_013_600;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

fn settings() -> Settings {
    Settings {
        jwt_hs256_secret: Some(SECRET.into()),
        jwt_hs256_secret_file: None,
        jwt_jwks_file: None,
        jwt_jwks_url: None,
        jwt_jwks_ca_file: None,
        jwt_issuer: None,
        jwt_audience: None,
        jwt_leeway: Duration::ZERO,
    }
}

fn signed(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    jwt::install();
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
    let verifier = Verifier::new(settings).unwrap();
    let first = verifier.verify(Some(authorization), None, now());
    assert_eq!(
        verifier.verify(Some(authorization), None, now()),
        first,
        "a remembered token makes the same principal"
    );
    first.map(|principal| principal.organization.to_string())
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

/// Whose numbers a request gets that chooses an organization, or none.
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
    assert_eq!(Verifier::new(&settings()).unwrap().verify(None, None, now()), Err(Refusal::Missing));
    assert_eq!(ask(&settings(), &token(&good()).replacen("Bearer", "bearer", 1)), Ok("acme".into()));
}

#[test]
fn another_key_or_algorithm_is_refused() {
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

/// The modulus of an RSA key of 1,024 bits.
const RSA_WEAK: &str = "onJhPzTccaE0xFuVz5nax6vtWAqsCCTSugT31Ts_7RSMSRTBgnoX6HW3uYDCGsEleKk6Ct1nl4CzKrW7iJp1naV8w2Q59Z6lAH5DDVi1QXXNA-uLzs_jp6TrCqf2NLVSDMBxsvjAJvQ0eCZS2-G7LSoxKytdGuoH3YczSOExn4E";

fn rsa() -> EncodingKey {
    jwt::install();
    EncodingKey::from_rsa_der(include_bytes!("testkeys/rsa.der"))
}

fn ec() -> EncodingKey {
    jwt::install();
    EncodingKey::from_ec_der(include_bytes!("testkeys/ec.der"))
}

fn ed() -> EncodingKey {
    jwt::install();
    EncodingKey::from_ed_der(include_bytes!("testkeys/ed.der"))
}

/// The public halves of the keys, each with its name.
fn public(keys: &[(&str, &EncodingKey, Algorithm)]) -> Vec<Key> {
    let jwk = |(id, key, algorithm): &(&str, &EncodingKey, Algorithm)| {
        let mut jwk = Jwk::from_encoding_key(key, *algorithm).unwrap();
        jwk.common.key_id = Some((*id).into());
        public_key(&jwk).ok()
    };
    keys.iter().filter_map(jwk).collect()
}

fn verifier(keys: Vec<Key>) -> Verifier {
    jwt::install();
    Verifier {
        replaced: AtomicU64::new(0),
        key_ring: RwLock::new(KeyRing::new(keys)),
        source: None,
        missing: Notify::new(),
        remarks: Vec::new(),
        issuer: None,
        audience: None,
        leeway: Duration::ZERO,
    }
}

#[test]
fn each_public_key_verifies_its_own_algorithm() {
    let (rsa, ec, ed) = (rsa(), ec(), ed());
    let keys = [("r", &rsa, Algorithm::RS256), ("c", &ec, Algorithm::ES256), ("d", &ed, Algorithm::EdDSA)];
    let verifier = verifier(public(&keys));
    assert_eq!(verifier.key_ring.read().unwrap().keys().len(), 3);
    let check = |kid: Option<&str>, key: &EncodingKey, algorithm, expected: bool| {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
        let outcome = verifier.verify(Some(&signed(&header, &good(), key)), None, now());
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
fn a_key_set_may_hold_keys_that_are_useless_here() {
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
    let ed = ed();
    for (key, algorithm) in [(&rsa(), Algorithm::RS256), (&ed, Algorithm::EdDSA)] {
        let keys = from_key_set(with_key(key, algorithm).to_string().as_bytes()).unwrap().keys;
        let ids: Vec<_> = keys.iter().map(|key| (key.id.as_deref(), key.algorithm)).collect();
        assert_eq!(ids, [(Some("k"), algorithm)]);
    }
    assert!(from_key_set(br#"{"keys": []}"#).err().unwrap().contains("no key"));
    assert!(from_key_set(b"{}").err().unwrap().contains("no JSON Web Key Set"));
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
    assert_eq!(verifier(keys).verify(Some(&forged), None, now()), Err(Refusal::Invalid));
}

#[test]
fn a_key_whose_numbers_begin_with_a_zero_verifies_as_without() {
    let with_zero = |number: &str| {
        let number =
            base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, number).unwrap();
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, [vec![0], number].concat())
    };
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&rsa(), Algorithm::RS256).unwrap()).unwrap();
    for number in ["n", "e"] {
        jwk[number] = with_zero(jwk[number].as_str().unwrap()).into();
    }
    let key = public_key(&serde_json::from_value(jwk).unwrap()).unwrap();
    let token = signed(&Header::new(Algorithm::RS256), &good(), &rsa());
    assert!(verifier(vec![key]).verify(Some(&token), None, now()).is_ok());
    let weak = json!({"kty": "RSA", "n": with_zero(RSA_WEAK), "e": "AQAB"});
    assert!(public_key(&serde_json::from_value(weak).unwrap()).is_err());
    // As many bytes as a strong key has, but for its value.
    let padded = [vec![0; 128], vec![0xff; 128]].concat();
    let padded = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, padded);
    let padded = json!({"kty": "RSA", "n": padded, "e": "AQAB"});
    assert!(public_key(&serde_json::from_value(padded).unwrap()).is_err());
}

#[test]
fn keys_that_are_weak_secret_or_for_something_else_are_left_out() {
    let weak = json!({"kty": "RSA", "alg": "RS256", "kid": "w", "n": RSA_WEAK, "e": "AQAB"});
    assert!(public_key(&serde_json::from_value(weak).unwrap()).is_err());
    assert!(public(&[("s", &EncodingKey::from_secret(b"x"), Algorithm::HS256)]).is_empty());
    assert!(public(&[("p", &rsa(), Algorithm::PS256)]).is_empty());
    let mut jwk = Jwk::from_encoding_key(&rsa(), Algorithm::RS256).unwrap();
    jwk.common.public_key_use = Some(PublicKeyUse::Encryption);
    assert!(public_key(&jwk).is_err());
    let mut jwk = Jwk::from_encoding_key(&rsa(), Algorithm::RS256).unwrap();
    jwk.common.key_operations = Some(vec![KeyOperations::WrapKey, KeyOperations::Encrypt]);
    assert!(public_key(&jwk).err().unwrap().contains("key_ops"));
    jwk.common.key_operations = Some(vec![KeyOperations::Verify]);
    assert!(public_key(&jwk).is_ok());
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
    check(&Settings { jwt_jwks_file: Some("keys.json".into()), ..settings() }, &["more than one"]);
    let published = "a-secret-of-32-bytes-at-the-least".to_owned();
    check(&Settings { jwt_hs256_secret: Some(published), ..settings() }, &["JWT_HS256_SECRET", "everybody"]);
    for url in ["id.example", "ftp://id.example/keys", "https://"] {
        check(&Settings { jwt_jwks_url: Some(url.into()), ..without.clone() }, &["JWT_JWKS_URL"]);
    }
    let nowhere = Settings { jwt_jwks_file: Some("/nowhere/keys.json".into()), ..without };
    check(&nowhere, &["JWT_JWKS_FILE", "/nowhere/keys.json"]);
}

/// The key sets that `keys` make, written where a verifier reads them.
struct TestFile(PathBuf);

impl TestFile {
    fn new(name: &str) -> Self {
        let file = format!("query-api-keys-{}-{name}.json", std::process::id());
        Self(std::env::temp_dir().join(file))
    }

    fn has(&self, keys: &[(&str, &EncodingKey, Algorithm)]) {
        let jwk = |(id, key, algorithm): &(&str, &EncodingKey, Algorithm)| {
            let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, *algorithm).unwrap()).unwrap();
            jwk["kid"] = json!(id);
            jwk
        };
        let keys: Vec<_> = keys.iter().map(jwk).collect();
        std::fs::write(&self.0, json!({ "keys": keys }).to_string()).unwrap();
    }

    fn verifier(&self) -> Verifier {
        let settings = Settings { jwt_hs256_secret: None, jwt_jwks_file: Some(self.0.clone()), ..settings() };
        Verifier::new(&settings).unwrap()
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        // Best effort: it may be gone, which is one of the tests.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn signed_as(id: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    signed(&Header { kid: Some(id.into()), ..Header::new(algorithm) }, &good(), key)
}

#[test]
fn keys_are_rotated_by_replacing_the_file() {
    let (old, new) = (ed(), ec());
    let (old_token, new_token) =
        (signed_as("2025", &old, Algorithm::EdDSA), signed_as("2026", &new, Algorithm::ES256));
    let file = TestFile::new("rotated");
    file.has(&[("2025", &old, Algorithm::EdDSA)]);
    let verifier = file.verifier();
    let check = |reload: Reload, old_is_good: bool, new_is_good: bool| {
        assert_eq!(verifier.reload(), reload);
        let good = |token: &str| verifier.verify(Some(token), None, now()).is_ok();
        assert_eq!((good(&old_token), good(&new_token)), (old_is_good, new_is_good));
    };
    check(Reload::Same, true, false);
    // Both keys for a while, so that tokens of either are accepted; then the new one alone.
    file.has(&[("2025", &old, Algorithm::EdDSA), ("2026", &new, Algorithm::ES256)]);
    check(Reload::Changed { keys: 2, remarks: Vec::new() }, true, true);
    check(Reload::Same, true, true);
    file.has(&[("2026", &new, Algorithm::ES256)]);
    check(Reload::Changed { keys: 1, remarks: Vec::new() }, false, true);
}

#[test]
fn secrets_are_rotated_by_replacing_their_file() {
    const NEW: &str = "fedcba9876543210fedcba9876543210";
    let signed_by = |secret: &str| {
        signed(&Header::new(Algorithm::HS256), &good(), &EncodingKey::from_secret(secret.as_bytes()))
    };
    let (old_token, new_token) = (signed_by(SECRET), signed_by(NEW));
    let file = TestFile::new("secrets");
    let has = |text: String| std::fs::write(&file.0, text).unwrap();
    has(format!("{SECRET}\n"));
    let alone =
        Settings { jwt_hs256_secret: None, jwt_hs256_secret_file: Some(file.0.clone()), ..settings() };
    let verifier = Verifier::new(&alone).unwrap();
    assert!(verifier.has_file() && verifier.remarks().is_empty(), "{:?}", verifier.remarks());
    let check = |reload: Reload, old_is_good: bool, new_is_good: bool| {
        assert_eq!(verifier.reload(), reload);
        let good = |token: &str| verifier.verify(Some(token), None, now()).is_ok();
        assert_eq!((good(&old_token), good(&new_token)), (old_is_good, new_is_good));
    };
    check(Reload::Same, true, false);
    has(format!("{SECRET}\r\n{NEW}"));
    check(Reload::Changed { keys: 2, remarks: Vec::new() }, true, true);
    has(NEW.to_owned());
    check(Reload::Changed { keys: 1, remarks: Vec::new() }, false, true);
    has("short\n".to_owned());
    let Reload::Refused(why) = verifier.reload() else { panic!("a short secret is taken") };
    assert!(why.starts_with("JWT_HS256_SECRET_FILE (") && !why.contains("short"), "{why}");
    assert!(verifier.verify(Some(&new_token), None, now()).is_ok(), "the secret of before stays");
    let both = Settings { jwt_hs256_secret_file: Some(file.0.clone()), ..settings() };
    assert!(Verifier::new(&both).is_err_and(|bad| bad.to_string().contains("more than one is set")));
}

#[test]
fn a_bad_file_changes_nothing_and_is_reported_once() {
    let key = ed();
    let token = signed_as("k", &key, Algorithm::EdDSA);
    let file = TestFile::new("bad");
    file.has(&[("k", &key, Algorithm::EdDSA)]);
    let verifier = file.verifier();
    let check = |expected: &str| {
        let Reload::Refused(why) = verifier.reload() else { panic!("{expected}: it is taken") };
        assert!(why.contains("JWT_JWKS_FILE") && why.contains(expected), "{why}");
        assert_eq!(verifier.reload(), Reload::Same, "{expected}: reported twice");
        assert!(verifier.verify(Some(&token), None, now()).is_ok(), "{expected}: the old keys stay");
    };
    std::fs::write(&file.0, "{\"keys\": [").unwrap();
    check("no JSON Web Key Set");
    std::fs::write(&file.0, r#"{"keys": []}"#).unwrap();
    check("no key");
    std::fs::write(&file.0, vec![b' '; 2 * 1024 * 1024]).unwrap();
    check("too many for a key set");
    std::fs::remove_file(&file.0).unwrap();
    check("can't be read");
    // The old file is put back: it is read as a change, because the last text was bad.
    file.has(&[("k", &key, Algorithm::EdDSA)]);
    assert_eq!(verifier.reload(), Reload::Changed { keys: 1, remarks: Vec::new() });
}

/// Public keys are known to everybody: no header may make them sign anything.
#[test]
fn no_header_changes_the_rules_of_verification() {
    let (rsa, ec) = (rsa(), ec());
    let file = TestFile::new("confused");
    file.has(&[("r", &rsa, Algorithm::RS256), ("c", &ec, Algorithm::ES256)]);
    let verifier = file.verifier();
    let public = std::fs::read(&file.0).unwrap();
    let refused = |what: &str, authorization: &str| {
        assert_eq!(verifier.verify(Some(authorization), None, now()), Err(Refusal::Invalid), "{what}");
    };
    for secret in [&public[..], b"r", b"c", b"", include_bytes!("testkeys/rsa.der")] {
        let secret = EncodingKey::from_secret(secret);
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            refused("a secret", &signed(&Header::new(algorithm), &good(), &secret));
            refused("a secret under a key's name", &signed_as("r", &secret, algorithm));
        }
    }
    refused("another key's name", &signed_as("c", &rsa, Algorithm::RS256));
    refused("another algorithm of the key's kind", &signed_as("r", &rsa, Algorithm::PS256));
    // The good token with another header: the signature covers the header, too.
    let good = signed_as("r", &rsa, Algorithm::RS256);
    assert!(verifier.verify(Some(&good), None, now()).is_ok());
    let mut parts = good.trim_start_matches("Bearer ").split('.').skip(1);
    let (claims, signature) = (parts.next().unwrap(), parts.next().unwrap());
    // {"alg":"none"}, {"alg":"HS256"}, {"alg":"RS256"} without the name
    for header in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJSUzI1NiJ9"] {
        refused(header, &format!("Bearer {header}.{claims}.{signature}"));
        refused(header, &format!("Bearer {header}.{claims}."));
    }
}

#[test]
fn a_token_that_was_verified_still_ends() {
    let verifier = Verifier::new(&settings()).unwrap();
    let token = token(&with("exp", json!(NOW + 2)));
    let at = |seconds| verifier.verify(Some(&token), None, now() + chrono::TimeDelta::seconds(seconds));
    assert_eq!(at(0).unwrap().expires_at, now() + chrono::TimeDelta::seconds(2));
    assert!(at(1).is_ok());
    assert_eq!(at(2), Err(Refusal::Expired));
}

#[test]
fn only_so_many_tokens_are_remembered() {
    let key_ring = KeyRing::new(Vec::new());
    let (organizations, permissions) = (Organizations::new(None, &[]), Permissions::of_words([]));
    let verified = Verified { exp: 0.0, nbf: None, organizations, permissions, subject: None };
    for n in 0..3 * VERIFIED_MAX {
        key_ring.remember(&n.to_string(), &verified);
        assert!(key_ring.verified.lock().unwrap().len() <= VERIFIED_MAX);
    }
}

/// A public RSA key of so many bits, and the good token signed with it.
const RSA_LONG: [(&str, &str); 3] = [
    (include_str!("testkeys/rsa4096.json"), include_str!("testkeys/rsa4096.token")),
    (include_str!("testkeys/rsa5120.json"), include_str!("testkeys/rsa5120.token")),
    (include_str!("testkeys/rsa8192.json"), include_str!("testkeys/rsa8192.token")),
];

#[test]
fn long_rsa_keys_verify_up_to_a_limit_and_longer_ones_are_said() {
    for (jwk, token) in RSA_LONG {
        let set = from_key_set(format!(r#"{{"keys":[{jwk}]}}"#).as_bytes()).unwrap();
        let asked = verifier(set.keys).verify(Some(&format!("Bearer {}", token.trim())), None, now());
        assert_eq!(asked.map(|principal| principal.organization.to_string()), Ok("acme".into()), "{jwk}");
    }
    let too_long = json!({"kty": "RSA", "n": "_".repeat(1_400), "e": "AQAB", "kid": "long"});
    let refused = from_key_set(json!({"keys": [too_long]}).to_string().as_bytes()).err().unwrap();
    assert!(refused.contains("key \"long\" has 8400 bits"), "{refused}");
}

#[test]
fn an_entry_that_cannot_be_used_is_passed_over_and_named() {
    let good = || serde_json::to_value(Jwk::from_encoding_key(&ed(), Algorithm::EdDSA).unwrap()).unwrap();
    let check = |entry: Value, said: &str| {
        let set = from_key_set(json!({"keys": [entry, good()]}).to_string().as_bytes()).unwrap();
        assert_eq!(set.keys.len(), 1, "{entry}");
        assert!(set.remarks.len() == 1 && set.remarks[0].contains(said), "{entry}: {:?}", set.remarks);
    };
    let padded = |name: &str| {
        let mut entry =
            serde_json::to_value(Jwk::from_encoding_key(&rsa(), Algorithm::RS256).unwrap()).unwrap();
        entry[name] = format!("{}==", entry[name].as_str().unwrap()).into();
        entry["kid"] = json!("padded");
        entry
    };
    check(json!(7), "key number 1 can't be read");
    check(json!({"kid": "k", "kty": "RSA", "n": 7}), "key \"k\" is of no kind");
    check(json!({"kid": 7, "kty": "RSA"}), "key number 1 can't be read");
    check(padded("n"), "key \"padded\" has numbers that are not in base64url without padding");
    check(padded("e"), "key \"padded\"");
    check(json!({"kty": "oct", "k": "c2VjcmV0", "kid": "secret"}), "key \"secret\" is of no kind");
    let many: Vec<_> = (0..100).map(|_| json!(7)).chain([good()]).collect();
    let set = from_key_set(json!({"keys": many}).to_string().as_bytes()).unwrap();
    assert_eq!((set.keys.len(), set.remarks.len()), (1, 16), "there is a limit to what is said");
}

#[test]
fn a_token_is_tried_with_so_many_keys_and_no_more() {
    let (good_key, named) = (ed(), signed_as("k8", &ed(), Algorithm::EdDSA));
    let nameless = signed(&Header::new(Algorithm::EdDSA), &good(), &good_key);
    let jwk =
        |n: usize, point: &str| json!({"kty": "OKP", "crv": "Ed25519", "x": point, "kid": format!("k{n}")});
    let ours = serde_json::to_value(Jwk::from_encoding_key(&good_key, Algorithm::EdDSA).unwrap()).unwrap();
    let ours = ours["x"].as_str().unwrap().to_owned();
    let other = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let ring = |at: usize| {
        let keys: Vec<_> = (0..20).map(|n| jwk(n, if n == at { &ours } else { other })).collect();
        from_key_set(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    };
    assert!(ring(8).remarks.concat().contains("`kid`"), "{:?}", ring(8).remarks);
    assert!(verifier(ring(7).keys).verify(Some(&nameless), None, now()).is_ok());
    assert_eq!(verifier(ring(8).keys).verify(Some(&nameless), None, now()), Err(Refusal::Invalid));
    assert!(verifier(ring(8).keys).verify(Some(&named), None, now()).is_ok());
}

#[test]
fn a_refused_token_is_remembered_for_a_moment() {
    let key_ring = KeyRing::new(Vec::new());
    key_ring.refuse("a", now());
    let later = |seconds| now() + chrono::TimeDelta::seconds(seconds);
    assert!(key_ring.refused("a", now()) && key_ring.refused("a", later(9)));
    assert!(!key_ring.refused("b", now()) && !key_ring.refused("a", later(10)));
    for n in 0..3 * REFUSED_MAX {
        key_ring.refuse(&n.to_string(), now());
        assert!(key_ring.refused.lock().unwrap().len() <= REFUSED_MAX);
    }
}

#[test]
fn before_there_are_keys_nobody_is_told_that_a_token_is_bad() {
    let settings = Settings {
        jwt_hs256_secret: None,
        jwt_jwks_url: Some("https://id.example/keys?secret=x".into()),
        ..settings()
    };
    let verifier = Verifier::new(&settings).unwrap();
    let token = signed_as("k", &ed(), Algorithm::EdDSA);
    assert_eq!(verifier.verify(Some(&token), None, now()), Err(Refusal::NoKeys));
    let Reload::Refused(why) = verifier.take(Err("is away".into())) else { panic!("nothing was fetched") };
    assert_eq!(why, "JWT_JWKS_URL (https://id.example/keys) is away");
    assert!(!verifier.has_keys());
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&ed(), Algorithm::EdDSA).unwrap()).unwrap();
    jwk["kid"] = json!("k");
    let set = json!({"keys": [jwk]}).to_string().into_bytes();
    assert_eq!(verifier.take(Ok(set.clone())), Reload::Changed { keys: 1, remarks: Vec::new() });
    assert!(verifier.verify(Some(&token), None, now()).is_ok());
    verifier.take(Err("is away".into()));
    assert!(verifier.verify(Some(&token), None, now()).is_ok(), "the last good keys stay");
    assert_eq!(
        verifier.remarks().len(),
        2,
        "neither issuer nor audience is checked: {:?}",
        verifier.remarks()
    );
    let plain = Settings { jwt_jwks_url: Some("HTTP://id.example/keys".into()), ..settings };
    let remarks = Verifier::new(&plain).unwrap().remarks().concat();
    assert!(remarks.contains("JWT_JWKS_URL is fetched without TLS"), "{remarks}");
}
