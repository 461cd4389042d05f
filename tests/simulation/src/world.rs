//! The scheduler: one thing happens at a time, and the dice say which.

use crate::database::{Database, Progressed, SessionId};
use crate::defect::Defect;
use crate::group::{Group, MemberId};
use crate::kafka::Kafka;
use crate::member::{Act, Member, Setup};
use crate::operator::Operator;
use crate::outside::Outside;
use crate::producer::{CEILING_LATER, FLOORS, Producer};
use crate::recount;
use crate::trace::Trace;
use crate::weather::{Fault, Weather};
use consumer::record::Partition;
use load::rng::Rng;

/// Rounds that a world without faults gets to come to rest; more than any needs.
const CALM_ROUNDS_MAX: usize = 3_000;
/// Without faults members prove that they hold what they hold every so many rounds.
const PROVE_EVERY: usize = 50;
/// How long a pause or an outage may be, in steps.
const AWAY_STEPS_MAX: u64 = 250;
/// Partitions given to others at once, but for one.
const SHIFTS_MAX: u64 = 4;
/// Partitions of a topic at most.
const PARTITIONS_MAX: i32 = 4;
/// How often a rare fault doesn't happen when it is its turn.
const RARELY: f64 = 0.7;
/// Records that are ahead of an even pace at most.
const AHEAD: u64 = 20;
/// Operators look after things every so many rounds of a world without faults.
const OPERATE_EVERY: usize = 20;

/// A world.
pub struct World {
    outside: Outside,
    members: Vec<Slot>,
    producer: Producer,
    operator: Operator,
    weather: Weather,
    defect: Option<Defect>,
    latest: MemberId,
    produced: u64,
    outage_until: u64,
}

/// A place for a member, which is empty never: who ends is started anew.
struct Slot {
    member: Member,
    paused_until: u64,
}

impl World {
    /// A world with nothing in it yet.
    #[must_use]
    pub fn new(seed: u64, defect: Option<Defect>, lines: usize) -> Self {
        let mut rng = Rng::new(seed);
        let weather = Weather::drawn(&mut rng);
        let outside = Outside {
            kafka: Kafka::default(),
            group: Group::default(),
            database: Database::new(defect),
            rng,
            trace: Trace::keeping(lines),
        };
        let partitions = i32::try_from(weather.partitions).expect("a few partitions");
        let (producer, operator) =
            (Producer::new(weather.mix, &weather.topics, partitions), Operator::new(defect, &weather.topics));
        let (members, latest, produced, outage_until) = (Vec::new(), 0, 0, 0);
        let mut world =
            Self { outside, members, producer, operator, weather, defect, latest, produced, outage_until };
        world.outside.trace.say(|| format!("{:?}", world.weather));
        for topic in world.weather.topics.clone() {
            for _ in 0..world.weather.partitions {
                world.outside.kafka.grow(topic);
            }
        }
        for _ in 0..world.weather.members {
            let member = world.start();
            world.members.push(Slot { member, paused_until: 0 });
        }
        world
    }

    /// Runs it to the end, or to the first law that is broken, in words.
    pub fn run(mut self) -> (Trace, Option<String>) {
        while self.outside.trace.steps() < self.weather.steps && self.is_lawful() {
            self.step();
        }
        self.calm();
        let Outside { kafka, database, mut trace, .. } = self.outside;
        let broken = match database.tables.broken.clone() {
            Some(broken) => Some(broken),
            None => recount::check(&kafka, &database.tables).err(),
        };
        trace.mix(database.tables.counted.len() as u64);
        trace.mix(database.tables.ledger.digest());
        (trace, broken)
    }

    fn is_lawful(&self) -> bool {
        self.outside.database.tables.broken.is_none()
    }

    fn start(&mut self) -> Member {
        self.latest += 1;
        Member::new(Setup {
            id: self.latest,
            tuning: self.weather.tuning,
            batch_records: self.weather.batch_records,
            floor: self.outside.database.tables.floor,
            defect: self.defect,
        })
    }

    fn step(&mut self) {
        let roll = self.outside.rng.below(100);
        self.outside.trace.step(roll);
        let now = self.outside.trace.steps();
        self.outside.database.open = self.outage_until <= now;
        self.outside.database.now = now;
        self.outside.kafka.now = now;
        if self.weather.week_at < now {
            self.outside.database.tables.ceiling = CEILING_LATER;
        }
        if roll < self.weather.storm {
            return self.storm(now);
        }
        let slot = self.outside.rng.index(self.members.len());
        match roll {
            0..50 => {
                let slots = if self.weather.together { 0..self.members.len() } else { slot..slot + 1 };
                for slot in slots {
                    (0..self.outside.rng.below(self.weather.burst)).for_each(|_| self.act(slot, now));
                }
            }
            50..84 => (0..self.outside.rng.below(self.weather.burst)).for_each(|_| self.execute()),
            84..93 => self.produce(),
            93 => self.let_the_dead_go(),
            94..96 => self.operate(),
            _ => self.outside.group.settle(self.outside.kafka.partitions(), &mut self.outside.rng),
        }
    }

    fn act(&mut self, slot: usize, now: u64) {
        if self.members[slot].paused_until > now {
            return;
        }
        let act = match self.outside.rng.below(100) {
            0..15 => Act::Poll,
            15..30 => Act::Obey,
            30..55 => Act::Fold,
            55..62 => Act::HandOver,
            62..65 => Act::Ask,
            65 => Act::Prove,
            66..80 => Act::Write,
            _ => Act::Work,
        };
        self.act_of(slot, act);
    }

    /// Whoever takes a partition for lost must have lost it to a later claim.
    fn act_of(&mut self, slot: usize, act: Act) {
        let Slot { member, .. } = &mut self.members[slot];
        let verdicts = member.act(act, &mut self.outside);
        for (partition, epoch, incarnation) in verdicts {
            self.outside.trace.event("partitions fenced");
            // A claim that was lost may be there again by now, in another incarnation.
            let is_there = incarnation.is_none_or(|of| of == self.outside.database.incarnation);
            let tables = &mut self.outside.database.tables;
            if is_there && tables.progress_row(partition).epoch == epoch {
                let id = member.id;
                tables.breaks(|| {
                    format!("member {id} takes {partition} for lost, but its claim, {epoch}, stands")
                });
            }
        }
    }

    fn execute(&mut self) {
        let sessions = self.outside.database.sessions();
        if !sessions.is_empty() {
            let session = sessions[self.outside.rng.index(sessions.len())];
            if self.outside.database.execute(session) == Progressed::Waits {
                self.outside.trace.event("waits for a lock");
            }
        }
    }

    fn produce(&mut self) {
        let Weather { records, steps, evenly, .. } = self.weather;
        let due = records * self.outside.trace.steps() / steps + AHEAD;
        if self.produced < if evenly { due.min(records) } else { records } {
            for _ in 0..=self.outside.rng.below(5) {
                let produced = self.producer.produce(&mut self.outside.kafka, &mut self.outside.rng);
                self.produced += u64::from(produced);
            }
        }
    }

    fn storm(&mut self, now: u64) {
        if self.weather.faults.is_empty() {
            return;
        }
        let fault = self.weather.faults[self.outside.rng.index(self.weather.faults.len())];
        let is_rare = fault.is_rare() && !(fault == Fault::Retire && self.operator.has_purged());
        if is_rare && self.outside.rng.chance(RARELY) {
            return;
        }
        let slot = self.outside.rng.index(self.members.len());
        let away = now + self.outside.rng.below(AWAY_STEPS_MAX);
        let Some(happened) = self.strike(fault, slot, away) else { return };
        self.outside.trace.event(happened);
        let member = self.members[slot].member.id;
        self.outside.trace.say(|| format!("{happened} (member {member}, until {away}, if that is meant)"));
    }

    /// Lets a fault happen. Says what happened, if anything.
    fn strike(&mut self, fault: Fault, slot: usize, away: u64) -> Option<&'static str> {
        match fault {
            Fault::Pause => {
                self.members[slot].paused_until = away;
                if self.outside.rng.chance(0.5) {
                    self.outside.group.remove(self.members[slot].member.id);
                }
                Some("members paused")
            }
            Fault::Crash => {
                let member = self.start();
                self.members[slot].member.disconnect(&mut self.outside);
                self.members[slot] = Slot { member, paused_until: away };
                Some("members crashed")
            }
            Fault::LetGo => {
                self.act_of(slot, Act::LetGo);
                Some("revocations not waited for")
            }
            Fault::Outage => {
                self.outside.database.crash();
                self.outage_until = away;
                Some("outages of PostgreSQL")
            }
            Fault::Cut => self.cut(away),
            Fault::Stall => {
                let session = self.vulnerable()?;
                self.outside.database.stall(session, away);
                Some("backends stalled")
            }
            Fault::Kill => {
                let session = self.vulnerable()?;
                self.outside.database.kill(session);
                Some("backends ended")
            }
            Fault::Fail => {
                let session = self.vulnerable()?;
                self.outside.database.fail(session);
                Some("statements failed")
            }
            Fault::Shift => self.shift(),
            Fault::Expel => {
                let members = self.outside.group.members();
                let member = members.get(self.outside.rng.index(members.len()))?;
                self.outside.group.remove(*member);
                Some("members put out")
            }
            Fault::Grow => {
                let topics = &self.weather.topics;
                let topic = topics[self.outside.rng.index(topics.len())];
                let room = self.outside.kafka.count(topic) < PARTITIONS_MAX && !self.operator.changes(topic);
                room.then(|| self.outside.kafka.grow(topic)).map(|_| "partitions added")
            }
            Fault::Floor => self.floor(),
            Fault::Reset
            | Fault::Layout
            | Fault::Forge
            | Fault::Purge
            | Fault::Redrive
            | Fault::Restore
            | Fault::Empty
            | Fault::Retire
            | Fault::Anew
            | Fault::Elect
            | Fault::PutBack => self.meddle(fault),
        }
    }

    /// What operators and brokers do.
    fn meddle(&mut self, fault: Fault) -> Option<&'static str> {
        let Self { operator, outside, producer, .. } = self;
        match fault {
            Fault::Layout => operator.begin_change(outside, producer),
            Fault::Forge => operator.forge(outside),
            Fault::Purge => operator.purge(outside),
            Fault::Redrive => operator.redrive(outside, producer),
            Fault::Restore => operator.restore(outside),
            Fault::Empty => {
                // A member that runs has the key of the fingerprints of before.
                self.restart_all();
                self.operator.empty(&mut self.outside)
            }
            Fault::Retire => {
                self.restart_all();
                self.operator.retire(&mut self.outside)
            }
            Fault::Anew => operator.make_anew(outside),
            Fault::Elect => operator.put_back(false, outside),
            Fault::PutBack => operator.put_back(true, outside),
            Fault::Reset => operator.reset(outside),
            Fault::Pause | Fault::Crash | Fault::Cut | Fault::Stall | Fault::Kill | Fault::Fail => None,
            Fault::Outage | Fault::Shift | Fault::Expel | Fault::LetGo | Fault::Floor | Fault::Grow => None,
        }
    }

    /// Goes on with what operators are at.
    fn operate(&mut self) {
        let Self { operator, outside, producer, .. } = self;
        operator.go_on(outside, producer);
        for _ in 0..producer.abort_abandoned(&mut outside.kafka, &mut outside.rng) {
            outside.trace.event("transactions timed out");
        }
        self.continue_stopped();
    }

    /// Lets partitions continue that members have stopped.
    fn continue_stopped(&mut self) {
        for slot in 0..self.members.len() {
            for partition in self.members[slot].member.stopped() {
                if self.operator.continue_stopped(partition, &mut self.outside) {
                    self.outside.trace.event("stopped partitions continued");
                    self.restart(slot);
                }
            }
        }
    }

    fn restart_all(&mut self) {
        (0..self.members.len()).for_each(|slot| self.restart(slot));
        self.outside.database.crash();
    }

    fn restart(&mut self, slot: usize) {
        let member = self.start();
        self.members[slot].member.disconnect(&mut self.outside);
        self.members[slot].member = member;
    }

    /// A session; rather one that is at something.
    fn vulnerable(&mut self) -> Option<SessionId> {
        let Outside { database, rng, .. } = &mut self.outside;
        // What others wait for, then what has something to do, is where a fault does most.
        let (locking, busy, all) =
            (database.locking_sessions(), database.busy_sessions(), database.sessions());
        let chosen = [locking, busy].into_iter().find(|some| !some.is_empty() && rng.chance(0.7));
        let sessions = chosen.unwrap_or(all);
        sessions.get(rng.index(sessions.len())).copied()
    }

    fn cut(&mut self, away: u64) -> Option<&'static str> {
        let session = self.vulnerable()?;
        let Outside { database, rng, .. } = &mut self.outside;
        database.cut(session, rng);
        if rng.chance(0.5) {
            database.stall(session, away);
        }
        Some("connections cut")
    }

    fn shift(&mut self) -> Option<&'static str> {
        let Outside { kafka, group, rng, .. } = &mut self.outside;
        if group.members().is_empty() {
            return None;
        }
        let partitions: Vec<Partition> = kafka.partitions().collect();
        for _ in 0..=rng.below(SHIFTS_MAX) {
            group.shift(partitions[rng.index(partitions.len())], rng);
        }
        Some("partitions shifted")
    }

    fn floor(&mut self) -> Option<&'static str> {
        let Outside { database, rng, .. } = &mut self.outside;
        if rng.chance(0.5) {
            return (database.tables.drop_old_pages() > 0).then_some("pages dropped");
        }
        let next = FLOORS.into_iter().find(|floor| database.tables.floor < *floor)?;
        database.raise_floor(next).then_some("floors raised")
    }

    /// All faults end; everything that can still happen does, in turns, until all is counted.
    fn calm(&mut self) {
        self.outside.database.open = true;
        self.outside.database.now = u64::MAX;
        self.outside.trace.say(|| "calm from here on".into());
        self.operator.give_up(&mut self.outside, &mut self.producer);
        // The brokers abort what was abandoned.
        let open: Vec<_> = self.outside.kafka.transactions().collect();
        open.into_iter().for_each(|transaction| self.outside.kafka.end_transaction(transaction, false));
        for round in 0..CALM_ROUNDS_MAX {
            if !self.is_lawful() || self.is_at_rest() {
                return;
            }
            self.outside.trace.step(round as u64);
            self.let_the_dead_go();
            if round % OPERATE_EVERY == 0 {
                self.continue_stopped();
            }
            for slot in 0..self.members.len() {
                Act::CALM.into_iter().for_each(|act| self.act_of(slot, act));
                if round % PROVE_EVERY == 0 {
                    self.act_of(slot, Act::Prove);
                }
            }
            for session in self.outside.database.sessions() {
                self.outside.database.execute(session);
            }
            self.outside.group.settle(self.outside.kafka.partitions(), &mut self.outside.rng);
        }
        let Outside { kafka, database, .. } = &mut self.outside;
        let stands = |partition: Partition| database.tables.progress_row(partition).next.unwrap_or(0);
        let behind = kafka.partitions().filter(|partition| stands(*partition) != kafka.end(*partition));
        let behind: Vec<String> = behind
            .map(|partition| format!("{partition} at {} of {}", stands(partition), kafka.end(partition)))
            .collect();
        database.tables.breaks(|| {
            format!("nothing goes on, though nothing is in the way; behind: {}", behind.join(", "))
        });
    }

    fn let_the_dead_go(&mut self) {
        for member in self.outside.group.members() {
            if !self.members.iter().any(|slot| slot.member.id == member) {
                self.outside.group.remove(member);
            }
        }
    }

    /// Whether all that the present logs have is counted, and nobody is at anything.
    fn is_at_rest(&self) -> bool {
        let Outside { kafka, database, .. } = &self.outside;
        let tables = &database.tables;
        let counted = |partition: Partition| {
            let end = kafka.end(partition);
            tables.progress_row(partition).next.unwrap_or(0) == end
                && tables.shared_with(partition, kafka) == end
        };
        kafka.partitions().all(counted) && self.members.iter().all(|slot| slot.member.is_idle())
    }
}
