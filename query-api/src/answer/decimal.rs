//! Exact quotients of counters, and the one decimal they are shown with.
//!
//! Floating point would round 0.05 either way. Counters are integers, so their quotients are rounded exactly: half away
//! from zero, never NaN, never -0. Pure.

use serde::{Serialize, Serializer};

/// A number with one decimal, kept as a count of tenths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tenths(i64);

impl Tenths {
    /// The whole number `n`.
    #[must_use]
    pub const fn whole(n: i64) -> Self {
        Self(n.saturating_mul(10))
    }

    /// `tenths` tenths.
    #[must_use]
    pub const fn of(tenths: i64) -> Self {
        Self(tenths)
    }

    /// How many tenths it is.
    #[must_use]
    pub const fn count(self) -> i64 {
        self.0
    }

    /// The nearest to `number`; 0 for NaN.
    #[must_use]
    pub fn near(number: f64) -> Self {
        Self((number * 10.0).round() as i64)
    }

    /// The change from `earlier`, in percent of it: 0 if both are 0, `None` if only `earlier` is. It is the change of the numbers
    /// as they are shown, so that whoever sees them can compute it.
    #[must_use]
    pub fn change_from(self, earlier: Self) -> Option<Self> {
        let (now, before) = (i128::from(self.0), i128::from(earlier.0));
        match (now, before) {
            (0, 0) => Some(Self::default()),
            (_, 0) => None,
            (_, _) => rounded(1_000 * (now - before) * before.signum(), before.abs()),
        }
    }

    /// -1, 0 or 1: its sign.
    #[must_use]
    pub const fn signum(self) -> i64 {
        self.0.signum()
    }
}

impl std::ops::Sub for Tenths {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::fmt::Display for Tenths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        match (self.0.unsigned_abs() / 10, self.0.unsigned_abs() % 10) {
            (whole, 0) => write!(f, "{sign}{whole}"),
            (whole, tenth) => write!(f, "{sign}{whole}.{tenth}"),
        }
    }
}

/// A JSON number: `42`, `16.7`, `-0.5`.
impl Serialize for Tenths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 10 == 0 {
            serializer.serialize_i64(self.0 / 10)
        } else {
            // IEEE division is correctly rounded, so this is the double nearest to the decimal and prints as the decimal.
            serializer.serialize_f64(self.0 as f64 / 10.0)
        }
    }
}

/// An exact quotient of counters.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    numerator: i128,
    /// Always above 0.
    denominator: i128,
}

impl Ratio {
    /// `part / whole`; 0 if `whole` is not above 0.
    #[must_use]
    pub fn of(part: i64, whole: i64) -> Self {
        Self::scaled(part, whole, 1)
    }

    /// `part` of `whole` in percent; 0 if `whole` is not above 0.
    #[must_use]
    pub fn percent(part: i64, whole: i64) -> Self {
        Self::scaled(part, whole, 100)
    }

    fn scaled(part: i64, whole: i64, scale: i128) -> Self {
        if whole > 0 {
            Self { numerator: i128::from(part) * scale, denominator: i128::from(whole) }
        } else {
            Self { numerator: 0, denominator: 1 }
        }
    }

    /// The smaller of this and `limit`.
    #[must_use]
    pub fn at_most(self, limit: i64) -> Self {
        let limit = i128::from(limit);
        if self.numerator > limit * self.denominator {
            Self { numerator: limit, denominator: 1 }
        } else {
            self
        }
    }

    /// Rounded to one decimal, half away from zero.
    #[must_use]
    pub fn tenths(self) -> Tenths {
        rounded(self.numerator * 10, self.denominator)
            .expect("two factors of 64 bits and a small one fit 128 bits")
    }

    /// The nearest double, for statistics, which need no exactness.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

/// `numerator / denominator` (above 0) to the nearest integer, half away from zero; `None` where it overflows.
fn rounded(numerator: i128, denominator: i128) -> Option<Tenths> {
    let doubled = numerator.checked_abs()?.checked_mul(2)?.checked_add(denominator)?;
    let nearest = doubled / denominator.checked_mul(2)?;
    let nearest = i64::try_from(nearest).unwrap_or(i64::MAX);
    Some(Tenths(if numerator < 0 { -nearest } else { nearest }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotients_are_rounded_half_away_from_zero() {
        let check = |part, whole, percent: &str| {
            assert_eq!(Ratio::percent(part, whole).tenths().to_string(), percent, "{part} of {whole}");
        };
        check(2, 10, "20");
        check(1, 3, "33.3");
        check(2, 3, "66.7");
        check(1, 2_000, "0.1");
        check(1, 2_001, "0");
        check(-1, 2_000, "-0.1");
        check(-1, 2_001, "0");
        check(5, 0, "0");
        check(0, 0, "0");
        check(i64::MAX, i64::MAX, "100");
    }

    #[test]
    fn changes_are_relative() {
        let check = |now, before, change: Option<&str>| {
            let seen = Tenths::of(now).change_from(Tenths::of(before));
            assert_eq!(seen.map(|change| change.to_string()).as_deref(), change, "{before} to {now}");
        };
        check(420, 360, Some("16.7"));
        check(360, 420, Some("-14.3"));
        check(0, 0, Some("0"));
        check(50, 0, None);
        check(-50, 0, None);
        check(0, 50, Some("-100"));
        check(50, 50, Some("0"));
        check(124, 117, Some("6"));
        check(1_000_010, 1_000_000, Some("0"));
        check(1_000_500, 1_000_000, Some("0.1"));
        check(999_500, 1_000_000, Some("-0.1"));
        check(i64::MAX, 1, Some("922337203685477580.7"));
    }

    #[test]
    fn a_change_is_of_the_shown_values_and_not_of_the_exact_ones() {
        let [now, before] = [Ratio::of(200, 3), Ratio::of(100, 3)].map(Ratio::tenths);
        assert_eq!(now.change_from(before).unwrap().to_string(), "100.3", "of 66.7 and 33.3");
    }

    #[test]
    fn numbers_are_plain_json() {
        let json = |part, whole| serde_json::to_string(&Ratio::of(part, whole).tenths()).unwrap();
        assert_eq!(json(42, 1), "42");
        assert_eq!(json(167, 10), "16.7");
        assert_eq!(json(-1, 2), "-0.5");
        assert_eq!(json(-1, 100), "0");
    }

    proptest! {
        #[test]
        fn no_counters_make_trouble(a: i64, b: i64, c: i64, d: i64) {
            let (now, before) = (Ratio::percent(a, b), Ratio::percent(c, d));
            let shown = [now.tenths(), before.at_most(100).tenths()];
            let change = shown[0].change_from(shown[1]);
            prop_assert!(shown.into_iter().chain(change).all(|tenths| !tenths.to_string().starts_with("-0") || tenths.signum() < 0));
        }

        #[test]
        fn a_change_has_the_sign_of_the_difference(now in 0..1_000_000i64, before in 1..1_000_000i64) {
            let change = Tenths::of(now).change_from(Tenths::of(before)).unwrap().signum();
            prop_assert!(change == 0 || change == (now - before).signum());
        }
    }
}
