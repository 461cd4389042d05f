//! Kafka to PostgreSQL: counts every record once.
//!
//! ```text
//! Kafka -> source (one thread) -> bounded channel -> pipeline (one task)
//!          Assigned  -> fetched once it is claimed    claim     raise the partition's epoch
//!          Batch     folded from records             decide    which identities are new: the ledger
//!          Revoked   <- answered when done           claim     begin; move the spans forward: the fence
//!          Broken                                    commit    ledger, lists, counters, progress: one transaction
//!                                                    announce  raise the organizations' versions: Redis, best effort
//!                                                    report    offsets for lag tools: Kafka, best effort
//! ```
//!
//! Pure files do no I/O and read no clock: `record` to `decide` below, and the rows of `store`.

pub mod record;

pub mod refused;

pub mod batch;

pub mod ledger;

pub mod decide;

pub mod announce;
pub mod measure;
pub mod pipeline;
pub mod source;
pub mod store;

// What operators type, beside the stream.
pub mod operator;

pub mod command_line;
pub mod logging;
pub mod migrate;
pub mod run;
pub mod settings;

#[cfg(test)]
mod law_tests;
