//! The collector that spans are sent to, by OTLP over HTTP.

use crate::settings::Chosen;
use credentials::{BadSetting, TlsFiles};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;
use std::time::Duration;

/// Who sends.
const AGENT: &str = concat!("business-metrics-traces/", env!("CARGO_PKG_VERSION"));

/// How much of an answer is read: it has a number and a sentence.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

type Http = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A collector.
pub struct Collector {
    http: Http,
    endpoint: Uri,
    headers: HeaderMap,
    within: Duration,
    files: TlsFiles,
    resource: ResourceAttributesWithSchema,
}

impl Collector {
    /// The collector that the settings name, which is told of this process.
    ///
    /// # Errors
    /// When a file of certificates can't be used.
    pub fn new(chosen: &Chosen, resource: &Resource) -> Result<Self, BadSetting> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        // The addresses of a name share it: one that is silent leaves time for the others, and for the spans.
        http.set_connect_timeout(Some(chosen.within / 2));
        let https =
            HttpsConnectorBuilder::new().with_tls_config(chosen.tls()?).https_or_http().enable_http1();
        let https = https.wrap_connector(http);
        Ok(Self {
            http: Client::builder(TokioExecutor::new()).pool_max_idle_per_host(1).build(https),
            endpoint: chosen.endpoint.clone(),
            headers: chosen.headers.clone(),
            within: chosen.within,
            files: chosen.files.clone(),
            resource: resource.into(),
        })
    }

    /// Sends spans. Returns how many of them the collector has refused.
    ///
    /// # Errors
    /// When it takes none of them: why, for people.
    pub async fn send(&self, spans: Vec<SpanData>) -> Result<u64, String> {
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let mut request = Request::post(self.endpoint.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))
            .header(USER_AGENT, HeaderValue::from_static(AGENT))
            .body(Full::<Bytes>::from(body))
            .map_err(|error| error.to_string())?;
        request.headers_mut().extend(self.headers.clone());
        let answered = tokio::time::timeout(self.within, self.ask(request)).await;
        answered.unwrap_or_else(|_| Err(format!("no answer within {:?}", self.within)))
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Result<u64, String> {
        let response = self.http.request(request).await.map_err(|error| self.why(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        if !status.is_success() {
            return Err(format!("it answers {status}"));
        }
        // Whatever else it says, it has taken the spans.
        Ok(body.map_or(0, |body| refused(body.to_bytes())))
    }

    fn why(&self, error: &(dyn std::error::Error + 'static)) -> String {
        credentials::refused(error, &self.files.names).unwrap_or_else(|| causes(error))
    }
}

/// How many spans an answer says it has not taken.
fn refused(answer: Bytes) -> u64 {
    let answer = ExportTraceServiceResponse::decode(answer).ok();
    let refused = answer.and_then(|answer| answer.partial_success).map(|part| part.rejected_spans);
    refused.and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
}

/// The error and what caused it: the libraries keep "connection refused" two levels down.
fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Sampling;
    use credentials::TlsNames;
    use tokio::net::{TcpSocket, TcpStream};
    use tokio::time::timeout;

    const NAMES: TlsNames = TlsNames::of_server("the collector", "ENDPOINT", "CA_FILE");

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
        let chosen = Chosen {
            endpoint: format!("http://{address}/v1/traces").parse().unwrap(),
            headers: HeaderMap::new(),
            within: Duration::from_secs(2),
            files: TlsFiles::none(NAMES),
            sampling: Sampling::On,
            ratio: 1.0,
            service_name: None,
            attributes: Vec::new(),
        };
        let collector = Collector::new(&chosen, &Resource::builder_empty().build()).ok().unwrap();
        let why = collector.send(Vec::new()).await.unwrap_err();
        assert!(!why.starts_with("no answer within"), "the address is given up before the spans are: {why}");
    }
}
