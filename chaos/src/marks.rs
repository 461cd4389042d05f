//! Marks on records, by which they are recognized in Kafka: headers that the system doesn't know.

use load::Produced;
use rdkafka::Message as _;
use rdkafka::message::{BorrowedMessage, Headers as _};

/// The header of a mark: a letter, and a number.
const NAME: &str = "chaos";
/// The header that a redrive adds.
const REDRIVEN: &str = "redrive-count";

/// A mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A bad record, with its number.
    Bad(usize),
    /// A record that is refused if it is read too soon.
    Early,
    /// A record of the transaction with this number.
    Transaction(usize),
}

impl Mark {
    /// Marks a record, which may have other marks.
    pub fn put_on(self, record: &mut Produced) {
        let text = match self {
            Self::Bad(number) => format!("b{number}"),
            Self::Early => "e".to_owned(),
            Self::Transaction(number) => format!("t{number}"),
        };
        record.headers.push((NAME, text.into_bytes()));
    }

    fn parse(text: &str) -> Option<Self> {
        let (letter, number) = text.split_at_checked(1)?;
        match letter {
            "b" => Some(Self::Bad(number.parse().ok()?)),
            "e" => Some(Self::Early),
            "t" => Some(Self::Transaction(number.parse().ok()?)),
            _ => None,
        }
    }
}

/// A record's marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The number of a bad record.
    pub bad: Option<usize>,
    /// Whether it is refused if it is read too soon.
    pub early: bool,
    /// The number of its transaction.
    pub transaction: Option<usize>,
    /// Whether a redrive published it.
    pub redriven: bool,
}

impl Marks {
    /// The marks of a record in Kafka.
    #[must_use]
    pub fn of(record: &BorrowedMessage<'_>) -> Self {
        let mut marks = Self::default();
        for header in record.headers().into_iter().flat_map(|headers| headers.iter()) {
            let text = header.value.and_then(|value| std::str::from_utf8(value).ok());
            match header.key {
                NAME => marks.take(text.and_then(Mark::parse)),
                REDRIVEN => marks.redriven = true,
                _ => {}
            }
        }
        marks
    }

    fn take(&mut self, mark: Option<Mark>) {
        match mark {
            Some(Mark::Bad(number)) => self.bad = Some(number),
            Some(Mark::Early) => self.early = true,
            Some(Mark::Transaction(number)) => self.transaction = Some(number),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;
    use load::Message;

    #[test]
    fn marks_are_read_as_they_were_put() {
        for mark in [Mark::Bad(12), Mark::Early, Mark::Transaction(0)] {
            let mut record = Produced::plain(Message::order("acme", "o1", Utc::now()));
            mark.put_on(&mut record);
            let text = std::str::from_utf8(&record.headers[0].1).unwrap();
            assert_eq!(Mark::parse(text), Some(mark));
        }
        assert_eq!(["", "b", "x1"].map(Mark::parse), [None; 3]);
    }
}
