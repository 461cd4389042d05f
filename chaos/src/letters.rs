//! Dead letters, compared one by one: each bad record that Kafka holds must have a row, and no other record.

use super::log::Place;
use super::stream::FUTURE;
use anyhow::Context as _;
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::Client;

/// How many differences are shown.
const SHOWN: usize = 20;

/// Reasons of refusal, by place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letters(BTreeMap<Place, String>);

/// The dead letters in PostgreSQL.
///
/// # Errors
/// When it can't be read.
pub async fn in_postgres(client: &Client) -> anyhow::Result<Letters> {
    let query = "select topic, kafka_partition, kafka_offset, reason from dead_letters";
    let rows = client.query(query, &[]).await.context("dead_letters can't be read")?;
    Ok(Letters(rows.iter().map(|row| ((row.get(0), row.get(1), row.get(2)), row.get(3))).collect()))
}

impl FromIterator<(Place, &'static str)> for Letters {
    fn from_iter<T: IntoIterator<Item = (Place, &'static str)>>(letters: T) -> Self {
        Self(letters.into_iter().map(|(place, reason)| (place, reason.to_owned())).collect())
    }
}

impl Letters {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Takes away those of records that were read too soon, and returns how many they are.
    pub fn take_early(&mut self, early: &BTreeSet<Place>) -> usize {
        let before = self.count();
        self.0.retain(|place, reason| reason != FUTURE || !early.contains(place));
        before - self.count()
    }

    /// Where `found` differs from this: the first differences, in sentences.
    #[must_use]
    pub fn unlike(&self, found: &Self) -> Vec<String> {
        let place = |(topic, partition, offset): &Place| format!("{topic}/{partition}@{offset}");
        let wrong = self.0.iter().filter(|(key, reason)| found.0.get(*key) != Some(*reason));
        let wrong = wrong.map(|(key, reason)| {
            let found = found.0.get(key).map_or("no dead letter", |reason| reason);
            format!("dead letters [{}]: expected {reason}, found {found}", place(key))
        });
        let more = found.0.iter().filter(|(key, _)| !self.0.contains_key(*key));
        let more =
            more.map(|(key, reason)| format!("dead letters [{}]: expected none, found {reason}", place(key)));
        wrong.chain(more).take(SHOWN).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(offset: i64) -> Place {
        ("t".to_owned(), 0, offset)
    }

    fn letters(list: &[(i64, &'static str)]) -> Letters {
        list.iter().map(|(offset, reason)| (place(*offset), *reason)).collect()
    }

    #[test]
    fn missing_wrong_and_invented_letters_are_told() {
        let expected = letters(&[(1, "a"), (2, "b"), (3, "c")]);
        assert_eq!(expected.unlike(&expected), Vec::<String>::new());
        let found = letters(&[(2, "b"), (3, "x"), (4, "d")]);
        assert_eq!(
            expected.unlike(&found),
            [
                "dead letters [t/0@1]: expected a, found no dead letter",
                "dead letters [t/0@3]: expected c, found x",
                "dead letters [t/0@4]: expected none, found d",
            ]
        );
    }

    #[test]
    fn a_record_read_too_soon_may_have_a_letter_for_that_reason_alone() {
        let mut found = letters(&[(1, FUTURE), (2, FUTURE), (3, "a")]);
        assert_eq!(found.take_early(&[place(1), place(3), place(9)].into()), 1);
        assert_eq!(found, letters(&[(2, FUTURE), (3, "a")]));
    }
}
