//! The reference of every option as Markdown, made from the rows that the reader follows.
//!
//! `docs/reference/configuration.md` is this text; a test compares them.

use super::table::{MANAGER, POLICY};
use crate::duration;
use crate::endpoint::document::{ENDPOINT, Kind, MAX_WEIGHT, Preset, Row};

/// The reference of every option of every document, as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    for (title, about, rows) in [
        ("The policy", POLICY_IS, POLICY),
        ("The manager", MANAGER_IS, MANAGER),
        ("Endpoints", ENDPOINTS_ARE, ENDPOINT),
    ] {
        text.push_str(&format!("\n## {title}\n\n{about}\n"));
        table(&mut text, rows, "");
    }
    text
}

/// One table, followed by the tables of its sections.
fn table(text: &mut String, rows: &[Row], path: &str) {
    text.push_str("\n| option | type | default | since | meaning |\n|---|---|---|---|---|\n");
    for row in rows {
        let Row { name, kind, preset, since, meaning } = row;
        let (kind, default) = (kind_text(kind), default_text(*preset, kind));
        text.push_str(&format!("| `{path}{name}` | {kind} | {default} | {since} | {meaning} |\n"));
    }
    for row in rows {
        let (rows, path) = match &row.kind {
            Kind::Section(rows) => (rows, format!("{path}{}.", row.name)),
            Kind::Sections(rows) => (rows, format!("{path}{}.<name>.", row.name)),
            _ => continue,
        };
        if std::ptr::eq(*rows, POLICY) {
            continue;
        }
        text.push_str(&format!("\n### `{}`\n\n{}\n", path.trim_end_matches('.'), row.meaning));
        table(text, rows, &path);
    }
}

fn kind_text(kind: &Kind) -> String {
    match kind {
        Kind::Duration { min, max } => {
            format!("duration, {} to {}", duration::format(*min), duration::format(*max))
        }
        Kind::Integer { min, max } => format!("whole number, {min} to {max}"),
        Kind::Port => "whole number, 0 to 65535".to_owned(),
        Kind::Number { min, max } => format!("number, {min} to {max}"),
        Kind::Share => "number above 0, up to 1".to_owned(),
        Kind::Flag => "true or false".to_owned(),
        Kind::Text { min: 0, max } => format!("text, at most {max} bytes"),
        Kind::Text { min, max } => format!("text, {min} to {max} bytes"),
        Kind::Choice { names, reserved } => {
            let known = names.iter().map(|name| format!("`{name}`"));
            let later = reserved.iter().map(|name| format!("(`{name}`: not available yet)"));
            known.chain(later).collect::<Vec<_>>().join(", ")
        }
        Kind::Secret => "text, not shown".to_owned(),
        Kind::Secrets => "map of text, not shown".to_owned(),
        Kind::Weights => format!("map of whole numbers, 0 to {MAX_WEIGHT}"),
        Kind::Labels => "map of text".to_owned(),
        Kind::Texts => "list of text".to_owned(),
        Kind::Statuses => "list of statuses and ranges".to_owned(),
        Kind::WallTime => "RFC 3339 time".to_owned(),
        Kind::Any => "any object".to_owned(),
        Kind::Section(_) => "section".to_owned(),
        Kind::Sections(_) => "sections by name".to_owned(),
        Kind::Reserved => "reserved".to_owned(),
    }
}

fn default_text(preset: Preset, kind: &Kind) -> String {
    match preset {
        Preset::Required => "required".to_owned(),
        Preset::Absent(means) => format!("absent: {means}"),
        Preset::Is(_) if matches!(kind, Kind::Section(_)) => "its defaults".to_owned(),
        Preset::Is(text) => format!("`{text}`"),
        Preset::Manager(name) => format!("the manager's `{name}`"),
    }
}

const HEAD: &str = "\
# Configuration

<!-- Made from the tables in core by `make gen`; do not edit. -->

A document is JSON or TOML, at most 64 MiB. Durations are text with a unit: `\"250ms\"`, `\"1.5s\"`,
`\"1h30m\"` (units ns, us, ms, s, m, h). A key that is absent or null has its default. Every fault
is reported at once with its dotted path, and a document with a fault changes nothing.
";
const POLICY_IS: &str = "\
How one pool treats its endpoints and its calls. The options of a single call have the same keys
and are laid over the pool's.";
const MANAGER_IS: &str = "What a manager is made from.";
const ENDPOINTS_ARE: &str = "\
A document of endpoints is a list, or an object with the list under `endpoints` (in TOML:
`[[endpoints]]`), of at most 100000 endpoints.";
