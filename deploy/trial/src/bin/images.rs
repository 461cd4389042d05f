//! `cargo xtask images`: its command line.

use clap::Parser;
use std::process::ExitCode;

/// Builds the images of deploy/Containerfile on a base made here, runs them on real servers, and checks what they promise.
///
/// Needs root, and Debian's buildah, podman, crun and debootstrap. The first run takes 10 to 20 minutes, and 5 GB below target/.
#[derive(Parser)]
#[command(name = "cargo xtask images", max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    options: trial::images::Options,
}

#[tokio::main]
async fn main() -> ExitCode {
    trial::images::run(Arguments::parse().options).await.unwrap_or_else(|error| {
        machine::say::problem(format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}
