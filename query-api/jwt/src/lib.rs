//! The cryptography of tokens: jsonwebtoken checks what a token says, ring what it is signed with. TLS uses ring, too, so
//! the programs have one implementation of each algorithm.
//!
//! RFC 7518, section 3, says what each algorithm is; RFC 8037 adds `EdDSA`.

mod keys;
mod sign;
mod verify;

use jsonwebtoken::crypto::CryptoProvider;

static RING: CryptoProvider = CryptoProvider {
    signer_factory: sign::signer,
    verifier_factory: verify::verifier,
    key_utils: keys::UTILITIES,
};

/// Has jsonwebtoken use ring in this process. To be called before the first token is signed or verified; further calls
/// change nothing.
pub fn install() {
    // The one that is installed already is this one.
    let _ = RING.install_default();
}
