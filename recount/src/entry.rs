//! A record of which something is counted, as bytes that sort by organization, time and identity.
//!
//! ```text
//! organization 00 | quarter, 4 | what, 1 | id 00 | partition, 4 | offset, 8 | certain, 1 | effect
//! ```
//! Numbers are big-endian with their sign flipped, so that bytes compare as the numbers do. Texts end with a NUL, which no text of
//! a record that counts contains.

/// What an identity belongs to, within the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum What {
    /// An order, by `event_id`.
    Order = 1,
    /// A payment, by `event_id`.
    Payment = 2,
    /// An organization's update, by `event_id`. It isn't counted: the newest wins.
    Update = 3,
    /// A workflow execution, by `execution_id`.
    Run = 4,
    /// A message's sending, by `message_id`.
    Sent = 5,
    /// A message's delivery, by `message_id`.
    Delivered = 6,
}

/// What a record adds to the tables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect<'a> {
    /// An order.
    Order,
    /// A payment.
    Payment {
        /// Whether it succeeded.
        successful: bool,
    },
    /// A workflow execution.
    Run(Run<'a>),
    /// A message sent, by the name of its channel.
    Sent(&'a str),
    /// A message delivered or read, likewise.
    Delivered(&'a str),
    /// An organization's name and plan.
    Update(Update<'a>),
}

/// A workflow execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    /// The outcome's number in the contract.
    pub outcome: u8,
    /// How long it took, in milliseconds.
    pub execution_time_ms: i64,
    /// When it ended, in microseconds since the Unix epoch.
    pub finished_at: i64,
    /// Which workflow.
    pub workflow: &'a str,
    /// The workflow's name.
    pub name: &'a str,
}

/// An organization's update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update<'a> {
    /// When it occurred, in seconds since the Unix epoch.
    pub seconds: i64,
    /// Nanoseconds beyond them.
    pub nanos: i32,
    /// The organization's name.
    pub name: &'a str,
    /// Its plan's id.
    pub plan_id: &'a str,
    /// Its plan's name.
    pub plan_name: &'a str,
}

/// A record of which something is counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry<'a> {
    /// Its organization.
    pub organization: &'a str,
    /// The quarter of an hour of its identity, counted from the Unix epoch.
    pub quarter: i32,
    /// Its id.
    pub id: &'a str,
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Whether it is certain that it was not refused for the clock's sake.
    pub certain: bool,
    /// What it adds.
    pub effect: Effect<'a>,
}

/// The quarter of an hour that contains a second since the Unix epoch, counted from there.
#[must_use]
pub fn quarter_of(seconds: i64) -> i32 {
    i32::try_from(seconds.div_euclid(900)).expect("the quarters of the years 1 to 9999 fit")
}

impl Effect<'_> {
    /// What the identity belongs to.
    #[must_use]
    pub fn what(&self) -> What {
        match self {
            Self::Order => What::Order,
            Self::Payment { .. } => What::Payment,
            Self::Run(_) => What::Run,
            Self::Sent(_) => What::Sent,
            Self::Delivered(_) => What::Delivered,
            Self::Update(_) => What::Update,
        }
    }

    /// What it adds to the eight counters of a bucket.
    #[must_use]
    pub fn counters(&self) -> [i64; 8] {
        match self {
            Self::Order => [1, 0, 0, 0, 0, 0, 0, 0],
            Self::Payment { successful } => [0, 1, i64::from(*successful), 0, 0, 0, 0, 0],
            Self::Run(run) => [0, 0, 0, 1, i64::from(run.outcome != 1), run.execution_time_ms, 0, 0],
            Self::Sent(_) => [0, 0, 0, 0, 0, 0, 1, 0],
            Self::Delivered(_) => [0, 0, 0, 0, 0, 0, 0, 1],
            Self::Update(_) => [0; 8],
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Order => {}
            Self::Payment { successful } => out.push(u8::from(*successful)),
            Self::Sent(channel) | Self::Delivered(channel) => text(out, channel),
            Self::Run(run) => {
                out.push(run.outcome);
                out.extend(sortable64(run.execution_time_ms));
                out.extend(sortable64(run.finished_at));
                text(out, run.workflow);
                text(out, run.name);
            }
            Self::Update(update) => {
                out.extend(sortable64(update.seconds));
                out.extend(sortable32(update.nanos));
                text(out, update.name);
                text(out, update.plan_id);
                text(out, update.plan_name);
            }
        }
    }
}

impl<'a> Entry<'a> {
    /// Appends the entry's bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        text(out, self.organization);
        out.extend(sortable32(self.quarter));
        out.push(self.effect.what() as u8);
        text(out, self.id);
        out.extend(sortable32(self.partition));
        out.extend(sortable64(self.offset));
        out.push(u8::from(self.certain));
        self.effect.write(out);
    }

    /// The entry of such bytes; `None` if they are none.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = Reader(bytes);
        let organization = rest.text()?;
        let quarter = rest.number32()?;
        let what = rest.byte()?;
        let id = rest.text()?;
        let (partition, offset) = (rest.number32()?, rest.number64()?);
        let certain = rest.byte()? == 1;
        let effect = match what {
            1 => Effect::Order,
            2 => Effect::Payment { successful: rest.byte()? == 1 },
            3 => Effect::Update(Update {
                seconds: rest.number64()?,
                nanos: rest.number32()?,
                name: rest.text()?,
                plan_id: rest.text()?,
                plan_name: rest.text()?,
            }),
            4 => Effect::Run(Run {
                outcome: rest.byte()?,
                execution_time_ms: rest.number64()?,
                finished_at: rest.number64()?,
                workflow: rest.text()?,
                name: rest.text()?,
            }),
            5 => Effect::Sent(rest.text()?),
            6 => Effect::Delivered(rest.text()?),
            _ => return None,
        };
        Some(Self { organization, quarter, id, partition, offset, certain, effect })
    }

    /// Whether both are copies of one identity.
    #[must_use]
    pub fn is_copy_of(&self, other: &Entry<'_>) -> bool {
        (self.organization, self.quarter, self.effect.what(), self.id)
            == (other.organization, other.quarter, other.effect.what(), other.id)
    }
}

/// A text and its end.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

pub(crate) fn sortable32(number: i32) -> [u8; 4] {
    (number ^ i32::MIN).to_be_bytes()
}

pub(crate) fn sortable64(number: i64) -> [u8; 8] {
    (number ^ i64::MIN).to_be_bytes()
}

/// Takes an entry's parts off its bytes.
pub(crate) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn text(&mut self) -> Option<&'a str> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let text = std::str::from_utf8(&self.0[..end]).ok()?;
        self.0 = &self.0[end + 1..];
        Some(text)
    }

    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub fn number32(&mut self) -> Option<i32> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i32::from_be_bytes(*first) ^ i32::MIN)
    }

    pub fn number64(&mut self) -> Option<i64> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i64::from_be_bytes(*first) ^ i64::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some_entry() -> impl Strategy<Value = (String, i32, String, i32, i64, bool, u8, String, i64)> {
        let text = "[a-cé]{1,3}";
        (text, -3..3i32, text, 0..3i32, 0..300i64, any::<bool>(), 0..7u8, text, -5..5i64)
    }

    type Parts = (String, i32, String, i32, i64, bool, u8, String, i64);

    fn entry(
        (organization, quarter, id, partition, offset, certain, sort, name, number): &Parts,
    ) -> Entry<'_> {
        let effect = match sort {
            0 => Effect::Order,
            1 | 2 => Effect::Payment { successful: *sort == 2 },
            3 => Effect::Sent(name),
            4 => Effect::Delivered(name),
            5 => Effect::Run(Run {
                outcome: 2,
                execution_time_ms: *number,
                finished_at: -*number,
                workflow: name,
                name: "",
            }),
            _ => Effect::Update(Update { seconds: *number, nanos: 7, name, plan_id: "", plan_name: name }),
        };
        Entry {
            organization,
            quarter: *quarter,
            id,
            partition: *partition,
            offset: *offset,
            certain: *certain,
            effect,
        }
    }

    proptest! {
        #[test]
        fn bytes_are_read_back_and_sort_by_organization_time_identity_and_place(a in some_entry(), b in some_entry()) {
            let (a, b) = (entry(&a), entry(&b));
            let bytes = [a, b].map(|entry| {
                let mut bytes = Vec::new();
                entry.write(&mut bytes);
                bytes
            });
            prop_assert_eq!(Entry::read(&bytes[0]), Some(a));
            let place = |entry: Entry<'_>| {
                let identity = (entry.organization.to_owned(), entry.quarter, entry.effect.what(), entry.id.to_owned());
                (identity, entry.partition, entry.offset)
            };
            let order = place(a).cmp(&place(b));
            prop_assert!(order.is_eq() || order == bytes[0].cmp(&bytes[1]));
        }
    }
}
