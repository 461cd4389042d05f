//! `cargo xtask kubernetes`: its command line.

use clap::Parser;
use std::process::ExitCode;

/// Renders deploy/helm/business-metrics with several values, and checks the result by helm, by kubeconform with Kubernetes' own
/// schemas, and by a server-side dry run against a real API server.
///
/// Needs go, kubectl, openssl and Debian's etcd-server; go builds the rest, which takes 10 to 30 minutes the first time. What a
/// missing tool would check is skipped, and named.
#[derive(Parser)]
#[command(name = "cargo xtask kubernetes", max_term_width = 100)]
struct Arguments {}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments {} = Arguments::parse();
    trial::kubernetes::run().await.unwrap_or_else(|error| {
        machine::say::problem(format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}
