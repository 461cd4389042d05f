//! The operator's commands: each looks, or does one thing, says what it did, and ends.
//!
//! Answers go to standard output, everything about them (how far it is, what went wrong) to standard error.

mod audit;
mod console;
mod dead_letters;
mod ending;
mod layout;
mod moment;
mod progress;
mod redrive;
mod redrive_runs;
mod reset;
mod table;

use crate::settings::BadSetting;
use crate::source::cluster;
use crate::store::settings::Database;
use ending::Ending;
use std::process::ExitCode;

/// What an operator asks for.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// See how far the topics have been counted, and set it.
    #[command(subcommand)]
    Progress(Progress),
    /// See how a topic's records are spread over partitions, and change it.
    #[command(subcommand)]
    Layout(Layout),
    /// Look at the records that were refused, and publish them again.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Compares what the ledger says it admitted with what the buckets say, counter by counter: the ledger with the quarters of
    /// an hour of all organizations together, and the quarters with hours and days, organization by organization.
    ///
    /// It runs beside members that count: everything is read in one snapshot, day by day. A long run holds back vacuum
    /// meanwhile; with --replica-url it reads from a replica instead.
    ///
    /// Only what both books still have is compared: the ledger from its floor on (LEDGER_RETENTION_DAYS), quarters within
    /// QUARTER_RETENTION_DAYS.
    ///
    /// Ends with 0 if the books agree, 1 if they differ, 2 for bad settings, 3 if they could not be read.
    Audit(Box<audit::Audit>),
}

/// Commands about where partitions stand.
#[derive(Debug, clap::Subcommand)]
pub enum Progress {
    /// Shows where every partition stands: the claim's number (epoch), the offset of the next record to count, Kafka's end, how
    /// many offsets lie between (lag), the instant through which everything is counted, and whose the partition is.
    ///
    /// A negative lag says that Kafka's end lies before what was counted: the topic was made anew, and the partition waits
    /// for `consumer progress reset`.
    Show(Box<progress::Show>),
    /// Sets the offset of the next record to count, for one partition or all of a topic.
    ///
    /// Stop the members first: it is refused while one is live on a partition meant (Kafka's consumer group is asked, and the
    /// partitions' rows are watched for a moment). Whoever might hold a partition all the same is fenced: the claim's number
    /// is raised, so that it can't write any more.
    ///
    /// Going back is safe: records that the ledger remembers aren't counted twice, and those older than it remembers are
    /// refused as too_old, never counted again. Going forward skips: what lies between is not counted unless you go back. See
    /// both with --dry-run.
    ///
    /// A topic made anew starts at --to earliest.
    Reset(Box<reset::Reset>),
}

/// Commands about how records are spread over partitions.
#[derive(Debug, clap::Subcommand)]
pub enum Layout {
    /// Shows the number of a topic's layout, how many partitions Kafka has, and how many offsets are not counted yet.
    Show(Box<layout::Layout>),
    /// Changes a topic's layout: more partitions, or another style of key.
    ///
    /// A record is recognized as a copy in the partition where the first one was. More partitions, or other keys, send copies
    /// elsewhere; so the change is made while nothing is under way:
    ///
    /// First stop the producers of the topic; members go on. Then run this command. It checks that nothing is written any more,
    /// waits until all of it is counted, closes the old layout (from then on its part of the ledger is looked into by all
    /// partitions), adds the partitions if asked to, and checks once more. When it says so, let the producers go on, with the
    /// new keys.
    ///
    /// It can be interrupted at any time: until it says that it closes the old layout, nothing has changed; after that, run
    /// it again. For LEDGER_RETENTION_DAYS after the change looking for copies reads more of the ledger.
    Change(Box<layout::Change>),
}

/// Commands about refused records.
#[derive(Debug, clap::Subcommand)]
pub enum DeadLetters {
    /// Lists refused records by topic, partition and offset, a page at a time.
    ///
    /// Where more follow, the last line says how to go on: with --after and the place of the last one shown.
    ///
    /// In a flood (DEAD_LETTERS_WHOLE_PER_HOUR) only places and reasons are kept of most. Those follow in a table of their
    /// own: how many, the first and the last, by partition and reason.
    List(Box<dead_letters::List>),
    /// Shows all that is kept of one refused record: key, headers and payload as text where they are text, as hex otherwise.
    /// Where only its place is, it says how to read it from Kafka.
    Show(Box<dead_letters::Show>),
    /// Publishes refused records again, to the topic and partition they came from: key, headers and payload unchanged, but for
    /// the header redrive-count. Do it when the cause is gone: a record from the future whose time has come, a consumer that
    /// knows the new status.
    ///
    /// It is safe: a record that was counted meanwhile isn't counted twice. It can be interrupted, and simply done again.
    ///
    /// A dead letter stays where it is, marked as redriven, and isn't chosen again without --again. A record that is refused
    /// again makes a dead letter of its own.
    ///
    /// Records that were cut, or of which only the place was kept, are read again from Kafka. Those that Kafka no longer has
    /// can't be redriven.
    ///
    /// Ends with 1 if something chosen could not be redriven.
    Redrive(Box<redrive::Redrive>),
}

/// The exit code of an audit that could not read the books: 1 says that they differ.
const UNREAD: u8 = 3;

impl Command {
    /// What it needs of Kafka, if anything.
    pub fn cluster(&mut self) -> Option<&mut cluster::Settings> {
        match self {
            Self::Progress(Progress::Show(show)) => Some(&mut show.cluster),
            Self::Progress(Progress::Reset(reset)) => Some(&mut reset.cluster),
            Self::Layout(Layout::Show(show)) => Some(&mut show.cluster),
            Self::Layout(Layout::Change(change)) => Some(&mut change.layout.cluster),
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
            Self::Layout(Layout::Show(show)) => &show.database,
            Self::Layout(Layout::Change(change)) => &change.layout.database,
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
        Command::Layout(Layout::Show(show)) => layout::show(&show).await,
        Command::Layout(Layout::Change(change)) => layout::change(&change).await,
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
            console::tell(sentence(&error));
            let code = error.downcast_ref::<BadSetting>().map(|_| ExitCode::from(BadSetting::EXIT));
            code.unwrap_or(could_not)
        }
    }
}

/// What went wrong and why. Some causes repeat in their words what caused them; it is said once.
fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said.as_str() {
        "" => cause,
        before if before.contains(&cause) => said,
        before => format!("{before}: {cause}"),
    })
}
