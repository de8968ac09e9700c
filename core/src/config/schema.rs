//! JSON Schema (draft 2020-12) of the documents, made from the same rows that the reader follows.
//!
//! For editors and for other languages' tests. It accepts a little more than the reader: the
//! contradictions between options, and the range of a duration, are only described.

use serde_json::{Map, Value, json};

use super::table::{MANAGER, POLICY};
use crate::duration;
use crate::endpoint::document::{ENDPOINT, Kind, MAX_ENDPOINTS, MAX_WEIGHT, Preset, Row};

/// The schema of the manager's document, with those of the policy, of one endpoint and of a list
/// of endpoints under `$defs`.
///
/// # Examples
///
/// ```
/// let schema = failover::config::json_schema();
/// assert_eq!(schema["$defs"]["policy"]["properties"]["strategy"]["default"], "round_robin");
/// ```
#[must_use]
pub fn json_schema() -> Value {
    let mut manager = object(MANAGER);
    manager["properties"]["failover"] = json!({ "$ref": "#/$defs/policy" });
    let list = json!({
        "type": "array",
        "items": { "$ref": "#/$defs/endpoint" },
        "maxItems": MAX_ENDPOINTS,
    });
    let endpoints = json!({ "oneOf": [list, {
        "type": "object",
        "properties": { "endpoints": list },
        "required": ["endpoints"],
        "additionalProperties": false,
    }] });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "libfailover",
        "$ref": "#/$defs/manager",
        "$defs": {
            "manager": manager,
            "policy": object(POLICY),
            "endpoint": object(ENDPOINT),
            "endpoints": endpoints,
        },
    })
}

fn object(rows: &[Row]) -> Value {
    let known = rows.iter().filter(|row| !matches!(row.kind, Kind::Reserved));
    let properties: Map<_, _> = known.map(|row| (row.name.to_owned(), property(row))).collect();
    let is_required = |row: &&Row| matches!(row.preset, Preset::Required);
    let required: Vec<_> = rows.iter().filter(is_required).map(|row| row.name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(row: &Row) -> Value {
    let mut schema = shape(&row.kind);
    schema["description"] = Value::from(match &row.kind {
        Kind::Duration { min, max } => {
            let (min, max) = (duration::format(*min), duration::format(*max));
            format!("{} From {min} to {max}.", row.meaning)
        }
        _ => row.meaning.to_owned(),
    });
    match row.preset {
        Preset::Is(text) => schema["default"] = serde_json::from_str(text).unwrap_or_default(),
        Preset::Required => return schema,
        Preset::Absent(_) | Preset::Manager(_) => {}
    }
    // A null is the same as leaving the key out.
    if let Some(Value::Array(names)) = schema.get_mut("enum") {
        names.push(Value::Null);
    }
    schema["type"] = json!([schema["type"].take(), "null"]);
    schema
}

fn shape(kind: &Kind) -> Value {
    match kind {
        Kind::Duration { .. } => json!({ "type": "string", "pattern": DURATION }),
        Kind::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Port => json!({ "type": "integer", "minimum": 0, "maximum": 65_535 }),
        Kind::Number { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
        Kind::Share => json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1 }),
        Kind::Flag => json!({ "type": "boolean" }),
        // JSON Schema counts characters, and none is less than a byte.
        Kind::Text { min, max } => json!({ "type": "string", "minLength": min, "maxLength": max }),
        Kind::Choice { names, .. } => json!({ "type": "string", "enum": names }),
        Kind::Secret => json!({ "type": "string", "writeOnly": true }),
        Kind::Secrets => map(&json!({ "type": ["string", "null"], "writeOnly": true })),
        Kind::Weights => {
            map(&json!({ "type": ["integer", "null"], "minimum": 0, "maximum": MAX_WEIGHT }))
        }
        Kind::Labels => map(&json!({ "type": ["string", "null"] })),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Statuses => json!({ "type": "array", "items": { "oneOf": [
            { "type": "integer", "minimum": 100, "maximum": 599 },
            { "type": "string", "pattern": "^\\s*[1-5][0-9][0-9]\\s*-\\s*[1-5][0-9][0-9]\\s*$" },
        ] } }),
        Kind::WallTime => json!({ "type": "string", "format": "date-time" }),
        Kind::Any | Kind::Reserved => json!({ "type": "object" }),
        Kind::Section(rows) => object(rows),
        Kind::Sections(rows) => map(&object(rows)),
    }
}

fn map(values: &Value) -> Value {
    json!({ "type": "object", "additionalProperties": values })
}

const DURATION: &str = "^([0-9]+(\\.[0-9]+)?(h|m|s|ms|us|µs|μs|ns))+$";
