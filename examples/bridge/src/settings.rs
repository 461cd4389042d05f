//! Settings: the command line and the environment, read once.

use crate::providers::{Postmark, Provider, SendGrid, Twilio, WhatsApp};
use anyhow::{Context as _, bail, ensure};
use clap::{Args, Parser, ValueEnum};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Takes callbacks of Twilio, SendGrid, Postmark and WhatsApp's Cloud API, and publishes what they say about messages.
///
/// A provider may call at its own path, such as /twilio, once its secret is set. Each secret may be in a file instead, which
/// only this process can read. Put a proxy in front that ends TLS.
#[derive(Debug, Parser)]
#[command(name = "bridge", version)]
pub struct Settings {
    /// Address for the providers' callbacks.
    #[arg(long, env = "LISTEN_ADDR", default_value = "127.0.0.1:8090")]
    pub listen_addr: SocketAddr,
    /// Address for /healthz, /readyz and /metrics. Not for the internet.
    #[arg(long, env = "ADMIN_ADDR", default_value = "127.0.0.1:9091")]
    pub admin_addr: SocketAddr,
    /// What becomes of callbacks without any echo, which other systems' messages have.
    #[arg(long, env = "FOREIGN", value_enum, default_value_t = Foreign::Refuse)]
    pub foreign: Foreign,
    #[command(flatten)]
    pub kafka: KafkaSettings,
    #[command(flatten)]
    secrets: Secrets,
}

/// What becomes of a callback without any echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Foreign {
    /// It is refused: all messages are expected to have one.
    Refuse,
    /// It is acknowledged, and counted by a metric: other systems send by the same account.
    Ignore,
}

/// How records are published.
#[derive(Debug, Args)]
pub struct KafkaSettings {
    /// Kafka's brokers, as host:port,host:port.
    #[arg(long, env = "KAFKA_BROKERS")]
    pub kafka_brokers: String,
    /// Topic of MessageDelivery records.
    #[arg(long, env = "MESSAGE_DELIVERIES_TOPIC", default_value = "business-metrics.message-deliveries.v1")]
    pub message_deliveries_topic: String,
    /// Other settings of librdkafka, such as security.protocol=ssl, separated by commas.
    #[arg(long, env = "KAFKA_CONFIG", value_delimiter = ',', hide_env_values = true)]
    pub kafka_config: Vec<String>,
}

#[derive(Debug, Args)]
struct Secrets {
    /// Twilio's auth token: it signs callbacks. Needs PUBLIC_URL.
    #[arg(long, env, hide_env_values = true)]
    twilio_auth_token: Option<Secret>,
    /// File with it.
    #[arg(long, env)]
    twilio_auth_token_file: Option<PathBuf>,
    /// The address by which Twilio reaches this bridge, without /twilio: Twilio signs it, too.
    #[arg(long, env)]
    public_url: Option<String>,
    /// The verification key of SendGrid's signed Event Webhook.
    #[arg(long, env)]
    sendgrid_verification_key: Option<Secret>,
    /// File with it.
    #[arg(long, env)]
    sendgrid_verification_key_file: Option<PathBuf>,
    /// User and password of Postmark's webhooks, as user:password.
    #[arg(long, env, hide_env_values = true)]
    postmark_credentials: Option<Secret>,
    /// File with them.
    #[arg(long, env)]
    postmark_credentials_file: Option<PathBuf>,
    /// The secret of the WhatsApp app: it signs callbacks.
    #[arg(long, env, hide_env_values = true)]
    whatsapp_app_secret: Option<Secret>,
    /// File with it.
    #[arg(long, env)]
    whatsapp_app_secret_file: Option<PathBuf>,
    /// What the app's subscription is confirmed by.
    #[arg(long, env, hide_env_values = true)]
    whatsapp_verify_token: Option<Secret>,
    /// File with it.
    #[arg(long, env)]
    whatsapp_verify_token_file: Option<PathBuf>,
}

/// A text that no log shows.
#[derive(Clone)]
struct Secret(String);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("...")
    }
}

impl Settings {
    /// The providers that may call: those whose secrets are set.
    pub fn providers(&self) -> anyhow::Result<Vec<Box<dyn Provider>>> {
        let secrets = &self.secrets;
        let mut providers: Vec<Box<dyn Provider>> = Vec::new();
        let token = (&secrets.twilio_auth_token, &secrets.twilio_auth_token_file);
        if let Some(token) = read("TWILIO_AUTH_TOKEN", token)? {
            let url = secrets.public_url.as_deref().unwrap_or_default();
            let is_url = url.starts_with("https://") || url.starts_with("http://");
            ensure!(
                is_url,
                "PUBLIC_URL must be the address by which Twilio reaches the bridge, such as https://bridge.example.org"
            );
            providers.push(Box::new(Twilio::new(&token, url)));
        }
        let key = (&secrets.sendgrid_verification_key, &secrets.sendgrid_verification_key_file);
        if let Some(key) = read("SENDGRID_VERIFICATION_KEY", key)? {
            let sendgrid = SendGrid::new(&key).context(
                "SENDGRID_VERIFICATION_KEY is no P-256 key in base64: copy the one that SendGrid shows beside the webhook",
            )?;
            providers.push(Box::new(sendgrid));
        }
        let credentials = (&secrets.postmark_credentials, &secrets.postmark_credentials_file);
        if let Some(credentials) = read("POSTMARK_CREDENTIALS", credentials)? {
            ensure!(credentials.contains(':'), "POSTMARK_CREDENTIALS must be user:password");
            providers.push(Box::new(Postmark::new(&credentials)));
        }
        let secret = (&secrets.whatsapp_app_secret, &secrets.whatsapp_app_secret_file);
        if let Some(secret) = read("WHATSAPP_APP_SECRET", secret)? {
            let token = (&secrets.whatsapp_verify_token, &secrets.whatsapp_verify_token_file);
            let token = read("WHATSAPP_VERIFY_TOKEN", token)?;
            providers.push(Box::new(WhatsApp::new(&secret, token.as_deref())));
        }
        ensure!(
            !providers.is_empty(),
            "no provider may call: set TWILIO_AUTH_TOKEN, SENDGRID_VERIFICATION_KEY, POSTMARK_CREDENTIALS or \
             WHATSAPP_APP_SECRET, or one of these with _FILE"
        );
        Ok(providers)
    }
}

/// A secret, from the environment or from its file; `None` if neither is set. An empty one would be everybody's.
fn read(name: &str, from: (&Option<Secret>, &Option<PathBuf>)) -> anyhow::Result<Option<String>> {
    let secret = match from {
        (None, None) => return Ok(None),
        (Some(Secret(text)), None) => text.clone(),
        (None, Some(path)) => {
            std::fs::read_to_string(path).with_context(|| format!("{name}_FILE can't be read"))?
        }
        (Some(_), Some(_)) => bail!("{name} and {name}_FILE are both set: set one of them"),
    };
    let secret = secret.trim().to_owned();
    ensure!(!secret.is_empty(), "{name} is empty");
    Ok(Some(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(more: &[&str]) -> Settings {
        let arguments = ["bridge", "--kafka-brokers", "localhost:9092"];
        Settings::try_parse_from(arguments.iter().chain(more)).expect("settings")
    }

    fn refused(more: &[&str]) -> String {
        settings(more).providers().err().expect("a refusal").to_string()
    }

    #[test]
    fn the_providers_whose_secrets_are_set_may_call() {
        let names = |more: &[&str]| -> Vec<&str> {
            settings(more).providers().expect("providers").iter().map(|provider| provider.name()).collect()
        };
        assert_eq!(names(&["--postmark-credentials", "a:b"]), ["postmark"]);
        let two = [
            "--twilio-auth-token",
            "t",
            "--public-url",
            "https://b.example.org",
            "--whatsapp-app-secret",
            "s",
        ];
        assert_eq!(names(&two), ["twilio", "whatsapp"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |more: &[&str], part: &str| {
            let refused = refused(more);
            assert!(refused.contains(part), "{more:?}: {refused}");
        };
        check(&[], "no provider may call");
        check(&["--twilio-auth-token", "t"], "PUBLIC_URL");
        check(&["--postmark-credentials", "  "], "POSTMARK_CREDENTIALS is empty");
        check(&["--postmark-credentials", "password"], "user:password");
        check(&["--sendgrid-verification-key", "t"], "no P-256 key");
        check(&["--whatsapp-app-secret", "s", "--whatsapp-app-secret-file", "f"], "both set");
        check(&["--whatsapp-app-secret-file", "there is none"], "WHATSAPP_APP_SECRET_FILE can't be read");
    }

    #[test]
    fn no_secret_is_shown() {
        let shown = format!("{:?}", settings(&["--twilio-auth-token", "hidden"]));
        assert!(!shown.contains("hidden"), "{shown}");
    }
}
