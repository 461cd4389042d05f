//! The processor time and memory of processes, read from /proc.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

/// The unit of processor time in /proc: `USER_HZ`, which is 100 on every architecture on which Linux runs this.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor seconds of this process and of all its descendants.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// By program name: `java`, `postgres`, `consumer`.
    programs: BTreeMap<String, f64>,
    processes: HashMap<u32, f64>,
}

impl Usage {
    /// The processor seconds until now, since each program's start. Ended children count for the process that waited for them.
    #[must_use]
    pub fn now() -> Self {
        let stats: HashMap<u32, Stat> = all().into_iter().map(|stat| (stat.id, stat)).collect();
        let mut usage = Self::default();
        for stat in stats.values().filter(|stat| is_ours(&stats, stat.id)) {
            *usage.programs.entry(stat.name.clone()).or_default() += stat.seconds;
            usage.processes.insert(stat.id, stat.seconds);
        }
        usage
    }

    /// Processor seconds that `program` took since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self, program: &str) -> f64 {
        let of = |usage: &Self| usage.programs.get(program).copied().unwrap_or_default();
        (of(self) - of(earlier)).max(0.0)
    }

    /// Processor seconds that the process took since `earlier`.
    #[must_use]
    pub fn of_process_since(&self, earlier: &Self, id: u32) -> f64 {
        let of = |usage: &Self| usage.processes.get(&id).copied().unwrap_or_default();
        (of(self) - of(earlier)).max(0.0)
    }
}

/// The most memory that the process ever had, in bytes, without memory shared with others (its peak resident set).
#[must_use]
pub fn peak_memory(id: u32) -> Option<u64> {
    memory(id, "VmHWM:")
}

/// The memory of the process now, in bytes (its resident set).
#[must_use]
pub fn resident_memory(id: u32) -> Option<u64> {
    memory(id, "VmRSS:")
}

/// See proc_pid_status(5).
fn memory(id: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1_024)
}

struct Stat {
    id: u32,
    parent: u32,
    name: String,
    seconds: f64,
}

/// Whether the process is this one or descends from it.
fn is_ours(stats: &HashMap<u32, Stat>, mut id: u32) -> bool {
    // The depth is limited, because processes may start and end while /proc is read.
    for _ in 0..64 {
        if id == std::process::id() {
            return true;
        }
        match stats.get(&id) {
            Some(stat) => id = stat.parent,
            None => return false,
        }
    }
    false
}

fn all() -> Vec<Stat> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| read(entry.path())).collect()
}

/// See proc_pid_stat(5): `id (name) state parent ...`, with the times in fields 14 to 17.
fn read(folder: PathBuf) -> Option<Stat> {
    let id = folder.file_name()?.to_str()?.parse().ok()?;
    let text = std::fs::read_to_string(folder.join("stat")).ok()?;
    let (head, rest) = text.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<f64>().unwrap_or_default()).sum::<f64>();
    Some(Stat { id, parent: fields.get(1)?.parse().ok()?, name, seconds: ticks / TICKS_PER_SECOND })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory_and_is_its_own() {
        let memory = resident_memory(std::process::id());
        assert!(memory.is_some_and(|bytes| bytes > 100_000));
        assert!(peak_memory(std::process::id()) >= memory);
        let stats: HashMap<u32, Stat> = all().into_iter().map(|stat| (stat.id, stat)).collect();
        assert!(is_ours(&stats, std::process::id()));
        assert!(!is_ours(&stats, 1));
    }
}
