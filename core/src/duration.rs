//! Durations as people write them: `250ms`, `1.5s`, `1h30m`.
//!
//! A bare number is the classic outage: 30 meant as seconds and read as milliseconds. So each
//! duration in a document carries its unit, and a number without one is refused with that hint.
//! Reading and writing are exact to the nanosecond, and what is written reads back as the same.
//!
//! Used by [`crate::endpoint`] and by the configuration for every option that is a time.

use std::time::Duration;

use crate::error::clipped;

/// Reads a duration such as `250ms`, `1.5s` or `1h30m`.
///
/// Units are ns, us (or µs), ms, s, m and h, each at most once and the largest first. Only the
/// decimal point is understood, and only where it makes whole nanoseconds.
///
/// # Errors
///
/// Says what was expected and what came, in the words of a [`Fault`](crate::Fault).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(failover::duration::parse("1m30s"), Ok(Duration::from_secs(90)));
/// assert!(failover::duration::parse("250").is_err());
/// ```
pub fn parse(text: &str) -> Result<Duration, String> {
    let trouble = || format!("{EXPECTED}, got {:?}", clipped(text));
    let mut rest = text;
    let mut total: u128 = 0;
    let mut last_unit = u128::MAX;
    while !rest.is_empty() {
        let (number, after) = split_where(rest, |c| !c.is_ascii_digit() && c != '.');
        let (unit, after) = split_where(after, |c| c.is_ascii_digit() || c == '.');
        let unit = unit_nanos(unit).ok_or_else(trouble)?;
        if unit >= last_unit {
            return Err(format!(
                "must name each unit once and the largest first, as in \"1h30m\", got {:?}",
                clipped(text)
            ));
        }
        let nanos = scaled(number, unit).ok_or_else(trouble)?;
        total = total.checked_add(nanos).ok_or_else(trouble)?;
        last_unit = unit;
        rest = after;
    }
    if text.is_empty() {
        return Err(trouble());
    }
    let nanos = u64::try_from(total);
    nanos.map(Duration::from_nanos).map_err(|_| format!("must be at most 584 years, got {text:?}"))
}

/// Writes a duration the one way that is used in documents: `250ms`, `1.5s`, `1h30m`, `0s`.
///
/// # Examples
///
/// ```
/// assert_eq!(failover::duration::format(std::time::Duration::from_millis(90_500)), "1m30.5s");
/// ```
#[must_use]
pub fn format(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    if nanos < SECOND {
        let unit = UNITS.iter().find(|(_, unit)| *unit <= nanos);
        let (name, unit) = unit.copied().unwrap_or(("ns", 1));
        return format!("{}{name}", decimal(nanos, unit));
    }
    let (hours, minutes, rest) = (nanos / HOUR, nanos % HOUR / MINUTE, nanos % MINUTE);
    let mut text = String::new();
    for (count, name) in [(hours, "h"), (minutes, "m")] {
        if count > 0 {
            text.push_str(&format!("{count}{name}"));
        }
    }
    if rest > 0 {
        text.push_str(&decimal(rest, SECOND));
        text.push('s');
    }
    text
}

/// `nanos` in `unit`, with as many decimals as it takes.
fn decimal(nanos: u128, unit: u128) -> String {
    let (whole, rest) = (nanos / unit, nanos % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let digits = unit.ilog10() as usize;
    let fraction = format!("{rest:0digits$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

/// `number` of `unit` in nanoseconds; nothing if it isn't a number or not whole nanoseconds.
fn scaled(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || whole.len() + fraction.len() > MAX_DIGITS {
        return None;
    }
    let whole = whole.parse::<u128>().ok()?.checked_mul(unit)?;
    let shift = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part = fraction.parse::<u128>().ok()?.checked_mul(unit)?;
    if part % shift != 0 {
        return None;
    }
    whole.checked_add(part / shift)
}

fn unit_nanos(name: &str) -> Option<u128> {
    let name = if name == "µs" || name == "μs" { "us" } else { name };
    UNITS.iter().find(|(unit, _)| *unit == name).map(|(_, nanos)| *nanos)
}

fn split_where(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

const EXPECTED: &str = "must be a duration with a unit such as \"250ms\"";
const SECOND: u128 = 1_000_000_000;
const MINUTE: u128 = 60 * SECOND;
const HOUR: u128 = 60 * MINUTE;
const UNITS: &[(&str, u128)] =
    &[("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];
/// More digits than the longest duration has; longer text is nonsense.
const MAX_DIGITS: usize = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        for (text, nanos) in [
            ("250ms", 250_000_000),
            ("1.5s", 1_500_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1h0m0s", 3_600_000_000_000),
            ("500us", 500_000),
            ("500µs", 500_000),
            ("10ns", 10),
            ("0s", 0),
            ("0.000000001s", 1),
            ("18446744073709551615ns", u64::MAX),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_a_hint() {
        for text in [
            "", "250", "0", "ms", "-1s", "+1s", "1,5s", "1.5.5s", ".s", "1 s", "2d", "1e3s",
            "0.5ns", "1S",
        ] {
            let fault = parse(text).expect_err(text);
            assert!(fault.starts_with(EXPECTED), "{text}: {fault}");
            assert!(fault.ends_with(&format!("got {text:?}")), "{text}: {fault}");
        }
    }

    #[test]
    fn units_come_once_and_the_largest_first() {
        for text in ["30m1h", "1s1s", "1ms1s"] {
            let fault = parse(text).expect_err(text);
            assert!(fault.contains("largest first"), "{text}: {fault}");
        }
    }

    #[test]
    fn a_duration_that_no_clock_can_count_is_refused() {
        assert!(parse("18446744073709551616ns").is_err());
        assert!(parse("99999999999999999999999999999999h").is_err());
        assert!(parse(&"9".repeat(100_000)).is_err_and(|fault| fault.len() < 200));
    }

    #[test]
    fn writing_is_canonical() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5us"),
            (250_000_000, "250ms"),
            (1_500_000_000, "1.5s"),
            (90_000_000_000, "1m30s"),
            (3_600_500_000_000, "1h0.5s"),
            (86_400_000_000_000, "24h"),
        ] {
            assert_eq!(format(Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn what_is_written_reads_back_as_the_same() {
        let mut nanos: u64 = 1;
        for step in 0..400_u64 {
            let duration = Duration::from_nanos(nanos);
            assert_eq!(parse(&format(duration)), Ok(duration));
            nanos = nanos.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step) >> (step % 60);
        }
    }
}
