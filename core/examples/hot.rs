//! Runs one hot path so and so often, for counting its instructions; no time is measured here.
//!
//! usage: hot PATH ALGORITHM ROUNDS, PATH is `pick` or `call`

use std::error::Error;

use failover::{Action, Call, Endpoint, Input, Manager, Outcome, Request};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or_else(|| format!("missing {what}"));
    let (path, algorithm) = (next("PATH")?, next("ALGORITHM")?);
    let rounds: u64 = next("ROUNDS")?.parse()?;

    let policy = format!(r#"{{"load_balancer": {{"algorithm": "{algorithm}"}}}}"#);
    // A manual clock: the machine's own would calibrate for a time that differs from run to run.
    let document = format!(r#"{{"seed": 1, "clock": "manual", "failover": {policy}}}"#);
    let manager = Manager::from_json(&document)?;
    let endpoints = (0..100)
        .map(|number| Endpoint::new(&format!("e{number:02}"), "s", "127.0.0.1", 1000 + number))
        .collect();
    manager.publish(None, endpoints)?;
    let pool = manager.pool(None, Some("s"))?;
    let core = &**pool.core();
    let request = Request::new().key("user");
    for round in 0..rounds {
        let now = 1 + round * 100;
        if path == "pick" {
            let grant = core.grant_one(&request, now).map_err(|kind| format!("{kind:?}"))?;
            core.report(&grant, Outcome::Success, now + 50, 50);
        } else {
            let mut call = Call::new(core, Request::new());
            if let Action::Attempt { number, .. } = call.step(Input::Start, now)? {
                let outcome = Outcome::Success;
                call.step(
                    Input::Result { attempt: number, outcome, latency: 0, hint: 0 },
                    now + 50,
                )?;
            }
        }
    }
    Ok(())
}
