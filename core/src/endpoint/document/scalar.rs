//! Checks of single values: the canonical value, or what was expected and what came.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::check::NOT_AVAILABLE;
use super::nearest::nearest;
use super::row::Kind;
use super::wall_time;
use crate::duration;
use crate::error::clipped;

/// Checks a value of a kind that isn't made of others.
pub(super) fn check(kind: &Kind, value: &Value) -> Result<Value, String> {
    match kind {
        Kind::Duration { min, max } => {
            let given = duration_of(value)?;
            if given < *min || given > *max {
                let (min, max) = (duration::format(*min), duration::format(*max));
                return Err(format!("must be {min}..={max}, got {}", duration::format(given)));
            }
            Ok(Value::String(duration::format(given)))
        }
        Kind::Integer { min, max } => integer(value, *min, *max),
        // 0 is judged together with the protocol and the check.
        Kind::Port if value.as_u64() == Some(0) => Ok(value.clone()),
        Kind::Port => integer(value, 1, 65_535),
        Kind::Number { min, max } => number(value, |number| (*min..=*max).contains(&number))
            .map_err(|came| format!("must be a number {min}..={max}, got {came}")),
        Kind::Share => number(value, |number| number > 0.0 && number <= 1.0)
            .map_err(|came| format!("must be a number above 0 and at most 1, got {came}")),
        Kind::Flag if value.is_boolean() => Ok(value.clone()),
        Kind::Flag => Err(format!("must be true or false, got {}", came(value))),
        Kind::Text { min, max } => text(value, *min, *max),
        Kind::Choice { names, reserved } => choice(value, names, reserved),
        Kind::Secret => secret(value),
        Kind::WallTime => {
            let given = value.as_str().filter(|text| wall_time::parse(text).is_some());
            given.map(Value::from).ok_or_else(|| {
                let example = "an RFC 3339 time such as \"2026-01-31T12:00:00Z\"";
                format!("must be {example}, got {}", came(value))
            })
        }
        _ => Err(NOT_AVAILABLE.to_owned()),
    }
}

/// A whole number from `min` to `max`.
pub(super) fn integer(value: &Value, min: u64, max: u64) -> Result<Value, String> {
    let given = value.as_u64().filter(|number| (min..=max).contains(number));
    let what = if value.is_number() { "" } else { "a whole number " };
    given
        .map(Value::from)
        .ok_or_else(|| format!("must be {what}{min}..={max}, got {}", came(value)))
}

/// Text of `min` to `max` bytes.
pub(super) fn text(value: &Value, min: usize, max: usize) -> Result<Value, String> {
    let Some(text) = value.as_str() else {
        return Err(format!("must be text, got {}", came(value)));
    };
    if text.len() < min || text.len() > max {
        return Err(format!("must be {min} to {max} bytes of text, got {} bytes", text.len()));
    }
    Ok(value.clone())
}

/// Text that no message shows.
pub(super) fn secret(value: &Value) -> Result<Value, String> {
    if value.is_string() {
        return Ok(value.clone());
    }
    Err(format!("must be text, got {HIDDEN}"))
}

/// A status or a range of them: 204, `200-299`.
pub(super) fn statuses(value: &Value) -> Result<Value, String> {
    if status_bounds(value).is_some() {
        return Ok(value.clone());
    }
    Err(format!("must be 100..=599 or a range such as \"200-299\", got {}", came(value)))
}

/// The statuses of 204 or `200-299`; nothing unless they are 100 to 599 and in order.
pub(super) fn status_bounds(value: &Value) -> Option<RangeInclusive<u16>> {
    let (low, high) = match value {
        Value::String(text) => {
            let (low, high) = text.split_once('-')?;
            (low.trim().parse().ok()?, high.trim().parse().ok()?)
        }
        _ => {
            let status = u16::try_from(value.as_u64()?).ok()?;
            (status, status)
        }
    };
    (100 <= low && low <= high && high <= 599).then_some(low..=high)
}

fn duration_of(value: &Value) -> Result<std::time::Duration, String> {
    let Some(text) = value.as_str() else {
        let expected = "must be a duration with a unit such as \"250ms\"";
        return Err(format!("{expected}, got {}", came(value)));
    };
    duration::parse(text)
}

fn number(value: &Value, is_valid: impl Fn(f64) -> bool) -> Result<Value, String> {
    value.as_f64().filter(|number| is_valid(*number)).map(Value::from).ok_or_else(|| came(value))
}

fn choice(value: &Value, names: &[&str], reserved: &[&str]) -> Result<Value, String> {
    let given = value.as_str();
    if given.is_some_and(|given| names.contains(&given)) {
        return Ok(value.clone());
    }
    if given.is_some_and(|given| reserved.contains(&given)) {
        return Err(format!("{} {NOT_AVAILABLE}", came(value)));
    }
    let hint = given
        .and_then(|given| nearest(given, names.iter().copied()))
        .map_or_else(String::new, |name| format!(", did you mean {name:?}?"));
    Err(format!("must be one of {}, got {}{hint}", names.join(", "), came(value)))
}

/// What came, in few words.
pub(super) fn came(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("{:?}", clipped(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// What came where a secret was expected.
pub(super) const HIDDEN: &str = "something else (not shown: it may be secret)";
