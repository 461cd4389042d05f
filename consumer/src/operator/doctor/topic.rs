//! How a topic is set, judged. Pure.

use super::check::Check;
use super::finding::{Finding, in_words};
use std::collections::BTreeMap;
use std::time::Duration;

/// The settings of a topic that are in force, by name.
pub type Settings = BTreeMap<String, String>;

/// What is asked of a topic.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// How long records must be kept: the longest outage and the age of a backup together.
    pub keep_for: Duration,
    /// How long the ledger knows what was counted.
    pub ledger: Duration,
    /// The largest answer that Kafka's client takes, in bytes.
    pub receive_bytes_max: u64,
}

/// librdkafka tries a third of what it may take when it unpacks a batch, and then three times as much at once.
const UNPACKED_AT_ONCE: u64 = 3;

/// How the topic's settings go together with what is asked of it. `copies` is how many the partition with the fewest has, if
/// that is known. Of a setting that Kafka doesn't have nothing is said.
pub fn judge(settings: &Settings, copies: Option<usize>, needs: &Needs) -> Vec<Finding> {
    let all = [
        replicas(settings, copies),
        retention(settings, needs),
        size(settings),
        cleanup(settings),
        compression(settings),
        batch_size(settings, needs),
        ledger(settings, needs),
    ];
    all.into_iter().flatten().collect()
}

fn replicas(settings: &Settings, copies: Option<usize>) -> Option<Finding> {
    let (copies, in_sync) = (u64::try_from(copies?).ok()?, number(settings, "min.insync.replicas")?);
    let in_sync = u64::try_from(in_sync).ok()?;
    // With as many that must have a record as there are, one lost broker stops the producers.
    let is_well = copies > 1 && in_sync > 1 && in_sync < copies;
    let seen = format!("replication factor {copies}, min.insync.replicas {in_sync}");
    Some(Finding::of(Check::TopicReplicas, is_well, seen))
}

fn retention(settings: &Settings, needs: &Needs) -> Option<Finding> {
    let needed = in_words(needs.keep_for);
    Some(match kept(settings)? {
        Kept::Ever => Finding::ok(Check::TopicRetention, "keeps records for ever"),
        Kept::For(time) => {
            let seen = format!("keeps records for {}; {needed} are needed", in_words(time));
            Finding::of(Check::TopicRetention, needs.keep_for <= time, seen)
        }
    })
}

fn size(settings: &Settings) -> Option<Finding> {
    let bytes = number(settings, "retention.bytes")?;
    let seen = if bytes < 0 {
        "has no limit of size".to_owned()
    } else {
        format!("keeps at most {bytes} bytes of a partition, however new the records before them are")
    };
    Some(Finding::of(Check::TopicSize, bytes < 0, seen))
}

fn cleanup(settings: &Settings) -> Option<Finding> {
    let policy = settings.get("cleanup.policy")?;
    Some(Finding::of(Check::TopicCleanup, !policy.contains("compact"), format!("cleanup.policy {policy}")))
}

fn compression(settings: &Settings) -> Option<Finding> {
    let compression = settings.get("compression.type")?;
    let is_well = compression == "producer";
    let seen = if is_well {
        "batches are stored as producers have compressed them".to_owned()
    } else {
        format!("compression.type {compression}: brokers unpack batches and compress them again")
    };
    Some(Finding::of(Check::TopicCompression, is_well, seen))
}

fn batch_size(settings: &Settings, needs: &Needs) -> Option<Finding> {
    let bytes = u64::try_from(number(settings, "max.message.bytes")?).ok()?;
    let safe = needs.receive_bytes_max / UNPACKED_AT_ONCE;
    let seen = format!("batches of up to {bytes} bytes; the client surely takes {safe}");
    Some(Finding::of(Check::TopicBatchSize, bytes <= safe, seen))
}

fn ledger(settings: &Settings, needs: &Needs) -> Option<Finding> {
    let (is_well, kept) = match kept(settings)? {
        Kept::Ever => (false, "ever".to_owned()),
        Kept::For(time) => (time <= needs.ledger, in_words(time)),
    };
    let ledger = in_words(needs.ledger);
    let seen = format!("keeps records for {kept}; an empty database would count those of the last {ledger}");
    Some(Finding::of(Check::LedgerRetention, is_well, seen))
}

/// For how long records are kept.
enum Kept {
    Ever,
    For(Duration),
}

/// For how long records are kept; `None` where age isn't what deletes them.
fn kept(settings: &Settings) -> Option<Kept> {
    let deletes = settings.get("cleanup.policy").is_none_or(|policy| policy.contains("delete"));
    let millis = number(settings, "retention.ms").filter(|_| deletes)?;
    Some(u64::try_from(millis).map_or(Kept::Ever, |millis| Kept::For(Duration::from_millis(millis))))
}

fn number(settings: &Settings, name: &str) -> Option<i64> {
    settings.get(name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::doctor::finding::codes_of_bad;

    const DAY: u64 = 86_400_000;

    /// A sound topic of three replicas.
    fn sound() -> Settings {
        let settings = [
            ("min.insync.replicas", "2".to_owned()),
            ("retention.ms", (14 * DAY).to_string()),
            ("retention.bytes", "-1".to_owned()),
            ("cleanup.policy", "delete".to_owned()),
            ("compression.type", "producer".to_owned()),
            ("max.message.bytes", "1048588".to_owned()),
        ];
        settings.map(|(name, value)| (name.to_owned(), value)).into()
    }

    fn bad(settings: &Settings, copies: usize) -> Vec<&'static str> {
        let needs = Needs {
            keep_for: Duration::from_millis(4 * DAY),
            ledger: Duration::from_millis(35 * DAY),
            receive_bytes_max: 300_000_000,
        };
        codes_of_bad(&judge(settings, Some(copies), &needs))
    }

    #[test]
    fn each_setting_that_is_not_sound_is_one_finding() {
        let check = |name: &str, value: String, expected: &[&str]| {
            let settings = Settings::from_iter(sound().into_iter().chain([(name.to_owned(), value.clone())]));
            assert_eq!(bad(&settings, 3), expected, "{name}={value}");
        };
        assert_eq!(bad(&sound(), 3), Vec::<&str>::new());
        check("retention.ms", (4 * DAY).to_string(), &[]);
        check("retention.ms", (4 * DAY - 1).to_string(), &["topic-retention"]);
        check("retention.ms", (35 * DAY).to_string(), &[]);
        check("retention.ms", (35 * DAY + 1).to_string(), &["ledger-retention"]);
        check("retention.ms", "-1".into(), &["ledger-retention"]);
        check("retention.bytes", "1000000".into(), &["topic-size"]);
        check("cleanup.policy", "compact".into(), &["topic-cleanup"]);
        check("cleanup.policy", "compact,delete".into(), &["topic-cleanup"]);
        check("compression.type", "zstd".into(), &["topic-compression"]);
        check("max.message.bytes", "100000000".into(), &[]);
        check("max.message.bytes", "100000001".into(), &["topic-batch-size"]);
        check("min.insync.replicas", "1".into(), &["topic-replicas"]);
        check("min.insync.replicas", "3".into(), &["topic-replicas"]);
    }

    #[test]
    fn one_copy_is_none_too_many_and_what_is_not_known_is_not_judged() {
        assert_eq!(bad(&sound(), 1), ["topic-replicas"]);
        assert_eq!(bad(&sound(), 2), ["topic-replicas"], "one lost broker stops producers");
        let needs = Needs { keep_for: Duration::ZERO, ledger: Duration::ZERO, receive_bytes_max: 0 };
        assert_eq!(judge(&Settings::new(), None, &needs), []);
    }
}
