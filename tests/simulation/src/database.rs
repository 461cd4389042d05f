//! PostgreSQL: sessions whose statements take their time, transactions with row locks, READ COMMITTED, connections that
//! break while the backend goes on with what has arrived.

use crate::defect::Defect;
use crate::statement::{Answer, ProgressRow, Statement, Step, Writes};
use crate::tables::{CounterTable, Tables};
use consumer::ledger::segment::PageKey;
use consumer::record::Partition;
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
        Self { tables: Tables::default(), defect, open: true, now: 0, sessions: BTreeMap::new(), latest: 0 }
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

    /// Sets a partition back, if no transaction holds its row. Whether it did.
    pub fn reset(&mut self, partition: Partition, to: i64) -> bool {
        let free = !self.is_locked(partition, None);
        if free {
            self.tables.reset(partition, to);
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
            Statement::Claim(partitions) => self.claim(id, partitions),
            Statement::Start(partitions) => self.start(partitions),
            Statement::StoredProgress(partitions) => self.stored_progress(partitions),
            Statement::Move(steps) => Some(self.step(id, steps)),
            Statement::Floor => {
                self.transaction(id).shares_floor = true;
                Some(Answer::Floor(self.tables.floor))
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
        let tails = &self.tables.tails;
        let read = partitions.iter().filter_map(|of| Some((*of, tails.get(of)?.clone())));
        Answer::Tails(read.collect())
    }

    fn sizes(&self, keys: &[PageKey]) -> Answer {
        let ledger = &self.tables.ledger;
        Answer::Sizes(keys.iter().filter_map(|key| Some((*key, ledger.get(key)?.len()))).collect())
    }

    fn pages(&self, keys: &[PageKey]) -> Answer {
        let ledger = &self.tables.ledger;
        let pages = keys.iter().map(|key| (*key, ledger.get(key).cloned().unwrap_or_default()));
        Answer::Pages(pages.collect())
    }

    fn look_up(&self, lookups: &[(PageKey, Vec<u64>)]) -> Answer {
        let found = lookups.iter().map(|(key, fingerprints)| {
            let page = self.tables.ledger.get(key).map_or(&[][..], Vec::as_slice);
            let has = |fingerprint: &&u64| page.binary_search(fingerprint).is_ok();
            (*key, fingerprints.iter().filter(has).copied().collect())
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
            let raised = ProgressRow { epoch: row.epoch + 1, next: row.next };
            self.transaction(id).moved.insert(*partition, raised);
            let next = if reads_first { seen.get(partition).and_then(|seen| seen.next) } else { row.next };
            claimed.insert(*partition, ProgressRow { next, ..raised });
        }
        Some(Answer::ClaimedProgress(claimed))
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
        Some(Answer::StoredProgress(rows.collect()))
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
                let epoch = self.tables.progress_row(step.partition).epoch;
                let row = ProgressRow { epoch, next: Some(step.until) };
                self.transaction(id).moved.insert(step.partition, row);
                moved.push(step.partition);
            }
        }
        Answer::Step(moved)
    }

    fn commit(&mut self, id: SessionId) {
        let Some(transaction) = self.session(id).transaction.take() else { return };
        let mut touched: BTreeSet<Partition> = transaction.moved.keys().copied().collect();
        self.tables.progress.extend(transaction.moved);
        for (writes, read) in transaction.writes {
            touched.extend(writes.spans.iter().map(|(partition, ..)| *partition));
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
