//! The scheduler: one thing happens at a time, and the dice say which.

use crate::database::{Database, Progressed, SessionId};
use crate::defect::Defect;
use crate::group::{Group, MemberId};
use crate::kafka::Kafka;
use crate::member::{Act, Member, Setup};
use crate::outside::Outside;
use crate::producer::{FLOORS, Producer};
use crate::recount;
use crate::trace::Trace;
use crate::weather::{Fault, Weather};
use consumer::record::{Partition, Topic};
use load::rng::Rng;

/// Rounds that a world without faults gets to come to rest; more than any needs.
const CALM_ROUNDS_MAX: usize = 3_000;
/// Without faults members prove that they hold what they hold every so many rounds.
const PROVE_EVERY: usize = 50;
/// How long a pause or an outage may be, in steps.
const AWAY_STEPS_MAX: u64 = 250;
/// How often in a row a member or the database gets a turn, but for one.
const BURST_MAX: u64 = 6;
/// Partitions given to others at once, but for one.
const SHIFTS_MAX: u64 = 4;
/// Partitions of a topic at most.
const PARTITIONS_MAX: usize = 4;

/// A world.
pub struct World {
    outside: Outside,
    members: Vec<Slot>,
    producer: Producer,
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
        let producer = Producer::new(weather.mix);
        let (members, latest, produced, outage_until) = (Vec::new(), 0, 0, 0);
        let mut world = Self { outside, members, producer, weather, defect, latest, produced, outage_until };
        world.outside.trace.say(|| format!("{:?}", world.weather));
        for topic in Topic::ALL {
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
        trace.mix(database.tables.ledger.values().flatten().fold(0, |sum, n| sum ^ n));
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
        if roll < self.weather.storm {
            return self.storm(now);
        }
        let slot = self.outside.rng.index(self.members.len());
        match roll {
            0..50 => (0..self.outside.rng.below(BURST_MAX)).for_each(|_| self.act(slot, now)),
            50..84 => (0..self.outside.rng.below(BURST_MAX)).for_each(|_| self.execute()),
            84..93 => self.produce(),
            93 => self.let_the_dead_go(),
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
            55..65 => Act::HandOver,
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
        for (partition, epoch) in verdicts {
            self.outside.trace.event("partitions fenced");
            let tables = &mut self.outside.database.tables;
            if tables.progress_row(partition).epoch == epoch {
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
        if self.produced < self.weather.records {
            let count = 1 + self.outside.rng.below(5);
            for _ in 0..count {
                self.producer.produce(&mut self.outside.kafka, &mut self.outside.rng);
            }
            self.produced += count;
        }
    }

    fn storm(&mut self, now: u64) {
        if self.weather.faults.is_empty() {
            return;
        }
        let fault = self.weather.faults[self.outside.rng.index(self.weather.faults.len())];
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
                let topic = Topic::ALL[self.outside.rng.index(3)];
                let room = self.outside.kafka.of(topic).count() < PARTITIONS_MAX;
                room.then(|| self.outside.kafka.grow(topic)).map(|_| "partitions added")
            }
            Fault::Floor => self.floor(),
            Fault::Reset => self.reset(),
        }
    }

    /// A session; rather one that is at something.
    fn vulnerable(&mut self) -> Option<SessionId> {
        let Outside { database, rng, .. } = &mut self.outside;
        let (all, busy) = (database.sessions(), database.busy_sessions());
        let sessions = if busy.is_empty() || rng.chance(0.3) { all } else { busy };
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

    fn reset(&mut self) -> Option<&'static str> {
        let Outside { kafka, database, rng, .. } = &mut self.outside;
        let partitions: Vec<Partition> = kafka.partitions().collect();
        let partition = partitions[rng.index(partitions.len())];
        let next = database.tables.progress_row(partition).next?;
        let to = rng.below(next.cast_unsigned() + 1).cast_signed();
        database.reset(partition, to).then_some("partitions set back")
    }

    /// All faults end; everything that can still happen does, in turns, until all is counted.
    fn calm(&mut self) {
        self.outside.database.open = true;
        self.outside.database.now = u64::MAX;
        self.outside.trace.say(|| "calm from here on".into());
        for round in 0..CALM_ROUNDS_MAX {
            if !self.is_lawful() || self.is_at_rest() {
                return;
            }
            self.outside.trace.step(round as u64);
            self.let_the_dead_go();
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
        let behind = kafka.partitions().find(|partition| {
            database.tables.progress_row(*partition).next.unwrap_or(0) != kafka.end(*partition)
        });
        database
            .tables
            .breaks(|| format!("nothing goes on, though nothing is in the way; behind: {behind:?}"));
    }

    fn let_the_dead_go(&mut self) {
        for member in self.outside.group.members() {
            if !self.members.iter().any(|slot| slot.member.id == member) {
                self.outside.group.remove(member);
            }
        }
    }

    fn is_at_rest(&self) -> bool {
        let Outside { kafka, database, .. } = &self.outside;
        let counted = |partition: Partition| {
            database.tables.progress_row(partition).next.unwrap_or(0) == kafka.end(partition)
        };
        kafka.partitions().all(counted) && self.members.iter().all(|slot| slot.member.is_idle())
    }
}
