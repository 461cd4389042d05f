//! How many of a partition's refused records are kept in an hour. Pure; the hour is an argument.

use crate::refused::sender::{Guesses, Sender};

/// How much is kept of records that can't be counted. A faulty producer may send nothing else, and must not fill the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
#[group(id = "refused")]
pub struct Settings {
    /// Most bytes of a refused record's payload that are kept; the rest is cut off. Lower it where disk is scarce.
    #[arg(long, env = "DEAD_LETTER_PAYLOAD_BYTES_MAX", default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(0..=16_777_216))]
    pub dead_letter_payload_bytes_max: u32,
    /// Most refused records of one partition that are kept whole in an hour; of further ones only offsets and reasons are
    /// kept. Raise it to examine a flood from the database alone; a row takes its payload's bytes and some 400 more.
    #[arg(long, env = "DEAD_LETTERS_WHOLE_PER_HOUR", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub dead_letters_whole_per_hour: u32,
}

impl Settings {
    /// What may be kept at an instant, in seconds since the Unix epoch.
    #[must_use]
    pub fn at(&self, second: i64) -> Keeping {
        Keeping {
            hour: hour_of(second),
            whole_per_hour: self.dead_letters_whole_per_hour,
            payload_bytes_max: self.dead_letter_payload_bytes_max as usize,
        }
    }
}

/// How much may be kept of refused records now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// The hour it is, counted from the Unix epoch.
    pub hour: i64,
    /// Records of a partition that may be kept in an hour.
    pub whole_per_hour: u32,
    /// Bytes that may be kept of a payload.
    pub payload_bytes_max: usize,
}

/// How many records of a partition were kept in an hour, and which organizations were guessed from keys of its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    hour: i64,
    spent: u32,
    guesses: Guesses,
}

impl Allowance {
    /// A partition of which `spent` records were kept in the hour of this instant, in seconds since the Unix epoch.
    #[must_use]
    pub fn spent(second: i64, spent: u32) -> Self {
        Self { hour: hour_of(second), spent, guesses: Guesses::default() }
    }

    /// Whether one more record may be kept; then it counts as kept.
    pub fn take(&mut self, keeping: Keeping) -> bool {
        if self.hour != keeping.hour {
            (self.hour, self.spent) = (keeping.hour, 0);
        }
        let has_left = self.spent < keeping.whole_per_hour;
        self.spent += u32::from(has_left);
        has_left
    }

    /// Whether the sender is told of a refused record.
    pub fn tells(&mut self, sender: Sender<'_>, keeping: Keeping) -> bool {
        !sender.is_guessed || self.guesses.admit(sender.organization, keeping.hour)
    }
}

fn hour_of(second: i64) -> i64 {
    second.div_euclid(3_600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hour_has_an_allowance_of_its_own() {
        let settings = Settings { dead_letter_payload_bytes_max: 1, dead_letters_whole_per_hour: 3 };
        let mut allowance = Allowance::spent(7_200, 1);
        let mut taken = |second: i64| (0..9).filter(|_| allowance.take(settings.at(second))).count();
        assert_eq!(taken(7_200), 2, "one was kept before");
        assert_eq!(taken(10_799), 0, "it is the same hour");
        assert_eq!(taken(10_800), 3);
    }

    #[test]
    fn an_allowance_of_zero_keeps_nothing() {
        let settings = Settings { dead_letter_payload_bytes_max: 1, dead_letters_whole_per_hour: 0 };
        assert!(!Allowance::spent(0, 0).take(settings.at(0)));
        assert!(!Allowance::spent(0, 0).take(settings.at(-1)));
    }
}
