//! What a member is told about Kafka, and librdkafka's configuration made of it.

pub use super::variables::CONFIG_PREFIX;
use super::variables::variable;
use crate::limits::kafka as limit;
use crate::record::Topic;
use crate::record::key::Keys;
use crate::record::topic_names::TopicNames;
use crate::refused::allowance;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// Where Kafka is, and what of it is read.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "kafka")]
pub struct Settings {
    /// Kafka's bootstrap servers, as host:port, comma-separated.
    #[arg(long, env = "KAFKA_BROKERS")]
    pub kafka_brokers: String,
    /// The consumer group. Members of one group share the partitions. Two groups must not write to one database: they would
    /// take each other's partitions away.
    #[arg(long, env = "KAFKA_GROUP_ID", default_value = "business-metrics")]
    pub kafka_group_id: String,
    /// The topics' names.
    #[command(flatten)]
    pub topics: TopicNames,
    /// The topic that says where the topics' layouts end. `consumer layout change` makes it and writes to it; members read
    /// it. Without it no layout has ever ended.
    #[arg(long, env = "LAYOUTS_TOPIC", default_value = LAYOUTS_TOPIC)]
    pub layouts_topic: String,
    /// Where a partition that was never read starts. `latest` applies only while no partition of the topic was read;
    /// partitions added later are read from their start.
    #[arg(long, env = "START_OFFSET", value_enum, default_value_t = StartOffset::Earliest)]
    pub start_offset: StartOffset,
    /// How far ahead of the database's clock a record's time may be. A record beyond that becomes a dead letter. Raise it
    /// if producers' clocks are known to be off.
    #[arg(long, env = "FUTURE_SKEW_MAX", default_value = "1h", value_parser = crate::settings::duration)]
    pub future_skew_max: Duration,
    /// Records in a batch at most. More make bulk faster and take more memory.
    #[arg(long, env = "BATCH_RECORDS_MAX", default_value_t = 1_750_000, value_parser = clap::value_parser!(u32).range(1..=4_000_000))]
    pub batch_records_max: u32,
    /// How long a batch collects records before it is written, unless the batch before takes longer. Longer makes fewer,
    /// larger transactions; shorter makes fresher numbers.
    #[arg(long, env = "BATCH_AGE_MAX", default_value = "200ms", value_parser = crate::settings::duration)]
    pub batch_age_max: Duration,
    /// How topics' keys are placed.
    #[command(flatten)]
    pub keys: Keys,
    /// How much is kept of records that can't be counted.
    #[command(flatten)]
    pub refused: allowance::Settings,
    /// librdkafka's settings, from `KAFKA_CONFIG_<SETTING>` with underscores for dots.
    #[arg(skip)]
    pub kafka_config: BTreeMap<String, String>,
}

/// Where a partition that was never read starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum StartOffset {
    /// At the oldest record Kafka still has.
    Earliest,
    /// After the newest.
    Latest,
}

/// The default name of the topic that says where layouts end.
pub const LAYOUTS_TOPIC: &str = "business-metrics.layouts.v1";

/// How a setting ends whose value is the file that has it: `..._FILE`.
const FILE: &str = ".file";

/// librdkafka's own settings that end so: their values are files that it reads itself.
const OWN_FILES: [&str; 3] = [
    "sasl.oauthbearer.assertion.file",
    "sasl.oauthbearer.assertion.jwt.template.file",
    "sasl.oauthbearer.assertion.private.key.file",
];

/// Settings that exact counting depends on.
const FIXED: [(&str, &str); 6] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    // A lost offset must be seen, never skipped.
    ("auto.offset.reset", "error"),
    // librdkafka's batch call counts the event of a partition's end as a record. Its position would be one too far, and
    // after a rebalance, which makes it fetch again from there, a record would be skipped.
    ("enable.partition.eof", "false"),
    ("isolation.level", "read_committed"),
    ("partition.assignment.strategy", "cooperative-sticky"),
];

/// Defaults that `KAFKA_CONFIG_*` may change.
const DEFAULTS: [(&str, &str); 10] = [
    ("client.id", "business-metrics-consumer"),
    ("session.timeout.ms", "10000"),
    ("heartbeat.interval.ms", "1000"),
    ("topic.metadata.refresh.interval.ms", "10000"),
    ("fetch.wait.max.ms", "20"),
    ("fetch.queue.backoff.ms", "10"),
    ("reconnect.backoff.max.ms", "2000"),
    ("socket.keepalive.enable", "true"),
    // A flipped bit would be a record like any other.
    ("check.crcs", "true"),
    // It also limits what a batch of records unpacks to, and librdkafka reaches for three times as much at once.
    ("receive.message.max.bytes", "300000000"),
];

/// Settings of the classic group protocol. With the newer one the broker decides them.
const CLASSIC_ONLY: [&str; 3] =
    ["session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"];
const GROUP_PROTOCOL: &str = "group.protocol";
const GROUP_INSTANCE_ID: &str = "group.instance.id";

impl Settings {
    /// The topics whose keys are placed by murmur2, so that it can be checked.
    #[must_use]
    pub fn placed_by_murmur2(&self) -> Vec<Topic> {
        let is_placed = |topic: &Topic| self.keys.are_placed_by_murmur2(self.topics.of(*topic));
        Topic::ALL.into_iter().filter(is_placed).collect()
    }

    /// What is wrong with the settings taken together, in a sentence.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        if self.kafka_brokers.trim().is_empty() {
            return Some("KAFKA_BROKERS must name bootstrap servers, like host:9092".into());
        }
        let [events, runs, messages] = self.topics.all();
        let topics = [events, runs, messages, &self.layouts_topic];
        if HashSet::from(topics).len() < topics.len() {
            return Some(
                "EVENTS_TOPIC, WORKFLOW_TERMINALS_TOPIC, MESSAGE_DELIVERIES_TOPIC and LAYOUTS_TOPIC must name \
                 four topics"
                    .into(),
            );
        }
        let fixed = self
            .kafka_config
            .keys()
            .find(|name| FIXED.iter().any(|(fixed, _)| fixed == name) || *name == "group.id");
        if let Some(name) = fixed {
            return Some(format!("{} can't be set: exact counting depends on it", variable(name)));
        }
        let is_classic = |name: &&String| CLASSIC_ONLY.contains(&name.as_str());
        if let Some(name) = self.kafka_config.keys().find(is_classic).filter(|_| self.has_newer_protocol()) {
            let (name, protocol) = (variable(name), variable(GROUP_PROTOCOL));
            return Some(format!(
                "{name} can't be set together with {protocol}=consumer: the broker decides it"
            ));
        }
        refused(&self.config()).or_else(|| super::protection::unused(&self.kafka_config))
    }

    /// Numeric settings that must agree with others, as librdkafka will have them.
    #[must_use]
    pub fn limits(&self) -> BTreeMap<&'static str, u64> {
        let Ok(config) = self.config().create_native_config() else { return BTreeMap::new() };
        let number = |name: &str| config.get(name).ok()?.parse::<u64>().ok();
        let is_set = |name: &str| self.kafka_config.contains_key(name);
        let mut names = vec![
            limit::MAX_POLL_INTERVAL,
            limit::RECONNECT_BACKOFF,
            limit::RECONNECT_BACKOFF_MAX,
            limit::FETCH_MAX_BYTES,
            limit::MESSAGE_MAX_BYTES,
            limit::QUEUED_KBYTES,
        ];
        if !self.has_newer_protocol() {
            names.extend([limit::SESSION_TIMEOUT, limit::HEARTBEAT_INTERVAL]);
        }
        if is_set(limit::RECEIVE_MAX_BYTES) {
            names.push(limit::RECEIVE_MAX_BYTES);
        }
        let mut limits: BTreeMap<_, _> =
            names.into_iter().filter_map(|name| Some((name, number(name)?))).collect();
        if let (Some(fetch), Some(queued), Some(message)) =
            (number(limit::FETCH_MAX_BYTES), number(limit::QUEUED_KBYTES), number(limit::MESSAGE_MAX_BYTES))
            && !is_set(limit::FETCH_MAX_BYTES)
        {
            // So does librdkafka with its default.
            limits.insert(limit::FETCH_MAX_BYTES, fetch.min(queued * 1_024).max(message));
        }
        limits
    }

    /// The same for a client that is told of everything that the brokers have acknowledged. It is in no group: it doesn't
    /// subscribe.
    #[must_use]
    pub fn uncommitted_config(&self) -> ClientConfig {
        let mut config = self.config();
        config.set("isolation.level", "read_uncommitted");
        config
    }

    /// Whether the broker deals the partitions out (KIP-848), rather than the members themselves.
    #[must_use]
    pub fn has_newer_protocol(&self) -> bool {
        self.kafka_config.get(GROUP_PROTOCOL).is_some_and(|protocol| protocol == "consumer")
    }

    /// How long the group lists a member that has stopped without leaving it. Zero where the broker decides that.
    #[must_use]
    pub fn session_timeout(&self) -> Duration {
        let millis = self.limits().get(limit::SESSION_TIMEOUT).copied().unwrap_or_default();
        Duration::from_millis(millis)
    }

    /// Whether the group knows this member again by a name of its own (KIP-345).
    #[must_use]
    pub fn is_static(&self) -> bool {
        self.kafka_config.contains_key(GROUP_INSTANCE_ID)
    }

    /// librdkafka's configuration.
    #[must_use]
    pub fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (name, value) in DEFAULTS.iter().chain(&FIXED) {
            if !(self.has_newer_protocol() && CLASSIC_ONLY.contains(name)) {
                config.set(*name, *value);
            }
        }
        for (name, value) in &self.kafka_config {
            config.set(name, value);
        }
        config.set("bootstrap.servers", &self.kafka_brokers).set("group.id", &self.kafka_group_id);
        config
    }
}

/// The setting that librdkafka refuses, in a sentence. Without the value, which may be a secret.
#[must_use]
pub fn refused(config: &ClientConfig) -> Option<String> {
    let refused = config.create_native_config().err()?;
    let name = if let KafkaError::ClientConfig(_, _, name, _) = refused {
        variable(&name)
    } else {
        CONFIG_PREFIX.into()
    };
    Some(format!("{name} is not a setting of librdkafka, or its value is not a valid one"))
}

/// librdkafka's settings among environment variables: `KAFKA_CONFIG_SASL_USERNAME` is `sasl.username`, and
/// `KAFKA_CONFIG_SASL_PASSWORD_FILE` the file that has `sasl.password`. Variables of others may be anything, text or not.
///
/// # Errors
/// When one of them is not UTF-8, is given twice, or names a file that can't be used: a sentence that names it.
pub fn kafka_config(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<BTreeMap<String, String>, String> {
    let mut config = BTreeMap::new();
    for (setting, value) in named(variables)? {
        let of_file = setting.strip_suffix(FILE).filter(|_| !OWN_FILES.contains(&setting.as_str()));
        let (setting, value) = match of_file {
            Some(of_file) => {
                let secret = credentials::secret_in(&variable(&setting), Path::new(&value));
                (of_file.to_owned(), secret.map_err(|bad| bad.0)?.expose().to_owned())
            }
            None => (setting, value),
        };
        if config.contains_key(&setting) {
            let name = variable(&setting);
            return Err(format!("{name} and {name}_FILE are both set: keep one of them"));
        }
        config.insert(setting, value);
    }
    Ok(config)
}

/// Our variables, by the names of the settings. A file that isn't named counts as not set.
fn named(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<BTreeMap<String, String>, String> {
    let named = variables.filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        let setting = name.strip_prefix(CONFIG_PREFIX)?.to_lowercase().replace('_', ".");
        let value = value.into_string().map_err(|_| format!("{name} is not UTF-8"));
        Some(value.map(|value| (setting, value)))
    });
    let is_nothing = |setting: &str, value: &str| setting.ends_with(FILE) && value.is_empty();
    let set = named.filter(|named| !named.as_ref().is_ok_and(|(setting, value)| is_nothing(setting, value)));
    set.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    fn with(variables: &[(&str, &str)]) -> Settings {
        let mut settings = Line::parse_from(["consumer", "--kafka-brokers", "127.0.0.1:9092"]).settings;
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        settings.kafka_config = kafka_config(variables).unwrap();
        settings
    }

    #[test]
    fn any_librdkafka_setting_passes_but_those_exactness_depends_on() {
        let protocol = ("KAFKA_CONFIG_SECURITY_PROTOCOL", "SASL_PLAINTEXT");
        let mechanism = ("KAFKA_CONFIG_SASL_MECHANISM", "PLAIN");
        let username = ("KAFKA_CONFIG_SASL_USERNAME", "metrics");
        let settings = with(&[protocol, mechanism, username, ("PATH", "/bin")]);
        assert_eq!(settings.wrong(), None);
        assert_eq!(settings.config().get("sasl.username"), Some("metrics"));
        for variable in
            ["KAFKA_CONFIG_AUTO_OFFSET_RESET", "KAFKA_CONFIG_GROUP_ID", "KAFKA_CONFIG_ENABLE_AUTO_COMMIT"]
        {
            let wrong = with(&[(variable, "x")]).wrong().unwrap();
            assert!(wrong.contains(variable), "{wrong}");
        }
    }

    #[test]
    fn a_variable_that_is_no_text_is_named_if_it_is_ours_and_passed_over_otherwise() {
        use std::os::unix::ffi::OsStringExt as _;
        let no_text = || OsString::from_vec(vec![0xff, 0xfe]);
        let read = |name: OsString| kafka_config([(name, no_text())].into_iter());
        assert_eq!(read("LESS_TERMCAP_mb".into()), Ok(BTreeMap::new()));
        assert_eq!(read(no_text()), Ok(BTreeMap::new()));
        let wrong = read("KAFKA_CONFIG_SASL_PASSWORD".into()).unwrap_err();
        assert_eq!(wrong, "KAFKA_CONFIG_SASL_PASSWORD is not UTF-8");
    }

    #[test]
    fn a_setting_may_be_in_a_file_and_only_there() {
        let path = std::env::temp_dir().join(format!("kafka-password-{}", std::process::id()));
        std::fs::write(&path, "open sesame\n").unwrap();
        let read = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            kafka_config(variables)
        };
        let file = ("KAFKA_CONFIG_SASL_PASSWORD_FILE", path.to_str().unwrap());
        let password = BTreeMap::from([("sasl.password".to_owned(), "open sesame".to_owned())]);
        assert_eq!(read(&[file]), Ok(password));
        assert_eq!(read(&[("KAFKA_CONFIG_SASL_PASSWORD_FILE", "")]), Ok(BTreeMap::new()));
        let both = read(&[file, ("KAFKA_CONFIG_SASL_PASSWORD", "x")]).unwrap_err();
        assert!(both.starts_with("KAFKA_CONFIG_SASL_PASSWORD and KAFKA_CONFIG_SASL_PASSWORD_FILE"), "{both}");
        std::fs::remove_file(&path).unwrap();
        let missing = read(&[file]).unwrap_err();
        assert!(missing.contains(file.0) && missing.contains(file.1), "{missing}");
    }

    #[test]
    fn a_setting_of_librdkafka_that_ends_with_file_stays_what_it_is() {
        for setting in OWN_FILES {
            let (name, file) = (variable(setting), "/nowhere/assertion");
            let config = kafka_config([(name.into(), file.into())].into_iter());
            assert_eq!(config, Ok(BTreeMap::from([(setting.to_owned(), file.to_owned())])));
        }
    }

    #[test]
    fn a_login_without_its_protocol_is_refused() {
        let wrong = with(&[("KAFKA_CONFIG_SASL_USERNAME", "metrics")]).wrong().unwrap();
        assert!(wrong.starts_with("KAFKA_CONFIG_SASL_USERNAME is set"), "{wrong}");
    }

    #[test]
    fn the_newer_group_protocol_is_not_given_the_classic_ones_settings() {
        let config = with(&[("KAFKA_CONFIG_GROUP_PROTOCOL", "consumer")]).config();
        assert_eq!(config.get("session.timeout.ms"), None);
        assert_eq!(config.get("partition.assignment.strategy"), None);
        assert_eq!(config.get("auto.offset.reset"), Some("error"));
        let both =
            with(&[("KAFKA_CONFIG_GROUP_PROTOCOL", "consumer"), ("KAFKA_CONFIG_SESSION_TIMEOUT_MS", "9")]);
        let wrong = both.wrong().unwrap();
        assert!(wrong.contains("SESSION_TIMEOUT_MS") && wrong.contains("GROUP_PROTOCOL"), "{wrong}");
    }

    #[test]
    fn limits_are_those_librdkafka_will_have() {
        let limit_of = |variables: &[(&str, &str)], name: &str| with(variables).limits().get(name).copied();
        assert_eq!(limit_of(&[], limit::SESSION_TIMEOUT), Some(10_000));
        assert_eq!(limit_of(&[], limit::MAX_POLL_INTERVAL), Some(300_000), "librdkafka's default");
        let newer = ("KAFKA_CONFIG_GROUP_PROTOCOL", "consumer");
        assert_eq!(limit_of(&[newer], limit::SESSION_TIMEOUT), None, "the broker's to decide");
        assert_eq!(limit_of(&[], limit::RECEIVE_MAX_BYTES), None);
        let queued = ("KAFKA_CONFIG_QUEUED_MAX_MESSAGES_KBYTES", "2000");
        assert_eq!(limit_of(&[queued], limit::FETCH_MAX_BYTES), Some(2_048_000));
    }
}
