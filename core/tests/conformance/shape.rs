//! The shape of a scenario: `schema.json` is read and obeyed, so verbs and keys are written once.
//!
//! Understands as much of JSON Schema (draft 2020-12) as that file uses, and refuses any other
//! keyword, so that no rule of it is skipped in silence. `pattern` alone is left to the reading of
//! durations, which is stricter.

use failover::events::EventKind;
use failover::{ErrorKind, Outcome};
use serde_json::{Map, Value, json};

use crate::expect::name_of;

/// The rules, from `schema.json`.
pub(crate) struct Shape {
    schema: Value,
}

/// What is wrong, if anything is.
type Checked = Result<(), String>;

impl Shape {
    /// Takes the rules, whose lists of names have to be the library's own.
    pub(crate) fn new(schema: Value) -> Result<Self, String> {
        let kinds: Value = ErrorKind::ALL.iter().map(|kind| name_of(*kind)).collect();
        let outcomes: Value = Outcome::ALL.iter().map(|outcome| outcome.name()).collect();
        let events = EventKind::ALL.iter().filter(|kind| **kind != EventKind::LoadBalance);
        let events: Value = events.map(|kind| kind.name()).collect();
        let listed = &schema["$defs"];
        let pairs = [
            ("kind", kinds, &listed["kind"]["enum"]),
            ("outcome", outcomes, &listed["outcome"]["enum"]),
            ("events", events, &listed["events"]["items"]["enum"]),
        ];
        for (name, own, listed) in pairs {
            if own != *listed {
                return Err(format!("$defs.{name}: the library has {own}"));
            }
        }
        Ok(Self { schema })
    }

    /// Says what is wrong with a scenario's shape.
    pub(crate) fn check(&self, scenario: &Value) -> Checked {
        self.obeys(scenario, &self.schema, "")
    }

    fn obeys(&self, value: &Value, rules: &Value, path: &str) -> Checked {
        let rules = rules.as_object().ok_or_else(|| fault(path, "the schema has no rules here"))?;
        for (keyword, rule) in rules {
            match keyword.as_str() {
                "$schema" | "$id" | "$defs" | "title" | "description" | "pattern" => {}
                "$ref" => self.obeys(value, self.named(rule, path)?, path)?,
                "oneOf" | "anyOf" => self.some_of(value, (keyword, rule), path)?,
                "not" if self.obeys(value, rule, path).is_ok() => {
                    return Err(fault(path, &format!("must not match {rule}")));
                }
                "not" => {}
                "properties" | "required" | "additionalProperties" | "dependentRequired" => {
                    if let Some(object) = value.as_object() {
                        self.members(object, (keyword, rule), (rules, path))?;
                    }
                }
                "items" => {
                    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.obeys(item, rule, &format!("{path}[{}]", at + 1))?;
                    }
                }
                _ => plain(value, (keyword, rule), path)?,
            }
        }
        Ok(())
    }

    fn named(&self, name: &Value, path: &str) -> Result<&Value, String> {
        let pointer = name.as_str().and_then(|name| name.strip_prefix('#'));
        let found = pointer.and_then(|pointer| self.schema.pointer(pointer));
        found.ok_or_else(|| fault(path, &format!("the schema lacks {name}")))
    }

    fn some_of(&self, value: &Value, (keyword, rules): (&str, &Value), path: &str) -> Checked {
        let rules = rules.as_array().map_or(&[][..], Vec::as_slice);
        let rules = rules.iter().filter(|rules| is_verb_of(value, rules));
        let checked: Vec<_> = rules.map(|rules| self.obeys(value, rules, path)).collect();
        let good = checked.iter().filter(|checked| checked.is_ok()).count();
        if good == 1 || (good > 1 && keyword == "anyOf") {
            return Ok(());
        }
        let closest = checked.into_iter().find_map(Result::err);
        Err(closest.unwrap_or_else(|| fault(path, "unknown verb, or more than one of them")))
    }

    fn members(
        &self,
        object: &Map<String, Value>,
        (keyword, rule): (&str, &Value),
        (rules, path): (&Map<String, Value>, &str),
    ) -> Checked {
        let below = |name: &str| {
            if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
        };
        let misses = |names: &Value| {
            let names = names.as_array().into_iter().flatten().filter_map(Value::as_str);
            names.into_iter().find(|name| !object.contains_key(*name)).map(str::to_owned)
        };
        let missing = match keyword {
            "required" => misses(rule),
            "dependentRequired" => {
                let given = rule.as_object().into_iter().flatten();
                given
                    .filter(|(name, _)| object.contains_key(*name))
                    .find_map(|(_, needs)| misses(needs))
            }
            _ => None,
        };
        if let Some(missing) = missing {
            return Err(fault(path, &format!("misses {missing:?}")));
        }
        for (name, member) in object {
            let known = rules.get("properties").and_then(|known| known.get(name));
            match (keyword, known) {
                ("properties", Some(rules)) => self.obeys(member, rules, &below(name))?,
                ("additionalProperties", None) if *rule == json!(false) => {
                    return Err(fault(path, &format!("unknown key {name:?}")));
                }
                ("additionalProperties", None) => self.obeys(member, rule, &below(name))?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Obeys the keywords that look at one value alone.
fn plain(value: &Value, (keyword, rule): (&str, &Value), path: &str) -> Checked {
    let number = || value.as_f64().zip(rule.as_f64());
    let holds = match keyword {
        "const" => value == rule,
        "enum" => rule.as_array().is_some_and(|names| names.contains(value)),
        "type" if rule.is_array() => {
            rule.as_array().into_iter().flatten().any(|rule| is_of(value, rule))
        }
        "type" => is_of(value, rule),
        "minimum" => number().is_none_or(|(value, least)| value >= least),
        "maximum" => number().is_none_or(|(value, most)| value <= most),
        "minLength" => value.as_str().is_none_or(|text| !text.trim().is_empty()),
        "minItems" => value.as_array().is_none_or(|list| !list.is_empty()),
        _ => {
            return Err(fault(
                path,
                &format!("the schema says {keyword:?}, which is not known here"),
            ));
        }
    };
    if holds { Ok(()) } else { Err(fault(path, &format!("{keyword} {rule}, got {value}"))) }
}

/// True if the rules are for the verb that the value names, or for no verb at all.
fn is_verb_of(value: &Value, rules: &Value) -> bool {
    ["do", "expect"].iter().all(|word| {
        let verb = rules["properties"][word].get("const");
        verb.is_none() || verb == value.get(word)
    })
}

fn is_of(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap_or_default() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}

fn fault(path: &str, what: &str) -> String {
    format!("{}: {what}", if path.is_empty() { "scenario" } else { path })
}
