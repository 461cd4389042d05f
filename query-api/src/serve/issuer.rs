//! The keys of a token issuer, fetched from `JWT_JWKS_URL`: at start, at intervals, and when a token names an unknown key.
//!
//! Until they are fetched for the first time the service is not ready. Later the last good keys stay, however long the issuer
//! is away: who took it down would take this service down, too, and a key that is revoked meanwhile is good for as long
//! as its tokens at most.

use crate::outward::{Trust, With};
use crate::request::token::{KEY_SET_BYTES_MAX, Reload, Settings, Verifier};
use admin::Readiness;
use credentials::{BadSetting, TlsNames, is_set};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::Uri;
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// How often keys are fetched when nothing asks for it.
const EVERY: Duration = Duration::from_secs(300);

/// How far apart fetches are at least, however many tokens name unknown keys.
const APART: Duration = Duration::from_secs(10);

/// How long after a failed fetch the next one follows while there are no keys at all.
const RETRY: Duration = Duration::from_secs(1);

/// How long a fetch may take.
const WITHIN: Duration = Duration::from_secs(5);

/// How long connecting may take, which the addresses of a name share: one that is silent leaves time for the others, and for the keys.
const CONNECTED_WITHIN: Duration = Duration::from_millis(2_500);
const _: () = assert!(CONNECTED_WITHIN.as_millis() * 2 <= WITHIN.as_millis());

/// The condition that there are keys.
const CONDITION: &str = "keys";

/// The issuer and the settings of its TLS, for people.
const NAMES: TlsNames = TlsNames::of_server("the issuer", "JWT_JWKS_URL", "JWT_JWKS_CA_FILE");

type Http = Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

/// Whom TLS with the issuer trusts; `None` if no keys are fetched.
///
/// # Errors
/// When the file of authorities can't be used, or the address asks for no TLS: a sentence that names the setting.
pub fn trust(verifier: &Verifier, settings: &Settings) -> Result<Option<Trust>, BadSetting> {
    let Some(url) = verifier.url() else { return Ok(None) };
    let file = settings.jwt_jwks_ca_file.clone().filter(|file| is_set(file));
    if file.is_some() && url.scheme_str() != Some("https") {
        let why = "JWT_JWKS_CA_FILE is set, and JWT_JWKS_URL doesn't ask for TLS: let it begin with https://";
        return Err(BadSetting(why.into()));
    }
    Trust::new(NAMES, file, With::FileAlone).map(Some)
}

/// Says that the service has no keys yet, if they are to be fetched.
pub fn await_keys(verifier: &Verifier, readiness: &Readiness) {
    if verifier.url().is_some() {
        readiness.bad(CONDITION, "the keys at JWT_JWKS_URL are not fetched yet");
    }
}

/// Keeps the verifier's keys up to date, for ever.
pub async fn follow(verifier: Arc<Verifier>, trust: Trust, readiness: Readiness) {
    let Some(url) = verifier.url() else { return };
    loop {
        let fetched = tokio::time::timeout(WITHIN, fetch(&trust, url)).await;
        let fetched = fetched.unwrap_or_else(|_| Err(format!("can't be fetched: no answer in {WITHIN:?}")));
        let failed = fetched.is_err();
        let reload = verifier.take(fetched);
        report(&reload);
        if let Reload::Refused(why) = &reload
            && !verifier.has_keys()
        {
            readiness.bad(CONDITION, why.as_str());
        }
        if !verifier.has_keys() {
            tokio::time::sleep(RETRY).await;
            continue;
        }
        readiness.good(CONDITION);
        tokio::time::sleep(APART).await;
        tokio::select! {
            () = tokio::time::sleep(if failed { APART } else { EVERY }) => {}
            () = verifier.misses_key() => {}
        }
    }
}

/// Logs what has come of new keys.
pub fn report(reload: &Reload) {
    match reload {
        Reload::Same => {}
        Reload::Changed { keys, remarks } => {
            let remarks = (!remarks.is_empty()).then(|| remarks.join("; "));
            tracing::info!(keys, "tokens are verified with new keys from now on");
            if let Some(remarks) = remarks {
                tracing::warn!(why = remarks, "some keys are passed over");
            }
        }
        Reload::Refused(why) => {
            tracing::error!(why, "new keys can't be used; those of before stay, if there are any")
        }
    }
}

async fn client(trust: &Trust) -> Http {
    let tls = trust.tls().await;
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(CONNECTED_WITHIN));
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https.wrap_connector(http))
}

/// The text at the address, up to a limit.
async fn fetch(trust: &Trust, url: &Uri) -> Result<Vec<u8>, String> {
    let failed = |error: &(dyn Error + 'static)| format!("can't be fetched: {}", trust.why(error));
    let response = client(trust).await.get(url.clone()).await.map_err(|error| failed(&error))?;
    if response.status() != hyper::StatusCode::OK {
        return Err(format!(
            "can't be fetched: it answers {} (redirections are not followed)",
            response.status()
        ));
    }
    let body = Limited::new(response.into_body(), KEY_SET_BYTES_MAX).collect().await;
    body.map(|body| body.to_bytes().to_vec()).map_err(|error| failed(&*error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::{TcpSocket, TcpStream};
    use tokio::time::timeout;

    /// How long a connection may take on this host before its listener counts as full, and how many may be made before.
    const CONNECTS_WITHIN: Duration = Duration::from_secs(1);
    const CONNECTIONS_MAX: usize = 64;

    #[tokio::test]
    async fn an_address_that_is_silent_leaves_time_for_others() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        // Nobody accepts these, and once they are enough the system takes no more, and says nothing.
        let mut waiting = Vec::new();
        while let Ok(connected) = timeout(CONNECTS_WITHIN, TcpStream::connect(address)).await {
            waiting.push(connected.unwrap());
            assert!(waiting.len() < CONNECTIONS_MAX, "the listener is never full");
        }
        let trust = Trust::new(NAMES, None, With::FileAlone).ok().unwrap();
        let url: Uri = format!("http://{address}/keys").parse().unwrap();
        let fetched = timeout(WITHIN, fetch(&trust, &url)).await.expect("it is given up before the fetch is");
        let why = fetched.unwrap_err();
        assert!(why.starts_with("can't be fetched: "), "{why}");
    }
}
