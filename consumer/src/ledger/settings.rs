//! The ledger's memory, as the command line and the environment set it.

use crate::ledger::policy::Tuning;

/// How much memory the ledger may take.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(id = "ledger")]
pub struct Settings {
    /// Memory for the ledger's pages, in MiB. The quarters of an hour that are being counted should fit, at about 10 bytes
    /// for each of their records; pages that don't fit are read from the database again.
    #[arg(long, env = "LEDGER_MEMORY_MB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(16..=1_048_576))]
    pub ledger_memory_mb: u32,
}

impl Settings {
    /// How the pages of a ledger with this much memory are read.
    #[must_use]
    pub fn tuning(&self) -> Tuning {
        Tuning::with_budget(self.ledger_memory_mb as usize * (1 << 20))
    }
}
