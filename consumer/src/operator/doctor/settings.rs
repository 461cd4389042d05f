//! Settings of `consumer doctor`: those of a member, and what an operator has to reckon with.

use crate::member_settings::MemberSettings;
use crate::settings::duration;
use std::time::Duration;

/// Settings of `consumer doctor`.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// What a member is set to.
    #[command(flatten)]
    pub member: MemberSettings,
    /// The longest time that members may be away, a weekend for example. Topics must keep their records for longer.
    #[arg(long, default_value = "3d", value_parser = duration)]
    pub longest_outage: Duration,
    /// How old the newest backup of PostgreSQL may be. Restored after the longest outage, it needs the records since it was
    /// made.
    #[arg(long, default_value = "1d", value_parser = duration)]
    pub backup_age: Duration,
    /// How many members there are to be; otherwise as many as there are now.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub members: Option<u32>,
    /// How many of the newest records of each partition are read, to see whether they lie in the partition of their key.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(0..=100_000))]
    pub newest: i64,
    /// How long each dependency may take.
    #[arg(long, default_value = "15s", value_parser = duration)]
    pub wait: Duration,
    /// Answer with a JSON object, for programs.
    #[arg(long)]
    pub json: bool,
}
