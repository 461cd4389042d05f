//! `cargo xtask services`: runs Kafka, PostgreSQL and Redis until Ctrl-C.

use machine::say;
use stack::{Purpose, Services};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    run().await.unwrap_or_else(|error| {
        say::problem(format_args!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

async fn run() -> anyhow::Result<ExitCode> {
    let services = Services::start(Purpose::Demo).await?;
    say::line(format_args!("DATABASE_URL={}", services.postgres.url().as_str()));
    say::line("Ctrl-C ends them.");
    tokio::signal::ctrl_c().await?;
    drop(services);
    Ok(ExitCode::SUCCESS)
}
