//! The operator's commands: each looks, or does one thing, says what it did, and ends.
//!
//! Answers go to standard output, everything about them (how far it is, what went wrong) to standard error.

mod audit;
mod console;
mod dead_letters;
mod moment;
mod progress;
mod redrive;
mod reset;
mod table;

use crate::cluster;
use crate::settings::{BadSetting, Database};
use std::process::ExitCode;

/// What an operator asks for.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// See how far the topics have been counted, and set it.
    #[command(subcommand)]
    Progress(Progress),
    /// Look at the records that were refused, and publish them again.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Compare the ledger's sums with the counters the dashboard reads: two sets of books that must agree.
    Audit(Box<audit::Audit>),
}

/// Commands about where partitions stand.
#[derive(Debug, clap::Subcommand)]
pub enum Progress {
    /// Where every partition stands: claim, next offset, Kafka's end, lag, owner.
    Show(Box<progress::Show>),
    /// Set where partitions go on, after a topic was made anew or lost records that were not counted yet.
    Reset(Box<reset::Reset>),
}

/// Commands about refused records.
#[derive(Debug, clap::Subcommand)]
pub enum DeadLetters {
    /// A page of refused records, with reason and place.
    List(Box<dead_letters::List>),
    /// One refused record, whole.
    Show(Box<dead_letters::Show>),
    /// Publish refused records again, to the topic and partition they came from.
    Redrive(Box<redrive::Redrive>),
}

/// The exit code of an audit that could not read the books: 1 says that they differ.
const UNREAD: u8 = 3;

/// How a command ended that could do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As asked.
    Good,
    /// Not all of what was asked for could be, or what was looked at is not as it should be.
    Bad,
}

impl Command {
    /// What it needs of Kafka, if anything.
    pub fn cluster(&mut self) -> Option<&mut cluster::Settings> {
        match self {
            Self::Progress(Progress::Show(show)) => Some(&mut show.cluster),
            Self::Progress(Progress::Reset(reset)) => Some(&mut reset.cluster),
            Self::DeadLetters(DeadLetters::Redrive(redrive)) => Some(&mut redrive.cluster),
            Self::DeadLetters(DeadLetters::List(_) | DeadLetters::Show(_)) | Self::Audit(_) => None,
        }
    }

    /// The database it is about.
    #[must_use]
    pub fn database(&self) -> &Database {
        match self {
            Self::Progress(Progress::Show(show)) => &show.database,
            Self::Progress(Progress::Reset(reset)) => &reset.database,
            Self::DeadLetters(DeadLetters::List(list)) => &list.database,
            Self::DeadLetters(DeadLetters::Show(show)) => &show.database,
            Self::DeadLetters(DeadLetters::Redrive(redrive)) => &redrive.database,
            Self::Audit(audit) => &audit.database,
        }
    }
}

/// Does it, and says what went wrong in a sentence.
pub async fn operate(command: Command) -> ExitCode {
    let could_not =
        if matches!(command, Command::Audit(_)) { ExitCode::from(UNREAD) } else { ExitCode::FAILURE };
    let ended = match command {
        Command::Progress(Progress::Show(show)) => progress::show(&show).await,
        Command::Progress(Progress::Reset(reset)) => reset::reset(&reset).await,
        Command::DeadLetters(DeadLetters::List(list)) => dead_letters::list(&list).await,
        Command::DeadLetters(DeadLetters::Show(show)) => dead_letters::show(&show).await,
        Command::DeadLetters(DeadLetters::Redrive(redrive)) => redrive::redrive(&redrive).await,
        Command::Audit(audit) => audit::audit(&audit).await,
    };
    match ended {
        Ok(Ending::Good) => ExitCode::SUCCESS,
        Ok(Ending::Bad) => ExitCode::FAILURE,
        // Whoever reads the answer has seen enough of it.
        Err(error) if console::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            console::tell(format_args!("{error:#}"));
            let code = error.downcast_ref::<BadSetting>().map(|_| ExitCode::from(BadSetting::EXIT));
            code.unwrap_or(could_not)
        }
    }
}
