//! The statistics that rules rest on. Pure.

/// A difference stands out if it is this many standard errors or more.
pub const STANDARD_ERRORS: f64 = 4.0;

/// The median of these values; 0 of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (below, above) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    match (values.get(below), values.get(above)) {
        (Some(a), Some(b)) => f64::midpoint(*a, *b),
        (_, _) => 0.0,
    }
}

/// The standard error of the difference of two rates, in percent, under the hypothesis that both are the same rate.
pub fn standard_error([a, b]: [f64; 2], [of_a, of_b]: [i64; 2]) -> f64 {
    let (of_a, of_b) = (of_a as f64, of_b as f64);
    let rate = (a * of_a + b * of_b) / (of_a + of_b) / 100.0;
    100.0 * (rate * (1.0 - rate).max(0.0) * (1.0 / of_a + 1.0 / of_b)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), 0.0);
        assert_eq!(median(vec![3.0]), 3.0);
        assert_eq!(median(vec![9.0, 1.0]), 5.0);
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
    }
}
