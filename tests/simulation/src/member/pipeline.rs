//! The writing half of a member, as `pipeline` is in production: claim, decide, write, look after a doubtful commit.

use super::{Between, Message, Order, Setup, Verdict, rows};
use crate::database::{Heard, SessionId};
use crate::defect::Defect;
use crate::group::MemberId;
use crate::outside::Outside;
use crate::producer;
use crate::statement::{Answer, Stand, Statement, Step};
use consumer::batch::{Batch, Held, PageEntries};
use consumer::changes::{Changes, Deciding, Part};
use consumer::fingerprint_set::FingerprintSet;
use consumer::ledger::{Ledger, PageKey};
use consumer::progress::{Holding, Progress};
use consumer::record::{Offset, Partition, Span};
use consumer::texts::Texts;
use std::collections::BTreeMap;

type Pages = BTreeMap<PageKey, Vec<u64>>;

pub struct Pipeline {
    pub verdicts: Vec<Verdict>,
    id: MemberId,
    defect: Option<Defect>,
    holding: Holding,
    ledger: Ledger,
    unclaimed: BTreeMap<Partition, u64>,
    task: Task,
    session: Option<SessionId>,
    /// Answers to what was sent, and how many there will be; none while nothing is under way.
    answers: Vec<Answer>,
    awaited: usize,
    /// Pages read while a claim was on its way; what only a defect has.
    early: Pages,
}

/// What it is at. Each sends some statements, and goes on with their answers.
enum Task {
    Idle,
    /// Reads pages before the claim; only a defect does.
    Early(Vec<Partition>),
    Claiming(Vec<Partition>),
    Starting(BTreeMap<Partition, Stand>, BTreeMap<Partition, Stand>),
    Reading(Deciding, Vec<PageKey>),
    Writing(Writing),
    Looking(Writing),
}

struct Writing {
    changes: Changes,
    stage: Stage,
    moved: Vec<Partition>,
    /// What was read of pages before.
    read: Pages,
    /// Moves come what may; only a defect does.
    forced: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Begin and move.
    Claim,
    /// Write and commit.
    Write,
    /// Move in another transaction; only a defect does.
    Offset,
    /// The floor rose: roll back.
    Back,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Committed,
    Lost,
}

impl Pipeline {
    pub fn new(setup: Setup) -> Self {
        Self {
            verdicts: Vec::new(),
            id: setup.id,
            defect: setup.defect,
            holding: Holding::new(),
            ledger: Ledger::new(setup.ledger_bytes),
            unclaimed: BTreeMap::new(),
            task: Task::Idle,
            session: None,
            answers: Vec::new(),
            awaited: 0,
            early: Pages::new(),
        }
    }

    pub fn is_idle(&self) -> bool {
        matches!(self.task, Task::Idle) && self.unclaimed.is_empty()
    }

    pub fn hang_up(&mut self, outside: &mut Outside) {
        if let Some(session) = self.session.take() {
            outside.database.cut(session, &mut outside.rng);
        }
        self.answers.clear();
        self.awaited = 0;
    }

    /// One thing: hear an answer, send what comes next, or take the next message.
    pub fn work(&mut self, between: &mut Between, outside: &mut Outside, prove: bool) {
        if self.awaited > 0 {
            return self.hear(between, outside);
        }
        if let Task::Idle = self.task {
            self.task = self.begin(between, outside, prove);
        }
        if !matches!(self.task, Task::Idle) {
            self.send(outside);
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    // --- Statements and answers ---

    fn send(&mut self, outside: &mut Outside) {
        if self.session.is_none() {
            self.session = outside.database.connect();
        }
        let Some(session) = self.session else { return };
        let statements = self.statements();
        self.awaited = statements.len();
        outside.database.send(session, statements);
    }

    fn hear(&mut self, between: &mut Between, outside: &mut Outside) {
        let heard = self.session.map_or(Heard::Broken, |session| outside.database.hear(session));
        match heard {
            Heard::Silence => {}
            Heard::Answer(Answer::Failed) | Heard::Broken => {
                self.hang_up(outside);
                outside.trace.say(|| format!("member {}: PostgreSQL failed", self.id));
                let task = std::mem::replace(&mut self.task, Task::Idle);
                self.task = self.failed(task, between);
            }
            Heard::Answer(answer) => {
                self.answers.push(answer);
                if self.answers.len() == self.awaited {
                    self.awaited = 0;
                    let answers = std::mem::take(&mut self.answers);
                    let task = std::mem::replace(&mut self.task, Task::Idle);
                    self.task = self.answered(task, answers, between, outside);
                }
            }
        }
    }

    fn statements(&mut self) -> Vec<Statement> {
        match &self.task {
            Task::Idle => Vec::new(),
            Task::Early(partitions) => {
                let quarters = producer::quarters();
                let keys = partitions.iter().flat_map(|partition| {
                    quarters.iter().map(|quarter| PageKey { partition: *partition, quarter: *quarter })
                });
                vec![Statement::Pages(keys.collect())]
            }
            Task::Claiming(partitions) => vec![
                Statement::Begin,
                Statement::Lock(partitions.clone()),
                Statement::Claim(partitions.clone()),
                Statement::Commit,
            ],
            Task::Starting(_, unread) => {
                let partitions: Vec<Partition> = unread.keys().copied().collect();
                vec![Statement::Start(partitions.clone()), Statement::Standing(partitions)]
            }
            Task::Reading(_, keys) => vec![Statement::Pages(keys.clone())],
            Task::Writing(writing) => self.writing(writing),
            Task::Looking(writing) => {
                let parts = writing.changes.parts.iter();
                vec![Statement::Standing(parts.map(|part| part.partition).collect())]
            }
        }
    }

    fn writing(&self, writing: &Writing) -> Vec<Statement> {
        let changes = &writing.changes;
        let partitions: Vec<Partition> = changes.parts.iter().map(|part| part.partition).collect();
        let apart = self.has(Defect::OffsetBefore) || self.has(Defect::OffsetAfter);
        match writing.stage {
            Stage::Claim => {
                let steps = changes.parts.iter().map(|part| self.step(writing, part)).collect();
                let lock = Statement::Lock(partitions);
                let mut all = vec![Statement::Begin, lock, Statement::Move(steps), Statement::Floor];
                all.extend(self.has(Defect::OffsetBefore).then_some(Statement::Commit));
                all.extend(self.has(Defect::OffsetAfter).then_some(Statement::Rollback));
                all
            }
            Stage::Write => {
                let everybody = self.has(Defect::FencedWritten);
                let (ledger, others) =
                    rows::of(changes, if everybody { &partitions } else { &writing.moved });
                let [ledger, others] = [ledger, others].map(|rows| Statement::Write(Box::new(rows)));
                let mut all: Vec<Statement> = apart.then_some(Statement::Begin).into_iter().collect();
                if self.has(Defect::LedgerAfter) {
                    all.extend([others, Statement::Commit, Statement::Begin, ledger, Statement::Commit]);
                } else {
                    all.extend([ledger, others, Statement::Commit]);
                }
                all
            }
            Stage::Offset => {
                let moved = changes.parts.iter().filter(|part| writing.moved.contains(&part.partition));
                let steps = moved.map(|part| self.step(writing, part)).collect();
                let lock = Statement::Lock(partitions);
                vec![Statement::Begin, lock, Statement::Move(steps), Statement::Commit]
            }
            Stage::Back => vec![Statement::Rollback],
        }
    }

    fn step(&self, writing: &Writing, part: &Part) -> Step {
        let held = self.holding.get(&part.partition).is_some_and(|held| held.epoch == part.epoch);
        Step {
            partition: part.partition,
            epoch: part.epoch,
            from: part.span.from.0,
            until: part.span.until.0,
            forced: writing.forced || (!held && self.has(Defect::RevokedWritten)),
        }
    }

    fn answered(
        &mut self,
        task: Task,
        mut answers: Vec<Answer>,
        between: &mut Between,
        outside: &mut Outside,
    ) -> Task {
        match (task, answers.pop()) {
            (Task::Early(partitions), Some(Answer::Pages(pages))) => {
                self.early = pages;
                Task::Claiming(partitions)
            }
            (Task::Claiming(_), _) => {
                let claimed = answers.pop();
                self.claimed(claimed, between)
            }
            (Task::Starting(starts, unread), Some(Answer::Standing(standing))) => {
                self.started(starts, &unread, &standing, between);
                Task::Idle
            }
            (Task::Reading(deciding, keys), Some(Answer::Pages(pages))) => {
                self.decide_read(deciding, &keys, pages)
            }
            (Task::Writing(writing), last) => self.written(writing, answers, last, between, outside),
            (Task::Looking(writing), Some(Answer::Standing(standing))) => {
                self.found_out(writing, &standing, between)
            }
            (task, _) => task,
        }
    }

    fn failed(&mut self, task: Task, between: &mut Between) -> Task {
        match task {
            Task::Writing(writing) => self.doubt(writing, between),
            other => other,
        }
    }

    // --- Claims ---

    fn begin(&mut self, between: &mut Between, outside: &mut Outside, prove: bool) -> Task {
        self.unclaimed.retain(|partition, assignment| between.wanted.get(partition) == Some(assignment));
        if !self.unclaimed.is_empty() {
            let partitions = self.unclaimed.keys().copied().collect();
            let early = self.has(Defect::PagesReadBeforeClaim);
            return if early { Task::Early(partitions) } else { Task::Claiming(partitions) };
        }
        match between.channel.pop_front() {
            Some(Message::Assigned(partitions, assignment)) => {
                self.unclaimed.extend(partitions.into_iter().map(|partition| (partition, assignment)));
                Task::Idle
            }
            Some(Message::Revoked(partitions)) => {
                for partition in partitions {
                    self.unclaimed.remove(&partition);
                    self.forget(partition);
                }
                between.done += 1;
                Task::Idle
            }
            Some(Message::Batch(batch)) => self.count(batch, between, outside),
            None if prove => self.prove(between),
            None => Task::Idle,
        }
    }

    fn claimed(&mut self, claimed: Option<Answer>, between: &mut Between) -> Task {
        let Some(Answer::Claimed(claimed)) = claimed else { return Task::Idle };
        let (starts, unread): (BTreeMap<_, _>, BTreeMap<_, _>) =
            claimed.into_iter().partition(|(_, stand)| stand.next.is_some());
        if unread.is_empty() {
            self.hold(starts, between);
            return Task::Idle;
        }
        Task::Starting(starts, unread)
    }

    fn started(
        &mut self,
        mut starts: BTreeMap<Partition, Stand>,
        unread: &BTreeMap<Partition, Stand>,
        standing: &BTreeMap<Partition, Stand>,
        between: &mut Between,
    ) {
        // A claim that was lost since has another's epoch: it is claimed again.
        let ours = |(partition, stand): &(&Partition, &Stand)| {
            unread.get(*partition).is_some_and(|claimed| claimed.epoch == stand.epoch)
        };
        starts.extend(standing.iter().filter(ours).map(|(partition, stand)| (*partition, *stand)));
        self.hold(starts, between);
    }

    fn hold(&mut self, starts: BTreeMap<Partition, Stand>, between: &mut Between) {
        for (partition, stand) in starts {
            let Some(assignment) = self.unclaimed.remove(&partition) else { continue };
            if !self.has(Defect::PagesKeptWithoutClaim) && !self.has(Defect::RememberedTooEarly) {
                self.ledger.forget(partition);
            }
            let position = Offset(stand.next.unwrap_or(0));
            self.holding.insert(partition, Progress::claimed(stand.epoch, position));
            let held = Held { partition, epoch: stand.epoch, position };
            between.orders.push_back(Order::Fetch(held, assignment));
        }
        for (key, page) in std::mem::take(&mut self.early) {
            if self.holding.contains_key(&key.partition) {
                self.ledger.load(key, FingerprintSet::from_sorted(&page));
            }
        }
    }

    fn forget(&mut self, partition: Partition) {
        self.holding.remove(&partition);
        if !self.has(Defect::PagesKeptWithoutClaim) && !self.has(Defect::RememberedTooEarly) {
            self.ledger.forget(partition);
        }
    }

    fn rejoin(&mut self, between: &mut Between) {
        let held: Vec<Partition> = self.holding.keys().copied().collect();
        held.into_iter().for_each(|partition| self.forget(partition));
        between.orders.push_back(Order::Rejoin);
    }

    // --- A batch ---

    fn count(&mut self, mut batch: Batch, between: &mut Between, outside: &mut Outside) -> Task {
        if !self.has(Defect::RevokedWritten) {
            let holding = &self.holding;
            batch.retain(|slice| holding.get(&slice.partition).is_some_and(|held| held.epoch == slice.epoch));
        }
        let floor = between.floor;
        if batch.has_older_than(floor) && batch.floor != floor {
            outside.trace.say(|| format!("member {}: the floor rose past its batch", self.id));
            self.rejoin(between);
            return Task::Idle;
        }
        if self.has(Defect::CopiesInBatchKept) {
            tear(&mut batch);
        }
        let mut deciding = Deciding::begin(batch);
        let mut absent = Vec::new();
        for key in deciding.undecided() {
            match self.ledger.page(key) {
                Some(page) => deciding.decide(key, page),
                None => absent.push(key),
            }
        }
        if absent.is_empty() { self.write(deciding, Pages::new()) } else { Task::Reading(deciding, absent) }
    }

    fn decide_read(&mut self, mut deciding: Deciding, keys: &[PageKey], read: Pages) -> Task {
        for key in keys {
            let page = FingerprintSet::from_sorted(read.get(key).map_or(&[], Vec::as_slice));
            deciding.decide(*key, &page);
            self.ledger.load(*key, page);
        }
        self.write(deciding, read)
    }

    fn write(&self, deciding: Deciding, read: Pages) -> Task {
        let changes = deciding.end();
        if changes.parts.is_empty() {
            return Task::Idle;
        }
        Task::Writing(Writing { changes, stage: Stage::Claim, moved: Vec::new(), read, forced: false })
    }

    /// Moves a partition by nothing, which proves that it is held.
    fn prove(&self, between: &Between) -> Task {
        let parts = self.holding.iter().map(|(partition, progress)| {
            Part::still(*partition, progress.epoch, Span::empty(progress.next_offset))
        });
        let changes = Changes { texts: Texts::default(), parts: parts.collect(), floor: between.floor };
        if changes.parts.is_empty() {
            return Task::Idle;
        }
        let (moved, read) = (Vec::new(), Pages::new());
        Task::Writing(Writing { changes, stage: Stage::Claim, moved, read, forced: false })
    }

    fn written(
        &mut self,
        mut writing: Writing,
        mut answers: Vec<Answer>,
        last: Option<Answer>,
        between: &mut Between,
        outside: &mut Outside,
    ) -> Task {
        match writing.stage {
            Stage::Claim => {
                answers.extend(last);
                let (Some(Answer::Moved(moved)), Some(Answer::Floor(floor))) =
                    (answers.get(2), answers.get(3))
                else {
                    return Task::Writing(writing);
                };
                writing.moved.clone_from(moved);
                outside.trace.say(|| format!("member {} moved {moved:?}", self.id));
                let rose = *floor != writing.changes.floor && writing.changes.has_older_than(*floor);
                if !self.has(Defect::FloorIgnored) {
                    between.floor = *floor;
                }
                writing.stage =
                    if rose && !self.has(Defect::FloorIgnored) { Stage::Back } else { Stage::Write };
                if writing.stage == Stage::Write && self.has(Defect::RememberedTooEarly) {
                    self.remember(&writing);
                }
                Task::Writing(writing)
            }
            Stage::Write if self.has(Defect::OffsetAfter) => {
                writing.stage = Stage::Offset;
                Task::Writing(writing)
            }
            Stage::Write | Stage::Offset => {
                let moved = std::mem::take(&mut writing.moved);
                let fate = |part: &Part| {
                    if moved.contains(&part.partition) { Fate::Committed } else { Fate::Lost }
                };
                self.settle(&writing, &writing.changes.parts, fate, between);
                Task::Idle
            }
            Stage::Back => {
                self.rejoin(between);
                Task::Idle
            }
        }
    }

    /// After a failure: what has happened is what the table says.
    fn doubt(&mut self, mut writing: Writing, between: &mut Between) -> Task {
        let stage = std::mem::replace(&mut writing.stage, Stage::Claim);
        if stage != Stage::Write {
            return Task::Looking(writing);
        }
        match self.defect {
            Some(Defect::DoubtDoneAgain) => Task::Writing(Writing { forced: true, ..writing }),
            Some(Defect::DoubtTakenForFailed | Defect::NoFromCheck) => Task::Writing(writing),
            Some(Defect::DoubtTakenForDone) => {
                self.settle(&writing, &writing.changes.parts, |_| Fate::Committed, between);
                Task::Idle
            }
            Some(Defect::RememberedTooEarly) => {
                self.rejoin(between);
                Task::Idle
            }
            _ => Task::Looking(writing),
        }
    }

    fn found_out(
        &mut self,
        mut writing: Writing,
        standing: &BTreeMap<Partition, Stand>,
        between: &mut Between,
    ) -> Task {
        if self.has(Defect::ClaimAdopted) {
            for part in &mut writing.changes.parts {
                part.epoch = standing.get(&part.partition).map_or(part.epoch, |stand| stand.epoch);
            }
        }
        let stands_at = |part: &Part, offset: Offset| {
            standing.get(&part.partition) == Some(&Stand { epoch: part.epoch, next: Some(offset.0) })
        };
        let parts = std::mem::take(&mut writing.changes.parts).into_iter();
        let (pending, ended): (Vec<Part>, Vec<Part>) =
            parts.partition(|part| stands_at(part, part.span.from));
        let fate = |part: &Part| if stands_at(part, part.span.until) { Fate::Committed } else { Fate::Lost };
        self.settle(&writing, &ended, fate, between);
        writing.changes.parts = pending;
        if writing.changes.parts.is_empty() { Task::Idle } else { Task::Writing(writing) }
    }

    fn settle(
        &mut self,
        writing: &Writing,
        parts: &[Part],
        fate: impl Fn(&Part) -> Fate,
        between: &mut Between,
    ) {
        let mut lost = Vec::new();
        for part in parts {
            match fate(part) {
                Fate::Lost => lost.push((part.partition, part.epoch)),
                Fate::Committed => {
                    if !self.has(Defect::RememberedTooEarly) {
                        self.remember_part(part);
                    }
                    if let Some(progress) = self.holding.get_mut(&part.partition) {
                        progress.committed(part.span.until);
                    }
                }
            }
        }
        if self.has(Defect::PagesReadBeforeCommit) {
            for (key, page) in &writing.read {
                self.ledger.load(*key, FingerprintSet::from_sorted(page));
            }
        }
        if !lost.is_empty() {
            lost.iter().for_each(|(partition, _)| self.forget(*partition));
            self.verdicts.extend(lost);
            self.rejoin(between);
        }
    }

    fn remember(&mut self, writing: &Writing) {
        let moved = writing.changes.parts.iter().filter(|part| writing.moved.contains(&part.partition));
        moved.for_each(|part| self.remember_part(part));
    }

    fn remember_part(&mut self, part: &Part) {
        for segment in &part.segments {
            if self.has(Defect::PartOfPageKept) && !self.ledger.has(segment.key) {
                self.ledger.load(segment.key, FingerprintSet::from_sorted(&segment.fingerprints));
            } else {
                self.ledger.committed(segment.key, &segment.fingerprints);
            }
        }
    }
}

/// Tears pages in two, each to be decided by itself: only a defect does.
fn tear(batch: &mut Batch) {
    for slice in &mut batch.slices {
        let halves = slice.pages.iter_mut().map(|page| {
            let half = page.entries.split_off(page.entries.len() / 2);
            PageEntries { quarter: page.quarter, entries: half }
        });
        let halves: Vec<PageEntries> = halves.collect();
        slice.pages.extend(halves);
    }
}
