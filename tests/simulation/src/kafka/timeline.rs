//! A partition's log, under one leader after the other. A log that is put back goes on as another one.

/// A transaction's name.
pub type TransactionId = u64;

/// A record's value, if it has one.
pub type Value = Option<Vec<u8>>;

/// A log's name. It is never used again, so what was read of a log can be looked up after it was put back.
pub type TimelineId = usize;

/// A log.
#[derive(Default)]
pub struct Timeline {
    pub topic_id: u32,
    pub entries: Vec<Entry>,
    /// The log that it was put back from, and the offset from which on it differs.
    pub parent: Option<(TimelineId, i64)>,
    /// The leaders' epochs, ascending, each with its first offset.
    epochs: Vec<(i32, i64)>,
}

/// What stands at an offset.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is.
    pub content: Content,
    /// The record's key, as a number.
    pub key: u64,
    /// The step at which it was acknowledged.
    pub at: u64,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A record that can be read.
    Record(Value),
    /// A record of a transaction that is open.
    Open(TransactionId, Value),
    /// A record of an aborted transaction, never handed out.
    Aborted,
    /// A transaction's marker, never handed out.
    Marker,
}

impl Timeline {
    pub fn new(topic_id: u32) -> Self {
        Self { topic_id, epochs: vec![(0, 0)], ..Self::default() }
    }

    /// The log up to `to`, under another leader.
    pub fn forked(&self, id: TimelineId, to: i64) -> Self {
        let latest = self.epochs.last().map_or(0, |(epoch, _)| *epoch);
        let mut epochs = self.epochs.clone();
        epochs.retain(|(_, first)| *first < to);
        epochs.push((latest + 1, to));
        let kept = usize::try_from(to).expect("offsets are not negative");
        Self {
            topic_id: self.topic_id,
            entries: self.entries[..kept].to_vec(),
            parent: Some((id, to)),
            epochs,
        }
    }

    pub fn elect(&mut self) {
        let latest = self.epochs.last().map_or(0, |(epoch, _)| *epoch);
        self.epochs.push((latest + 1, self.end()));
    }

    pub fn end(&self) -> i64 {
        i64::try_from(self.entries.len()).expect("logs are short")
    }

    pub fn stable_end(&self) -> i64 {
        let open = |entry: &Entry| matches!(entry.content, Content::Open(..));
        (0..).zip(&self.entries).find(|(_, entry)| open(entry)).map_or(self.end(), |(offset, _)| offset)
    }

    pub fn end_transaction(&mut self, transaction: TransactionId, commits: bool) {
        for entry in &mut self.entries {
            if let Content::Open(of, value) = &mut entry.content
                && *of == transaction
            {
                let value = value.take();
                entry.content = if commits { Content::Record(value) } else { Content::Aborted };
            }
        }
    }

    pub fn end_of_epoch(&self, epoch: i32) -> i64 {
        self.epochs.iter().find(|(later, _)| epoch < *later).map_or(self.end(), |(_, first)| *first)
    }

    pub fn epoch_before(&self, offset: i64) -> Option<i32> {
        let led = self.epochs.iter().rfind(|(_, first)| *first < offset);
        led.map(|(epoch, _)| *epoch)
    }
}
