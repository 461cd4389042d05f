//! Whether a topic's newest records lie in the partition of their key. A producer with another partitioner sends copies of a record
//! elsewhere than other producers do, and each of them counts.

use super::check::Check;
use super::finding::Finding;
use super::log::Log;
use crate::operator::shown;
use crate::record::key::partition_of;
use crate::record::layouts::Layouts;
use crate::record::place::Place;
use crate::record::{Offset, Span};
use crate::source::cluster::{self, KafkaError, Look, TopicReader};
use std::collections::BTreeMap;
use std::time::Instant;

/// Characters of a key that are shown.
const KEY_CHARS_MAX: usize = 40;

/// A record with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: Offset,
    /// Its key.
    pub key: Vec<u8>,
}

/// Reads the newest records of each partition, as many as there are until `deadline`. Blocks the thread.
///
/// # Errors
/// When Kafka doesn't give them.
pub fn newest(
    settings: &cluster::Settings,
    log: &Log,
    count: i64,
    deadline: Instant,
) -> Result<Vec<Keyed>, KafkaError> {
    let mut open: BTreeMap<i32, Span> = BTreeMap::new();
    for place in &log.places {
        if let (Some(earliest), Some(readable)) = (log.earliest.get(place), log.readable.get(place)) {
            let from = Offset(readable.0.saturating_sub(count)).max(*earliest);
            if from < *readable {
                open.insert(place.partition, Span { from, until: *readable });
            }
        }
    }
    let from = |place: &Place| open.get(&place.partition).map(|span| (place.clone(), span.from));
    let from: Vec<(Place, Offset)> = log.places.iter().filter_map(from).collect();
    let reader = TopicReader::begin(settings, &from)?;
    let mut found = Vec::new();
    while !open.is_empty() && Instant::now() < deadline {
        match reader.look()? {
            Look::Record(partition, record) => {
                let Some(span) = open.get(&partition).copied() else { continue };
                if record.offset < span.until {
                    found.extend(record.key.map(|key| Keyed { partition, offset: record.offset, key }));
                }
                if span.until <= record.offset.next() {
                    open.remove(&partition);
                }
            }
            // The last offsets may be no records.
            Look::End(partition) => _ = open.remove(&partition),
            Look::Nothing => {}
        }
    }
    Ok(found)
}

/// Whether these records lie where their keys belong. Those of earlier layouts lie where they belonged then.
pub fn judge(found: &[Keyed], partitions: i32, layouts: &Layouts) -> Finding {
    let is_present = |record: &&Keyed| layouts.at(record.partition, record.offset) == layouts.present();
    let present: Vec<&Keyed> = found.iter().filter(is_present).collect();
    let is_misplaced = |record: &&&Keyed| partition_of(&record.key, partitions) != record.partition;
    let misplaced: Vec<&&Keyed> = present.iter().filter(is_misplaced).collect();
    let Some(first) = misplaced.first() else {
        let seen = format!("the newest {} records lie in the partition of their key", present.len());
        return Finding::ok(Check::TopicKeys, seen);
    };
    let seen = format!(
        "{} of the newest {} records lie in another partition than their key's: that at {} of partition {} belongs in {} by \
         murmur2 (key {})",
        misplaced.len(),
        present.len(),
        first.offset.0,
        first.partition,
        partition_of(&first.key, partitions),
        shown::cell(Some(first.key.as_slice()), KEY_CHARS_MAX)
    );
    Finding::bad(Check::TopicKeys, seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_misplaced_by_the_number_of_partitions_of_its_layout() {
        let right = partition_of(b"acme", 4);
        let record = |offset, off: i32| Keyed {
            partition: (right + off) % 4,
            offset: Offset(offset),
            key: b"acme".into(),
        };
        let mut layouts = Layouts::default();
        assert_eq!(judge(&[], 4, &layouts).remedy, None);
        assert_eq!(judge(&[record(7, 0), record(8, 0)], 4, &layouts).remedy, None);
        let bad = judge(&[record(7, 0), record(8, 1), record(9, 1)], 4, &layouts);
        assert!(bad.remedy.is_some() && bad.seen.starts_with("2 of the newest 3 records"), "{bad:?}");
        assert!(bad.seen.contains(&format!("belongs in {right} by murmur2 (key acme)")), "{bad:?}");
        for partition in 0..4 {
            layouts.add_end(1, partition, Offset(10));
        }
        assert_eq!(judge(&[record(8, 1)], 4, &layouts).remedy, None, "the layout before had another number");
        assert!(judge(&[record(10, 1)], 4, &layouts).remedy.is_some());
    }
}
