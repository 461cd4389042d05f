//! Numbers in sentences, as people read them: 12,400 orders, about 18, 1.88 s. Pure.

const MS_PER_SECOND: f64 = 1_000.0;
const SECONDS_PER_MINUTE: u64 = 60;
const MINUTES_PER_HOUR: u64 = 60;

/// A whole number with its thousands apart.
pub fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut shown = if number < 0 { "-".to_owned() } else { String::new() };
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// An estimate: nobody counts half an order.
pub fn about(number: f64) -> String {
    format!("about {}", count(number.round() as i64))
}

/// So many of a plural: `no orders`, `1 order`, `12,400 orders`.
pub fn things(number: i64, plural: &str) -> String {
    match number {
        0 => format!("no {plural}"),
        1 => format!("1 {}", plural.strip_suffix('s').unwrap_or(plural)),
        _ => format!("{} {plural}", count(number)),
    }
}

/// The same words, the first with a capital letter.
pub fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A duration in milliseconds, with three digits at most, or in two units.
pub fn duration(ms: f64) -> String {
    let seconds = ms / MS_PER_SECOND;
    let whole = seconds.round() as u64;
    if ms.round() < MS_PER_SECOND {
        let decimals = usize::from(ms < 10.0);
        format!("{} ms", trimmed(ms, decimals))
    } else if whole < SECONDS_PER_MINUTE {
        let decimals = if seconds < 10.0 { 2 } else { 1 };
        format!("{} s", trimmed(seconds, decimals))
    } else if whole < MINUTES_PER_HOUR * SECONDS_PER_MINUTE {
        in_two([(whole / SECONDS_PER_MINUTE, "min"), (whole % SECONDS_PER_MINUTE, "s")])
    } else {
        let minutes = (whole + SECONDS_PER_MINUTE / 2) / SECONDS_PER_MINUTE;
        in_two([(minutes / MINUTES_PER_HOUR, "h"), (minutes % MINUTES_PER_HOUR, "min")])
    }
}

/// A greater and a lesser unit; the lesser one only where there is some of it.
fn in_two([(greater, its_unit), (lesser, other_unit)]: [(u64, &str); 2]) -> String {
    match lesser {
        0 => format!("{} {its_unit}", count(greater as i64)),
        _ => format!("{} {its_unit} {lesser} {other_unit}", count(greater as i64)),
    }
}

/// So many decimals at most.
fn trimmed(number: f64, decimals: usize) -> String {
    let shown = format!("{number:.decimals$}");
    if decimals == 0 { shown } else { shown.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        let check = |number, shown: &str| assert_eq!(count(number), shown);
        check(0, "0");
        check(999, "999");
        check(1_000, "1,000");
        check(-12_345, "-12,345");
        check(1_234_567, "1,234,567");
        check(i64::MIN, "-9,223,372,036,854,775,808");
        assert_eq!((about(17.5), about(1_239.6)), ("about 18".to_owned(), "about 1,240".to_owned()));
    }

    #[test]
    fn one_thing_is_singular_and_none_is_no() {
        let check = |number, shown: &str| assert_eq!(things(number, "workflow runs"), shown);
        check(0, "no workflow runs");
        check(1, "1 workflow run");
        check(2_000, "2,000 workflow runs");
    }

    #[test]
    fn durations_have_the_unit_that_people_would_choose() {
        let check = |ms, shown: &str| assert_eq!(duration(ms), shown);
        check(0.0, "0 ms");
        check(3.4, "3.4 ms");
        check(940.4, "940 ms");
        check(999.6, "1 s");
        check(1_880.4, "1.88 s");
        check(1_500.0, "1.5 s");
        check(12_394.0, "12.4 s");
        check(59_996.0, "1 min");
        check(125_000.0, "2 min 5 s");
        check(3_599_990.0, "1 h");
        check(3_780_000.0, "1 h 3 min");
    }
}
