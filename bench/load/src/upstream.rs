//! Simulated upstream systems: for a given time they publish records, as disordered as real ones.

use crate::company::Company;
use crate::flaw::Flaw;
use crate::format::Format;
use crate::message::{Message, channel_of, timestamp};
use crate::mix::Mix;
use crate::produced::Produced;
use crate::rng::{Rng, scatter};
use crate::trouble::Trouble;
use chrono::{DateTime, Duration, Utc};
use proto::v1::event::Body;
use proto::v1::message_delivery::Status;
use proto::v1::workflow_terminal::Outcome;
use proto::v1::{MessageDelivery, WorkflowTerminal};

/// How many records are remembered for repeats. One new record in four replaces a random one, so a repeat occurs some ten
/// thousand records after the first on average: batches later, or immediately.
const REMEMBERED: usize = 4_096;
/// How many receipts may be in flight. They arrive in any order.
const UNDER_WAY: usize = 256;
/// The sequences of a message's statuses, each with its share of 100. Few lack their `SENT`: otherwise hours would have more
/// messages delivered than sent.
const JOURNEYS: [(u64, &[Status]); 4] = [
    (57, &[Status::Sent, Status::Delivered, Status::Read]),
    (37, &[Status::Sent, Status::Delivered]),
    (5, &[Status::Sent, Status::Read]),
    (1, &[Status::Delivered]),
];
const QUARTER_SECONDS: i64 = 900;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// A source of records, a function of its seed and of the times it is called with.
#[derive(Clone, Debug)]
pub struct Upstream {
    rng: Rng,
    companies: Vec<Company>,
    /// For each company, the sum of all weights up to its own.
    weights: Vec<u64>,
    mix: Mix,
    trouble: Trouble,
    payload_bytes: usize,
    id_base: u64,
    ids: u64,
    /// The company and the id of the last order without a payment.
    unpaid: Option<(usize, String)>,
    under_way: Vec<MessageDelivery>,
    remembered: Vec<Produced>,
}

impl Upstream {
    /// Systems of these companies. Payloads are about `payload_bytes` long; 0 leaves them as they are.
    #[must_use]
    pub fn new(seed: u64, companies: Vec<Company>, mix: Mix, trouble: Trouble, payload_bytes: usize) -> Self {
        let running = |sum: &mut u64, company: &Company| {
            *sum += company.weight;
            Some(*sum)
        };
        Self {
            rng: Rng::new(seed),
            weights: companies.iter().scan(0, running).collect(),
            companies,
            mix,
            trouble,
            payload_bytes,
            id_base: scatter(!seed),
            ids: 0,
            unpaid: None,
            under_way: Vec::new(),
            remembered: Vec::new(),
        }
    }

    /// The companies.
    #[must_use]
    pub fn companies(&self) -> &[Company] {
        &self.companies
    }

    /// The next record, produced at `now`. Its key determines the partition.
    pub fn record(&mut self, now: DateTime<Utc>) -> Produced {
        if !self.remembered.is_empty() && self.rng.chance(self.trouble.repeats) {
            return self.repeat();
        }
        let spoiled = self.rng.chance(self.trouble.bad);
        let late = self.rng.chance(self.trouble.stragglers);
        let age = if late { self.rng.below(millis_of(self.trouble.straggler_age)) } else { 0 };
        let mut message = self.message(now - Duration::milliseconds(age.cast_signed()), now);
        if spoiled {
            return self.spoil(message);
        }
        self.fit(&mut message);
        let record = self.write(message);
        self.remember(&record);
        record
    }

    /// A record of `message`, in one of the formats.
    pub fn write(&mut self, message: Message) -> Produced {
        let format = if self.rng.chance(self.trouble.confluent) {
            Format::Confluent
        } else if self.rng.chance(self.trouble.json) {
            Format::Json
        } else {
            Format::Plain
        };
        Produced::formatted(message, format)
    }

    /// An id that this source has not used before.
    pub fn id(&mut self) -> String {
        self.ids += 1;
        hex(scatter(self.id_base.wrapping_add(self.ids)))
    }

    /// A receipt that was in flight, or a new event at `at`.
    fn message(&mut self, at: DateTime<Utc>, now: DateTime<Utc>) -> Message {
        let arrives = self.under_way.len() >= UNDER_WAY || self.rng.chance(0.5);
        if arrives && !self.under_way.is_empty() {
            return self.receipt(now);
        }
        let company = self.company();
        let Mix { orders, payments, updates, unknown, workflows, messages, .. } = self.mix;
        let mut draw = self.rng.below(orders + payments + updates + unknown + workflows + messages);
        let mut falls_into = |part: u64| {
            let hit = draw < part;
            draw = draw.wrapping_sub(part);
            hit
        };
        if falls_into(orders) {
            let id = self.id();
            self.unpaid = Some((company, id.clone()));
            Message::order(&self.companies[company].id, &id, at)
        } else if falls_into(payments) {
            // A payment often has the id of its order.
            let (company, id) = match self.unpaid.take() {
                Some(order) => order,
                None => (company, self.id()),
            };
            let successful = self.rng.chance(self.companies[company].payment_success);
            Message::payment(&self.companies[company].id, &id, at, successful)
        } else if falls_into(updates) {
            let id = self.id();
            let Company { id: organization, name, plan, .. } = &self.companies[company];
            Message::update(organization, &id, at, name, (&plan.0, &plan.1))
        } else if falls_into(unknown) {
            let id = self.id();
            Message::unknown(&self.companies[company].id, &id, at)
        } else if falls_into(workflows) {
            self.workflow(company, at)
        } else {
            self.send(company, at);
            self.receipt(now)
        }
    }

    fn company(&mut self) -> usize {
        let draw = self.rng.below(*self.weights.last().expect("a source has companies"));
        self.weights.partition_point(|sum| *sum <= draw)
    }

    fn workflow(&mut self, company: usize, at: DateTime<Utc>) -> Message {
        let id = self.id();
        let company = &self.companies[company];
        let workflow = &company.workflows[self.rng.index(company.workflows.len())];
        let (outcome, error) = if self.rng.chance(workflow.failed) {
            (Outcome::Failed, "the step \"call service\" answered 503 three times")
        } else if self.rng.chance(workflow.stopped) {
            (Outcome::FailedSafetyLimit, "stopped after 1,000 steps")
        } else {
            (Outcome::Success, "")
        };
        Message::Workflow(WorkflowTerminal {
            execution_id: id,
            organization_id: company.id.clone(),
            workflow_id: workflow.id.clone(),
            workflow_name: workflow.name.clone(),
            outcome: outcome.into(),
            finished_at: Some(timestamp(at)),
            execution_time_ms: workflow.typical_ms / 2 + self.rng.below(workflow.typical_ms),
            error_message: error.to_owned(),
        })
    }

    /// Sends a message at `at`: its records are then in flight.
    fn send(&mut self, company: usize, at: DateTime<Utc>) {
        let message_id = self.id();
        let channel = if self.mix.names_channels { channel_of(&message_id) } else { "" };
        let company = &self.companies[company];
        let mut draw = self.rng.below(100);
        let journey = JOURNEYS.iter().find(|(part, _)| {
            let hit = draw < *part;
            draw = draw.wrapping_sub(*part);
            hit
        });
        let arrives = self.rng.chance(company.delivered);
        let failed: &[Status] = &[Status::Sent, Status::Failed];
        let statuses = journey.filter(|_| arrives).map_or(failed, |(_, statuses)| statuses);
        for status in statuses {
            self.under_way.push(MessageDelivery {
                message_id: message_id.clone(),
                organization_id: company.id.clone(),
                status: (*status).into(),
                sent_at: Some(timestamp(at)),
                occurred_at: None,
                channel: channel.to_owned(),
            });
        }
    }

    /// A random record in flight, which arrives at `now`.
    fn receipt(&mut self, now: DateTime<Utc>) -> Message {
        let index = self.rng.index(self.under_way.len());
        let mut delivery = self.under_way.swap_remove(index);
        delivery.occurred_at = Some(timestamp(now));
        Message::Delivery(delivery)
    }

    /// Adds a flaw to a new message: a refused record must not have the identity of one that counts.
    fn spoil(&mut self, message: Message) -> Produced {
        let fitting: Vec<Flaw> = Flaw::ALL.into_iter().filter(|flaw| flaw.fits(message.kind())).collect();
        let flaw = fitting[self.rng.index(fitting.len())];
        flaw.spoil(message)
    }

    /// Extends the payload to the requested length, by a text that nothing depends on. A message's record has none.
    fn fit(&self, message: &mut Message) {
        if self.payload_bytes == 0 {
            return;
        }
        let length = message.encoded_len();
        let text = match message {
            Message::Event(event) => match &mut event.body {
                Some(Body::OrderCreated(order)) => &mut order.order_id,
                Some(Body::PaymentAttempted(payment)) => &mut payment.payment_id,
                Some(Body::OrganizationUpdated(_)) | None => return,
            },
            Message::Workflow(run) => &mut run.error_message,
            Message::Delivery(_) => return,
        };
        let wanted = (text.len() + self.payload_bytes).saturating_sub(length).max(1);
        text.truncate(wanted);
        text.extend(std::iter::repeat_n('-', wanted - text.len()));
    }

    fn remember(&mut self, record: &Produced) {
        if self.trouble.repeats == 0.0 {
            return;
        }
        if self.remembered.len() < REMEMBERED {
            self.remembered.push(record.clone());
        } else if self.rng.chance(0.25) {
            let place = self.rng.index(REMEMBERED);
            self.remembered[place] = record.clone();
        }
    }

    fn repeat(&mut self) -> Produced {
        let record = self.remembered[self.rng.index(self.remembered.len())].clone();
        match record.content {
            Some(message) if self.rng.chance(0.125) => {
                let message = self.stamped_anew(message);
                self.write(message)
            }
            content => Produced { content, ..record },
        }
    }

    /// The same record with another time in its quarter of an hour, which is the same identity.
    fn stamped_anew(&mut self, mut message: Message) -> Message {
        let time = match &mut message {
            Message::Event(event) => &mut event.occurred_at,
            Message::Workflow(run) => &mut run.finished_at,
            Message::Delivery(delivery) => &mut delivery.sent_at,
        };
        if let Some(time) = time {
            let quarter = time.seconds.div_euclid(QUARTER_SECONDS) * QUARTER_SECONDS;
            time.seconds = quarter + self.rng.below(QUARTER_SECONDS.cast_unsigned()).cast_signed();
        }
        message
    }
}

fn millis_of(duration: Duration) -> u64 {
    u64::try_from(duration.num_milliseconds()).unwrap_or(0)
}

/// Sixteen digits.
fn hex(number: u64) -> String {
    let digits =
        number.to_be_bytes().map(|byte| [byte >> 4, byte & 15].map(|nibble| DIGITS[usize::from(nibble)]));
    String::from_utf8(digits.as_flattened().to_vec()).expect("digits are ASCII")
}
