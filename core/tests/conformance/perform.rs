//! The steps that do something.

use failover::endpoint::document::{Format, parse_list};
use failover::health::CheckResult;
use failover::{AdminAction, Call, Error, Input, Outcome};
use serde_json::Value;

use crate::expect;
use crate::read;
use crate::world::{Running, World};

/// Why a step did not go through: the library refused, or the scenario makes no sense.
enum Trouble {
    Refused(Error),
    Senseless(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<String> for Trouble {
    fn from(what: String) -> Self {
        Self::Senseless(what)
    }
}

/// Does a step, and compares with its `fails`.
pub(crate) fn perform(world: &mut World, step: &Value) -> Result<(), String> {
    match (act(world, step), step.get("fails")) {
        (Err(Trouble::Senseless(what)), _) => Err(what),
        (Ok(()), None) => Ok(()),
        (Ok(()), Some(fails)) => Err(format!("expected it to fail with {fails}, and it did not")),
        (Err(Trouble::Refused(error)), None) => {
            Err(format!("failed with {:?}: {error}", error.kind()))
        }
        (Err(Trouble::Refused(error)), Some(fails)) => expect::error(&error, fails),
    }
}

fn act(world: &mut World, step: &Value) -> Result<(), Trouble> {
    match read::text(step, "do")? {
        "call" => call(world, step),
        "pick" => pick(world, step),
        "pool" => pool(world, step),
        "report" => report(world, step),
        "tick" => feed(world, step, Input::Tick),
        "next" => feed(world, step, Input::Next),
        "cancel" => feed(world, step, Input::Cancel),
        "choose" => choose(world, step),
        "drop" => drop_one(world, step),
        "advance" => Ok(world.manager.advance(read::duration(step, "by")?)?),
        "configure" => Ok(world.manager.configure(&step["config"].to_string())?),
        _ => act_on_endpoint(world, step),
    }
}

fn act_on_endpoint(world: &World, step: &Value) -> Result<(), Trouble> {
    let manager = &world.manager;
    let provider = read::some_text(step, "provider")?;
    match read::text(step, "do")? {
        "register" => manager.register_endpoint(provider, read::endpoint(&step["endpoint"])?)?,
        "update" => manager.update_endpoint(provider, read::endpoint(&step["endpoint"])?)?,
        "deregister" => manager.deregister_endpoint(provider, read::text(step, "endpoint")?)?,
        "publish" => {
            let endpoints = parse_list(&step["endpoints"].to_string(), Format::Json)?;
            manager.publish(provider, endpoints)?;
        }
        "admin" => {
            let state = read::text(step, "state")?;
            let unknown = || format!("state: unknown {state:?}");
            let action = AdminAction::from_name(state).ok_or_else(unknown)?;
            manager.set_admin(provider, read::text(step, "endpoint")?, action)?;
        }
        "health" => {
            let (id, is_good) = (read::text(step, "endpoint")?, read::flag(step, "good")?);
            let reason = read::some_text(step, "reason")?.unwrap_or("reported").to_owned();
            let is_degraded = step.get("degraded").is_some() && read::flag(step, "degraded")?;
            let result = match (is_good, is_degraded) {
                (true, false) => CheckResult::good(reason),
                (true, true) => CheckResult::degraded(reason),
                (false, _) => CheckResult::bad(reason),
            };
            manager.report_check(provider, id, &result)?;
        }
        "provider" => manager.register_pushed_provider(read::text(step, "name")?)?,
        verb => return Err(format!("unknown verb {verb:?}").into()),
    }
    Ok(())
}

fn call(world: &mut World, step: &Value) -> Result<(), Trouble> {
    let pool = world.pool(step)??;
    world.ids.extend(World::ids_of(pool.core()));
    let request = read::request(step.get("request"), &pool)?;
    let mut call = Call::new(std::sync::Arc::clone(pool.core()), request);
    let action = call.step(Input::Start, world.now())?;
    let name = fresh(world, step)?;
    world.ids.extend(World::ids_of(call.pool()));
    world.calls.insert(name, Running { call, action });
    Ok(())
}

fn pick(world: &mut World, step: &Value) -> Result<(), Trouble> {
    let pool = world.pool(step)??;
    world.ids.extend(World::ids_of(pool.core()));
    let request = read::request(step.get("request"), &pool)?;
    world.picked.clear();
    if step.get("as").is_some() {
        let name = fresh(world, step)?;
        // A lease lives as long as its pool's borrow, so what is kept here is its numbers.
        let grant = match pool.core().grant_one(&request, world.now()) {
            Ok(grant) => grant,
            Err(_) => {
                return Err(pool.pick(&request).map(drop).expect_err("refused just now").into());
            }
        };
        world.picked.push(world.id(grant.endpoint));
        world.leases.insert(name, (pool, grant));
        return Ok(());
    }
    let count = step.get("count").map_or(Ok(1), |_| read::number(step, "count"))?;
    let outcome =
        step.get("outcome").map_or(Ok(Outcome::Cancelled), |_| read::outcome(step, "outcome"))?;
    for _ in 0..count {
        let lease = pool.pick(&request)?;
        world.picked.push(lease.endpoint().id.to_string());
        lease.report(outcome);
    }
    Ok(())
}

fn pool(world: &mut World, step: &Value) -> Result<(), Trouble> {
    let provider = read::some_text(step, "provider")?;
    let mut pool = world.manager.pool(provider, read::some_text(step, "service")?)?;
    if let Some(config) = step.get("config") {
        pool = pool.derive(&config.to_string())?;
    }
    world.pools.insert(read::text(step, "as")?.to_owned(), pool);
    Ok(())
}

fn report(world: &mut World, step: &Value) -> Result<(), Trouble> {
    let outcome = read::outcome(step, "outcome")?;
    let (latency, hint) = (read::some_time(step, "latency")?, read::some_time(step, "hint")?);
    let name = read::text(step, "of")?;
    if let Some((pool, grant)) = world.leases.remove(name) {
        if hint > 0 || step.get("attempt").is_some() {
            return Err("hint and attempt: only for calls".to_owned().into());
        }
        let now = world.now();
        let latency = if latency == 0 { now - grant.started } else { latency };
        pool.core().report(&grant, outcome, now, latency);
        return Ok(());
    }
    let running = world.running(step)?.call.attempts();
    let attempt = match step.get("attempt") {
        Some(_) => u32::try_from(read::number(step, "attempt")?).unwrap_or(u32::MAX),
        None => running,
    };
    feed(world, step, Input::Result { attempt, outcome, latency, hint })
}

fn choose(world: &mut World, step: &Value) -> Result<(), Trouble> {
    let id = read::text(step, "endpoint")?;
    let number = world.ids.iter().find(|(_, known)| *known == id).map(|(number, _)| *number);
    let number = number.ok_or_else(|| format!("endpoint {id:?}: not met by this scenario"))?;
    feed(world, step, Input::Chosen(number))
}

fn feed(world: &mut World, step: &Value, input: Input) -> Result<(), Trouble> {
    let now = world.now();
    let name = read::text(step, "of")?;
    let running =
        world.calls.get_mut(name).ok_or_else(|| format!("call {name:?}: no step made it"))?;
    running.action = running.call.step(input, now)?;
    // A fallback pool's endpoints are met when the call goes there.
    let ids = World::ids_of(running.call.pool());
    world.ids.extend(ids);
    Ok(())
}

fn drop_one(world: &mut World, step: &Value) -> Result<(), Trouble> {
    let name = read::text(step, "of")?;
    if let Some((pool, grant)) = world.leases.remove(name) {
        let now = world.now();
        pool.core().report(&grant, Outcome::Cancelled, now, now - grant.started);
        return Ok(());
    }
    let dropped = world.calls.remove(name).map(drop);
    dropped.ok_or_else(|| format!("{name:?}: no call or lease of that name").into())
}

fn fresh(world: &World, step: &Value) -> Result<String, Trouble> {
    let name = read::text(step, "as")?;
    if world.calls.contains_key(name) || world.leases.contains_key(name) {
        return Err(format!("{name:?}: the name is taken").into());
    }
    Ok(name.to_owned())
}
