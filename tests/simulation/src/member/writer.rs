//! What writes a member's changes, as `pipeline::write` does in production, on a connection of its own.

use super::between::Between;
use super::line::{Line, Reply};
use super::rows;
use super::setup::Setup;
use crate::defect::Defect;
use crate::group::MemberId;
use crate::outside::Outside;
use crate::statement::{Answer, ProgressRow, Statement, Step};
use consumer::decide::changes::Changes;
use consumer::decide::outcome::{CommitOutcome, StoredProgress};
use consumer::record::{Offset, Partition, Topic};
use std::collections::{BTreeMap, BTreeSet};

pub struct Writer {
    id: MemberId,
    defect: Option<Defect>,
    line: Line,
    job: Option<Job>,
    written: Option<WriteOutcome>,
    /// Changes placed before their turn; only a defect has them.
    pub next: Option<(Vec<Step>, Changes)>,
}

/// The topics' ids, as the member knows them.
pub type TopicIds = BTreeMap<Topic, u32>;

/// Changes being written.
pub struct Job {
    pub changes: Changes,
    /// How partitions move whose fate isn't known yet.
    steps: Vec<Step>,
    topic_ids: TopicIds,
    /// Of the database, when the changes' partitions were claimed.
    incarnation: Option<u32>,
    stage: Stage,
    pub moved: Vec<Partition>,
    committed: BTreeSet<Partition>,
    /// Whether they are in memory already; only a defect puts them there.
    pub remembered: bool,
}

/// What came of it.
pub struct WriteOutcome {
    pub changes: Changes,
    pub committed: BTreeSet<Partition>,
    pub back: Option<Back>,
    pub remembered: bool,
    /// It was not looked after; only a defect doesn't.
    pub gave_up: bool,
}

/// Why nothing was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// The floor rose, or fell.
    FloorMoved,
    /// The database is another incarnation.
    Elsewhere,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Begin and move.
    Claim,
    /// Write and commit.
    Write,
    /// Move in another transaction; only a defect does.
    Offset,
    /// Roll back.
    Back(Back),
    /// Look what has happened.
    Look,
}

impl Writer {
    pub fn new(setup: Setup) -> Self {
        Self {
            id: setup.id,
            defect: setup.defect,
            line: Line::default(),
            job: None,
            written: None,
            next: None,
        }
    }

    pub fn is_free(&self) -> bool {
        self.job.is_none() && self.written.is_none() && self.next.is_none()
    }

    /// The job, if its rows are under way.
    pub fn sent(&mut self) -> Option<&mut Job> {
        self.job.as_mut().filter(|job| job.stage == Stage::Write)
    }

    pub fn take_written(&mut self) -> Option<WriteOutcome> {
        let written = self.written.take();
        if let Some((steps, changes)) = self.next.take_if(|_| self.job.is_none()) {
            self.begin(changes, steps, TopicIds::new(), None);
        }
        written
    }

    pub fn begin(
        &mut self,
        changes: Changes,
        steps: Vec<Step>,
        topic_ids: TopicIds,
        incarnation: Option<u32>,
    ) {
        let (stage, moved, committed) = (Stage::Claim, Vec::new(), BTreeSet::new());
        let remembered = false;
        self.job = Some(Job { changes, steps, topic_ids, incarnation, stage, moved, committed, remembered });
    }

    pub fn hang_up(&mut self, outside: &mut Outside) {
        self.line.hang_up(outside);
    }

    /// One thing: hear an answer, or send what comes next.
    pub fn work(&mut self, between: &mut Between, outside: &mut Outside) {
        let Some(job) = self.job.take() else { return };
        if !self.line.is_waiting() {
            self.line.send(self.statements(&job), outside);
            self.job = Some(job);
            return;
        }
        match self.line.hear(outside) {
            Reply::Silence => self.job = Some(job),
            Reply::Failed => {
                outside.trace.say(|| format!("member {}: writing failed", self.id));
                outside.trace.event("transactions in doubt");
                self.doubt(job);
            }
            Reply::Answers(answers) => self.answered(job, &answers, between, outside),
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    fn statements(&self, job: &Job) -> Vec<Statement> {
        let partitions: Vec<Partition> = job.steps.iter().map(|step| step.partition).collect();
        match job.stage {
            Stage::Claim => {
                let steps = Statement::Move(job.steps.clone());
                let mut all = vec![Statement::Begin, Statement::Lock(partitions), steps, Statement::Floor];
                all.extend(self.has(Defect::OffsetBefore).then_some(Statement::Commit));
                all.extend(self.has(Defect::OffsetAfter).then_some(Statement::Rollback));
                all
            }
            Stage::Write => self.writes(job, &partitions),
            Stage::Offset => {
                let moved = job.steps.iter().filter(|step| job.moved.contains(&step.partition));
                let steps = Statement::Move(moved.copied().collect());
                vec![Statement::Begin, Statement::Lock(partitions), steps, Statement::Commit]
            }
            Stage::Back(_) => vec![Statement::Rollback],
            Stage::Look => vec![Statement::StoredProgress(partitions)],
        }
    }

    fn writes(&self, job: &Job, all: &[Partition]) -> Vec<Statement> {
        let moved = if self.has(Defect::FencedWritten) { all } else { &job.moved };
        let (mut ledger, others) = rows::of(&job.changes, moved, &job.steps, &job.topic_ids);
        if self.has(Defect::FiledTailKept) {
            ledger.filed.clear();
        }
        let [ledger, others] = [ledger, others].map(|rows| Statement::Write(Box::new(rows)));
        let apart = self.has(Defect::OffsetBefore) || self.has(Defect::OffsetAfter);
        let mut writes: Vec<Statement> = apart.then_some(Statement::Begin).into_iter().collect();
        if self.has(Defect::LedgerAfter) {
            writes.extend([others, Statement::Commit, Statement::Begin, ledger, Statement::Commit]);
        } else {
            writes.extend([ledger, others, Statement::Commit]);
        }
        writes
    }

    fn answered(&mut self, job: Job, answers: &[Answer], between: &mut Between, outside: &mut Outside) {
        match (job.stage, answers) {
            (Stage::Claim, [_, _, Answer::Step(moved), Answer::Floor(floor, incarnation), ..]) => {
                outside.trace.say(|| format!("member {} moved {moved:?}", self.id));
                if self.is_elsewhere(&job, *incarnation) {
                    self.job = Some(Job { stage: Stage::Back(Back::Elsewhere), ..job });
                } else {
                    self.moved(job, moved.clone(), *floor, between);
                }
            }
            (Stage::Write, _) if self.has(Defect::OffsetAfter) => {
                self.job = Some(Job { stage: Stage::Offset, ..job });
            }
            (Stage::Write | Stage::Offset, _) => {
                let mut job = job;
                job.committed.extend(std::mem::take(&mut job.moved));
                self.end(job, None, false);
            }
            (Stage::Back(why), _) => self.end(job, Some(why), false),
            (Stage::Look, [Answer::StoredProgress(stored, incarnation)]) => {
                self.found_out(job, stored, *incarnation);
            }
            (Stage::Claim | Stage::Look, _) => self.job = Some(job),
        }
    }

    fn moved(&mut self, job: Job, moved: Vec<Partition>, floor: i64, between: &mut Between) {
        let ignored = self.has(Defect::FloorIgnored);
        // One that fell is that of a database of before: what lies between was left out when a tail was filed.
        let rose = floor < job.changes.floor || job.changes.has_older_than(floor);
        if !ignored {
            between.floor = floor;
        }
        let stage = if rose && !ignored { Stage::Back(Back::FloorMoved) } else { Stage::Write };
        self.job = Some(Job { stage, moved, ..job });
    }

    /// After a failure: what has happened is what the table says.
    fn doubt(&mut self, mut job: Job) {
        let stage = std::mem::replace(&mut job.stage, Stage::Look);
        if stage == Stage::Write {
            match self.defect {
                Some(Defect::DoubtDoneAgain) => {
                    job.steps.iter_mut().for_each(|step| step.forced = true);
                    job.stage = Stage::Claim;
                }
                Some(Defect::DoubtTakenForFailed | Defect::NoFromCheck) => job.stage = Stage::Claim,
                Some(Defect::DoubtTakenForDone) => {
                    job.committed.extend(job.steps.iter().map(|step| step.partition));
                    return self.end(job, None, false);
                }
                Some(Defect::RememberedTooEarly) => return self.end(job, None, true),
                _ => {}
            }
        }
        self.job = Some(job);
    }

    fn is_elsewhere(&self, job: &Job, incarnation: u32) -> bool {
        let is_elsewhere = job.incarnation.is_some_and(|claimed| claimed != incarnation);
        is_elsewhere && !self.has(Defect::IncarnationIgnored)
    }

    fn found_out(&mut self, mut job: Job, stored: &BTreeMap<Partition, ProgressRow>, incarnation: u32) {
        if self.has(Defect::ClaimAdopted) {
            let epoch = |of: Partition, epoch| stored.get(&of).map_or(epoch, |row| row.epoch);
            let partitions = &mut job.changes.partitions;
            partitions.iter_mut().for_each(|changes| changes.epoch = epoch(changes.partition, changes.epoch));
            job.steps.iter_mut().for_each(|step| step.epoch = epoch(step.partition, step.epoch));
        }
        let Job { changes, steps, committed, .. } = &mut job;
        steps.retain(|step| {
            let row = stored
                .get(&step.partition)
                .map(|row| StoredProgress { epoch: row.epoch, next_offset: row.next.map(Offset) });
            let changes = changes.partitions.iter().find(|changes| changes.partition == step.partition);
            match changes.map(|changes| CommitOutcome::of(changes, row.as_ref())) {
                Some(CommitOutcome::NotCommitted) => true,
                Some(CommitOutcome::Committed) => {
                    committed.insert(step.partition);
                    false
                }
                Some(CommitOutcome::Lost) | None => false,
            }
        });
        if self.is_elsewhere(&job, incarnation) {
            self.end(job, Some(Back::Elsewhere), false);
        } else if job.steps.is_empty() {
            self.end(job, None, false);
        } else {
            self.job = Some(Job { stage: Stage::Claim, ..job });
        }
    }

    fn end(&mut self, job: Job, back: Option<Back>, gave_up: bool) {
        let Job { changes, committed, remembered, .. } = job;
        self.written = Some(WriteOutcome { changes, committed, back, remembered, gave_up });
    }
}
