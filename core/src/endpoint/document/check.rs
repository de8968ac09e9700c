//! Holds a document's value against its rows: every fault at once, each with its dotted path.
//!
//! What comes out is canonical: no nulls, durations written one way, only known keys. So the code
//! that builds typed options from it has nothing left to refuse.

use serde_json::{Map, Value};

use super::nearest::nearest;
use super::row::{Kind, Preset, Row};
use super::scalar;
use crate::error::{Error, ErrorKind, Fault, clipped};

/// The canonical object of `value`, with the faults of it added to `faults`.
pub(crate) fn check(
    rows: &[Row],
    value: &Value,
    path: &str,
    faults: &mut Vec<Fault>,
) -> Map<String, Value> {
    let mut known = Map::new();
    let Some(object) = object(value, path, faults) else { return known };
    for (key, value) in object {
        let at = join(path, key);
        let Some(row) = rows.iter().find(|row| row.name == key) else {
            faults.push(unknown(rows, path, key));
            continue;
        };
        if value.is_null() {
            continue;
        }
        if let Some(value) = check_value(&row.kind, value, &at, faults) {
            known.insert(key.clone(), value);
        }
    }
    for row in rows {
        let is_given = object.get(row.name).is_some_and(|value| !value.is_null());
        if matches!(row.preset, Preset::Required) && !is_given {
            faults.push(Fault { path: join(path, row.name), expected: "is required".to_owned() });
        }
    }
    known
}

/// The canonical object with the defaults of its rows filled in.
pub(crate) fn fill(rows: &[Row], given: &Map<String, Value>) -> Map<String, Value> {
    let mut full = given.clone();
    for row in rows {
        let value = match (given.get(row.name), row.preset) {
            (Some(value), _) => value.clone(),
            // The rows' own test proves that each default is JSON and passes its own check.
            (None, Preset::Is(text)) => serde_json::from_str(text).unwrap_or_default(),
            (None, _) => continue,
        };
        full.insert(row.name.to_owned(), fill_value(&row.kind, value));
    }
    full
}

fn fill_value(kind: &Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::Section(rows), Value::Object(given)) => Value::Object(fill(rows, &given)),
        (Kind::Sections(rows), Value::Object(sections)) => sections
            .into_iter()
            .map(|(name, section)| (name, fill_section(rows, section)))
            .collect(),
        (_, value) => value,
    }
}

fn fill_section(rows: &[Row], section: Value) -> Value {
    match section {
        Value::Object(given) => Value::Object(fill(rows, &given)),
        other => other,
    }
}

/// The canonical object of `over` laid on `under`: sections mix, other values are replaced.
pub(crate) fn overlay(
    rows: &[Row],
    under: &Map<String, Value>,
    over: &Map<String, Value>,
) -> Map<String, Value> {
    let mut mixed = under.clone();
    for (key, value) in over {
        let kind = rows.iter().find(|row| row.name == key).map(|row| &row.kind);
        let value = match (kind, mixed.get(key), value) {
            (Some(Kind::Section(rows)), Some(Value::Object(under)), Value::Object(over)) => {
                Value::Object(overlay(rows, under, over))
            }
            _ => value.clone(),
        };
        mixed.insert(key.clone(), value);
    }
    mixed
}

/// One error that reports every fault, of `kind` unless all that is wrong is that names are
/// reserved for a later release.
pub(crate) fn refuse(kind: ErrorKind, mut faults: Vec<Fault>) -> Error {
    let is_reserved = faults.iter().all(|fault| fault.expected.ends_with(NOT_AVAILABLE));
    let more = faults.len().saturating_sub(MAX_FAULTS);
    if more > 0 {
        faults.truncate(MAX_FAULTS);
        let expected = format!("and {more} more faults");
        faults.push(Fault { path: String::new(), expected });
    }
    Error::from_faults(if is_reserved { ErrorKind::NotAvailable } else { kind }, faults)
}

/// The dotted path of `key` in the object at `path`.
pub(crate) fn join(path: &str, key: &str) -> String {
    let is_plain = !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    match (is_plain, path.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{path}.{key}"),
        (false, _) => format!("{path}[{:?}]", clipped(key)),
    }
}

fn unknown(rows: &[Row], path: &str, key: &str) -> Fault {
    let hint = nearest(key, rows.iter().map(|row| row.name))
        .map_or_else(String::new, |name| format!(", did you mean {name:?}?"));
    let expected = format!("unknown key {:?}{hint}", clipped(key));
    Fault { path: join(path, key), expected }
}

fn object<'a>(
    value: &'a Value,
    path: &str,
    faults: &mut Vec<Fault>,
) -> Option<&'a Map<String, Value>> {
    let object = value.as_object();
    if object.is_none() {
        let expected = format!("must be an object, got {}", scalar::came(value));
        faults.push(Fault { path: path.to_owned(), expected });
    }
    object
}

fn check_value(kind: &Kind, value: &Value, at: &str, faults: &mut Vec<Fault>) -> Option<Value> {
    match kind {
        Kind::Section(rows) => {
            object(value, at, faults).map(|_| Value::Object(check(rows, value, at, faults)))
        }
        Kind::Sections(rows) => entries(value, at, faults, |value, at, faults| {
            object(value, at, faults).map(|_| Value::Object(check(rows, value, at, faults)))
        }),
        Kind::Any => object(value, at, faults).map(|object| Value::Object(object.clone())),
        Kind::Labels => entries(value, at, faults, |value, at, faults| {
            keep(scalar::text(value, 0, usize::MAX), at, faults)
        }),
        // What came in place of the map may be the secret itself.
        Kind::Secrets if !value.is_object() => {
            keep(Err(format!("must be an object, got {}", scalar::HIDDEN)), at, faults)
        }
        Kind::Secrets => {
            entries(value, at, faults, |value, at, faults| keep(scalar::secret(value), at, faults))
        }
        Kind::Weights => entries(value, at, faults, |value, at, faults| {
            keep(scalar::integer(value, 0, MAX_WEIGHT), at, faults)
        }),
        Kind::Texts => list(value, at, faults, |value| scalar::text(value, 0, usize::MAX)),
        Kind::Statuses => list(value, at, faults, scalar::statuses),
        _ => keep(scalar::check(kind, value), at, faults),
    }
}

/// The object of the checked entries of `value`; entries that are null are left out.
fn entries(
    value: &Value,
    at: &str,
    faults: &mut Vec<Fault>,
    mut entry: impl FnMut(&Value, &str, &mut Vec<Fault>) -> Option<Value>,
) -> Option<Value> {
    let mut kept = Map::new();
    for (key, value) in object(value, at, faults)? {
        if value.is_null() {
            continue;
        }
        if let Some(value) = entry(value, &join(at, key), faults) {
            kept.insert(key.clone(), value);
        }
    }
    Some(Value::Object(kept))
}

/// The list of the checked elements of `value`.
fn list(
    value: &Value,
    at: &str,
    faults: &mut Vec<Fault>,
    element: impl Fn(&Value) -> Result<Value, String>,
) -> Option<Value> {
    let Some(list) = value.as_array() else {
        return keep(Err(format!("must be a list, got {}", scalar::came(value))), at, faults);
    };
    let checked = list.iter().enumerate();
    Some(
        checked
            .filter_map(|(i, value)| keep(element(value), &format!("{at}[{i}]"), faults))
            .collect(),
    )
}

fn keep(checked: Result<Value, String>, at: &str, faults: &mut Vec<Fault>) -> Option<Value> {
    checked.map_err(|expected| faults.push(Fault { path: at.to_owned(), expected })).ok()
}

/// Largest weight: a sum of 100,000 of them stays far from the end of 64 bits.
pub(crate) const MAX_WEIGHT: u64 = 1_000_000;
/// How every fault about a reserved name ends.
pub(super) const NOT_AVAILABLE: &str = "is not available yet";
/// Faults that one error lists; nobody reads more, and a broken generator makes millions.
const MAX_FAULTS: usize = 1_000;
