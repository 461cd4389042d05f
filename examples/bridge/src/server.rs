//! HTTP: the providers' requests, each under limits, answered once Kafka has what they say.

use crate::callback::Verdict;
use crate::providers::{Provider, Request as Asked};
use crate::publisher::Publisher;
use crate::refusal::Refusal;
use crate::settings::Foreign;
use admin::Readiness;
use chrono::Utc;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use metrics::counter;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections at a time; others wait to be accepted.
const CONNECTIONS_MAX: usize = 64;

/// The longest body. WhatsApp's have at most 3 MB; with all connections it bounds the memory.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Callbacks in one body.
const CALLBACKS_MAX: usize = 10_000;

/// How long a client may take for a request's head.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// How long a request may take, with its body, Kafka's acknowledgement and its answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(14);

/// How long requests under way may take once the process is to end.
const ENDED_WITHIN: Duration = Duration::from_secs(15);

/// How long to wait after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What requests are answered with.
pub struct Bridge {
    /// Who may call.
    pub providers: Vec<Box<dyn Provider>>,
    /// What takes the records.
    pub publisher: Publisher,
    /// What becomes of callbacks without an echo.
    pub foreign: Foreign,
    /// What is said of Kafka.
    pub readiness: Readiness,
}

/// A status and a sentence.
struct Answer {
    status: StatusCode,
    text: String,
}

impl Answer {
    fn new(status: StatusCode, text: impl ToString) -> Self {
        Self { status, text: text.to_string() }
    }
}

/// Serves until `stop` resolves, and then until the requests under way are answered.
pub async fn serve(listener: TcpListener, bridge: Arc<Bridge>, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    let (places, graceful) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), GracefulShutdown::new());
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
            listener.accept().await.map(|(stream, _)| (stream, place))
        };
        let accepted = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let (stream, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection can't be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let bridge = Arc::clone(&bridge);
        let service = service_fn(move |request| {
            let bridge = Arc::clone(&bridge);
            async move { Ok::<_, Infallible>(bridge.answer(request).await) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
        let serving = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(ENDED_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("ended before all requests were answered: their providers will send them again");
    }
}

impl Bridge {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().trim_matches('/').to_owned();
        let Some(provider) = self.providers.iter().find(|provider| provider.name() == path) else {
            let text = "no provider may call here: its path is its name, such as /twilio, and its secret must be set\n";
            return response(Answer::new(StatusCode::NOT_FOUND, text), None);
        };
        let method = request.method().clone();
        let answer = match method {
            Method::GET => confirm(&**provider, request.uri().query().unwrap_or_default()),
            Method::POST => {
                let taken = tokio::time::timeout(ANSWERED_WITHIN, self.take(&**provider, request)).await;
                taken.unwrap_or_else(|_| {
                    Answer::new(StatusCode::SERVICE_UNAVAILABLE, "out of time: send it again")
                })
            }
            _ => Answer::new(StatusCode::METHOD_NOT_ALLOWED, "callbacks come by POST"),
        };
        let (provider_name, status) = (provider.name(), answer.status.as_u16().to_string());
        counter!("bridge_requests_total", "provider" => provider_name, "status" => status).increment(1);
        if !answer.status.is_success() {
            // The sentence repeats nothing of the request.
            tracing::warn!(provider = provider_name, status = answer.status.as_u16(), "{}", answer.text);
        }
        let challenge = provider.challenge().filter(|_| answer.status == StatusCode::UNAUTHORIZED);
        response(answer, challenge)
    }

    /// Reads a request, checks whose it is, and publishes what it says.
    async fn take(&self, provider: &dyn Provider, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
            return too_long();
        }
        let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return too_long();
            }
            Err(_) => return Answer::new(StatusCode::BAD_REQUEST, "the body ended early"),
        };
        let path_and_query = head.uri.path_and_query().map_or("", |path| path.as_str());
        let asked = Asked { path_and_query, headers: &head.headers, body: &body };
        if !provider.is_authentic(&asked) {
            return match provider.challenge() {
                Some(_) => Answer::new(StatusCode::UNAUTHORIZED, "the credentials are missing or wrong"),
                None => Answer::new(StatusCode::FORBIDDEN, "the signature is missing or wrong"),
            };
        }
        let verdicts = match provider.callbacks(&asked) {
            Ok(callbacks) if callbacks.len() > CALLBACKS_MAX => {
                return Answer::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!("there are more than {CALLBACKS_MAX} callbacks"),
                );
            }
            Ok(callbacks) => callbacks.into_iter().map(|callback| callback.judged(Utc::now())).collect(),
            Err(unreadable) => return Answer::new(StatusCode::BAD_REQUEST, unreadable),
        };
        self.publish(provider.name(), verdicts).await
    }

    /// Publishes the records; then says what the sender has to mend, if anything. A provider that sends all of it again does no harm:
    /// records count once.
    async fn publish(&self, provider: &'static str, verdicts: Vec<Verdict>) -> Answer {
        let mut records = Vec::new();
        let mut refused = None;
        let mut outcomes = Vec::with_capacity(verdicts.len());
        for verdict in verdicts {
            outcomes.push(match verdict {
                Verdict::Publish(record) => {
                    records.push(record);
                    "published"
                }
                Verdict::Nothing => "nothing_to_count",
                Verdict::Unknown => "unknown_status",
                Verdict::Foreign if self.foreign == Foreign::Ignore => "foreign",
                Verdict::Foreign => {
                    refused.get_or_insert(Refusal::NoOrganization);
                    "refused"
                }
                Verdict::Refuse(refusal) => {
                    refused.get_or_insert(refusal);
                    "refused"
                }
            });
        }
        if let Err(error) = self.publisher.publish(&records).await {
            self.readiness.warn("kafka", format!("records can't be published: {error}"));
            return Answer::new(StatusCode::SERVICE_UNAVAILABLE, "Kafka takes no records now: send it again");
        }
        if !records.is_empty() {
            self.readiness.unwarn("kafka");
        }
        for outcome in outcomes {
            counter!("bridge_callbacks_total", "provider" => provider, "outcome" => outcome).increment(1);
        }
        match refused {
            Some(refusal) => Answer::new(StatusCode::UNPROCESSABLE_ENTITY, refusal),
            None => Answer::new(StatusCode::NO_CONTENT, ""),
        }
    }
}

/// The answer to a body that is too long, whether its head says so or its bytes do.
fn too_long() -> Answer {
    Answer::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {BODY_BYTES_MAX} bytes"))
}

/// The answer to the question whether an address is meant for a provider.
fn confirm(provider: &dyn Provider, query: &str) -> Answer {
    match provider.confirmation(query) {
        Some(text) => Answer::new(StatusCode::OK, text),
        None => {
            Answer::new(StatusCode::FORBIDDEN, "the address is not confirmed: the token is missing or wrong")
        }
    }
}

fn response(answer: Answer, challenge: Option<&'static str>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(answer.text));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if let Some(challenge) = challenge {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Postmark;
    use crate::settings::KafkaSettings;
    use std::io::{Read as _, Write as _};

    /// What a request is answered with of which no more than this is sent.
    fn answer_to(address: std::net::SocketAddr, begun: &[u8]) -> String {
        let mut stream = std::net::TcpStream::connect(address).expect("a connection");
        stream.write_all(begun).expect("a request");
        let mut answer = [0; 512];
        let length = stream.read(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_body_that_is_too_long_is_refused_as_soon_as_that_is_known() {
        let kafka = KafkaSettings {
            kafka_brokers: "127.0.0.1:1".into(),
            kafka_config: Vec::new(),
            message_deliveries_topic: "messages".into(),
        };
        let bridge = Bridge {
            providers: vec![Box::new(Postmark::new("user:password"))],
            publisher: Publisher::new(&kafka).expect("a producer"),
            foreign: Foreign::Ignore,
            readiness: Readiness::new(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(serve(listener, Arc::new(bridge), std::future::pending()));
        let too_long = BODY_BYTES_MAX + 1;
        let head = "POST /postmark HTTP/1.1\r\nhost: bridge\r\n";
        let announced = format!("{head}content-length: {too_long}\r\n\r\n").into_bytes();
        let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n{too_long:x}\r\n").into_bytes();
        let chunked = [chunked, vec![b' '; too_long]].concat();
        for begun in [announced, chunked] {
            let answer = tokio::task::spawn_blocking(move || answer_to(address, &begun)).await;
            let answer = answer.expect("an answer");
            assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        }
    }
}
