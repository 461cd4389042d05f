//! Private keys as DER, and the public keys that belong to them.

use jsonwebtoken::Algorithm;
use jsonwebtoken::crypto::KeyUtils;
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::jwk::{EllipticCurve, ThumbprintHash};
use ring::digest::{SHA256, SHA384, SHA512, digest};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RsaKeyPair,
};

/// What jsonwebtoken needs to write keys as JSON.
pub const UTILITIES: KeyUtils = KeyUtils {
    rsa_pub_components_from_private_key: rsa_public,
    rsa_pub_components_from_public_key: |_| {
        Err(ErrorKind::InvalidRsaKey("it is not a private key".into()).into())
    },
    ec_pub_components_from_private_key: ecdsa_public,
    ed_pub_components_from_private_key: |key, _| Ok(ed25519(key)?.public_key().as_ref().to_vec()),
    compute_digest: thumbprint,
};

/// An RSA key pair, in PKCS #8 or PKCS #1.
///
/// # Errors
/// When it is none, or shorter than 2,048 bits.
pub fn rsa(der: &[u8]) -> Result<RsaKeyPair> {
    let pair = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der));
    pair.map_err(|error| ErrorKind::InvalidRsaKey(error.to_string()).into())
}

/// An Ed25519 key pair, in PKCS #8 with or without its public key.
///
/// # Errors
/// When it is none.
pub fn ed25519(der: &[u8]) -> Result<Ed25519KeyPair> {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| ErrorKind::InvalidEddsaKey.into())
}

/// Modulus and exponent.
fn rsa_public(der: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let PublicKeyComponents { n, e } = PublicKeyComponents::from(rsa(der)?.public());
    Ok((n, e))
}

/// The point's coordinates, of its uncompressed form (SEC 1, section 2.3.3).
fn ecdsa_public(der: &[u8], algorithm: Algorithm) -> Result<(EllipticCurve, Vec<u8>, Vec<u8>)> {
    let (signing, curve, length) = if algorithm == Algorithm::ES256 {
        (&ECDSA_P256_SHA256_FIXED_SIGNING, EllipticCurve::P256, 32)
    } else if algorithm == Algorithm::ES384 {
        (&ECDSA_P384_SHA384_FIXED_SIGNING, EllipticCurve::P384, 48)
    } else {
        return Err(ErrorKind::InvalidEcdsaKey.into());
    };
    let pair = EcdsaKeyPair::from_pkcs8(signing, der, &SystemRandom::new());
    let pair = pair.map_err(|_| ErrorKind::InvalidEcdsaKey)?;
    match pair.public_key().as_ref() {
        [4, point @ ..] if point.len() == 2 * length => {
            let (x, y) = point.split_at(length);
            Ok((curve, x.to_vec(), y.to_vec()))
        }
        _ => Err(ErrorKind::InvalidEcdsaKey.into()),
    }
}

fn thumbprint(data: &[u8], hash: ThumbprintHash) -> Result<Vec<u8>> {
    let algorithm = match hash {
        ThumbprintHash::SHA256 => &SHA256,
        ThumbprintHash::SHA384 => &SHA384,
        ThumbprintHash::SHA512 => &SHA512,
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    };
    Ok(digest(algorithm, data).as_ref().to_vec())
}
