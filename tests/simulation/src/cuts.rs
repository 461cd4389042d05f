//! The tables of layouts: where each ends, and the numbers that the incarnations of topics begin with.

use crate::kafka;
use consumer::record::layouts::{Announced, Layouts};
use consumer::record::{Offset, Topic};
use std::collections::BTreeMap;

/// Both tables.
#[derive(Clone, Default)]
pub struct Cuts {
    /// By topic, its id and the cut's number.
    ends: BTreeMap<(Topic, String, i32), Vec<i64>>,
    first: BTreeMap<(Topic, String), i32>,
}

impl Cuts {
    /// The layouts of a topic with this id.
    #[must_use]
    pub fn layouts(&self, topic: Topic, id: u32) -> Layouts {
        let id = kafka::id_in_words(id);
        let mut layouts = Layouts::from(self.first.get(&(topic, id.clone())).copied().unwrap_or(1));
        for ((_, _, number), ends) in self.of(topic, &id) {
            for (partition, end) in (0..).zip(ends) {
                layouts.add_end(*number, partition, Offset(*end));
            }
        }
        layouts
    }

    fn of(&self, topic: Topic, id: &str) -> impl Iterator<Item = (&(Topic, String, i32), &Vec<i64>)> {
        self.ends.range((topic, id.to_owned(), 0)..=(topic, id.to_owned(), i32::MAX))
    }

    /// Whether the topic has not been seen under this id.
    #[must_use]
    pub fn is_new(&self, topic: Topic, id: u32) -> bool {
        !self.first.contains_key(&(topic, kafka::id_in_words(id)))
    }

    /// Begins the first layout of a topic under a new id. Whether it was seen under another.
    pub fn begin(&mut self, topic: Topic, id: u32) -> bool {
        let of_topic = self.first.iter().filter(|((of, _), _)| *of == topic);
        let last = of_topic
            .map(|((_, id), first)| first + self.of(topic, id).map(|((.., cut), _)| *cut).max().unwrap_or(0));
        let last = last.max();
        self.first.insert((topic, kafka::id_in_words(id)), last.map_or(1, |last| last + 1));
        last.is_some()
    }

    /// Adds a cut, unless it is known.
    pub fn add(&mut self, topic: Topic, cut: &Announced) {
        self.ends.entry((topic, cut.topic_id.clone(), cut.layout)).or_insert_with(|| cut.ends.clone());
    }

    /// Forgets all about a topic: only a defect does.
    pub fn forget(&mut self, topic: Topic) {
        self.ends.retain(|(of, ..), _| *of != topic);
        self.first.retain(|(of, _), _| *of != topic);
    }

    /// The cuts of a topic that its announcements lack, or give other ends.
    #[must_use]
    pub fn unannounced(&self, topic: Topic, id: u32, announced: &[Announced]) -> Vec<Announced> {
        let id = kafka::id_in_words(id);
        let announcement = |((_, topic_id, cut), ends): (&(Topic, String, i32), &Vec<i64>)| Announced {
            topic: kafka::name(topic).into(),
            topic_id: topic_id.clone(),
            layout: *cut,
            ends: ends.clone(),
        };
        self.of(topic, &id).map(announcement).filter(|cut| !announced.contains(cut)).collect()
    }
}
