//! The binary `query-api`: reads the settings and serves.

use query_api::settings::Settings;
use std::process::ExitCode;

/// A cached answer takes dozens of small allocations, most of them in the layers of the HTTP stack.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit code for settings that can't be used.
const BAD_SETTINGS: u8 = 2;

#[tokio::main]
#[expect(clippy::print_stderr, reason = "the last sentence of a process that can't start is for people")]
async fn main() -> ExitCode {
    let settings = match Settings::read() {
        Ok(settings) => settings,
        Err(wrong) => {
            eprintln!("query-api: {wrong}");
            return ExitCode::from(BAD_SETTINGS);
        }
    };
    match query_api::run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("query-api: {error}");
            ExitCode::from(BAD_SETTINGS)
        }
    }
}
