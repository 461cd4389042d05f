//! The order of things in a member, as `pipeline` has it in production: claim, decide while the batch before is
//! written, settle.

mod claims;
mod stage;

use super::between::{Between, Message, Order};
use super::line::{Line, Reply};
use super::setup::Setup;
use super::verdict::Verdict;
use super::writer::{Back, TopicIds, WriteOutcome, Writer};
use crate::defect::Defect;
use crate::group::MemberId;
use crate::outside::Outside;
use crate::statement::{Answer, PageAsked, Statement, Step, TailRow};
use chrono::{DateTime, Utc};
use consumer::batch::Batch;
use consumer::decide::changes::{Changes, PartitionChanges};
use consumer::decide::held_partition::HeldPartition;
use consumer::decide::member::Member;
use consumer::decide::undecided::{DecidedBatch, Questions, UndecidedBatch};
use consumer::ledger::filter::Filter;
use consumer::ledger::segment::{PageKey, Segment};
use consumer::ledger::{Ledger, PageRead, Size};
use consumer::record::{Offset, Partition, Span};
use stage::Stage;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

type Pages = BTreeMap<PageKey, Vec<u64>>;
type Tails = BTreeMap<Partition, Vec<TailRow>>;

/// Of a partition that a defect doesn't forget, though it is not held.
const NO_EPOCH: i64 = -1;
/// How often a member that is at nothing looks whether waiting partitions are released.
const RELEASES: f64 = 0.3;
/// How often it looks into the layouts' topic, though it claims nothing.
const ROUNDS: f64 = 0.05;

pub struct Pipeline {
    pub verdicts: Vec<Verdict>,
    pub writer: Writer,
    id: MemberId,
    defect: Option<Defect>,
    member: Member,
    unclaimed: BTreeMap<Partition, u64>,
    /// Those of the unclaimed that wait at the end of a layout.
    waiting: BTreeSet<Partition>,
    /// Partitions that are not read any more, though they are assigned.
    stopped: BTreeSet<Partition>,
    /// The ids of the topics that are read.
    topic_ids: TopicIds,
    /// Of the database, when what is held was claimed.
    incarnation: Option<u32>,
    /// When Kafka was asked where partitions end, while there is no answer.
    asked_at: Option<DateTime<Utc>>,
    task: Task,
    line: Line,
    /// What was read before a claim; what only defects have.
    early: (Pages, Tails),
    /// Pages as they were read while the batch was decided that is written now; what only a defect looks at.
    read: Pages,
    /// A batch decided while the next was taken up; what only a defect has.
    ahead: Option<DecidedBatch>,
}

/// What it is at.
enum Task {
    Idle,
    /// Claims partitions.
    Claiming(Stage),
    Sizing(UndecidedBatch),
    Reading(Questions),
    LookingUp(Questions),
    /// Nothing goes on before what is being written is written.
    Waiting(Next),
}

enum Next {
    Claim(Vec<Partition>),
    Revoke(Vec<Partition>),
    /// Unless there is a later claim than this.
    ClaimAgain(Partition, i64),
    /// The same.
    Stop(Partition, i64),
    Write(DecidedBatch),
    Prove,
    Rejoin,
}

impl Pipeline {
    pub fn new(setup: Setup) -> Self {
        Self {
            verdicts: Vec::new(),
            writer: Writer::new(setup),
            id: setup.id,
            defect: setup.defect,
            member: Member::new(Ledger::new(setup.tuning)),
            unclaimed: BTreeMap::new(),
            waiting: BTreeSet::new(),
            stopped: BTreeSet::new(),
            topic_ids: TopicIds::new(),
            incarnation: None,
            asked_at: None,
            task: Task::Idle,
            line: Line::default(),
            early: (Pages::new(), Tails::new()),
            read: Pages::new(),
            ahead: None,
        }
    }

    pub fn is_idle(&self) -> bool {
        let done = self.writer.is_free() && self.ahead.is_none() && self.unclaimed.is_empty();
        done && matches!(self.task, Task::Idle)
    }

    pub fn stopped(&self) -> Vec<Partition> {
        self.stopped.iter().copied().collect()
    }

    pub fn hang_up(&mut self, outside: &mut Outside) {
        self.line.hang_up(outside);
        self.writer.hang_up(outside);
    }

    /// One thing: hear an answer, send what comes next, or take the next message.
    pub fn work(&mut self, between: &mut Between, outside: &mut Outside, prove: bool) {
        if self.has(Defect::RememberedTooEarly) {
            self.remember();
        }
        if self.line.is_waiting() {
            return self.hear(between, outside);
        }
        let task = std::mem::replace(&mut self.task, Task::Idle);
        self.task = match task {
            Task::Idle if outside.rng.chance(0.5) => {
                self.look_at_writer(between, outside);
                Task::Idle
            }
            Task::Idle => self.begin(between, outside, prove),
            Task::Waiting(next) => {
                self.look_at_writer(between, outside);
                let early = self.has(Defect::PlacedTooEarly) && matches!(next, Next::Write(_));
                if self.writer.is_free() || early {
                    self.go_on(next, between, outside)
                } else {
                    Task::Waiting(next)
                }
            }
            task @ (Task::Claiming(_) | Task::Sizing(_) | Task::Reading(_) | Task::LookingUp(_)) => {
                self.line.send(self.statements(&task), outside);
                task
            }
        };
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    // --- Statements and answers ---

    fn hear(&mut self, between: &mut Between, outside: &mut Outside) {
        match self.line.hear(outside) {
            Reply::Silence => {}
            // All of these are right to do again.
            Reply::Failed => outside.trace.say(|| format!("member {}: reading failed", self.id)),
            Reply::Answers(mut answers) => {
                let task = std::mem::replace(&mut self.task, Task::Idle);
                self.task = self.answered(task, &mut answers, between, outside);
            }
        }
    }

    fn statements(&self, task: &Task) -> Vec<Statement> {
        match task {
            Task::Idle | Task::Waiting(_) => Vec::new(),
            Task::Claiming(stage) => stage.statements(),
            Task::Sizing(batch) => {
                vec![Statement::Sizes(batch.unsized_pages().iter().map(|key| self.asked(*key)).collect())]
            }
            Task::Reading(questions) => {
                vec![Statement::Pages(questions.pages.iter().map(|(key, _)| self.asked(*key)).collect())]
            }
            Task::LookingUp(questions) => {
                let lookups = questions.lookups.iter();
                let asked = lookups.map(|(key, fingerprints)| (self.asked(*key), fingerprints.clone()));
                vec![Statement::LookUp(asked.collect())]
            }
        }
    }

    fn asked(&self, key: PageKey) -> PageAsked {
        let reading = self.member.held().get(&key.partition).map(|held| held.reading);
        (key, reading.filter(|reading| !reading.is_only_layout).map(|reading| reading.layout))
    }

    fn answered(
        &mut self,
        task: Task,
        answers: &mut Vec<Answer>,
        between: &mut Between,
        outside: &Outside,
    ) -> Task {
        if let Task::Claiming(stage) = task {
            let next = self.claim_answered(stage, answers, between, outside);
            return next.map_or(Task::Idle, Task::Claiming);
        }
        match (task, answers.pop()) {
            (Task::Sizing(batch), Some(Answer::Sizes(sizes))) => self.ask(batch, sizes),
            (Task::Reading(questions), Some(Answer::Pages(pages))) => self.page_read(questions, pages),
            (Task::LookingUp(mut questions), Some(Answer::Pages(found))) => {
                for (key, found) in found {
                    let skipped = self.has(Defect::LookupsSkipped);
                    self.member.looked_up(&mut questions, key, if skipped { &[] } else { &found });
                }
                self.decided(questions.decided(), between)
            }
            (task, _) => task,
        }
    }

    // --- Messages ---

    fn begin(&mut self, between: &mut Between, outside: &mut Outside, prove: bool) -> Task {
        self.unclaimed.retain(|partition, assignment| between.wanted.get(partition) == Some(assignment));
        let Self { unclaimed, waiting, .. } = self;
        waiting.retain(|partition| unclaimed.contains_key(partition));
        let claimable: Vec<Partition> =
            unclaimed.keys().filter(|of| !waiting.contains(of)).copied().collect();
        if !claimable.is_empty() {
            return Task::Waiting(Next::Claim(claimable));
        }
        if !waiting.is_empty() && outside.rng.chance(RELEASES) {
            return Task::Claiming(self.releasing());
        }
        match between.channel.pop_front() {
            Some(Message::Assigned(partitions, assignment)) => {
                self.unclaimed.extend(partitions.into_iter().map(|partition| (partition, assignment)));
                Task::Idle
            }
            Some(Message::Revoked(partitions)) => Task::Waiting(Next::Revoke(partitions)),
            Some(Message::LayoutEnded(partition, epoch)) => Task::Waiting(Next::ClaimAgain(partition, epoch)),
            Some(Message::Broken(partition, epoch)) => Task::Waiting(Next::Stop(partition, epoch)),
            Some(Message::Batch(batch)) => self.count(batch, between, outside),
            None if prove => Task::Waiting(Next::Prove),
            None if outside.rng.chance(ROUNDS) => {
                self.learn(Vec::new(), outside).map_or(Task::Idle, Task::Claiming)
            }
            None => match self.ahead.take() {
                Some(decided) => Task::Waiting(Next::Write(decided)),
                None => Task::Idle,
            },
        }
    }

    fn go_on(&mut self, next: Next, between: &mut Between, outside: &mut Outside) -> Task {
        match next {
            Next::Claim(partitions) => {
                let early = self.has(Defect::PagesReadBeforeClaim) || self.has(Defect::TailsReadBeforeClaim);
                let stage =
                    if early { Some(Stage::Early(partitions)) } else { self.learn(partitions, outside) };
                return stage.map_or(Task::Idle, Task::Claiming);
            }
            Next::Revoke(partitions) => {
                for partition in partitions {
                    self.unclaimed.remove(&partition);
                    self.stopped.remove(&partition);
                    self.forget(partition);
                }
                between.done += 1;
            }
            Next::ClaimAgain(partition, epoch) if self.holds(partition, epoch) => {
                self.read_again(&[partition], between);
            }
            Next::Stop(partition, epoch) if self.holds(partition, epoch) => self.stop(partition),
            Next::ClaimAgain(..) | Next::Stop(..) => {}
            Next::Write(decided) => {
                let changes = self.member.place(decided);
                if !self.writer.is_free() {
                    return self.place_too_early(changes, between, outside);
                }
                self.write(changes, between, outside);
            }
            Next::Prove => self.prove(between, outside),
            Next::Rejoin => {
                outside.trace.say(|| format!("member {}: the floor rose past its batch", self.id));
                self.rejoin(between);
            }
        }
        Task::Idle
    }

    /// Placed before what is written was settled, and written after: only a defect does.
    fn place_too_early(&mut self, changes: Changes, between: &Between, outside: &Outside) -> Task {
        self.writer.next = Some((self.steps(&changes, between, outside), changes));
        Task::Idle
    }

    // --- Partitions come and go ---

    /// Stops reading a partition; the others go on.
    fn stop(&mut self, partition: Partition) {
        self.forget(partition);
        self.unclaimed.remove(&partition);
        self.stopped.insert(partition);
    }

    fn holds(&self, partition: Partition, epoch: i64) -> bool {
        self.member.held().get(&partition).is_some_and(|held| held.epoch == epoch)
    }

    fn keeps_pages(&self) -> bool {
        self.has(Defect::PagesKeptWithoutClaim) || self.has(Defect::RememberedTooEarly)
    }

    /// Puts pages into the ledger past the protocol: only defects do.
    fn put(&mut self, pages: Pages) {
        let nothing = UndecidedBatch::of(Batch::new(i64::MIN), |_| true);
        let mut nothing = self.member.ask(nothing, &HashMap::new());
        for (key, page) in pages {
            if self.member.held().contains_key(&key.partition) {
                self.member.page_read(&mut nothing, key, PageRead { filters: Vec::new(), others: page });
            }
        }
    }

    fn forget(&mut self, partition: Partition) {
        if self.keeps_pages() {
            // Its pages stay, and yet nothing is written for it.
            if let Some(held) = self.member.held_mut(partition) {
                held.epoch = NO_EPOCH;
            }
        } else if !self.has(Defect::RevokedWritten) {
            self.member.forget(partition);
        }
    }

    /// Claims partitions anew that are held.
    fn read_again(&mut self, held: &[Partition], between: &Between) {
        for partition in held {
            self.forget(*partition);
            let assignment = between.wanted.get(partition);
            self.unclaimed.extend(assignment.map(|assignment| (*partition, *assignment)));
        }
    }

    fn rejoin(&mut self, between: &mut Between) {
        let held: Vec<Partition> = self.member.held().keys().copied().collect();
        held.into_iter().for_each(|partition| self.forget(partition));
        between.orders.push_back(Order::Rejoin);
    }

    // --- A batch ---

    fn count(&mut self, mut batch: Batch, between: &mut Between, outside: &mut Outside) -> Task {
        let floor = between.floor;
        if batch.has_older_than(floor) && batch.floor != floor {
            return Task::Waiting(Next::Rejoin);
        }
        if self.has(Defect::CopiesInBatchKept) {
            disguise(&mut batch);
        }
        let writes = if self.writer.is_free() { "batches decided" } else { "batches decided beside a write" };
        outside.trace.event(writes);
        let undecided = self.member.begin(batch);
        if undecided.unsized_pages().is_empty() {
            return self.ask(undecided, BTreeMap::new());
        }
        Task::Sizing(undecided)
    }

    fn ask(&mut self, batch: UndecidedBatch, sizes: BTreeMap<PageKey, usize>) -> Task {
        let sizes = sizes.into_iter().map(|(key, stored)| (key, Size::plain(stored))).collect();
        Task::Reading(self.member.ask(batch, &sizes))
    }

    fn page_read(&mut self, mut questions: Questions, pages: Pages) -> Task {
        for (key, page) in &pages {
            self.member.page_read(&mut questions, *key, merged(*key, page));
        }
        if self.has(Defect::PagesReadBeforeCommit) {
            self.read.extend(pages);
        }
        Task::LookingUp(questions)
    }

    fn decided(&mut self, decided: DecidedBatch, between: &Between) -> Task {
        let another = matches!(between.channel.front(), Some(Message::Batch(_)));
        if self.has(Defect::DecidedTwoAhead) && another && self.ahead.is_none() {
            self.ahead = Some(decided);
            return Task::Idle;
        }
        match self.ahead.replace(decided) {
            Some(before) => Task::Waiting(Next::Write(before)),
            None => self.ahead.take().map_or(Task::Idle, |decided| Task::Waiting(Next::Write(decided))),
        }
    }

    fn write(&mut self, changes: Changes, between: &Between, outside: &Outside) {
        if !changes.partitions.is_empty() {
            let steps = self.steps(&changes, between, outside);
            self.writer.begin(changes, steps, self.topic_ids.clone(), self.incarnation);
        }
    }

    fn steps(&self, changes: &Changes, between: &Between, outside: &Outside) -> Vec<Step> {
        let step = |changes: &PartitionChanges| {
            let PartitionChanges { partition, epoch, span, .. } = *changes;
            let held = self.member.held().get(&partition);
            let log = between.logs.get(&(partition, epoch)).copied();
            let log = log.unwrap_or_else(|| outside.kafka.timeline(partition));
            Step {
                partition,
                epoch,
                from: span.from.0,
                until: span.until.0,
                leader_epoch: outside.kafka.epoch_before(log, span.until.0),
                log,
                complete_through: held
                    .and_then(|held| held.complete_through(span.until))
                    .map(|at| at.timestamp()),
                forced: self.has(Defect::RevokedWritten) && !between.wanted.contains_key(&partition),
            }
        };
        changes.partitions.iter().map(step).collect()
    }

    /// Asks Kafka where the partitions end, or takes the answer.
    pub fn ask_ends(&mut self, outside: &Outside) {
        let Some(at) = self.asked_at.take() else {
            self.asked_at = DateTime::from_timestamp(outside.kafka.now.cast_signed(), 0);
            return;
        };
        let partitions: Vec<Partition> = self.member.held().keys().copied().collect();
        for partition in partitions {
            let (end, readable) = (outside.kafka.end(partition), outside.kafka.stable_end(partition));
            let end = if self.has(Defect::EndsAreStable) { readable } else { end };
            if let Some(held) = self.member.held_mut(partition) {
                held.ended_at(at, Offset(end));
            }
        }
    }

    /// Moves partitions by nothing, which proves that they are held.
    fn prove(&mut self, between: &Between, outside: &Outside) {
        let held = self.member.held().iter().filter(|(_, held)| held.epoch != NO_EPOCH);
        let proof = |(partition, held): (&Partition, &HeldPartition)| {
            PartitionChanges::empty(*partition, held.epoch, Span::empty(held.next_offset))
        };
        let partitions = held.map(proof).collect();
        let changes = Changes { texts: Arc::default(), partitions, floor: between.floor };
        self.write(changes, between, outside);
    }

    // --- What was written ---

    fn look_at_writer(&mut self, between: &mut Between, outside: &mut Outside) {
        if let Some(written) = self.writer.take_written() {
            self.wrote(written, between, outside);
        }
    }

    fn wrote(&mut self, written: WriteOutcome, between: &mut Between, outside: &mut Outside) {
        if written.back == Some(Back::FloorMoved) || written.gave_up {
            outside.trace.event("batches dropped under a floor that rose");
            return self.rejoin(between);
        }
        if written.back == Some(Back::Elsewhere) {
            outside.trace.event("batches dropped after a restore");
            let held: Vec<Partition> = self.member.held().keys().copied().collect();
            self.member.settle(written.changes, &written.committed);
            return self.read_again(&held, between);
        }
        let claim = |changes: &PartitionChanges| (changes.partition, changes.epoch, self.incarnation);
        let claims: Vec<Verdict> = written.changes.partitions.iter().map(claim).collect();
        let segments = self.has(Defect::PartOfPageKept).then(|| segments_of(&written.changes));
        let lost = if written.remembered {
            Vec::new()
        } else {
            self.member.settle(written.changes, &written.committed).lost
        };
        match self.defect {
            Some(Defect::PagesReadBeforeCommit) => {
                let read = std::mem::take(&mut self.read);
                self.member.update_ledger();
                self.put(read);
            }
            Some(Defect::PartOfPageKept) => self.put(self.unknown_pages(segments.unwrap_or_default())),
            _ => {}
        }
        if !lost.is_empty() {
            self.verdicts.extend(claims.into_iter().filter(|(partition, ..)| lost.contains(partition)));
            self.rejoin(between);
        }
    }

    /// Those of a settled batch's segments whose pages memory doesn't have whole.
    fn unknown_pages(&self, segments: Vec<Segment>) -> Pages {
        let unknown = segments.into_iter().filter(|segment| {
            let known = self.member.ledger().known(segment.key);
            segment.fingerprints.first().is_some_and(|fingerprint| !known.contains(*fingerprint))
        });
        unknown.map(|segment| (segment.key, segment.fingerprints)).collect()
    }

    /// Settles before the answer: only a defect does.
    fn remember(&mut self) {
        if let Some(job) = self.writer.sent().filter(|job| !job.remembered) {
            job.remembered = true;
            let moved = job.moved.iter().copied().collect();
            self.member.settle(ledger_changes(&job.changes), &moved);
        }
    }
}

pub(super) fn segments(row: &TailRow) -> Vec<Segment> {
    let segment = |(key, fingerprints, sums): &(PageKey, Vec<u64>, _)| Segment {
        key: *key,
        fingerprints: fingerprints.clone(),
        sums: *sums,
    };
    row.iter().map(segment).collect()
}

/// The segments that changes add to the ledger's pages.
fn segments_of(changes: &Changes) -> Vec<Segment> {
    changes.partitions.iter().flat_map(|changes| &changes.segments).cloned().collect()
}

/// A copy of changes, reduced to what they do to the ledger.
fn ledger_changes(changes: &Changes) -> Changes {
    let of_partition = |changes: &PartitionChanges| PartitionChanges {
        segments: changes.segments.clone(),
        tail: changes.tail.clone(),
        files_tail: changes.files_tail,
        ..PartitionChanges::empty(changes.partition, changes.epoch, changes.span)
    };
    let partitions = changes.partitions.iter().map(of_partition).collect();
    Changes { texts: Arc::default(), partitions, floor: changes.floor }
}

/// The page as it is read: of every other, merging has put a part behind a filter.
fn merged(key: PageKey, page: &[u64]) -> PageRead {
    let is_merged = key.quarter.start().timestamp() / 900 % 2 == 0;
    let (merged, others) = page.split_at(if is_merged { page.len() / 2 } else { 0 });
    let filters = (!merged.is_empty()).then(|| Filter::of(merged)).into_iter().collect();
    PageRead { filters, others: others.to_vec() }
}

/// Makes copies within a page look like other records: only a defect does.
fn disguise(batch: &mut Batch) {
    for page in batch.slices.iter_mut().flat_map(|slice| &mut slice.pages) {
        let mut seen = BTreeSet::new();
        for entry in &mut page.entries {
            while !seen.insert(entry.fingerprint) {
                entry.fingerprint ^= 1 << (seen.len() % 64);
            }
        }
    }
}
