//! Upstream: records of all kinds, their copies, stragglers, and records that can't be counted.

use crate::kafka::{Kafka, TransactionId, Value};
use consumer::record::{Partition, Topic};
use domain::Quarter;
use load::rng::{Rng, scatter};
use prost::Message as _;
use prost_types::Timestamp;
use proto::v1::{
    Event, MessageDelivery, OrderCreated, OrganizationUpdated, PaymentAttempted, WorkflowTerminal,
    event::Body,
};
use std::collections::BTreeMap;

/// The first second of the day on which records are fresh.
pub const TODAY: i64 = 1_760_054_400;
/// No record may be newer at first.
pub const CEILING: i64 = TODAY + 2 * DAY;
/// No record may be newer a week later.
pub const CEILING_LATER: i64 = CEILING + 7 * DAY;
/// The day of records that are from the future at first, and fresh a week later.
const FAR: i64 = TODAY + 8 * DAY;
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
/// How often an abandoned transaction is aborted when it is its turn.
const TIMEOUTS: f64 = 0.1;
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
    /// Ones that are from the future until a week has passed.
    pub far: f64,
    /// Markers.
    pub markers: f64,
    /// How often a transaction is begun, or the open one ended.
    pub transactions: f64,
    /// Ids that there are; few are met again often, in other quarters, too.
    pub ids: u64,
}

/// What a record is about; what it says follows, so that copies never contradict each other. An order, a payment and an update
/// may have the same id.
#[derive(Clone, Copy, Debug)]
struct Sketch {
    topic: Topic,
    organization: u64,
    id: u64,
    second: i64,
    nanos: i32,
    /// Of a message its status; of an event its body.
    status: i32,
}

/// The upstream systems.
pub struct Producer {
    mix: Mix,
    topics: Vec<Topic>,
    sent: Vec<Sketch>,
    styles: BTreeMap<Topic, Style>,
    /// The transaction that records are sent in now, with how it will end; `None` if its producer dies before that.
    transaction: Option<(TransactionId, Option<bool>)>,
}

/// How a topic's keys are placed.
#[derive(Clone, Copy, Debug)]
struct Style {
    partitions: i32,
    /// Another style of key has another number.
    salt: u64,
    /// Whether the topic's producers have stopped, for its layout to be changed.
    stopped: bool,
}

impl Producer {
    /// Producers of such records, for these topics, which have so many partitions.
    #[must_use]
    pub fn new(mix: Mix, topics: &[Topic], partitions: i32) -> Self {
        let style = Style { partitions, salt: 0, stopped: false };
        let styles = topics.iter().map(|topic| (*topic, style)).collect();
        Self { mix, topics: topics.to_vec(), sent: Vec::new(), styles, transaction: None }
    }

    /// Sends something. Whether it did.
    pub fn produce(&mut self, kafka: &mut Kafka, rng: &mut Rng) -> bool {
        let (sketch, is_bad) = self.sketch(rng);
        if self.styles[&sketch.topic].stopped {
            return false;
        }
        self.turn_transaction(kafka, rng);
        let home = self.home(sketch.topic, sketch.key());
        let within = self.transaction.map(|(transaction, _)| transaction).filter(|_| rng.chance(0.5));
        let value = if is_bad { bad(sketch, rng) } else { Some(sketch.payload()) };
        kafka.append(home, sketch.key(), value, within);
        if !is_bad {
            self.sent.push(sketch);
        }
        if rng.chance(self.mix.markers) {
            kafka.mark(home);
        }
        true
    }

    /// Begins a transaction, or ends the open one; one whose producer dies stays open until the brokers abort it.
    fn turn_transaction(&mut self, kafka: &mut Kafka, rng: &mut Rng) {
        if !rng.chance(self.mix.transactions) {
            return;
        }
        match self.transaction.take() {
            Some((transaction, Some(commits))) => kafka.end_transaction(transaction, commits),
            Some((_, None)) => {}
            None => {
                let ends = [Some(true), Some(false), None][rng.index(3)];
                self.transaction = Some((kafka.begin_transaction(), ends));
            }
        }
    }

    /// Lets the brokers abort transactions whose producers have died, each after a while. How many that were.
    pub fn abort_abandoned(&self, kafka: &mut Kafka, rng: &mut Rng) -> usize {
        let own = self.transaction.map(|(transaction, _)| transaction);
        let open: Vec<TransactionId> = kafka.transactions().filter(|open| Some(*open) != own).collect();
        let aborted: Vec<TransactionId> = open.into_iter().filter(|_| rng.chance(TIMEOUTS)).collect();
        aborted.iter().for_each(|transaction| kafka.end_transaction(*transaction, false));
        aborted.len()
    }

    /// Ends the open transaction; whoever stops producing does.
    fn end_transaction(&mut self, kafka: &mut Kafka) {
        if let Some((transaction, Some(commits))) = self.transaction.take() {
            kafka.end_transaction(transaction, commits);
        }
    }

    /// The partition that a key belongs in now.
    #[must_use]
    pub fn home(&self, topic: Topic, key: u64) -> Partition {
        let Style { partitions, salt, .. } = self.styles[&topic];
        let count = u64::try_from(partitions).expect("some partitions");
        let number = scatter(key ^ salt.wrapping_mul(0x1000)) % count;
        Partition { topic, number: i32::try_from(number).expect("a few partitions") }
    }

    /// Stops the producers of a topic.
    pub fn stop(&mut self, topic: Topic, kafka: &mut Kafka) {
        self.end_transaction(kafka);
        self.style(topic).stopped = true;
    }

    /// Lets them go on, as before.
    pub fn go_on(&mut self, topic: Topic) {
        self.style(topic).stopped = false;
    }

    /// Lets them go on with so many partitions, and with other keys.
    pub fn go_on_otherwise(&mut self, topic: Topic, partitions: i32) {
        let Style { salt, .. } = self.styles[&topic];
        *self.style(topic) = Style { partitions, salt: salt + 1, stopped: false };
    }

    fn style(&mut self, topic: Topic) -> &mut Style {
        self.styles.get_mut(&topic).expect("all topics have one")
    }

    /// A record, and whether it is one that can't be counted.
    fn sketch(&self, rng: &mut Rng) -> (Sketch, bool) {
        let is_bad = rng.chance(self.mix.bad);
        (self.good_sketch(rng), is_bad)
    }

    fn good_sketch(&self, rng: &mut Rng) -> Sketch {
        if !self.sent.is_empty() && rng.chance(self.mix.copies) {
            let reach = if rng.chance(0.5) { self.sent.len().min(LATELY) } else { self.sent.len() };
            let earlier = self.sent[self.sent.len() - 1 - rng.index(reach)];
            return if rng.chance(0.5) { earlier } else { earlier.stamped_anew(rng) };
        }
        let quarters: &[i64] = match rng.fraction() {
            share if share < self.mix.far => &[FAR],
            share if share < self.mix.far + self.mix.stragglers => &OLD,
            _ => &FRESH,
        };
        let sketch = Sketch {
            topic: self.topics[rng.index(self.topics.len())],
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

    /// Records about one thing have one key.
    fn key(self) -> u64 {
        self.organization << 32 | self.id
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
        let outcome = if self.id.is_multiple_of(3) { 2 } else { 1 };
        let body = match self.status {
            1 => Body::OrderCreated(OrderCreated::default()),
            2 | 3 => Body::PaymentAttempted(PaymentAttempted { payment_id: String::new(), outcome }),
            _ if self.id.is_multiple_of(3) => Body::OrderCreated(OrderCreated::default()),
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
fn bad(sketch: Sketch, rng: &mut Rng) -> Value {
    let far = Sketch { second: TODAY + 19 * DAY, ..sketch };
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
