//! Whole-system stories: what the system promises, told by running it.

mod answers;
mod commands;
mod counting;
mod floods;
mod harness;
mod interruptions;
mod ledger;
mod many;
mod operators;
mod outages;
mod ranges;
mod refusals;
mod repeats;
mod telling;
mod tokens;
mod transactions;
