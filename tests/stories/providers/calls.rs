//! Requests as providers make them, signed by what the story has agreed with the bridge.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use tests::{Answer, Api, Launch, Stack};

/// The address by which Twilio reaches the bridge: a proxy's, so not the one that the story connects to.
const PUBLIC_URL: &str = "https://bridge.example.org";
const TWILIO_TOKEN: &str = "the token of a story";
const WHATSAPP_SECRET: &str = "the secret of a story";
const POSTMARK_CREDENTIALS: &str = "story:its password";

/// How a key of P-256 begins in DER.
const P256_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its path, with the query.
    pub path: String,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: String,
}

impl Call {
    /// The bridge's answer to it.
    pub async fn to(&self, bridge: &Api) -> Answer {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        bridge.send(("POST", &self.path, &self.body), &headers).await
    }
}

/// The providers of a story, with what they sign by.
pub struct Providers {
    sendgrid: EcdsaKeyPair,
    random: SystemRandom,
}

impl Providers {
    /// New ones.
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
        let sendgrid =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref(), &random).expect("a key");
        Self { sendgrid, random }
    }

    /// A bridge that all of them may call.
    pub fn bridge<'a>(&self, stack: &'a Stack) -> Launch<'a> {
        let key = [&P256_PREFIX[..], self.sendgrid.public_key().as_ref()].concat();
        stack
            .bridge()
            .set("PUBLIC_URL", PUBLIC_URL)
            .set("TWILIO_AUTH_TOKEN", TWILIO_TOKEN)
            .set("SENDGRID_VERIFICATION_KEY", BASE64.encode(key))
            .set("POSTMARK_CREDENTIALS", POSTMARK_CREDENTIALS)
            .set("WHATSAPP_APP_SECRET", WHATSAPP_SECRET)
    }

    /// Twilio's request with this form, to this path. Values are letters, digits, `+` and `:`.
    pub fn twilio(&self, path: &str, fields: &[(&str, &str)]) -> Call {
        let mut sorted = fields.to_vec();
        sorted.sort_unstable();
        let pairs: String = sorted.iter().map(|(name, value)| [*name, *value].concat()).collect();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, TWILIO_TOKEN.as_bytes());
        let tag = hmac::sign(&key, [PUBLIC_URL, path, &*pairs].concat().as_bytes());
        let escaped = |value: &str| value.replace('+', "%2B").replace(':', "%3A");
        let form: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let headers = vec![
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
            ("x-twilio-signature", BASE64.encode(tag)),
        ];
        Call { path: path.to_owned(), headers, body: form.join("&") }
    }

    /// SendGrid's request with this body.
    pub fn sendgrid(&self, body: String) -> Call {
        let time = "1772013600";
        let signed = [time, &*body].concat();
        let signature = self.sendgrid.sign(&self.random, signed.as_bytes()).expect("a signature");
        let headers = vec![
            ("x-twilio-email-event-webhook-timestamp", time.to_owned()),
            ("x-twilio-email-event-webhook-signature", BASE64.encode(signature)),
        ];
        Call { path: "/sendgrid".to_owned(), headers, body }
    }

    /// Postmark's request with this body.
    pub fn postmark(&self, body: String) -> Call {
        let authorization = format!("Basic {}", BASE64.encode(POSTMARK_CREDENTIALS));
        Call { path: "/postmark".to_owned(), headers: vec![("authorization", authorization)], body }
    }

    /// WhatsApp's request with this body.
    pub fn whatsapp(&self, body: String) -> Call {
        let key = hmac::Key::new(hmac::HMAC_SHA256, WHATSAPP_SECRET.as_bytes());
        let tag = hmac::sign(&key, body.as_bytes());
        let digits: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Call {
            path: "/whatsapp".to_owned(),
            headers: vec![("x-hub-signature-256", format!("sha256={digits}"))],
            body,
        }
    }
}
