//! The `consumer` binary: reads the command line, runs one command, says how it ended.

use consumer::settings::{Command, CommandLine};
use std::process::ExitCode;

fn main() -> ExitCode {
    let line = CommandLine::read();
    consumer::logging::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ended = runtime.map_err(Into::into).and_then(|runtime| {
        runtime.block_on(async {
            match line.command {
                Command::Run(settings) => consumer::run::run(*settings).await,
                Command::Migrate(settings) => consumer::migrate::migrate(&settings).await,
            }
        })
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
