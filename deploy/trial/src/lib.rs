//! What `deploy/` describes, tried on this machine: images are built and run on real servers, the chart is checked by a real API
//! server.
//!
//! ```text
//! steps       what passed, what failed, what is skipped for which reason
//! command     programs that must succeed
//! go          modules and programs of Go, fetched once
//! images      base -> built -> container -> checked           `cargo xtask images`
//! kubernetes  chart -> schemas -> API server                  `cargo xtask kubernetes`
//! ```

pub mod images;
pub mod kubernetes;

mod command;
mod go;
mod steps;
