//! How much memory the ledger may take, as the command line and the environment say it.

use crate::ledger::policy::Tuning;

/// How much memory the ledger may take.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(id = "ledger")]
pub struct Settings {
    /// Memory for the ledger's pages, in MiB. The quarters of an hour being written should fit: about 10 bytes for
    /// each record of them. Beyond that pages are read again from the database.
    #[arg(long, env = "LEDGER_MEMORY_MB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(16..=1_048_576))]
    pub ledger_memory_mb: u32,
}

impl Settings {
    /// How a ledger of this much memory is read.
    #[must_use]
    pub fn tuning(&self) -> Tuning {
        Tuning::with_budget(self.ledger_memory_mb as usize * (1 << 20))
    }
}
