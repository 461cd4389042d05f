//! The binary `query-api`: reads the settings and serves.

use clap::Parser as _;
use query_api::settings::Settings;
use std::process::ExitCode;

/// An answer from the cache is some dozens of small allocations, most of them in the layers of the HTTP stack.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit code of a process that could not start as it was set up.
const BAD_SETTINGS: u8 = 2;

#[tokio::main]
#[expect(clippy::print_stderr, reason = "the last sentence of a process that can't start is for people")]
async fn main() -> ExitCode {
    match query_api::run(Settings::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            eprintln!("query-api: {refusal}");
            ExitCode::from(BAD_SETTINGS)
        }
    }
}
