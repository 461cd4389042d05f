//! The `consumer` binary: reads the command line, runs one command, and reports how it ended.

use consumer::command_line::{Command, CommandLine};
use consumer::settings::BadSetting;
use std::process::ExitCode;

/// Replaces C's `malloc` as well as Rust's allocator: librdkafka allocates each record on one thread and frees it on
/// another, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    consumer::logging::start();
    consumer::signals::end_on_panic();
    let line = match CommandLine::read() {
        Ok(line) => line,
        Err(wrong) => return refuse(&wrong),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ended = runtime.map_err(Into::into).and_then(|runtime| {
        let ended = runtime.block_on(async {
            match line.command {
                Command::Run(settings) if settings.check_config => {
                    consumer::check_config::check(&settings, &line.in_force).map(|()| ExitCode::SUCCESS)
                }
                Command::Run(settings) => {
                    let (version, settings_chosen) = (env!("CARGO_PKG_VERSION"), line.in_force.chosen());
                    tracing::info!(version, settings = settings_chosen, "starting");
                    consumer::run::run(*settings).await.map(|()| ExitCode::SUCCESS)
                }
                Command::Migrate(settings) => {
                    consumer::migrate::migrate(&settings).await.map(|()| ExitCode::SUCCESS)
                }
                Command::Operate(command) => Ok(consumer::operator::operate(command).await),
            }
        });
        // A thread that still waits for Kafka must not delay the exit.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(code) => code,
        Err(error) => match error.downcast_ref::<BadSetting>() {
            Some(wrong) => refuse(wrong),
            None => {
                tracing::error!(error = format!("{error:#}"), "the command failed");
                ExitCode::FAILURE
            }
        },
    }
}

#[allow(clippy::print_stderr)] // the answer is for the person at the command line, not for the log
fn refuse(wrong: &BadSetting) -> ExitCode {
    eprintln!("consumer: {wrong}");
    ExitCode::from(BadSetting::EXIT)
}
