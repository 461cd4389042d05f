//! Counts records from Kafka into PostgreSQL, each exactly once.
//!
//! A record's life:
//!
//! ```text
//! Kafka -> source (one thread) -> bounded channel -> pipeline (one task)
//!          Assigned  -> fetched once it is claimed    claim     raise the partition's epoch
//!          Batch     folded from records              decide    which identities are new: the ledger
//!          Revoked   <- answered when done            fence     begin; compare-and-set the progress     } the writer,
//!          Broken                                     commit    ledger, lists, counters, all at once    } one thread
//!                                                     announce  raise the organizations' versions: Redis, best effort
//!                                                     report    offsets for lag tools: Kafka, best effort
//! ```
//!
//! The rooms, in the order in which a record passes through them. A pure room does no I/O and reads no clock.
//!
//! * [`record`], pure: from bytes to a record's meaning.
//! * [`refused`], pure: what is kept of bad records.
//! * [`batch`], pure: records folded together, still undecided.
//! * [`ledger`], pure: which identities have been counted.
//! * [`decide`], pure: what a batch changes, what follows.
//! * [`source`]: Kafka, polled and folded into batches.
//! * [`store`]: PostgreSQL, claims, reads and writes. Its `rows` are pure.
//! * [`announce`]: Redis, told which organizations have changed.
//! * [`pipeline`]: the order of all steps.
//! * [`operator`]: commands that people type.
//!
//! Beside the rooms: [`limits`] must agree with one another, [`floor`] is what source and writer share, [`clock`] the database's
//! time, [`measure`] has the metrics, [`trace`] the spans of a batch, [`upkeep`] the rhythm of the store's tasks; [`command_line`], [`run`] and the rest read
//! the settings, wire the rooms together, and start and stop them.

pub mod record;

pub mod refused;

pub mod batch;

pub mod ledger;

pub mod decide;

pub mod source;

pub mod store;

pub mod announce;

pub mod pipeline;

pub mod operator;

pub mod clock;
pub mod floor;
pub mod limits;
pub mod measure;
pub mod trace;

pub mod check_config;
pub mod command_line;
pub mod logging;
pub mod member_settings;
pub mod migrate;
pub mod run;
pub mod settings;
pub mod signals;
pub mod upkeep;

#[cfg(test)]
mod law_tests;
