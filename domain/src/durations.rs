//! Durations as a histogram. Histograms can be added, so percentiles are known of any hours of any workflows.
//!
//! Buckets are log-linear: each doubling of the duration is divided into ten buckets of equal width. So a percentile that
//! is read as the middle of its bucket is within 5 % of the exact one, whatever the durations, and exact below 16 ms.
//! Buckets are computed with integers, not logarithms, so that every machine finds the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Buckets of each doubling.
const STEPS: u64 = 10;

/// Decimal digits of a bucket's count in the numeral of a histogram. No sum of histograms has more in one bucket: that
/// would be a million runs a second for eleven days, all of the same duration.
const DIGITS: usize = 12;

/// A histogram of durations in whole milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// How many durations each bucket has; never 0.
    runs: BTreeMap<u16, i64>,
}

impl Durations {
    /// Adds a duration of `ms` milliseconds; a negative one counts as 0.
    pub fn take(&mut self, ms: i64) {
        *self.runs.entry(bucket(ms.max(0).unsigned_abs())).or_default() += 1;
    }

    /// Adds all durations of another histogram.
    pub fn add(&mut self, other: &Self) {
        for (bucket, runs) in &other.runs {
            *self.runs.entry(*bucket).or_default() += runs;
        }
    }

    /// How many durations it has.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.runs.values().sum()
    }

    /// The quantile by nearest rank, in tenths of a millisecond: the middle of the bucket that holds the duration which
    /// `permille` in a thousand don't exceed. `None` if there are no durations.
    #[must_use]
    pub fn quantile(&self, permille: u16) -> Option<i64> {
        let count = u128::from(self.count().unsigned_abs());
        let rank = (count * u128::from(permille)).div_ceil(1_000).max(1);
        let mut within = 0;
        let holds = self.runs.iter().find(|(_, runs)| {
            within += u128::from(runs.unsigned_abs());
            within >= rank
        });
        holds.map(|(bucket, _)| middle(*bucket))
    }

    /// The histogram as a decimal numeral, as PostgreSQL's `numeric` reads it. Bucket `b` counts in units of 10^(12 b), so
    /// adding numbers adds histograms.
    #[must_use]
    pub fn to_numeral(&self) -> String {
        let (Some((lowest, _)), Some((highest, _))) =
            (self.runs.first_key_value(), self.runs.last_key_value())
        else {
            return "0".to_owned();
        };
        let count = |bucket| self.runs.get(&bucket).copied().unwrap_or_default();
        let digits = DIGITS * usize::from(highest - lowest + 1);
        let mut numeral = String::with_capacity(digits + "e6400".len());
        for bucket in (*lowest..=*highest).rev() {
            // Writing to a string can't fail.
            let _ = write!(numeral, "{:0DIGITS$}", count(bucket));
        }
        let _ = write!(numeral, "e{}", DIGITS * usize::from(*lowest));
        numeral
    }

    /// The histogram of such a numeral, written with an exponent or in full. `None` if it is malformed or has more buckets
    /// than exist.
    #[must_use]
    pub fn from_numeral(numeral: &str) -> Option<Self> {
        let (digits, zeros) = numeral.split_once('e').unwrap_or((numeral, "0"));
        let lowest = zeros.parse::<u16>().ok().filter(|zeros| usize::from(*zeros) % DIGITS == 0)?;
        let lowest = lowest / u16::try_from(DIGITS).expect("a dozen");
        let mut runs = BTreeMap::new();
        for (bucket, count) in (lowest..=bucket(u64::MAX)).zip(digits.as_bytes().rchunks(DIGITS)) {
            let text =
                std::str::from_utf8(count).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
            let count: i64 = text?.parse().ok()?;
            if count > 0 {
                runs.insert(bucket, count);
            }
        }
        let most = usize::from(bucket(u64::MAX) + 1 - lowest.min(bucket(u64::MAX))) * DIGITS;
        (digits.len() <= most).then_some(Self { runs })
    }
}

/// The bucket of a duration: one for 0, and ten for each doubling from 1 on.
fn bucket(ms: u64) -> u16 {
    let Some(doubling) = ms.checked_ilog2() else { return 0 };
    let beyond = u128::from(ms) - (1 << doubling);
    let step = (beyond * u128::from(STEPS)) >> doubling;
    u16::try_from(1 + u128::from(doubling) * u128::from(STEPS) + step).expect("64 doublings of ten")
}

/// The duration that a bucket is read as, in tenths of a millisecond: its relative distance from the bucket's least and
/// from its greatest duration is the same.
fn middle(bucket: u16) -> i64 {
    let Some(place) = bucket.checked_sub(1) else { return 0 };
    let (doubling, step) = (u64::from(place) / STEPS, u128::from(place) % u128::from(STEPS));
    let begins = |step: u128| (1 << doubling) + (step << doubling).div_ceil(u128::from(STEPS));
    let (least, greatest) = (begins(step), (begins(step + 1) - 1).max(begins(step)));
    let sum = least + greatest;
    // The harmonic mean, twice the product over the sum, computed without the product, which could overflow.
    let tenths = 10 * least + (10 * least * (greatest - least) + sum / 2) / sum;
    i64::try_from(tenths).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(durations: &[i64]) -> Durations {
        let mut all = Durations::default();
        durations.iter().for_each(|ms| all.take(*ms));
        all
    }

    /// From milliseconds to a year, each order of magnitude as likely as the next.
    fn some_duration() -> impl Strategy<Value = i64> {
        (0..36u32, 0..=u64::MAX).prop_map(|(bits, any)| i64::try_from(any & ((1 << bits) - 1)).unwrap())
    }

    #[test]
    fn short_ones_are_exact() {
        let quantiles = |ms: &[i64]| [500, 950, 990].map(|permille| of(ms).quantile(permille).unwrap());
        assert_eq!(quantiles(&[0]), [0, 0, 0]);
        assert_eq!(quantiles(&[15, 1, 9]), [90, 150, 150]);
        assert_eq!(quantiles(&[-1, 3]), [0, 30, 30]);
        assert_eq!(of(&[]).quantile(500), None);
        let all: Vec<i64> = (1..=15).collect();
        assert_eq!(quantiles(&all), [80, 150, 150]);
    }

    #[test]
    fn a_numeral_is_one_number() {
        assert_eq!(of(&[]).to_numeral(), "0");
        assert_eq!(of(&[0, 0]).to_numeral(), "000000000002e0");
        // 1 ms is in bucket 1, 2 ms in bucket 11.
        assert_eq!(of(&[1]).to_numeral(), "000000000001e12");
        assert_eq!(of(&[2]).to_numeral(), "000000000001e132");
        assert_eq!(Durations::from_numeral("0"), Some(of(&[])));
        assert_eq!(Durations::from_numeral("3000000000002"), Some(of(&[0, 0, 1, 1, 1])));
        for text in ["", "-1", "1.5", "NaN", "12e3", "\u{661}"] {
            assert_eq!(Durations::from_numeral(text).unwrap_or_default(), of(&[]), "{text}");
        }
        assert_eq!(Durations::from_numeral(&"9".repeat(12 * 641 + 1)), None);
    }

    /// The number in full, as PostgreSQL writes it.
    fn in_full(numeral: &str) -> String {
        let (digits, zeros) = numeral.split_once('e').unwrap_or((numeral, "0"));
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() { "0".into() } else { format!("{digits}{}", "0".repeat(zeros.parse().unwrap())) }
    }

    proptest! {
        #[test]
        fn quantiles_of_merged_histograms_are_within_five_percent(
            parts in prop::collection::vec(prop::collection::vec(some_duration(), 0..60), 1..5),
            permille in 1..=1_000u16,
        ) {
            let mut merged = Durations::default();
            parts.iter().for_each(|part| merged.add(&of(part)));
            let mut all: Vec<i64> = parts.concat();
            all.sort_unstable();
            prop_assert_eq!(merged.count(), all.len() as i64);
            let Some(quantile) = merged.quantile(permille) else {
                prop_assert!(all.is_empty());
                return Ok(());
            };
            let rank = (all.len() * usize::from(permille)).div_ceil(1_000);
            let exact = all[rank - 1] as f64;
            let off = (quantile as f64 / 10.0 - exact).abs();
            prop_assert!(off <= 0.05 * exact, "{quantile} tenths for {exact}");
        }

        #[test]
        fn longer_ones_have_later_buckets(ms: u64) {
            prop_assert!(bucket(ms) <= bucket(ms.saturating_add(1)));
            prop_assert!(middle(bucket(ms)) <= middle(bucket(ms.saturating_add(1))));
        }

        #[test]
        fn a_numeral_reads_as_what_it_was(durations in prop::collection::vec(some_duration(), 0..60)) {
            let all = of(&durations);
            let in_full = Durations::from_numeral(&in_full(&all.to_numeral()));
            prop_assert_eq!(in_full.as_ref(), Some(&all));
            prop_assert_eq!(Durations::from_numeral(&all.to_numeral()), Some(all));
        }

        #[test]
        fn no_text_makes_trouble(text in ".{0,40}") {
            let read = Durations::from_numeral(&text);
            prop_assert!(read.is_none_or(|all| all.count() >= 0));
        }
    }
}
