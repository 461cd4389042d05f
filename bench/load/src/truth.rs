//! The independent recount: the expected tables, computed only from the produced records and the contract's text.
//!
//! It shares no code with the consumer, keeps every identity it has seen (unless none occurs twice), and counts each
//! record by itself.

use crate::message::Message;
use crate::produced::Produced;
use proto::v1::OrganizationUpdated;
use proto::v1::workflow_terminal::Outcome;
use recount::entry::{Update, What};
use recount::says::UNKNOWN;
use recount::{Effect, FirstNames, Horizon, Says, refusal, says};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher as _};

/// The tables of counters (quarters are a view of the hours): name, column of the bucket, width of the bucket in seconds.
pub const TABLES: [(&str, &str, i64); 3] = [
    ("org_quarter_metrics", "quarter_bucket", 900),
    ("org_hourly_metrics", "hour_bucket", 3_600),
    ("org_daily_metrics", "day_bucket", 86_400),
];

/// The columns of those tables.
pub const COUNTERS: [&str; 8] = [
    "orders_created",
    "payments_total",
    "payments_successful",
    "workflows_total",
    "workflows_failed",
    "total_execution_time_ms",
    "messages_sent",
    "messages_delivered",
];

/// The counting columns of `workflow_hourly_metrics`.
pub const WORKFLOW_COUNTERS: [&str; 4] = ["runs", "failed", "failed_safety_limit", "total_execution_time_ms"];

/// The tables of messages by channel, like [`TABLES`].
pub const CHANNEL_TABLES: [(&str, &str, i64); 3] = [
    ("channel_quarter_metrics", "quarter_bucket", 900),
    ("channel_hourly_metrics", "hour_bucket", 3_600),
    ("channel_daily_metrics", "day_bucket", 86_400),
];

/// The columns of those tables.
pub const CHANNEL_COUNTERS: [&str; 2] = ["messages_sent", "messages_delivered"];

/// How many records had each of the four outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Added to a counter: orders, payments, workflows, first sendings, first deliveries.
    pub counted: u64,
    /// Would have counted, had the same identity not been counted before.
    pub repeated: u64,
    /// Of a kind that adds nothing: failed deliveries, updates of organizations, unknown bodies.
    pub uncounted: u64,
    /// Refused.
    pub refused: u64,
}

/// The expected row of `organizations`.
#[derive(Clone, Debug, PartialEq)]
pub struct Organization {
    /// `occurred_at` of the newest update, in seconds and nanoseconds, then its id, which decides between equal times.
    pub newest: (i64, i32, String),
    /// The newest update.
    pub state: OrganizationUpdated,
}

/// The recount of the records it was given. Organizations, workflows and channels are numbered in the order of their first
/// record.
#[derive(Debug)]
pub struct Truth {
    horizon: Horizon,
    /// One map per entry of [`TABLES`]: (organization, bucket's start in Unix seconds) to the counters.
    pub cells: [HashMap<(u32, i64), [i64; 8]>; 3],
    /// (workflow, hour's start in Unix seconds) to the values of [`WORKFLOW_COUNTERS`].
    pub workflow_cells: HashMap<(u32, i64), [i64; 4]>,
    /// The same key to the numbers of runs by bucket of the histogram.
    pub workflow_durations: HashMap<(u32, i64), BTreeMap<u16, i64>>,
    /// Organizations to the names of channels that have rows of their own.
    first_names: HashMap<u32, FirstNames>,
    /// (organization, channel, quarter's start in Unix seconds) to the values of [`CHANNEL_COUNTERS`]. Some channels were among
    /// an organization's first for a while only.
    channel_cells: HashMap<(u32, u32, i64), [i64; 2]>,
    /// Organizations by id, with their newest update.
    pub organizations: BTreeMap<String, Organization>,
    /// Refused records by reason.
    pub dead_letters: BTreeMap<&'static str, u64>,
    /// The outcomes of the records.
    pub tally: Tally,
    organization_names: Names<String>,
    workflow_names: Names<(u32, String)>,
    channel_names: Names<String>,
    /// Every identity seen so far; `None` if no identity occurs twice.
    seen: Option<HashSet<u128>>,
}

impl Truth {
    /// The truth about no records, with the time limits `horizon`.
    #[must_use]
    pub fn new(horizon: Horizon) -> Self {
        Self {
            horizon,
            cells: Default::default(),
            workflow_cells: HashMap::default(),
            workflow_durations: HashMap::default(),
            first_names: HashMap::default(),
            channel_cells: HashMap::default(),
            organizations: BTreeMap::new(),
            dead_letters: BTreeMap::new(),
            tally: Tally::default(),
            organization_names: Names::default(),
            workflow_names: Names::default(),
            channel_names: Names::default(),
            seen: Some(HashSet::new()),
        }
    }

    /// The same, for records that all have different identities: no identity is kept, so memory doesn't grow.
    #[must_use]
    pub fn of_new_records(horizon: Horizon) -> Self {
        Self { seen: None, ..Self::new(horizon) }
    }

    /// The truth about these records.
    #[must_use]
    pub fn of<'a>(horizon: Horizon, records: impl IntoIterator<Item = &'a Produced>) -> Self {
        let mut truth = Self::new(horizon);
        for record in records {
            truth.take(record);
        }
        truth
    }

    /// Counts one produced record. Give every copy of a record as often as it was produced.
    pub fn take(&mut self, record: &Produced) {
        if let Some(reason) = self.refusal(record) {
            *self.dead_letters.entry(reason).or_default() += 1;
            self.tally.refused += 1;
        } else if let Some(message) = &record.content {
            self.count(message);
        }
    }

    /// The code of the reason for which the record must be refused, if it must.
    #[must_use]
    pub fn refusal(&self, record: &Produced) -> Option<&'static str> {
        match &record.content {
            Some(message) => refusal(message.view(), &self.horizon),
            None if record.payload.is_empty() => Some("empty_payload"),
            None => Some("malformed_payload"),
        }
    }

    /// The id of the organization with this number.
    #[must_use]
    pub fn organization(&self, number: u32) -> &str {
        self.organization_names.at(number)
    }

    /// The ids of the organization and the workflow with this number.
    #[must_use]
    pub fn workflow(&self, number: u32) -> (&str, &str) {
        let (organization, workflow) = self.workflow_names.at(number);
        (self.organization(*organization), workflow)
    }

    /// The messages of buckets of so many seconds, by organization, channel as it is shown, and bucket.
    #[must_use]
    pub fn channels(&self, width: i64) -> BTreeMap<(&str, &str, i64), [i64; 2]> {
        let mut cells: BTreeMap<(&str, &str, i64), [i64; 2]> = BTreeMap::new();
        for ((organization, channel, quarter), cell) in &self.channel_cells {
            let shown = self.first_names[organization].shown(self.channel_names.at(*channel));
            let bucket = quarter.div_euclid(width) * width;
            add(cells.entry((self.organization(*organization), shown, bucket)).or_default(), cell);
        }
        cells
    }

    /// The names of channels that have rows of their own, by organization.
    pub fn channel_names(&self) -> impl Iterator<Item = (&str, &FirstNames)> {
        self.first_names.iter().map(|(organization, names)| (self.organization(*organization), names))
    }

    /// Sums over all organizations and times, in the order of [`COUNTERS`].
    #[must_use]
    pub fn totals(&self) -> [i64; 8] {
        let mut totals = [0; 8];
        for cell in self.cells[2].values() {
            add(&mut totals, cell);
        }
        totals
    }

    /// Adds orders that were counted before the first record was produced, in the quarter that begins at `seconds`.
    pub fn begin_with(&mut self, organization: &str, seconds: i64, orders: i64) {
        let organization = self.organization_names.number(organization);
        self.add(organization, seconds, &[orders, 0, 0, 0, 0, 0, 0, 0]);
    }

    fn count(&mut self, message: &Message) {
        match says(message.view()) {
            Says::Nothing => self.tally.uncounted += 1,
            Says::Adds(Effect::Update(update)) => self.update(message, &update),
            Says::Adds(effect) => self.count_once(message, &effect),
        }
    }

    /// Adds what the message adds to its buckets, unless this milestone of its identity was counted before.
    fn count_once(&mut self, message: &Message, effect: &Effect<'_>) {
        let seconds = message.identity_time().expect("records without a time were refused").seconds;
        if let Some(seen) = &mut self.seen
            && !seen.insert(identity(message, seconds.div_euclid(900), effect.what()))
        {
            self.tally.repeated += 1;
            return;
        }
        self.tally.counted += 1;
        let organization = self.organization_names.number(message.organization());
        let change = effect.counters();
        self.add(organization, seconds, &change);
        match effect {
            Effect::Sent(channel) => self.add_message(organization, seconds, channel, [1, 0]),
            Effect::Delivered(channel) => self.add_message(organization, seconds, channel, [0, 1]),
            Effect::Order | Effect::Payment { .. } | Effect::Run(_) | Effect::Update(_) => {}
        }
        if let Message::Workflow(run) = message {
            let outcome = |of| i64::from(run.outcome() == of);
            let workflow = self.workflow_names.number(&(organization, run.workflow_id.clone()));
            let hour = (workflow, seconds.div_euclid(3_600) * 3_600);
            let cell = self.workflow_cells.entry(hour).or_default();
            add(cell, &[1, outcome(Outcome::Failed), outcome(Outcome::FailedSafetyLimit), change[5]]);
            let durations = self.workflow_durations.entry(hour).or_default();
            *durations.entry(recount::cells::duration_bucket(change[5])).or_default() += 1;
        }
    }

    fn add(&mut self, organization: u32, seconds: i64, change: &[i64; 8]) {
        for (cells, (_, _, width)) in self.cells.iter_mut().zip(TABLES) {
            let bucket = seconds.div_euclid(width) * width;
            add(cells.entry((organization, bucket)).or_default(), change);
        }
    }

    /// A name that can't be among the first any more is not kept, so that memory doesn't grow with the names.
    fn add_message(&mut self, organization: u32, seconds: i64, channel: &str, change: [i64; 2]) {
        if channel == UNKNOWN {
            return;
        }
        let names = self.first_names.entry(organization).or_default();
        names.take(channel);
        let channel = self.channel_names.number(names.shown(channel));
        let quarter = seconds.div_euclid(900) * 900;
        add(self.channel_cells.entry((organization, channel, quarter)).or_default(), &change);
    }

    fn update(&mut self, message: &Message, update: &Update<'_>) {
        self.tally.uncounted += 1;
        let time = message.identity_time().expect("records without a time were refused");
        let newest = (time.seconds, time.nanos, message.id().to_owned());
        let known = self.organizations.get(message.organization());
        if known.is_none_or(|known| known.newest < newest) {
            let state = OrganizationUpdated {
                name: update.name.to_owned(),
                plan_id: update.plan_id.to_owned(),
                plan_name: update.plan_name.to_owned(),
            };
            let organization = Organization { newest, state };
            self.organizations.insert(message.organization().to_owned(), organization);
        }
    }
}

/// An identity and its milestone, as two hashes of 64 bits: whole identities of millions of records would take too much
/// memory. The probability that two of 10^7 agree in 128 bits is about one in 10^24.
fn identity(message: &Message, quarter: i64, what: What) -> u128 {
    let hash = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        (message.organization(), message.id(), quarter, what).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    hash(0) << 64 | hash(1)
}

fn add<const N: usize>(sum: &mut [i64; N], change: &[i64; N]) {
    for (sum, change) in sum.iter_mut().zip(change) {
        *sum += change;
    }
}

/// Numbers for names, so that millions of cells don't each store a text.
#[derive(Debug)]
struct Names<T> {
    numbers: HashMap<T, u32>,
    names: Vec<T>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), names: Vec::new() }
    }
}

impl<T: Clone + Eq + Hash> Names<T> {
    fn number<Q>(&mut self, name: &Q) -> u32
    where
        T: std::borrow::Borrow<Q>,
        Q: ToOwned<Owned = T> + Eq + Hash + ?Sized,
    {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).expect("fewer names than 2^32");
        self.numbers.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        number
    }

    fn at(&self, number: u32) -> &T {
        &self.names[usize::try_from(number).expect("32 bits fit")]
    }
}

#[cfg(test)]
mod tests;
