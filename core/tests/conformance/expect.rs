//! The steps that look, and the end of a scenario.

use std::collections::{BTreeMap, BTreeSet};

use failover::{Action, Error, ErrorKind};
use serde_json::{Value, json};

use crate::read;
use crate::world::{Running, World};

/// Compares what a step expects with what is.
pub(crate) fn expect(world: &World, step: &Value) -> Result<(), String> {
    match read::text(step, "expect")? {
        "picks" => picks(world, step),
        "endpoint" => endpoint(world, step),
        "explain" => explain(world, step),
        "stats" => stats(world, step),
        "events" => events(world, step),
        _ => action(world, step),
    }
}

/// Compares the end of a scenario.
pub(crate) fn end(world: &World, then: &Value) -> Result<(), String> {
    same("events", &read::texts(then, "events")?, &world.events())?;
    match then.get("stats") {
        Some(figures) => figures_of(&world.manager.stats()[&*default_provider(world)?], figures),
        None => Ok(()),
    }
}

/// Compares an error with what was expected of it.
pub(crate) fn error(error: &Error, wanted: &Value) -> Result<(), String> {
    if let Some(kind) = read::some_text(wanted, "kind")? {
        same("kind", kind, &name_of(error.kind())).map_err(|what| format!("{what}: {error}"))?;
    }
    if wanted.get("paths").is_some() {
        let paths: BTreeSet<_> = error.faults().iter().map(|fault| fault.path.clone()).collect();
        same("paths", &read::texts(wanted, "paths")?.into_iter().collect::<BTreeSet<_>>(), &paths)?;
    }
    if let Some(endpoints) = wanted.get("endpoints") {
        same("endpoints", endpoints, &error.details()["endpoints"])?;
    }
    if wanted.get("next_probe").is_some() {
        let next = json!(read::time(wanted, "next_probe")?);
        same("next_probe in ns", &next, &error.details()["next_probe_in_ns"])?;
    }
    Ok(())
}

fn action(world: &World, step: &Value) -> Result<(), String> {
    let running = world.running(step)?;
    let now = world.now();
    match (read::text(step, "expect")?, running.action) {
        ("attempt", Action::Attempt { grant, number, deadline }) => {
            same("endpoint", read::text(step, "endpoint")?, &world.id(grant.endpoint))?;
            some_number(step, "number", number)?;
            some_time(step, "timeout", deadline.saturating_sub(now))
        }
        ("wait", Action::Wait { until }) => wait(&step["for"], until.saturating_sub(now)),
        ("pending", Action::Pending { until }) => some_time(step, "for", until.saturating_sub(now)),
        ("abandon", Action::Abandon { attempt }) => some_number(step, "number", attempt),
        ("choose", Action::Choose) => {
            let candidates = running.call.candidates(now);
            let candidates: Vec<_> = candidates.iter().map(|number| world.id(*number)).collect();
            same("candidates", &read::texts(step, "candidates")?, &candidates)
        }
        ("done", Action::Done) => {
            same("result", "success", read::text(step, "result")?)?;
            some_flag(step, "fallback", running.call.is_fallback())?;
            some_flag(step, "panic", running.call.is_panic())?;
            some_number(step, "attempts", running.call.attempts())?;
            history(world, running, step)
        }
        ("fail", Action::Fail { kind }) => {
            same("kind", read::text(step, "kind")?, &name_of(kind))?;
            some_number(step, "attempts", running.call.attempts())?;
            history(world, running, step)?;
            let found = running.call.error().ok_or("a failed call has no error")?;
            error(&found, step)
        }
        (_, other) => Err(format!("the call wants {}", describe(world, other, now))),
    }
}

/// An action in words, with times from now on.
fn describe(world: &World, action: Action, now: u64) -> String {
    let left = |until: u64| {
        failover::duration::format(std::time::Duration::from_nanos(until.saturating_sub(now)))
    };
    match action {
        Action::Attempt { grant, number, deadline } => {
            format!("attempt {number} on {:?} for {}", world.id(grant.endpoint), left(deadline))
        }
        Action::Wait { until } => format!("wait for {}", left(until)),
        Action::Pending { until } => format!("pending for {}", left(until)),
        other => format!("{other:?}"),
    }
}

fn wait(wanted: &Value, left: u64) -> Result<(), String> {
    let Some(most) = wanted.get("at_most") else {
        let wanted = json!({ "for": wanted });
        return same("for in ns", &read::time(&wanted, "for")?, &left);
    };
    let most = read::time(&json!({ "at_most": most }), "at_most")?;
    if left <= most { Ok(()) } else { Err(format!("for: at most {most} ns, got {left} ns")) }
}

fn history(world: &World, running: &Running, step: &Value) -> Result<(), String> {
    let Some(wanted) = step.get("history") else { return Ok(()) };
    let records = running.call.history();
    let records = records.iter().map(|record| {
        let outcome = record.outcome.map(failover::Outcome::name);
        json!({ "endpoint": world.id(record.endpoint), "outcome": outcome })
    });
    same("history", wanted, &records.collect::<Value>())
}

fn picks(world: &World, step: &Value) -> Result<(), String> {
    if step.get("ids").is_some() {
        return same("ids", &read::texts(step, "ids")?, &world.picked);
    }
    let mut counts = BTreeMap::new();
    world.picked.iter().for_each(|id| *counts.entry(id.clone()).or_insert(0_u64) += 1);
    same("counts", &step["counts"], &json!(counts))
}

fn endpoint(world: &World, step: &Value) -> Result<(), String> {
    let id = read::text(step, "endpoint")?;
    let provider = match read::some_text(step, "provider")? {
        Some(provider) => provider.to_owned(),
        None => default_provider(world)?,
    };
    let stats = world.manager.stats();
    let found = stats[&*provider]["endpoints"].get(id);
    if step.get("absent").is_some() {
        return same("absent", &read::flag(step, "absent")?, &found.is_none());
    }
    let found =
        found.ok_or_else(|| format!("endpoint {id:?}: not registered with {provider:?}"))?;
    for (key, wanted) in step.as_object().into_iter().flatten() {
        match key.as_str() {
            "expect" | "endpoint" | "provider" | "note" => {}
            "outcomes" => figures_of(&found["outcomes"], wanted)?,
            "scopes" => {
                for (name, figures) in wanted.as_object().into_iter().flatten() {
                    figures_of(&found["scopes"][name], figures)
                        .map_err(|what| format!("{name}: {what}"))?;
                }
            }
            _ => same(key, wanted, &found[key])?,
        }
    }
    Ok(())
}

fn explain(world: &World, step: &Value) -> Result<(), String> {
    let pool = world.pool(step)?.map_err(|error| error.to_string())?;
    let (list, _) = pool.explain(&read::request(step.get("request"), &pool)?);
    let objections = list.iter().map(|one| (one.id.to_string(), json!(one.objection)));
    same("endpoints", &step["endpoints"], &Value::Object(objections.collect()))?;
    let Some(chosen) = step.get("chosen") else { return Ok(()) };
    let found = list.iter().find(|one| one.is_chosen).map(|one| one.id.to_string());
    same("chosen", chosen, &json!(found))
}

fn events(world: &World, step: &Value) -> Result<(), String> {
    same("events", &read::texts(step, "kinds")?, &world.events())?;
    if step.get("load_balance").is_none() {
        return Ok(());
    }
    same("load_balance", &read::number(step, "load_balance")?, &world.told_picks())
}

fn stats(world: &World, step: &Value) -> Result<(), String> {
    if step.get("pool").is_some() {
        let pool = world.pool(step)?.map_err(|error| error.to_string())?;
        return figures_of(&pool.stats(), &step["figures"]);
    }
    let provider = match read::some_text(step, "provider")? {
        Some(provider) => provider.to_owned(),
        None => default_provider(world)?,
    };
    figures_of(&world.manager.stats()[&*provider], &step["figures"])
}

fn figures_of(found: &Value, wanted: &Value) -> Result<(), String> {
    let wanted = wanted.as_object().ok_or("figures: must be an object")?;
    wanted.iter().try_for_each(|(name, figure)| match found.get(name) {
        Some(found) => same(name, figure, found),
        None => Err(format!("{name}: no such figure")),
    })
}

fn default_provider(world: &World) -> Result<String, String> {
    world.manager.default_provider().map(|name| name.to_string()).map_err(|error| error.to_string())
}

fn some_number(step: &Value, key: &str, found: u32) -> Result<(), String> {
    step.get(key).map_or(Ok(()), |_| same(key, &read::number(step, key)?, &u64::from(found)))
}

fn some_time(step: &Value, key: &str, found: u64) -> Result<(), String> {
    step.get(key).map_or(Ok(()), |_| same(key, &read::time(step, key)?, &found))
}

fn some_flag(step: &Value, key: &str, found: bool) -> Result<(), String> {
    step.get(key).map_or(Ok(()), |_| same(key, &read::flag(step, key)?, &found))
}

/// The kind in snake case, from its name in C: `FAILOVER_E_NO_ENDPOINTS` is `no_endpoints`.
pub(crate) fn name_of(kind: ErrorKind) -> String {
    kind.c_name().trim_start_matches("FAILOVER_E_").to_lowercase()
}

fn same<A, B>(what: &str, wanted: &A, found: &B) -> Result<(), String>
where
    A: PartialEq<B> + std::fmt::Debug + ?Sized,
    B: std::fmt::Debug + ?Sized,
{
    if wanted == found {
        Ok(())
    } else {
        Err(format!("{what}: expected {wanted:?}, got {found:?}"))
    }
}
