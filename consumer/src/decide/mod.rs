//! Deciding: which records of a batch were not counted before, and what follows for a member. Pure.

pub mod changes;
pub mod member;
pub mod progress;
