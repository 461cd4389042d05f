//! The memory that this machine, or the control group that this process is in, allows.

use super::check::Check;
use super::finding::Finding;
use std::path::{Path, PathBuf};

/// What a member takes beside the ledger, in MiB (docs/operating.md, Memory).
const BESIDE_LEDGER_MB: u64 = 512;
/// Where control groups are shown.
const CONTROL_GROUPS: &str = "/sys/fs/cgroup";

/// The smallest limit of memory, in MiB, and whose it is; `None` where none is known.
pub fn limit() -> Option<(u64, &'static str)> {
    let group = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let read = |path: PathBuf| std::fs::read_to_string(path).ok();
    let of_groups =
        files(&group).into_iter().filter_map(read).filter_map(|text| text.trim().parse::<u64>().ok());
    let of_groups = of_groups.map(|bytes| (bytes >> 20, "the control group"));
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_kb(&text));
    let machine = machine.map(|kb| (kb >> 10, "the machine"));
    of_groups.chain(machine).min_by_key(|(megabytes, _)| *megabytes)
}

/// The files that may hold limits of the groups that `/proc/self/cgroup` names: of each group and of those around it, in the
/// present form, and of the former form's own.
fn files(group: &str) -> Vec<PathBuf> {
    let own = group.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    let own = Path::new(CONTROL_GROUPS).join(own.trim_start_matches('/'));
    let around = own.ancestors().take_while(|path| path.starts_with(CONTROL_GROUPS));
    let former = Path::new(CONTROL_GROUPS).join("memory/memory.limit_in_bytes");
    around.map(|path| path.join("memory.max")).chain([former]).collect()
}

/// The line `MemTotal:       26214400 kB`.
fn total_kb(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Whether a member with so much memory for its ledger fits.
pub fn judge(ledger_mb: u32, limit: Option<(u64, &str)>) -> Vec<Finding> {
    let needed = u64::from(ledger_mb) + BESIDE_LEDGER_MB;
    let judged = limit.map(|(allowed, whose)| {
        let seen =
            format!("a member needs {needed} MiB for its ledger and beside it; {whose} has {allowed} MiB");
        Finding::of(Check::Memory, needed <= allowed, seen)
    });
    judged.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_looked_for_in_all_groups_around_this_process() {
        let check = |group: &str, expected: &[&str]| {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(files(group), expected, "{group}");
        };
        let former = "/sys/fs/cgroup/memory/memory.limit_in_bytes";
        check("0::/\n", &["/sys/fs/cgroup/memory.max", former]);
        check(
            "0::/a/b\n",
            &[
                "/sys/fs/cgroup/a/b/memory.max",
                "/sys/fs/cgroup/a/memory.max",
                "/sys/fs/cgroup/memory.max",
                former,
            ],
        );
        check("5:memory:/a\n", &["/sys/fs/cgroup/memory.max", former]);
        assert_eq!(total_kb("MemTotal:       26214400 kB\nMemFree: 1 kB\n"), Some(26_214_400));
        assert_eq!(total_kb("nothing"), None);
    }

    #[test]
    fn a_member_fits_or_not() {
        let fits = |ledger, limit| judge(ledger, Some((limit, "the machine")))[0].remedy.is_none();
        assert!(fits(512, 1_024) && !fits(513, 1_024));
        assert_eq!(judge(512, None), []);
    }
}
