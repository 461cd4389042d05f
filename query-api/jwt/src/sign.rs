//! Signing. The query API signs nothing; the demo, the stories and benchmarks make tokens for it.

use crate::keys;
use jsonwebtoken::crypto::JwtSigner;
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{self, Signer};
use jsonwebtoken::{Algorithm, EncodingKey};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
    RsaEncoding,
};

struct Key {
    algorithm: Algorithm,
    key: EncodingKey,
}

/// What signs tokens by this algorithm and this key.
///
/// # Errors
/// When the key is of another family.
pub fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    if key.family() != algorithm.family() {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    Ok(Box::new(Key { algorithm: *algorithm, key: key.clone() }))
}

impl Signer<Vec<u8>> for Key {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        let key = self.key.as_bytes();
        let signed = match self.algorithm {
            Algorithm::HS256 => Ok(mac(hmac::HMAC_SHA256, key, message)),
            Algorithm::HS384 => Ok(mac(hmac::HMAC_SHA384, key, message)),
            Algorithm::HS512 => Ok(mac(hmac::HMAC_SHA512, key, message)),
            Algorithm::RS256 => rsa(&RSA_PKCS1_SHA256, key, message),
            Algorithm::RS384 => rsa(&RSA_PKCS1_SHA384, key, message),
            Algorithm::RS512 => rsa(&RSA_PKCS1_SHA512, key, message),
            Algorithm::PS256 => rsa(&RSA_PSS_SHA256, key, message),
            Algorithm::PS384 => rsa(&RSA_PSS_SHA384, key, message),
            Algorithm::PS512 => rsa(&RSA_PSS_SHA512, key, message),
            Algorithm::ES256 => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, key, message),
            Algorithm::ES384 => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, key, message),
            Algorithm::EdDSA => keys::ed25519(key).map(|pair| pair.sign(message).as_ref().to_vec()),
            _ => Err(ErrorKind::InvalidAlgorithm.into()),
        };
        signed.map_err(signature::Error::from_source)
    }
}

fn mac(algorithm: hmac::Algorithm, key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, key), message).as_ref().to_vec()
}

fn rsa(encoding: &'static dyn RsaEncoding, key: &[u8], message: &[u8]) -> Result<Vec<u8>> {
    let pair = keys::rsa(key)?;
    let mut signature = vec![0; pair.public().modulus_len()];
    let signed = pair.sign(encoding, &SystemRandom::new(), message, &mut signature);
    signed.map_err(|_| ErrorKind::InvalidRsaKey("it can't sign".into()))?;
    Ok(signature)
}

fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm, key: &[u8], message: &[u8]) -> Result<Vec<u8>> {
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, key, &random).map_err(|_| ErrorKind::InvalidEcdsaKey)?;
    let signed = pair.sign(&random, message).map_err(|_| ErrorKind::InvalidEcdsaKey)?;
    Ok(signed.as_ref().to_vec())
}

impl JwtSigner for Key {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
