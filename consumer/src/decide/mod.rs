//! Decides which records of a batch are new, and updates the member's memory after the commit. Pure.

pub mod backlog;
pub mod changes;
pub mod held_partition;
pub mod member;
pub mod narrowing;
pub mod outcome;
pub mod stalls;
pub mod undecided;
