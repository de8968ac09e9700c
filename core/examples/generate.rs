//! Writes docs/reference from the tables in core, so that no page can lag behind the code.
//!
//! Run by `make gen`; the test `generated` compares the pages with what this would write.

use std::fs;
use std::path::Path;

use failover::config::{json_schema, reference};
use failover::events::EventKind;
use failover::{ErrorKind, Outcome};

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "docs/reference".to_owned());
    fs::create_dir_all(&folder)?;
    for (name, text) in pages() {
        fs::write(Path::new(&folder).join(name), text)?;
    }
    Ok(())
}

/// Every page by its file name.
pub(crate) fn pages() -> [(&'static str, String); 4] {
    [
        ("configuration.md", reference()),
        ("schema.json", format!("{:#}\n", json_schema())),
        ("errors.md", errors()),
        ("events.md", events()),
    ]
}

fn errors() -> String {
    let mut text = ERRORS.to_owned();
    for kind in ErrorKind::ALL {
        text.push_str(&format!(
            "| {} | `{}` | `{kind:?}` | {} | {} | {} |\n",
            kind.code(),
            kind.c_name(),
            kind.error_type().name(),
            if kind.is_retryable() { "yes" } else { "no" },
            one_line(kind.meaning()),
        ));
    }
    text.push_str(OUTCOMES);
    for outcome in Outcome::ALL {
        text.push_str(&format!(
            "| {} | `{}` | {} | {} | {} |\n",
            outcome as u32,
            outcome.name(),
            retry(outcome),
            payment(outcome),
            if outcome.earns() { "yes" } else { "no" },
        ));
    }
    text
}

fn retry(outcome: Outcome) -> &'static str {
    match (outcome.is_retryable(false), outcome.is_retryable(true)) {
        (true, _) => "yes",
        (false, true) => "if idempotent",
        (false, false) => "no",
    }
}

fn payment(outcome: Outcome) -> &'static str {
    match (outcome.is_retryable(true), outcome.is_charged()) {
        (false, _) => "-",
        (true, true) => "pays",
        (true, false) => "is free",
    }
}

fn events() -> String {
    let mut text = EVENTS.to_owned();
    for kind in EventKind::ALL {
        let meaning = one_line(kind.meaning());
        text.push_str(&format!("| {} | `{}` | {meaning} |\n", *kind as u32, kind.name()));
    }
    text
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const ERRORS: &str = "\
# Errors and outcomes

<!-- Made from the tables in core by `make gen`; do not edit. -->

Programs branch on the number or the name, which never change; people read the message, whose words
may. *Again* says whether the same call may succeed when it is made again later.

## Errors

| number | in C | in Rust | type | again | meaning |
|---|---|---|---|---|---|
";
const OUTCOMES: &str = "
## Outcomes of an attempt

What an attempt came to decides whether its call goes on, and who pays for it: a retry that *pays*
takes one from the retry budget, and an outcome that *earns* feeds it.

| number | name | retried | the retry | earns |
|---|---|---|---|---|
";
const EVENTS: &str = "\
# Events

<!-- Made from the tables in core by `make gen`; do not edit. -->

Each event has a sequence number without gaps, the wall time, the pool, the endpoint where one is
concerned, and a reason in words. The last 1,024 are kept; a subscriber has a queue of its own that
drops the oldest and counts what it dropped. Within one step of a call the order is circuit events,
timeout, retry, failover.

| number | type | meaning |
|---|---|---|
";
