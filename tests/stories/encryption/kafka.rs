//! Kafka over TLS: members by passwords and by certificates, and what they say of certificates that are wrong.

use super::{TOLD_WITHIN, secret, tells, text};
use crate::readiness::says;
use crate::telling::{orders, orders_created};
use stack::Security;
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::{Authority, Certified, Flaw, Launch, Operation, Resource, Stack};

/// Who counts.
pub const MEMBER: &str = "metrics";
/// Who counts once the first one's password is given up.
pub const SUCCESSOR: &str = "metrics-successor";
/// Who types commands.
pub const OPERATOR: &str = "metrics-operator";

const USERS: [(&str, &str); 3] =
    [(MEMBER, "open-sesame-1"), (SUCCESSOR, "open-sesame-2"), (OPERATOR, "open-sesame-3")];

/// Kafka's client says the same only every 30 s.
const SUPPRESSED_FOR: Duration = Duration::from_secs(15);

/// A stack whose Kafka checks its clients, and the authority of its certificates.
pub struct World {
    /// The stack.
    pub stack: Stack,
    /// The authority.
    pub authority: Authority,
    layouts: String,
}

impl World {
    /// `None`, after printing why, if this machine can't start such a Kafka.
    pub async fn start() -> Option<Self> {
        let authority = Authority::new("the authority of Kafka").await;
        let tls = authority.server_tls(Flaw::None);
        let stack = Stack::with_secured_kafka(Security { tls: &tls, users: &USERS }).await?;
        let layouts = stack.layouts_topic();
        Some(Self { stack, authority, layouts })
    }

    /// A consumer that logs in by a password.
    pub fn by_password(&self, user: &str) -> Launch<'_> {
        let password = USERS.iter().find(|(name, _)| *name == user).expect("a user of this world").1;
        let file = secret(&self.stack, &format!("password-{user}"), password);
        self.stack
            .consumer()
            .set("KAFKA_BROKERS", self.stack.secured().by_password())
            .set("KAFKA_CONFIG_SECURITY_PROTOCOL", "SASL_SSL")
            .set("KAFKA_CONFIG_SASL_MECHANISM", "SCRAM-SHA-512")
            .set("KAFKA_CONFIG_SASL_USERNAME", user)
            .set("KAFKA_CONFIG_SASL_PASSWORD_FILE", file)
            .set("KAFKA_CONFIG_SSL_CA_LOCATION", text(&self.authority.file()))
    }

    /// A consumer that shows a certificate.
    pub fn by_certificate(&self, Certified { certificate, key }: &Certified) -> Launch<'_> {
        self.without_certificate()
            .set("KAFKA_CONFIG_SSL_CERTIFICATE_LOCATION", text(certificate))
            .set("KAFKA_CONFIG_SSL_KEY_LOCATION", text(key))
    }

    /// One that should, and doesn't.
    fn without_certificate(&self) -> Launch<'_> {
        self.stack
            .consumer()
            .set("KAFKA_BROKERS", self.stack.secured().by_certificate())
            .set("KAFKA_CONFIG_SECURITY_PROTOCOL", "SSL")
            .set("KAFKA_CONFIG_SSL_CA_LOCATION", text(&self.authority.file()))
    }

    /// The rights of a member, as documented.
    pub fn of_members(&self) -> [(Operation, Resource<'_>); 5] {
        let topics = self.stack.topics();
        let all = [&topics.events, &topics.workflow_terminals, &topics.message_deliveries, &self.layouts];
        let [events, runs, messages, layouts] = all.map(|topic| Resource::Topic(topic));
        let group = Resource::Group(self.stack.name());
        [events, runs, messages, layouts, group].map(|resource| (Operation::Read, resource))
    }

    /// Gives a user the rights of a member.
    pub async fn allow_member(&self, user: &str) {
        for (operation, resource) in self.of_members() {
            self.stack.allow(user, operation, resource).await;
        }
    }
}

#[tokio::test]
async fn members_count_exactly_by_a_password_and_by_a_certificate_with_no_right_but_the_documented_ones() {
    let Some(world) = World::start().await else { return };
    let World { stack, authority, .. } = &world;
    // The broker's name for the client is the whole subject of its certificate.
    world.allow_member(MEMBER).await;
    world.allow_member("CN=a member").await;
    stack.produce(orders("acme", 1_000)).await;
    let mut by_password = world.by_password(MEMBER).start().await;
    let mut by_certificate = world.by_certificate(&authority.client("a member")).start().await;
    by_password.until_ready().await;
    by_certificate.until_ready().await;
    stack.produce(orders("beta", 1_000)).await;
    stack.until_idle().await;
    assert_eq!(by_password.stop().await, Some(0));
    // Alone it has all partitions.
    stack.produce(orders("gamma", 1_000)).await;
    stack.until_idle().await;
    assert_eq!(by_certificate.stop().await, Some(0));
    for organization in ["acme", "beta", "gamma"] {
        stack.counts(organization).await.are(orders_created(1_000));
    }
}

#[tokio::test]
async fn a_brokers_certificate_that_is_wrong_is_told_with_what_is_wrong() {
    let Some(world) = World::start().await else { return };
    let World { stack, authority, .. } = &world;
    world.allow_member(MEMBER).await;
    let mut member = world.by_password(MEMBER).start().await;
    member.until_ready().await;
    for (flaw, words) in [
        (Flaw::Expired, ["certificate has expired (on 2021-01-01)", "renew"]),
        (Flaw::Elsewhere, ["another name", "elsewhere.example"]),
    ] {
        // The log has a line for each cause that begins, not for each broker's words about it.
        stack.secured().show(&authority.server_tls(Flaw::None)).await.expect("the node starts");
        member.until_ready().await;
        stack.secured().show(&authority.server_tls(flaw)).await.expect("the node starts");
        tells(&member, &words).await;
        let logged = wait::until("a line about it", TOLD_WITHIN, async || {
            Ok(Seen::when(member.log_tail().contains(words[0]), member.log_tail()))
        });
        logged.await.expect("a line");
    }
    wait::pass(SUPPRESSED_FOR).await;
    says(&member, &["another name", "KAFKA_BROKERS"]).await;
    stack.secured().show(&authority.server_tls(Flaw::None)).await.expect("the node starts");
    member.until_ready().await;
    stack.produce(orders("acme", 100)).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(100));
    assert_eq!(member.stop().await, Some(0));

    let stranger = Authority::new("a stranger").await;
    let distrustful = world.by_password(MEMBER).set("KAFKA_CONFIG_SSL_CA_LOCATION", text(&stranger.file()));
    let member = distrustful.clone().start().await;
    tells(&member, &["an authority that is not trusted", "KAFKA_CONFIG_SSL_CA_LOCATION"]).await;
    assert_eq!(member.stop().await, Some(0));
    let shown = distrustful.command(&["check-topic", "--topic", &stack.topics().events]).run().await;
    assert!(shown.errors.contains("certificate verify failed"), "{shown:#?}");
}

#[tokio::test]
async fn a_client_that_the_brokers_refuse_is_told_why() {
    let Some(world) = World::start().await else { return };
    let stranger = Authority::new("a stranger").await;
    let words = ["this client's certificate", "KAFKA_CONFIG_SSL_CERTIFICATE_LOCATION"];
    for launch in [world.without_certificate(), world.by_certificate(&stranger.client("a member"))] {
        let member = launch.start().await;
        tells(&member, &words).await;
        assert_eq!(member.stop().await, Some(0));
    }
    let wrong = secret(&world.stack, "wrong", "not the password");
    let member = world.by_password(MEMBER).set("KAFKA_CONFIG_SASL_PASSWORD_FILE", wrong).start().await;
    tells(&member, &["the brokers refuse the login", "KAFKA_CONFIG_SASL", "read at the start"]).await;
    assert_eq!(member.stop().await, Some(0));
}
