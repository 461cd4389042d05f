//! Kafka's access control lists. rdkafka can't change them, so this speaks Kafka's protocol: two requests.

use crate::must::must;
use crate::stack::Stack;
use anyhow::ensure;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long Kafka may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

const CREATE_ACLS: i16 = 30;
const DELETE_ACLS: i16 = 31;
/// The newest version of both requests without tagged fields.
const VERSION: i16 = 1;
const LITERAL: i8 = 3;
const DENY: i8 = 2;
const ALLOW: i8 = 3;
const ANY: i8 = 1;
/// Who connects without saying who it is.
const EVERYBODY: &str = "User:ANONYMOUS";
const ANY_HOST: &str = "*";

/// What a right is about, by name.
#[derive(Clone, Copy, Debug)]
pub enum Resource<'a> {
    /// A topic.
    Topic(&'a str),
    /// A consumer group.
    Group(&'a str),
}

/// What may not be done any more.
#[derive(Clone, Copy, Debug)]
pub enum Denied {
    /// Anything, even asking what it is.
    All,
    /// Reading a topic's records, or joining a group.
    Read,
    /// Writing records into a topic.
    Write,
    /// Asking what a topic is set to.
    DescribeConfigs,
}

/// What a user may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Reading a topic's records, or joining a group.
    Read,
    /// Writing records into a topic.
    Write,
    /// Making a topic.
    Create,
    /// Giving a topic more partitions.
    Alter,
    /// Asking what it is.
    Describe,
    /// Asking what it is set to.
    DescribeConfigs,
}

impl Stack {
    /// Allows a user an operation, on a Kafka that allows nothing by itself.
    pub async fn allow(&self, user: &str, operation: Operation, resource: Resource<'_>) {
        must(self.ask(CREATE_ACLS, &allowing(user, operation, resource)).await);
    }

    /// Takes it back.
    pub async fn allow_no_more(&self, user: &str, operation: Operation, resource: Resource<'_>) {
        must(self.ask(DELETE_ACLS, &allowing(user, operation, resource)).await);
    }

    /// Denies everybody a right. Only where this Kafka was started for stories: others may not check rights at all.
    pub async fn deny(&self, resource: Resource<'_>, denied: Denied) {
        // Once a resource has a list, what the list doesn't allow is denied.
        let rules = [(Denied::All.code(), ALLOW), (denied.code(), DENY)];
        let mut body = 2_i32.to_be_bytes().to_vec();
        for (operation, permission) in rules {
            let (kind, name) = resource.parts();
            body.extend(kind.to_be_bytes());
            put(&mut body, name);
            body.extend(LITERAL.to_be_bytes());
            put(&mut body, EVERYBODY);
            put(&mut body, ANY_HOST);
            body.extend([operation, permission].map(i8::cast_unsigned));
        }
        must(self.ask(CREATE_ACLS, &body).await);
    }

    /// Takes all rules about a resource back.
    pub async fn allow_again(&self, resource: Resource<'_>) {
        let (kind, name) = resource.parts();
        let mut body = 1_i32.to_be_bytes().to_vec();
        body.extend(kind.to_be_bytes());
        put(&mut body, name);
        body.extend(LITERAL.to_be_bytes());
        // Any principal, any host.
        body.extend([-1_i16, -1].map(i16::to_be_bytes).concat());
        body.extend([ANY, ANY].map(i8::cast_unsigned));
        must(self.ask(DELETE_ACLS, &body).await);
    }

    async fn ask(&self, request: i16, body: &[u8]) -> anyhow::Result<()> {
        let asked = async {
            let mut stream = TcpStream::connect(self.kafka().brokers()).await?;
            let mut message = [request, VERSION].map(i16::to_be_bytes).concat();
            message.extend(1_i32.to_be_bytes());
            put(&mut message, "stories");
            message.extend(body);
            stream.write_all(&u32::try_from(message.len())?.to_be_bytes()).await?;
            stream.write_all(&message).await?;
            let mut answer = vec![0; stream.read_u32().await? as usize];
            stream.read_exact(&mut answer).await?;
            // After correlation id, throttle time, and the number of results: the first result's error.
            let code = answer.get(12..14).map(|code| i16::from_be_bytes([code[0], code[1]]));
            ensure!(code == Some(0), "Kafka refuses to change rights: {code:?}");
            Ok(())
        };
        tokio::time::timeout(ANSWER_LIMIT, asked).await?
    }
}

impl<'a> Resource<'a> {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'a str {
        self.parts().1
    }

    fn parts(self) -> (i8, &'a str) {
        match self {
            Self::Topic(name) => (2, name),
            Self::Group(name) => (3, name),
        }
    }
}

impl Denied {
    fn code(self) -> i8 {
        match self {
            Self::All => 2,
            Self::Read => 3,
            Self::Write => 4,
            Self::DescribeConfigs => 10,
        }
    }
}

impl Operation {
    fn code(self) -> i8 {
        match self {
            Self::Read => 3,
            Self::Write => 4,
            Self::Create => 5,
            Self::Alter => 7,
            Self::Describe => 8,
            Self::DescribeConfigs => 10,
        }
    }

    /// Its name in sentences.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::Create => "CREATE",
            Self::Alter => "ALTER",
            Self::Describe => "DESCRIBE",
            Self::DescribeConfigs => "DESCRIBE_CONFIGS",
        }
    }
}

/// One rule that allows something. Requests that add it and those that take it back write it in the same way.
fn allowing(user: &str, operation: Operation, resource: Resource<'_>) -> Vec<u8> {
    let mut body = 1_i32.to_be_bytes().to_vec();
    let (kind, name) = resource.parts();
    body.extend(kind.to_be_bytes());
    put(&mut body, name);
    body.extend(LITERAL.to_be_bytes());
    put(&mut body, &format!("User:{user}"));
    put(&mut body, ANY_HOST);
    body.extend([operation.code(), ALLOW].map(i8::cast_unsigned));
    body
}

/// A text with its length in front.
fn put(body: &mut Vec<u8>, text: &str) {
    body.extend(i16::try_from(text.len()).expect("a short name").to_be_bytes());
    body.extend(text.as_bytes());
}
