//! PostgreSQL: sessions whose statements take their time, transactions with row locks, READ COMMITTED, connections that
//! break while the backend goes on with what has arrived.

mod layouts;

pub use layouts::Closed;

use crate::defect::Defect;
use crate::statement::{Answer, PageAsked, ProgressRow, Statement, Step, Writes};
use crate::tables::{CounterTable, Tables};
use consumer::record::layouts::Announced;
use consumer::record::{Partition, Topic};
use load::rng::Rng;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A session's name.
pub type SessionId = u32;

/// The server.
pub struct Database {
    /// What is committed.
    pub tables: Tables,
    /// What is wrong with it.
    pub defect: Option<Defect>,
    /// Whether it takes connections.
    pub open: bool,
    /// The step that it is.
    pub now: u64,
    /// How often other tables were put in the place of those that there were.
    pub incarnation: u32,
    sessions: BTreeMap<SessionId, Session>,
    latest: SessionId,
}

/// A backend with its end of a connection.
#[derive(Default)]
struct Session {
    /// Statements under way or arrived.
    inbox: VecDeque<Statement>,
    /// Answers under way.
    outbox: VecDeque<Answer>,
    /// Nobody is at the other end any more.
    cut: bool,
    /// It does nothing until this step.
    stalled_until: u64,
    transaction: Option<Transaction>,
    /// Progress as it stood when a lock was first asked for; what only defects look at.
    seen: Option<BTreeMap<Partition, ProgressRow>>,
}

#[derive(Default)]
struct Transaction {
    failed: bool,
    locked: BTreeSet<Partition>,
    shares_floor: bool,
    moved: BTreeMap<Partition, ProgressRow>,
    steps: Vec<Step>,
    /// Cuts that it adds.
    cuts: Vec<(Topic, Announced)>,
    /// Topics whose tails of other layouts than this it files.
    files: Vec<(Topic, i32)>,
    writes: Vec<(Writes, Option<[CounterTable; 3]>)>,
}

/// What a session's next statement did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progressed {
    /// It was executed.
    Yes,
    /// It waits for another transaction.
    Waits,
    /// There is none.
    Nothing,
}

/// A member's view of a connection.
#[derive(Debug)]
pub enum Heard {
    /// An answer.
    Answer(Answer),
    /// Nothing yet.
    Silence,
    /// The connection is broken.
    Broken,
}

impl Database {
    /// An empty database with this defect.
    #[must_use]
    pub fn new(defect: Option<Defect>) -> Self {
        let (tables, sessions) = (Tables::default(), BTreeMap::new());
        Self { tables, defect, open: true, now: 0, incarnation: 0, sessions, latest: 0 }
    }

    /// Connects, unless no connections are taken.
    pub fn connect(&mut self) -> Option<SessionId> {
        if !self.open {
            return None;
        }
        self.latest += 1;
        self.sessions.insert(self.latest, Session::default());
        Some(self.latest)
    }

    /// Sends statements, pipelined.
    pub fn send(&mut self, session: SessionId, statements: Vec<Statement>) {
        if let Some(session) = self.sessions.get_mut(&session).filter(|session| !session.cut) {
            session.inbox.extend(statements);
        }
    }

    /// Takes an answer.
    pub fn hear(&mut self, session: SessionId) -> Heard {
        match self.sessions.get_mut(&session) {
            Some(session) if !session.cut => session.outbox.pop_front().map_or(Heard::Silence, Heard::Answer),
            Some(_) | None => Heard::Broken,
        }
    }

    /// All sessions.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionId> {
        self.sessions.keys().copied().collect()
    }

    /// Those with something to do.
    #[must_use]
    pub fn busy_sessions(&self) -> Vec<SessionId> {
        let busy = self.sessions.iter().filter(|(_, session)| !session.inbox.is_empty());
        busy.map(|(id, _)| *id).collect()
    }

    /// Those whose transactions have locked rows.
    #[must_use]
    pub fn locking_sessions(&self) -> Vec<SessionId> {
        let locks =
            |session: &Session| session.transaction.as_ref().is_some_and(|open| !open.locked.is_empty());
        self.sessions.iter().filter(|(_, session)| locks(session)).map(|(id, _)| *id).collect()
    }

    /// Breaks a connection. All statements under way still arrive, or only the first few; no answer does.
    pub fn cut(&mut self, session: SessionId, rng: &mut Rng) {
        if let Some(session) = self.sessions.get_mut(&session).filter(|session| !session.cut) {
            session.cut = true;
            if rng.chance(0.5) {
                session.inbox.truncate(rng.index(session.inbox.len() + 1));
            }
        }
    }

    /// Lets a backend do nothing until this step.
    pub fn stall(&mut self, session: SessionId, until: u64) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.stalled_until = until;
        }
    }

    /// Ends a backend: its transaction is rolled back.
    pub fn kill(&mut self, session: SessionId) {
        self.sessions.remove(&session);
    }

    /// Ends all of them.
    pub fn crash(&mut self) {
        self.sessions.clear();
    }

    /// Lets a session's next statement fail.
    pub fn fail(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.inbox.pop_front().is_some() {
            session.abort();
            session.outbox.push_back(Answer::Failed);
        }
    }

    /// Raises the floor, if no transaction holds it. Whether it did.
    pub fn raise_floor(&mut self, floor: i64) -> bool {
        let mut transactions = self.sessions.values().filter_map(|session| session.transaction.as_ref());
        let free = self.tables.floor < floor && !transactions.any(|transaction| transaction.shares_floor);
        if free {
            self.tables.floor = floor;
        }
        free
    }

    /// Executes a session's next statement.
    pub fn execute(&mut self, id: SessionId) -> Progressed {
        let now = self.now;
        let session = self.sessions.get_mut(&id).filter(|session| session.stalled_until <= now);
        let Some(session) = session else { return Progressed::Nothing };
        let Some(statement) = session.inbox.pop_front() else {
            if session.cut {
                // The backend reads the end of the connection, and rolls back.
                self.sessions.remove(&id);
                return Progressed::Yes;
            }
            return Progressed::Nothing;
        };
        if session.transaction.as_ref().is_some_and(|transaction| transaction.failed) {
            session.refuse(&statement);
            return Progressed::Yes;
        }
        match self.answer(id, &statement) {
            Some(answer) => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.outbox.push_back(answer);
                }
                Progressed::Yes
            }
            None => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.inbox.push_front(statement);
                }
                Progressed::Waits
            }
        }
    }

    /// The statement's answer; `None` while it waits for a lock.
    fn answer(&mut self, id: SessionId, statement: &Statement) -> Option<Answer> {
        match statement {
            Statement::Begin => {
                self.session(id).transaction = Some(Transaction::default());
                self.session(id).seen = None;
                Some(Answer::Done)
            }
            Statement::Lock(partitions) => self.lock(id, partitions).then_some(Answer::Done),
            Statement::Discover(partitions) => {
                for partition in partitions {
                    self.tables.progress.entry(*partition).or_default();
                }
                Some(Answer::Done)
            }
            Statement::Claim(partitions) => self.claim(id, partitions),
            Statement::StoreTopicIds(ids) => self.store_topic_ids(ids),
            Statement::BeginLayouts(ids) => self.begin_layouts(ids),
            Statement::Layouts(ids) => {
                let layouts = ids.iter().map(|(topic, id)| (*topic, self.tables.cuts.layouts(*topic, *id)));
                Some(Answer::Layouts(layouts.collect()))
            }
            Statement::LockTopic(topic) => {
                let rows = self.rows_of(*topic);
                self.lock(id, &rows).then_some(Answer::Done)
            }
            Statement::Adopt(topic, cuts) => self.adopt(id, *topic, cuts),
            Statement::Standings(topic, topic_id, claimed, cuts) => {
                let layouts = self.tables.cuts.layouts(*topic, *topic_id);
                let lacks = |cut| !layouts.cuts().contains_key(cut);
                let was_restored = cuts.iter().any(lacks);
                let claimed = if was_restored { &[][..] } else { claimed };
                Some(self.standings(id, *topic, &layouts, claimed))
            }
            Statement::Released(topic, topic_id, waiting) => Some(self.released(*topic, *topic_id, waiting)),
            Statement::Start(partitions) => self.start(partitions),
            Statement::StoredProgress(partitions) => self.stored_progress(partitions),
            Statement::Move(steps) => Some(self.step(id, steps)),
            Statement::Floor => {
                self.transaction(id).shares_floor = true;
                Some(Answer::Floor(self.tables.floor, self.incarnation))
            }
            Statement::Tails(partitions) => Some(self.tails(partitions)),
            Statement::Sizes(keys) => Some(self.sizes(keys)),
            Statement::Pages(keys) => Some(self.pages(keys)),
            Statement::LookUp(lookups) => Some(self.look_up(lookups)),
            Statement::Write(writes) => {
                let read =
                    (self.defect == Some(Defect::CountersWrittenBack)).then(|| self.tables.counters.clone());
                self.transaction(id).writes.push((*writes.clone(), read));
                Some(Answer::Done)
            }
            Statement::Commit => {
                self.commit(id);
                Some(Answer::Done)
            }
            Statement::Rollback => {
                self.session(id).transaction = None;
                Some(Answer::Done)
            }
        }
    }

    fn tails(&self, partitions: &[Partition]) -> Answer {
        let read = partitions.iter().filter_map(|of| Some((*of, self.tables.ledger.tail(*of)?)));
        Answer::Tails(read.collect())
    }

    fn sizes(&self, pages: &[PageAsked]) -> Answer {
        let sizes = pages.iter().map(|asked| (asked.0, self.tables.ledger.page(*asked, self.defect).len()));
        Answer::Sizes(sizes.filter(|(_, size)| *size > 0).collect())
    }

    fn pages(&self, pages: &[PageAsked]) -> Answer {
        let pages = pages.iter().map(|asked| (asked.0, self.tables.ledger.page(*asked, self.defect)));
        Answer::Pages(pages.collect())
    }

    fn look_up(&self, lookups: &[(PageAsked, Vec<u64>)]) -> Answer {
        let found = lookups.iter().map(|(asked, fingerprints)| {
            let page = self.tables.ledger.page(*asked, self.defect);
            let has = |fingerprint: &&u64| page.binary_search(fingerprint).is_ok();
            (asked.0, fingerprints.iter().filter(has).copied().collect())
        });
        Answer::Pages(found.collect())
    }

    /// Locks one row after the other. Whether it has them all.
    fn lock(&mut self, id: SessionId, partitions: &[Partition]) -> bool {
        let progress = &self.tables.progress;
        if let Some(session) = self.sessions.get_mut(&id) {
            session.seen.get_or_insert_with(|| progress.clone());
        }
        let sorted: BTreeSet<Partition> = partitions.iter().copied().collect();
        for partition in sorted {
            if self.is_locked(partition, Some(id)) {
                return false;
            }
            self.transaction(id).locked.insert(partition);
        }
        true
    }

    fn claim(&mut self, id: SessionId, partitions: &[Partition]) -> Option<Answer> {
        if !self.lock(id, partitions) {
            return None;
        }
        let reads_first = self.defect == Some(Defect::ClaimReadsFirst);
        let seen = self.session(id).seen.clone().unwrap_or_default();
        let mut claimed = BTreeMap::new();
        for partition in partitions {
            let row = self.tables.progress_row(*partition);
            let raised = ProgressRow { epoch: self.tables.new_epoch(), ..row };
            self.transaction(id).moved.insert(*partition, raised);
            let next = if reads_first { seen.get(partition).and_then(|seen| seen.next) } else { row.next };
            claimed.insert(*partition, ProgressRow { next, ..raised });
        }
        Some(Answer::ClaimedProgress(claimed, self.incarnation))
    }

    fn store_topic_ids(&mut self, ids: &[(Partition, i64, u32)]) -> Option<Answer> {
        if ids.iter().any(|(partition, ..)| self.is_locked(*partition, None)) {
            return None;
        }
        for (partition, epoch, id) in ids {
            let row = self.tables.progress.get_mut(partition);
            if let Some(row) = row.filter(|row| row.epoch == *epoch) {
                row.topic_id = Some(*id);
            }
        }
        Some(Answer::Done)
    }

    fn start(&mut self, partitions: &[Partition]) -> Option<Answer> {
        if partitions.iter().any(|partition| self.is_locked(*partition, None)) {
            return None;
        }
        for partition in partitions {
            self.tables.progress.entry(*partition).or_default().next.get_or_insert(0);
        }
        Some(Answer::Done)
    }

    fn stored_progress(&self, partitions: &[Partition]) -> Option<Answer> {
        let waits = self.defect != Some(Defect::DoubtNotAwaited);
        if waits && partitions.iter().any(|partition| self.is_locked(*partition, None)) {
            return None;
        }
        let rows = partitions.iter().map(|partition| (*partition, self.tables.progress_row(*partition)));
        Some(Answer::StoredProgress(rows.collect(), self.incarnation))
    }

    /// The compare-and-set, on rows that are locked.
    fn step(&mut self, id: SessionId, steps: &[Step]) -> Answer {
        let defect = self.defect;
        let seen = self.session(id).seen.clone().unwrap_or_default();
        let mut moved = Vec::new();
        for step in steps {
            let row = match defect {
                Some(Defect::ComparedBeforeWaiting) => seen.get(&step.partition).copied().unwrap_or_default(),
                _ => self.tables.progress_row(step.partition),
            };
            let epoch = row.epoch == step.epoch || defect == Some(Defect::NoEpochCheck);
            let from = row.next == Some(step.from) || defect == Some(Defect::NoFromCheck);
            if (epoch && from) || step.forced {
                let (next, leader_epoch) = (Some(step.until), step.leader_epoch);
                let row = ProgressRow { next, leader_epoch, ..self.tables.progress_row(step.partition) };
                self.transaction(id).moved.insert(step.partition, row);
                self.transaction(id).steps.push(*step);
                moved.push(step.partition);
            }
        }
        Answer::Step(moved)
    }

    fn commit(&mut self, id: SessionId) {
        let Some(transaction) = self.session(id).transaction.take() else { return };
        let mut touched: BTreeSet<Partition> = transaction.moved.keys().copied().collect();
        self.tables.progress.extend(transaction.moved);
        transaction.cuts.iter().for_each(|(topic, cut)| self.tables.cuts.add(*topic, cut));
        let floor = self.tables.floor;
        let files = transaction.files.iter().filter(|_| self.defect != Some(Defect::OtherTailsNotFiled));
        files.for_each(|(topic, layout)| self.tables.ledger.file_tails(*topic, *layout, floor));
        transaction.steps.iter().for_each(|step| self.tables.note_complete(step));
        for (writes, read) in transaction.writes {
            touched.extend(writes.spans.iter().map(|span| span.partition));
            self.tables.apply(writes, read.as_ref(), self.defect);
        }
        self.tables.check_reached(touched.into_iter());
    }

    fn is_locked(&self, partition: Partition, but_by: Option<SessionId>) -> bool {
        let others = self.sessions.iter().filter(|(id, _)| Some(**id) != but_by);
        let mut transactions = others.filter_map(|(_, session)| session.transaction.as_ref());
        transactions.any(|transaction| transaction.locked.contains(&partition))
    }

    fn session(&mut self, id: SessionId) -> &mut Session {
        self.sessions.get_mut(&id).expect("its statement is being executed")
    }

    fn transaction(&mut self, id: SessionId) -> &mut Transaction {
        self.session(id).transaction.get_or_insert_default()
    }
}

impl Session {
    /// Everything up to the transaction's end fails.
    fn abort(&mut self) {
        let transaction = self.transaction.get_or_insert_default();
        *transaction = Transaction { failed: true, ..Transaction::default() };
    }

    fn refuse(&mut self, statement: &Statement) {
        let ends = matches!(statement, Statement::Commit | Statement::Rollback);
        if ends {
            self.transaction = None;
        }
        self.outbox.push_back(Answer::Failed);
    }
}
