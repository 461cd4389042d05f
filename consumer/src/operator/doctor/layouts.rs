//! Whether an empty or restored database would learn from Kafka where a topic's layouts ended. Pure.

use super::check::Check;
use super::finding::Finding;
use super::log::Log;
use crate::record::layouts::{Announced, Layouts, heard};
use crate::record::place::Place;

/// What Kafka and the database say about the layouts of a topic.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The topic.
    pub topic: &'a str,
    /// Kafka's id of it.
    pub id: &'a str,
    /// What the database has.
    pub layouts: &'a Layouts,
    /// What Kafka has, of all topics.
    pub announced: &'a [Announced],
}

/// Whether Kafka has what the database knows.
pub fn judge(known: Known<'_>, log: &Log) -> Finding {
    let about = known.announced.iter().filter(|announced| announced.is_about(known.topic, known.id));
    let end_of = |partition| {
        let place = Place { topic: known.topic.to_owned(), partition };
        log.acknowledged.get(&place).copied()
    };
    let heard = heard(&about.collect::<Vec<_>>(), end_of);
    let cuts = known.layouts.cuts();
    let unheard: Vec<String> =
        cuts.iter().filter(|(cut, ends)| !heard.has(**cut, ends)).map(|(cut, _)| cut.to_string()).collect();
    let seen = if unheard.is_empty() {
        format!("{} layouts have ended, as Kafka knows", cuts.len())
    } else {
        format!("Kafka doesn't have where its layouts {} ended, which the database knows", unheard.join(", "))
    };
    Finding::of(Check::LayoutsTopic, unheard.is_empty(), seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Offset;

    #[test]
    fn what_the_database_knows_kafka_must_know_too() {
        let place = |partition| Place { topic: "t".into(), partition };
        let log =
            Log { acknowledged: [(place(0), Offset(20)), (place(1), Offset(20))].into(), ..Log::default() };
        let mut layouts = Layouts::default();
        let announced = |topic: &str| Announced {
            topic: topic.into(),
            topic_id: "id".into(),
            layout: 1,
            ends: vec![10, 12],
        };
        let is_well = |layouts: &Layouts, announced: &[Announced]| {
            judge(Known { topic: "t", id: "id", layouts, announced }, &log).remedy.is_none()
        };
        assert!(is_well(&layouts, &[]));
        assert!(is_well(&layouts, &[announced("t")]), "it learns what Kafka knows");
        layouts.add_end(1, 0, Offset(10));
        layouts.add_end(1, 1, Offset(12));
        assert!(is_well(&layouts, &[announced("t")]));
        assert!(!is_well(&layouts, &[]));
        assert!(!is_well(&layouts, &[announced("other")]));
        assert!(!is_well(&layouts, &[Announced { ends: vec![10, 13], ..announced("t") }]));
    }
}
