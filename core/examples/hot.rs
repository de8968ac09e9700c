//! Runs one hot path so and so often, for counting its instructions; no time is measured here.
//!
//! Who counts looks at what happens inside of `count` alone.
//!
//! usage: hot PATH ALGORITHM ROUNDS, PATH is `pick`, `call`, or `scope`: a pick for a request with a scope

use failover::execute::PoolCore;
use failover::{Action, Call, Endpoint, Error, Input, Manager, Outcome, Request, Result};

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or_else(|| format!("missing {what}"));
    let (path, algorithm) = (next("PATH")?, next("ALGORITHM")?);
    let many: u64 = next("ROUNDS")?.parse()?;

    let policy = format!(r#"{{"load_balancer": {{"algorithm": "{algorithm}"}}}}"#);
    let document = format!(r#"{{"seed": 1, "failover": {policy}}}"#);
    let manager = Manager::from_json(&document)?;
    let endpoints = (0..100)
        .map(|number| Endpoint::new(&format!("e{number:02}"), "s", "127.0.0.1", 1000 + number))
        .collect();
    manager.publish(None, endpoints)?;
    let pool = manager.pool(None, Some("s"))?;
    // The first round reads the plan, and gives the thread its number; a round of all endpoints makes
    // each meet the scope.
    run(&path, pool.core(), 100)?;
    count(&path, pool.core(), many)?;
    Ok(())
}

/// What is counted.
#[inline(never)]
fn count(path: &str, core: &PoolCore, many: u64) -> Result<()> {
    run(path, core, many)
}

fn run(path: &str, core: &PoolCore, many: u64) -> Result<()> {
    if path == "scope" { in_scope(core, many) } else { rounds(path, core, many) }
}

#[inline(never)]
fn in_scope(core: &PoolCore, many: u64) -> Result<()> {
    let request = Request::new().scope("a route that is used")?;
    for round in 0..many {
        let now = 1 + round * 100;
        let grant = core.grant_one(&request, now).map_err(|kind| Error::new(kind, "pick"))?;
        core.report(&grant, Outcome::Success, now + 50, 50);
    }
    Ok(())
}

fn rounds(path: &str, core: &PoolCore, many: u64) -> Result<()> {
    let request = Request::new();
    for round in 0..many {
        let now = 1 + round * 100;
        if path == "pick" {
            let grant = core.grant_one(&request, now).map_err(|kind| Error::new(kind, "pick"))?;
            core.report(&grant, Outcome::Success, now + 50, 50);
        } else {
            let mut call = Call::new(core, Request::new());
            if let Action::Attempt { number, .. } = call.step(Input::Start, now)? {
                let outcome = Outcome::Success;
                let result = Input::Result { attempt: number, outcome, latency: 0, hint: 0 };
                call.step(result, now + 50)?;
            }
        }
    }
    Ok(())
}
