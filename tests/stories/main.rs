//! Whole-system stories: what the system promises, told by running it.

mod answers;
mod chaos;
mod commands;
mod commits;
mod completeness;
mod counting;
mod executions;
mod fairness;
mod floods;
mod harness;
mod interruptions;
mod layouts;
mod ledger;
mod locks;
mod many;
mod operators;
mod outages;
mod ranges;
mod redrives;
mod refusals;
mod repeats;
mod resets;
mod telling;
mod tokens;
mod transactions;
mod zones;
