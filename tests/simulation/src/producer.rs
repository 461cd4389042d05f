//! Upstream: records of all kinds, their copies, stragglers, and records that can't be counted.

use crate::kafka::{Entry, Kafka};
use consumer::record::{Partition, Topic};
use domain::Quarter;
use load::rng::Rng;
use prost::Message as _;
use prost_types::Timestamp;
use proto::v1::{
    Event, MessageDelivery, OrderCreated, OrganizationUpdated, PaymentAttempted, WorkflowTerminal,
    event::Body,
};
use std::collections::BTreeMap;

/// The first second of the day on which records are fresh.
pub const TODAY: i64 = 1_760_054_400;
/// No record may be newer.
pub const CEILING: i64 = TODAY + 2 * DAY;
const DAY: i64 = 86_400;
const QUARTER: i64 = 900;
/// Quarters of an hour that records lie in, by when they begin: today's, and those of stragglers.
const FRESH: [i64; 4] = [TODAY, TODAY + QUARTER, TODAY + 2 * QUARTER, TODAY + 4 * QUARTER];
const OLD: [i64; 6] = [
    TODAY - QUARTER,
    TODAY - DAY,
    TODAY - DAY + 3 * QUARTER,
    TODAY - 2 * DAY,
    TODAY - 2 * DAY - QUARTER,
    TODAY - 3 * DAY,
];
/// Copies are of one of so many records sent last, or of any.
const LATELY: usize = 40;
/// What the ledger's floor may be raised to, in order.
pub const FLOORS: [i64; 5] = [TODAY - 2 * DAY, TODAY - DAY, TODAY - DAY + QUARTER, TODAY, TODAY + QUARTER];

/// All quarters that records lie in.
#[must_use]
pub fn quarters() -> Vec<Quarter> {
    OLD.iter().chain(&FRESH).filter_map(|second| Quarter::of_second(*second)).collect()
}

/// How often what is produced.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    /// Copies among the records.
    pub copies: f64,
    /// Late ones.
    pub stragglers: f64,
    /// Ones that can't be counted.
    pub bad: f64,
    /// Markers.
    pub markers: f64,
    /// Ids that there are; few are met again often, in other quarters, too.
    pub ids: u64,
}

/// What a record is about; what it says follows, so that copies never contradict each other.
#[derive(Clone, Copy, Debug)]
struct Sketch {
    topic: Topic,
    organization: u64,
    id: u64,
    second: i64,
    nanos: i32,
    status: i32,
}

/// The upstream systems.
pub struct Producer {
    mix: Mix,
    sent: Vec<Sketch>,
    /// Where all records about one thing go, however many partitions there are by now.
    homes: BTreeMap<(Topic, u64, u64), Partition>,
}

impl Producer {
    /// Producers of such records.
    #[must_use]
    pub fn new(mix: Mix) -> Self {
        Self { mix, sent: Vec::new(), homes: BTreeMap::new() }
    }

    /// Appends something.
    pub fn produce(&mut self, kafka: &mut Kafka, rng: &mut Rng) {
        let sketch = self.sketch(rng);
        let key = (sketch.topic, sketch.organization, sketch.id);
        let home = *self.homes.entry(key).or_insert_with(|| {
            let partitions: Vec<Partition> = kafka.of(sketch.topic).collect();
            partitions[rng.index(partitions.len())]
        });
        if rng.chance(self.mix.bad) {
            kafka.append(home, Entry::Record(bad(sketch, rng)));
        } else {
            kafka.append(home, Entry::Record(Some(sketch.payload())));
            self.sent.push(sketch);
        }
        if rng.chance(self.mix.markers) {
            kafka.append(home, Entry::Marker);
        }
    }

    fn sketch(&self, rng: &mut Rng) -> Sketch {
        if !self.sent.is_empty() && rng.chance(self.mix.copies) {
            let reach = if rng.chance(0.5) { self.sent.len().min(LATELY) } else { self.sent.len() };
            let earlier = self.sent[self.sent.len() - 1 - rng.index(reach)];
            return if rng.chance(0.5) { earlier } else { earlier.stamped_anew(rng) };
        }
        let quarters: &[i64] = if rng.chance(self.mix.stragglers) { &OLD } else { &FRESH };
        let sketch = Sketch {
            topic: Topic::ALL[rng.index(3)],
            organization: rng.below(3),
            id: rng.below(self.mix.ids),
            second: quarters[rng.index(quarters.len())],
            nanos: 0,
            status: 1 + i32::try_from(rng.below(4)).unwrap_or(0),
        };
        sketch.stamped_anew(rng)
    }
}

impl Sketch {
    /// Another time in the same quarter of an hour.
    fn stamped_anew(self, rng: &mut Rng) -> Self {
        let second = self.second.div_euclid(QUARTER) * QUARTER + rng.below(900).cast_signed();
        Self { second, nanos: i32::try_from(rng.below(1_000_000_000)).unwrap_or(0), ..self }
    }

    fn time(self) -> Option<Timestamp> {
        Some(Timestamp { seconds: self.second, nanos: self.nanos })
    }

    fn payload(self) -> Vec<u8> {
        match self.topic {
            Topic::Events => self.event().encode_to_vec(),
            Topic::WorkflowTerminals => self.workflow().encode_to_vec(),
            Topic::MessageDeliveries => self.message().encode_to_vec(),
        }
    }

    fn event(self) -> Event {
        let body = match self.id % 6 {
            0 | 1 => Body::OrderCreated(OrderCreated::default()),
            2 | 3 => Body::PaymentAttempted(PaymentAttempted { payment_id: String::new(), outcome: 1 }),
            4 => Body::PaymentAttempted(PaymentAttempted { payment_id: String::new(), outcome: 2 }),
            _ => Body::OrganizationUpdated(OrganizationUpdated {
                name: format!("name {}", self.id),
                ..Default::default()
            }),
        };
        Event {
            event_id: self.id(),
            organization_id: self.organization(),
            occurred_at: self.time(),
            body: Some(body),
        }
    }

    fn workflow(self) -> WorkflowTerminal {
        WorkflowTerminal {
            execution_id: self.id(),
            organization_id: self.organization(),
            workflow_id: format!("w{}", self.id % 3),
            workflow_name: format!("name {}", self.id),
            outcome: 1 + i32::try_from(self.id % 3).unwrap_or(0),
            finished_at: self.time(),
            execution_time_ms: self.id * 7 + 1,
            error_message: format!("why {}", self.id),
        }
    }

    fn message(self) -> MessageDelivery {
        MessageDelivery {
            message_id: self.id(),
            organization_id: self.organization(),
            status: self.status,
            sent_at: self.time(),
            occurred_at: self.time(),
            channel: "sms".into(),
        }
    }

    fn organization(self) -> String {
        format!("org{}", self.organization)
    }

    fn id(self) -> String {
        format!("id{}", self.id)
    }
}

/// A record's value that can't be counted, each for another reason.
fn bad(sketch: Sketch, rng: &mut Rng) -> Option<Vec<u8>> {
    let far = Sketch { second: TODAY + 9 * DAY, ..sketch };
    let (mut event, mut run, mut message) = (sketch.event(), sketch.workflow(), sketch.message());
    match rng.below(8) {
        0 => return None,
        1 => return Some(Vec::new()),
        2 => return Some(vec![0xff; 5]),
        3 => return Some(far.payload()),
        4 => {
            let nothing = String::new();
            (event.organization_id, run.organization_id) = (nothing.clone(), nothing.clone());
            message.organization_id = nothing;
        }
        5 => {
            let nothing = String::new();
            (event.event_id, run.execution_id, message.message_id) =
                (nothing.clone(), nothing.clone(), nothing);
        }
        6 => (event.occurred_at, run.finished_at, message.occurred_at) = (None, None, None),
        _ => {
            let control = "a\u{7}b".to_owned();
            (event.event_id, run.outcome, message.status) = (control, 0, 77);
        }
    }
    Some(match sketch.topic {
        Topic::Events => event.encode_to_vec(),
        Topic::WorkflowTerminals => run.encode_to_vec(),
        Topic::MessageDeliveries => message.encode_to_vec(),
    })
}
