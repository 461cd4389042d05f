//! A node whose clients must say who they are, and may do no more than they are allowed.
//!
//! It listens for passwords (SCRAM) and for certificates, both over TLS. Beside that it listens in plain text for ourselves, who may
//! do everything: a story produces, looks, and changes rights as on any other node.

use super::node::{Ports, Recipe};
use super::{Kafka, Node, answers};
use crate::Purpose;
use crate::port;
use crate::run::server::Server;
use crate::tls::ServerTls;
use anyhow::Context as _;
use machine::environment::Environment;
use machine::kafka::LocalKafka;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Who may log in, and what the node shows.
#[derive(Clone, Copy, Debug)]
pub struct Security<'a> {
    /// The node's certificate, and the authority of its clients.
    pub tls: &'a ServerTls,
    /// The users that log in by a password, with that.
    pub users: &'a [(&'a str, &'a str)],
}

/// A running node.
#[derive(Debug)]
pub struct SecuredKafka {
    kafka: Arc<Kafka>,
    by_password: String,
    by_certificate: String,
    keystore: PathBuf,
}

impl SecuredKafka {
    /// Starts it.
    ///
    /// # Errors
    /// When Kafka can't be fetched, or the node doesn't start.
    pub async fn start(
        local: &LocalKafka,
        security: Security<'_>,
        run: &Path,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let recipe =
            Recipe { java: &local.java, jars: local.jars.get()?, purpose: Purpose::Tests, run, environment };
        port::with_fresh(async || Self::on_fresh_ports(recipe, security).await).await
    }

    async fn on_fresh_ports(recipe: Recipe<'_>, security: Security<'_>) -> anyhow::Result<Self> {
        let ports = Ports { broker: port::free()?, controller: port::free()? };
        let (password, certificate) = (port::free()?, port::free()?);
        let keystore = recipe.run.join(format!("kafka-{}.pem", ports.broker));
        keep(&keystore, security.tls)?;
        let more = configuration(ports, (password, certificate), &keystore, &security.tls.authority);
        let users: Vec<String> = security
            .users
            .iter()
            .map(|(name, password)| format!("SCRAM-SHA-512=[name={name},password={password}]"))
            .collect();
        let users = users.iter().flat_map(|user| ["--add-scram", user]);
        let format: Vec<&str> = ["--standalone"].into_iter().chain(users).collect();
        let (program, data) = recipe.node(ports, &more, &format)?;
        let brokers = format!("127.0.0.1:{}", ports.broker);
        let server = Server::start(program, async || answers(&brokers)).await?;
        let node = Node::Local(server.into(), data);
        let kafka = Kafka { brokers, why: "a node that checks who its clients are".into(), node };
        Ok(Self {
            kafka: kafka.into(),
            by_password: format!("127.0.0.1:{password}"),
            by_certificate: format!("127.0.0.1:{certificate}"),
            keystore,
        })
    }

    /// The node, for whoever may do everything.
    #[must_use]
    pub fn kafka(&self) -> &Arc<Kafka> {
        &self.kafka
    }

    /// The address for those who log in by a password, over TLS.
    #[must_use]
    pub fn by_password(&self) -> &str {
        &self.by_password
    }

    /// The address for those who show a certificate.
    #[must_use]
    pub fn by_certificate(&self) -> &str {
        &self.by_certificate
    }

    /// Starts the node again with another certificate.
    ///
    /// # Errors
    /// When the certificate can't be read, or the node doesn't start.
    pub async fn show(&self, tls: &ServerTls) -> anyhow::Result<()> {
        keep(&self.keystore, tls)?;
        self.kafka.server().context("the node is ours")?.stop();
        self.kafka.start_again().await
    }
}

/// Writes key and certificate into one file, as Kafka wants them.
fn keep(keystore: &Path, tls: &ServerTls) -> anyhow::Result<()> {
    let both = std::fs::read_to_string(&tls.key)? + &std::fs::read_to_string(&tls.certificate)?;
    std::fs::write(keystore, both).with_context(|| format!("{} can't be written", keystore.display()))
}

/// What the node has beyond a single one's configuration. The last of several values counts.
fn configuration(
    ports: Ports,
    (password, certificate): (u16, u16),
    keystore: &Path,
    authority: &Path,
) -> String {
    let Ports { broker, controller } = ports;
    let (keystore, authority) = (keystore.display(), authority.display());
    format!(
        "
listeners=BROKER://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller},PASSWORD://127.0.0.1:{password},\
CERTIFICATE://127.0.0.1:{certificate}
advertised.listeners=BROKER://127.0.0.1:{broker},PASSWORD://127.0.0.1:{password},CERTIFICATE://127.0.0.1:{certificate}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT,PASSWORD:SASL_SSL,CERTIFICATE:SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.password.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.certificate.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=false
"
    )
}
