//! A member: the production code for folding, deciding, remembering and rows, in the order the protocol asks for. The
//! only module that calls the code under test.

mod between;
mod line;
mod pipeline;
mod reader;
mod rows;
mod setup;
mod verdict;
mod writer;

pub use setup::Setup;
pub use verdict::Verdict;

use crate::group::MemberId;
use crate::outside::Outside;
use between::Between;
use consumer::record::Partition;
use pipeline::Pipeline;
use reader::Reader;
use std::collections::{BTreeMap, VecDeque};

/// A member of the group.
pub struct Member {
    /// Its name.
    pub id: MemberId,
    reader: Reader,
    pipeline: Pipeline,
    between: Between,
}

/// What a member can do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Hear from the group.
    Poll,
    /// Fold some records.
    Fold,
    /// Give the batch, or what else is in line, to the pipeline.
    HandOver,
    /// Take the pipeline's orders.
    Obey,
    /// Give up waiting for the pipeline.
    LetGo,
    /// Go on with what the pipeline is at.
    Work,
    /// Go on with what the writer is at.
    Write,
    /// Ask Kafka where partitions end, or take the answer.
    Ask,
    /// Work, or where it is at nothing prove that an idle partition is this member's.
    Prove,
}

impl Act {
    /// What goes on while all is well.
    pub const CALM: [Self; 7] =
        [Self::Poll, Self::Obey, Self::Fold, Self::HandOver, Self::Ask, Self::Work, Self::Write];
}

impl Member {
    /// A member that has just started.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        Self {
            id: setup.id,
            reader: Reader::new(setup),
            pipeline: Pipeline::new(setup),
            between: Between {
                wanted: BTreeMap::new(),
                channel: VecDeque::new(),
                orders: VecDeque::new(),
                floor: setup.floor,
                done: 0,
                logs: BTreeMap::new(),
            },
        }
    }

    /// Does something. Says what it took for lost meanwhile.
    pub fn act(&mut self, act: Act, outside: &mut Outside) -> Vec<Verdict> {
        let Self { reader, pipeline, between, .. } = self;
        match act {
            Act::Poll => reader.poll(between, outside),
            Act::Fold => reader.fold(between, outside),
            Act::HandOver => reader.hand_over(between),
            Act::Obey => reader.obey(between, outside),
            Act::LetGo => reader.let_go(outside),
            Act::Ask => pipeline.ask_ends(outside),
            Act::Work => pipeline.work(between, outside, false),
            Act::Write => pipeline.writer.work(between, outside),
            Act::Prove => pipeline.work(between, outside, true),
        }
        std::mem::take(&mut pipeline.verdicts)
    }

    /// Cuts its connections: its process has ended.
    pub fn disconnect(&mut self, outside: &mut Outside) {
        self.pipeline.hang_up(outside);
    }

    /// The partitions that it has stopped reading, because their log isn't the one that was counted.
    #[must_use]
    pub fn stopped(&self) -> Vec<Partition> {
        self.pipeline.stopped()
    }

    /// Whether there is nothing it is at.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let between = &self.between;
        self.reader.is_idle()
            && self.pipeline.is_idle()
            && between.channel.is_empty()
            && between.orders.is_empty()
    }
}
