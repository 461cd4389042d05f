//! The machine on which figures were measured, read from /proc.

use serde::Serialize;

/// What readers of figures need to know about a machine. An unknown value is empty or 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Model of the processor.
    pub cpu: String,
    /// Processors that programs here may use.
    pub cores: usize,
    /// Memory in MB (10^6 bytes).
    pub memory_mb: u64,
    /// Release of the Linux kernel.
    pub kernel: String,
}

impl Machine {
    /// This machine.
    #[must_use]
    pub fn read() -> Self {
        let file = |name: &str| std::fs::read_to_string(format!("/proc/{name}")).unwrap_or_default();
        let kibibytes = value(&file("meminfo"), "MemTotal");
        let kibibytes = kibibytes.trim_end_matches(" kB").parse::<u64>().unwrap_or_default();
        Self {
            cpu: value(&file("cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mb: kibibytes * 1_024 / 1_000_000,
            kernel: file("sys/kernel/osrelease").trim().to_owned(),
        }
    }
}

/// The text after the colon on the first line that begins with `name`.
fn value(text: &str, name: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known() {
        let machine = Machine::read();
        assert!(machine.cores > 0 && machine.memory_mb > 100 && !machine.kernel.is_empty(), "{machine:?}");
    }

    #[test]
    fn values_stand_behind_colons() {
        let check = |name, expected| assert_eq!(value("model\t: 85\nmodel name\t: A: B\n", name), expected);
        check("model name", "A: B");
        check("model", "85");
        check("flags", "");
    }
}
