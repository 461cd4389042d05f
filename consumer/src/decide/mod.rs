//! Deciding: which records of a batch were not counted before, and what a member remembers of it. Pure.

pub mod changes;
pub mod held_partition;
pub mod member;
pub mod outcome;
pub mod undecided;
