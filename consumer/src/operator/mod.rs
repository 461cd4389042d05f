//! The operator's commands: each shows something or does one thing, reports that, and ends.
//!
//! Answers go to standard output, progress and errors to standard error.

mod audit;
mod check;
mod console;
mod dead_letters;
mod doctor;
mod ending;
mod erase;
mod layout;
mod moment;
mod progress;
mod ready;
mod recount;
mod redrive;
mod reset;
mod shown;
mod table;

pub use console::{Advance, answer};

use crate::settings::BadSetting;
use crate::source::cluster;
use crate::store::settings::Database;
use ending::Ending;
use std::process::ExitCode;

/// An operator's command.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show how far the topics have been counted, and reset it.
    #[command(subcommand)]
    Progress(Progress),
    /// Show how a topic's records are spread over partitions, and change that.
    #[command(subcommand)]
    Layout(Layout),
    /// List the records that were refused, show them, and publish them again.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Compare the ledger's sums with the buckets, counter by counter: the ledger with the quarters of an hour of all
    /// organizations together, and hours with days, organization by organization.
    ///
    /// Members may count meanwhile: everything is read in one snapshot, day by day. The snapshot holds back vacuum for as long
    /// as the command runs; with --replica-url it reads from a replica instead.
    ///
    /// The ledger is compared from its floor on (LEDGER_RETENTION_DAYS), which is as far as it reaches. What `consumer erase` has
    /// erased is still in the ledger's sums, and booked in erased_counters.
    ///
    /// The exit code is 0 if the books agree, 1 if they differ, 2 for a wrong setting, 3 if the books could not be read.
    Audit(Box<audit::Audit>),
    /// Read the log anew, and compare what the tables must be with what they are, value by value.
    ///
    /// The command reads Kafka with a reader of its own, outside of the consumer group, from each partition's start to where the
    /// tables stand. It decodes and judges records by code that shares nothing with the members', and keeps whole identities
    /// where the ledger keeps fingerprints. What doesn't fit into memory is sorted on disk. Members may count meanwhile.
    ///
    /// Ctrl-C pauses it: run it again with the same settings, and it goes on.
    ///
    /// The exit code is 0 if the tables are equal to the log, 1 if they differ, 2 for a wrong setting, 3 if the log or the tables
    /// could not be read, 130 if it was paused.
    Recount(Box<recount::Recount>),
    /// Erase an organization: its counters, failed runs, refusals and dead letters, its name and plan, its settings and webhooks, and its
    /// cached answers. This can't be undone. Run it with --dry-run first: it says how many rows each table has.
    ///
    /// Members may count meanwhile, records of this organization included. The command deletes rows some at a time, and nobody waits
    /// for it for more than a second. At the end it draws a boundary: what was counted before is gone, and what is counted after it
    /// begins anew, with new records. Ctrl-C pauses it, and whatever else ends it does no harm: run it again, and it goes on.
    ///
    /// First it waits, for half a minute, until members have counted each partition to where it ended when the command began. If they
    /// are stopped or catch up for longer, it names the partitions and refuses: what they have yet to count would count afterwards.
    /// With --despite-lag it erases all the same. Nobody can redrive dead letters meanwhile.
    ///
    /// consumer erase --organization acme --yes
    ///
    /// Stop the organization's producers before, and revoke its tokens. The ledger keeps the fingerprints of its records, which are
    /// keyed hashes without an organization: a record that was counted before never counts again. But an update of the organization
    /// brings its name back, and a record that can't be counted becomes a dead letter again.
    ///
    /// What stays: a line in the table `erasures`, with the organization's id, who erased it, when, and how many rows; records in
    /// Kafka, until its retention deletes them; and backups. After a backup from before is restored, erase again.
    ///
    /// `consumer audit` and `consumer recount` know of erasures. The exit code is 0 if it is done, 1 if it failed, 2 for a wrong
    /// setting or without --yes, 130 if it was paused.
    Erase(Box<erase::Erase>),
    /// Say what the members would make of a record whose value is on standard input. Needs no database and no Kafka.
    ///
    /// The answer has the value's format, the record's identity, what it adds and where, what its key is and where it belongs; or
    /// the reason why it is refused, with what is wrong.
    ///
    /// consumer check-record --topic business-metrics.events.v1 --key acme < order.bin
    ///
    /// The exit code is 0 if the record is accepted, 1 if it is refused, 2 for a wrong setting, 3 if the value could not be read.
    CheckRecord(Box<check::CheckRecord>),
    /// Say what the members would make of a topic's newest records, or of those to come. Needs only Kafka.
    ///
    /// The command reads with a reader of its own, outside of the consumer group, and commits nothing. The summary has how many records
    /// would be counted, how many are refused for which reason with an example, which lie in another partition than their key's, the
    /// formats, and repeats within what was read. Values are shown only with --payloads.
    ///
    /// The exit code is 0 if no record is refused or misplaced, 1 if one is, 2 for a wrong setting, 3 if the topic could not be read.
    CheckTopic(Box<check::CheckTopic>),
    /// Check everything that members depend on: brokers, topics and their settings, rights, the consumer group, PostgreSQL, its schema
    /// and this role, Redis, clocks, memory, and sizes that must agree. Changes nothing, and joins no group.
    ///
    /// Give it the members' settings, and run it where they run: with their network, clock and memory. Each finding is a line: ok,
    /// warning or fault, the check, what was seen, and what to do. A dependency that hangs takes --wait at most, and hides no other.
    ///
    /// docs/operating.md has a table of all checks. The exit code is 0 if there is no fault, 1 if there is one, 2 for a wrong setting.
    Doctor(Box<doctor::Doctor>),
    /// Ask the member that runs on this machine whether it is ready, for the health check of an image that has no shell.
    ///
    /// The exit code is 0 if it is ready; otherwise 1, and standard error says why.
    Ready(ready::Ready),
}

/// Commands about the partitions' progress.
#[derive(Debug, clap::Subcommand)]
pub enum Progress {
    /// Show the progress of every partition: the epoch of its claim, the offset of the next record to count, Kafka's end, the
    /// offsets between the two (lag), the instant through which everything is counted, and the member that owns the partition.
    ///
    /// Without a lag, Kafka's end lies before what was counted: the log went back, or the topic was made anew, and the partition
    /// waits for `consumer progress reset`. MISPLACED counts the records that lay in another partition than their key's.
    Show(Box<progress::Show>),
    /// Set the offset of the next record to count, for one partition or all partitions of a topic.
    ///
    /// Stop the members first. The command is refused while a member is live on one of the partitions: it asks Kafka's consumer
    /// group, and watches the partitions' rows for a moment. It also raises the partitions' epochs, so that a member that
    /// still holds one can't write any more.
    ///
    /// Going back is safe: records that the ledger remembers are not counted twice, and older records are refused as too_old.
    /// Going forward skips records: they are not counted unless you go back. --dry-run shows the effect of either.
    ///
    /// For a topic that was made anew, use --to earliest.
    Reset(Box<reset::Reset>),
}

/// Commands about a topic's layout.
#[derive(Debug, clap::Subcommand)]
pub enum Layout {
    /// Show the number of a topic's layout, how many partitions it has, and how many offsets are not counted yet.
    Show(Box<layout::Layout>),
    /// Change a topic's layout: more partitions, or another style of key.
    ///
    /// A copy of a record is recognized in the partition of the first one. With more partitions or other keys, copies go to
    /// other partitions, so the layout must change while no record is in flight:
    ///
    /// First stop the producers of the topic, and leave the members running. Then run this command. It checks every right that it
    /// needs, and that nothing is written any more. It waits until everything is counted, also behind open transactions. Then it
    /// ends the layout at the offset that each partition has reached, in Kafka (LAYOUTS_TOPIC) and in the database: from then on
    /// all partitions look for copies in its part of the ledger. It adds the partitions if asked to, and checks again. When it
    /// says so, let the producers go on, with the new keys.
    ///
    /// You can interrupt it at any time. Nothing has changed until it says that it ends the layout; after that, run it again.
    /// For LEDGER_RETENTION_DAYS after the change, looking for copies reads more of the ledger.
    Change(Box<layout::Change>),
    /// Announce in Kafka where earlier layouts of a topic ended, as far as only the database knows it: after an upgrade from a
    /// version that kept layouts in the database alone, or if the layouts' topic was lost.
    Announce(Box<layout::Announce>),
}

/// Commands about refused records.
#[derive(Debug, clap::Subcommand)]
pub enum DeadLetters {
    /// List refused records by topic, partition and offset, a page at a time.
    ///
    /// If more follow, the last line names the --after that shows the next page.
    ///
    /// In a flood (see DEAD_LETTERS_WHOLE_PER_HOUR) only place and reason are kept of most records. A second table lists those by
    /// partition and reason: how many, the first and the last.
    List(Box<dead_letters::List>),
    /// Show all that is kept of one refused record: key, headers and payload, as text where they are text and as hex otherwise.
    /// If only its place is kept, show how to read the record from Kafka.
    Show(Box<dead_letters::Show>),
    /// Publish refused records again, to the topic they came from and the partition where their key belongs by now; a record
    /// without a key goes to the partition it came from. Key, headers and payload are unchanged, except for the header
    /// redrive-count. Redrive records when the cause is gone: the time of a record from the future has come, or
    /// the consumer has learned a new status.
    ///
    /// Redriving is safe: a record that was counted meanwhile is not counted twice. The command can be interrupted and run again.
    ///
    /// A dead letter stays where it is, marked as redriven, and is not selected again without --again. A record that is refused
    /// again becomes another dead letter.
    ///
    /// Records that were cut, or of which only the place was kept, are read again from Kafka. Records that Kafka no longer has
    /// can't be redriven.
    ///
    /// While an organization is being erased nothing is redriven. Afterwards its records from before the erasure are not: they would
    /// count again.
    ///
    /// The exit code is 1 if a selected record could not be redriven.
    Redrive(Box<redrive::Redrive>),
}

/// The exit code of a command that could not read what it judges; 1 means that something is wrong with that.
const UNREAD: u8 = 3;
/// The exit code of a command that was interrupted by Ctrl-C, and goes on when it is run again.
const PAUSED: u8 = 130;

impl Command {
    /// Where Kafka is, for a command that needs it.
    pub fn cluster(&mut self) -> Option<&mut cluster::Settings> {
        match self {
            Self::Progress(Progress::Show(show)) => Some(&mut show.cluster),
            Self::Progress(Progress::Reset(reset)) => Some(&mut reset.cluster),
            Self::Layout(Layout::Show(show)) => Some(&mut show.cluster),
            Self::Layout(Layout::Change(change)) => Some(&mut change.layout.cluster),
            Self::Layout(Layout::Announce(announce)) => Some(&mut announce.layout.cluster),
            Self::DeadLetters(DeadLetters::Redrive(redrive)) => Some(&mut redrive.cluster),
            Self::Recount(recount) => Some(&mut recount.cluster),
            Self::CheckTopic(check) => Some(&mut check.cluster),
            Self::DeadLetters(DeadLetters::List(_) | DeadLetters::Show(_))
            | Self::Audit(_)
            | Self::Erase(_)
            | Self::CheckRecord(_)
            | Self::Doctor(_)
            | Self::Ready(_) => None,
        }
    }

    /// Whether its answer is a judgement, of which the exit code 1 is one.
    const fn judges(&self) -> bool {
        match self {
            Self::Audit(_)
            | Self::Recount(_)
            | Self::CheckRecord(_)
            | Self::CheckTopic(_)
            | Self::Doctor(_) => true,
            Self::Progress(_) | Self::Layout(_) | Self::DeadLetters(_) | Self::Erase(_) | Self::Ready(_) => {
                false
            }
        }
    }

    /// Where PostgreSQL is, for a command that needs it. The doctor has all settings of a member.
    #[must_use]
    pub fn database(&self) -> Option<&Database> {
        Some(match self {
            Self::Progress(Progress::Show(show)) => &show.database,
            Self::Progress(Progress::Reset(reset)) => &reset.database,
            Self::Layout(Layout::Show(show)) => &show.database,
            Self::Layout(Layout::Change(change)) => &change.layout.database,
            Self::Layout(Layout::Announce(announce)) => &announce.layout.database,
            Self::DeadLetters(DeadLetters::List(list)) => &list.database,
            Self::DeadLetters(DeadLetters::Show(show)) => &show.database,
            Self::DeadLetters(DeadLetters::Redrive(redrive)) => &redrive.database,
            Self::Audit(audit) => &audit.database,
            Self::Recount(recount) => &recount.database,
            Self::Erase(erase) => &erase.database,
            Self::CheckRecord(_) | Self::CheckTopic(_) | Self::Doctor(_) | Self::Ready(_) => return None,
        })
    }
}

/// Runs a command, and reports an error in a sentence.
pub async fn operate(command: Command) -> ExitCode {
    let failure = if command.judges() { ExitCode::from(UNREAD) } else { ExitCode::FAILURE };
    let ended = match command {
        Command::Progress(Progress::Show(show)) => progress::show(&show).await,
        Command::Progress(Progress::Reset(reset)) => reset::reset(&reset).await,
        Command::Layout(Layout::Show(show)) => layout::show(&show).await,
        Command::Layout(Layout::Change(change)) => layout::change(&change).await,
        Command::Layout(Layout::Announce(announce)) => layout::announce(&announce).await,
        Command::DeadLetters(DeadLetters::List(list)) => dead_letters::list(&list).await,
        Command::DeadLetters(DeadLetters::Show(show)) => dead_letters::show(&show).await,
        Command::DeadLetters(DeadLetters::Redrive(redrive)) => redrive::redrive(&redrive).await,
        Command::Audit(audit) => audit::audit(&audit).await,
        Command::Recount(recount) => recount::recount(&recount).await,
        Command::Erase(erase) => erase::erase(&erase).await,
        Command::CheckRecord(check) => check::check_record(&check),
        Command::CheckTopic(check) => check::check_topic(&check).await,
        Command::Doctor(doctor) => doctor::examine(&doctor).await,
        Command::Ready(ready) => ready::ready(&ready),
    };
    match ended {
        Ok(Ending::Good) => ExitCode::SUCCESS,
        Ok(Ending::Bad) => ExitCode::FAILURE,
        Ok(Ending::Paused) => ExitCode::from(PAUSED),
        // The reader of the answer has closed it, as `head` does.
        Err(error) if console::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            console::tell(sentence(&error));
            let code = error.downcast_ref::<BadSetting>().map(|_| ExitCode::from(BadSetting::EXIT));
            code.unwrap_or(failure)
        }
    }
}

/// The error and its causes. Some errors already contain the text of their cause, which is then not repeated.
fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said.as_str() {
        "" => cause,
        before if before.contains(&cause) => said,
        before => format!("{before}: {cause}"),
    })
}
