//! Clients that are slow, silent or many: they lose their connection, and the others don't notice.

use stack::wait::{self, Seen};
use std::net::SocketAddr;
use std::time::Duration;
use tests::{Api, Stack, Token};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const PATH: &str = "/metrics/summary";

/// How long it may take until a connection is closed, or counted.
const SEEN_LIMIT: Duration = Duration::from_secs(20);

/// More answers than the buffers of a connection hold.
const PIPELINED: usize = 300;

/// A connection over which bytes are written as they are.
struct Raw(TcpStream);

impl Raw {
    async fn to(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("a connection"))
    }

    async fn says(mut self, text: &str) -> Self {
        self.0.write_all(text.as_bytes()).await.expect("bytes sent");
        self
    }

    /// Asks for one answer after the other, and takes none.
    async fn that_never_reads(address: SocketAddr) -> Self {
        let request = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n";
        Self::to(address).await.says(&request.repeat(PIPELINED)).await
    }

    /// Asks with this token, and reads the head of the answer.
    async fn ask(&mut self, token: &str) -> String {
        let request = format!(
            "GET {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nif-none-match: *\r\n\r\n"
        );
        self.0.write_all(request.as_bytes()).await.expect("bytes sent");
        let mut read = [0; 4_096];
        let length = self.0.read(&mut read).await.expect("an answer");
        String::from_utf8_lossy(&read[..length]).into_owned()
    }

    /// Waits until the other side has closed it.
    async fn until_closed(&mut self) {
        let mut read = [0; 65_536];
        let closed = async { while self.0.read(&mut read).await.is_ok_and(|length| length > 0) {} };
        tokio::time::timeout(SEEN_LIMIT, closed).await.expect("a connection that is closed");
    }

    /// Whether it is closed now. What has arrived is read.
    fn is_closed(&self) -> bool {
        let mut read = [0; 65_536];
        loop {
            match self.0.try_read(&mut read) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
            }
        }
    }
}

async fn until_metric(api: &Api, name: &str, labels: &str, is: impl Fn(f64) -> bool) {
    let what = format!("{name} {labels}");
    let seen = wait::until(&what, SEEN_LIMIT, async || {
        let value = api.metric(name, labels).await;
        Ok(Seen::when(is(value), format!("it is {value}")))
    });
    seen.await.expect("such a number");
}

async fn until_connected(api: &Api, count: usize) {
    until_metric(api, "query_api_connections", "", |open| open == count as f64).await;
}

#[tokio::test]
async fn readers_that_never_read_make_room_for_others() {
    let stack = Stack::start().await;
    let api = stack.api().set("CONNECTIONS_MAX", "20").set("WRITE_TIMEOUT", "1h").serve().await;
    let token = Token::of("acme").sign();
    let mut known = Raw::to(api.address()).await;
    assert!(known.ask(&token).await.starts_with("HTTP/1.1 304"));
    let mut slow = Vec::new();
    for _ in 0..60 {
        slow.push(Raw::that_never_reads(api.address()).await);
    }
    for _ in 0..5 {
        assert_eq!(api.get(PATH, &token).await.status, 200, "there is room for who comes later");
    }
    assert!(known.ask(&token).await.starts_with("HTTP/1.1 304"), "who has shown a token keeps the place");
    assert!(api.metric("query_api_connections", "").await <= 20.0);
    assert!(api.metric("query_api_refusals_total", "reason=\"connection-displaced\"").await >= 41.0);
    drop(slow);
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_closed() {
    let stack = Stack::start().await;
    let api = stack.api().set("WRITE_TIMEOUT", "1s").serve().await;
    let slow = Raw::that_never_reads(api.address()).await;
    let mut with_token = Raw::to(api.address()).await;
    assert!(with_token.ask(&Token::of("acme").sign()).await.starts_with("HTTP/1.1 304"));
    let with_token =
        with_token.says(&"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(PIPELINED)).await;
    until_metric(&api, "query_api_refusals_total", "reason=\"connection-takes-nothing\"", |n| n == 2.0).await;
    until_connected(&api, 0).await;
    drop((slow, with_token));
}

#[tokio::test]
async fn a_head_must_come_soon_and_idle_time_is_apart() {
    let stack = Stack::start().await;
    let api = stack.api().set("HEADER_TIMEOUT", "1s").serve().await;
    let token = Token::of("acme").sign();
    let mut idle = Raw::to(api.address()).await;
    idle.ask(&token).await;
    Raw::to(api.address()).await.until_closed().await;
    Raw::to(api.address()).await.says("GET /docs HTTP/1.1\r\nho").await.until_closed().await;
    let mut second = Raw::to(api.address()).await;
    second.ask(&token).await;
    second.says("GET /docs HTTP/1.1\r\nho").await.until_closed().await;
    until_metric(&api, "query_api_refusals_total", "reason=\"connection-head-late\"", |n| n == 3.0).await;
    assert!(
        idle.ask(&token).await.starts_with("HTTP/1.1 304"),
        "it was idle for longer than a head may take"
    );
    assert_eq!(api.stop().await, Some(0));

    let api = stack.api().set("IDLE_TIMEOUT", "1s").serve().await;
    let mut idle = Raw::to(api.address()).await;
    idle.ask(&token).await;
    idle.until_closed().await;
}

#[tokio::test]
async fn a_stream_outlasts_the_limits_of_other_connections() {
    let stack = Stack::start().await;
    let launch = stack.api().set("WRITE_TIMEOUT", "1s").set("HEADER_TIMEOUT", "1s").set("IDLE_TIMEOUT", "1s");
    let api = launch.set("CONNECTIONS_MAX", "3").serve().await;
    let mut listening = api.listen(&Token::of("acme").sign(), &[]).await;
    listening.event().await;
    for _ in 0..6 {
        Raw::that_never_reads(api.address()).await.says("").await;
    }
    let said = listening.next().await.expect("a word").expect("a stream that goes on");
    assert_eq!(said.comment, "alive", "15 s later");
}

#[tokio::test]
async fn an_address_has_a_share_of_connections_without_a_token() {
    let stack = Stack::start().await;
    let api = stack.api().set("CONNECTIONS_PER_ADDRESS_MAX", "3").set("HEADER_TIMEOUT", "1h").serve().await;
    let token = Token::of("acme").sign();
    let (mut known, mut more) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let mut raw = Raw::to(api.address()).await;
        assert!(raw.ask(&token).await.starts_with("HTTP/1.1 304"));
        known.push(raw);
    }
    for count in 1..=8 {
        more.push(Raw::to(api.address()).await);
        until_metric(&api, "query_api_connections_accepted_total", "", |n| n == f64::from(5 + count)).await;
    }
    for closed in &mut more[..5] {
        closed.until_closed().await;
    }
    assert!(
        !more[5..].iter().chain(&known).any(Raw::is_closed),
        "the last three, and all with a token, stay"
    );
    let refused = "reason=\"connection-address-share\"";
    assert_eq!(api.metric("query_api_refusals_total", refused).await, 5.0);
}
