//! The topics' layouts, as a member learns them: from Kafka before it claims, and from the database when it has claimed.

use super::kafka::Kafka;
use crate::record::layouts::{Announced, Standing, heard};
use crate::record::{Offset, Partition, Topic};
use crate::store::{ClaimedPartition, Connection, Store};
use std::collections::HashMap;

/// Learns layouts, and tells how partitions stand among them.
pub struct LayoutsLearned<'a> {
    /// PostgreSQL.
    pub store: &'a mut Store,
    /// Kafka.
    pub kafka: &'a mut Kafka,
}

impl LayoutsLearned<'_> {
    /// Takes over what Kafka says about the ends of layouts and the database doesn't know: an emptied or restored database
    /// must know it before anything is decided. Returns whether Kafka has answered; otherwise nothing may be claimed.
    ///
    /// `topic_ids` are Kafka's ids of the topics now, as far as it tells.
    pub async fn learn(&mut self, topic_ids: &HashMap<Topic, String>) -> bool {
        let Some(announced) = self.kafka.ask_layouts().await else { return false };
        self.kafka.forget_cuts();
        let begin = async |connection: &mut Connection| connection.begin_layouts(topic_ids).await;
        self.store.until_done("beginning the topics' layouts", begin).await;
        for (topic, announced) in &announced {
            let topic_id = topic_ids.get(topic).map_or("", String::as_str);
            if !self.adopt(*topic, topic_id, announced).await {
                return false;
            }
        }
        true
    }

    async fn adopt(&mut self, topic: Topic, topic_id: &str, announced: &[Announced]) -> bool {
        let read = async |connection: &mut Connection| connection.layouts(topic, topic_id).await;
        let known = self.store.until_done("reading the topics' layouts", read).await;
        self.kafka.learned_cuts(topic, known.cuts().keys().copied());
        let about: Vec<&Announced> =
            announced.iter().filter(|announced| announced.is_about(&announced.topic, topic_id)).collect();
        if about.iter().all(|announced| known.cuts().contains_key(&announced.layout)) {
            return true;
        }
        let ask = self.kafka.ask(move |ends| ends.all_acknowledged(topic));
        let Some((partitions, ends)) = ask.await else { return false };
        if ends.len() < partitions {
            // An end that Kafka doesn't give now is not one that doesn't exist.
            tracing::warn!(target: "kafka", ?topic, "Kafka does not say where each partition ends; asking again");
            return false;
        }
        let ends: HashMap<i32, Offset> =
            ends.into_iter().map(|(partition, end)| (partition.number, end)).collect();
        let mut adopted = heard(&about, |partition| ends.get(&partition).copied()).cuts;
        adopted.retain(|cut| known.fits(cut.layout, &cut.ends()));
        if !adopted.is_empty() {
            self.kafka.learned_cuts(topic, adopted.iter().map(|cut| cut.layout));
            let adopt = async |connection: &mut Connection| connection.adopt_layouts(&adopted).await;
            self.store.until_done("taking over where layouts end", adopt).await;
            for Announced { topic, layout, .. } in &adopted {
                tracing::info!(topic, layout, "learned from Kafka where a layout ends");
            }
        }
        true
    }

    /// How these claimed partitions stand; those whose claim is lost are left out.
    pub async fn standings(&mut self, claimed: &[ClaimedPartition]) -> HashMap<Partition, Standing> {
        let mut standings = HashMap::new();
        for topic in Topic::ALL {
            let of_topic = claimed.iter().filter(|claimed| claimed.partition.topic == topic).copied();
            let of_topic: Vec<ClaimedPartition> = of_topic.collect();
            if !of_topic.is_empty() {
                let topic_id = self.topic_id(topic);
                let learned = self.kafka.cuts(topic);
                let ask = async |connection: &mut Connection| {
                    connection.standings(topic, &topic_id, &learned, &of_topic).await
                };
                standings.extend(self.store.until_done("looking where layouts end", ask).await);
            }
        }
        standings
    }

    /// Those of the waiting partitions that need not wait any more.
    pub async fn released(&mut self, waiting: &[Partition]) -> Vec<Partition> {
        let mut released = Vec::new();
        for topic in Topic::ALL {
            let of_topic = waiting.iter().filter(|partition| partition.topic == topic).copied();
            let of_topic: Vec<Partition> = of_topic.collect();
            if !of_topic.is_empty() {
                let topic_id = self.topic_id(topic);
                let ask = async |connection: &mut Connection| {
                    connection.released(topic, &topic_id, &of_topic).await
                };
                released.extend(self.store.until_done("looking where layouts end", ask).await);
            }
        }
        released
    }

    fn topic_id(&self, topic: Topic) -> String {
        self.kafka.topic_ids().get(&topic).cloned().unwrap_or_default()
    }
}
