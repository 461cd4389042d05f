//! The binary `query-api`: reads the settings and serves.

use query_api::settings::CommandLine;
use std::io::Write as _;
use std::process::ExitCode;

/// A cached answer takes dozens of small allocations, most of them in the layers of the HTTP stack.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit code for settings that can't be used.
const BAD_SETTINGS: u8 = 2;

#[tokio::main]
#[expect(clippy::print_stderr, reason = "the last sentence of a process that can't start is for people")]
async fn main() -> ExitCode {
    let CommandLine { settings, check_config, ready, in_force } = match CommandLine::read() {
        Ok(line) => line,
        Err(wrong) => {
            eprintln!("query-api: {wrong}");
            return ExitCode::from(BAD_SETTINGS);
        }
    };
    if ready {
        return match admin::ready::ask(settings.server.admin_addr) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("query-api: {why}");
                ExitCode::FAILURE
            }
        };
    }
    let ended = if check_config {
        query_api::check(&settings).inspect(|_| {
            let said = "the settings can be used; no server was asked";
            // Whoever closes standard output doesn't want to know.
            let _ = writeln!(std::io::stdout(), "{in_force}\n{said}");
        })
    } else {
        query_api::run(settings, &in_force).await
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("query-api: {error}");
            ExitCode::from(BAD_SETTINGS)
        }
    }
}
