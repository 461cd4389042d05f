//! The cryptography of tokens: jsonwebtoken checks what a token says, ring what it is signed with. TLS uses ring, too, so
//! the programs have one implementation of each algorithm.
//!
//! RFC 7518, section 3, says what each algorithm is; RFC 8037 adds `EdDSA`.

mod keys;
mod sign;
mod verify;

use jsonwebtoken::crypto::CryptoProvider;
use std::sync::Once;

static RING: CryptoProvider = CryptoProvider {
    signer_factory: sign::signer,
    verifier_factory: verify::verifier,
    key_utils: keys::UTILITIES,
};

/// Has jsonwebtoken use ring in this process. To be called before the first token is signed or verified; further calls
/// change nothing.
///
/// # Panics
/// When jsonwebtoken was used before the first call: it has chosen a cryptography then, and keeps it.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| RING.install_default().expect("nobody has signed or verified before"));
}
