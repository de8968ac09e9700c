//! What a scenario acts on: one manager on its manual clock, and the names that steps gave.

use std::collections::HashMap;
use std::sync::Arc;

use failover::execute::{Grant, PoolCore};
use failover::{Action, Call, EndpointId, Error, Manager, Pool};
use serde_json::{Value, json};

use crate::read;

/// A call with the last thing it wanted.
pub(crate) struct Running {
    pub(crate) call: Call<Arc<PoolCore>>,
    pub(crate) action: Action,
}

/// What a scenario acts on.
pub(crate) struct World {
    pub(crate) manager: Manager,
    pub(crate) pools: HashMap<String, Pool>,
    pub(crate) calls: HashMap<String, Running>,
    pub(crate) leases: HashMap<String, (Pool, Grant)>,
    /// Ids of the last `pick` step.
    pub(crate) picked: Vec<String>,
    /// Ids by number, also of endpoints that were removed since.
    pub(crate) ids: HashMap<EndpointId, String>,
    /// The last event of the setting up.
    first_event: u64,
}

impl World {
    pub(crate) fn new(scenario: &Value) -> Result<Self, String> {
        let mut document = scenario.get("manager").cloned().unwrap_or_else(|| json!({}));
        document["clock"] = json!("manual");
        document["seed"] = scenario.get("seed").cloned().unwrap_or_else(|| json!(1));
        document["failover"] = scenario.get("config").cloned().unwrap_or_else(|| json!({}));
        let manager =
            Manager::from_json(&document.to_string()).map_err(|error| error.to_string())?;
        let mut world = Self {
            manager,
            pools: HashMap::new(),
            calls: HashMap::new(),
            leases: HashMap::new(),
            picked: Vec::new(),
            ids: HashMap::new(),
            first_event: 0,
        };
        for document in scenario["endpoints"].as_array().ok_or("endpoints: must be a list")? {
            let mut document = document.clone();
            let provider = document.as_object_mut().and_then(|object| object.remove("provider"));
            let provider = provider.as_ref().map(|name| name.as_str().unwrap_or_default());
            read::endpoint(&document)
                .and_then(|endpoint| {
                    world.manager.register_endpoint(provider.or(Some("memory")), endpoint)
                })
                .map_err(|error| format!("endpoints: {error}"))?;
        }
        world.first_event = world.events_after(0).last().map_or(0, |(number, _)| *number);
        Ok(world)
    }

    /// The pool that a step names, or the default one.
    pub(crate) fn pool(&self, step: &Value) -> Result<Result<Pool, Error>, String> {
        let Some(name) = read::some_text(step, "pool")? else {
            return Ok(self.manager.pool(None, None));
        };
        let pool = self.pools.get(name).cloned();
        Ok(Ok(pool.ok_or_else(|| format!("pool {name:?}: no step made it"))?))
    }

    pub(crate) fn running(&self, step: &Value) -> Result<&Running, String> {
        let name = read::text(step, "of")?;
        self.calls.get(name).ok_or_else(|| format!("call {name:?}: no step made it"))
    }

    pub(crate) fn now(&self) -> u64 {
        self.manager.clock().now()
    }

    /// Kinds of the events since the setting up, in order, those of single picks aside.
    pub(crate) fn events(&self) -> Vec<&'static str> {
        let events = self.events_after(self.first_event);
        events.into_iter().map(|(_, kind)| kind).filter(|kind| *kind != "load_balance").collect()
    }

    /// How many single picks were told of since the setting up.
    pub(crate) fn told_picks(&self) -> u64 {
        let events = self.events_after(self.first_event);
        events.iter().map(|(_, kind)| u64::from(*kind == "load_balance")).sum()
    }

    /// The id behind a number, as far as this scenario has met it.
    pub(crate) fn id(&self, number: EndpointId) -> String {
        self.ids.get(&number).cloned().unwrap_or_else(|| format!("number {number}"))
    }

    /// The ids of a pool's endpoints by their numbers.
    pub(crate) fn ids_of(pool: &PoolCore) -> Vec<(EndpointId, String)> {
        let snapshot = pool.snapshot();
        let members = snapshot.members().iter();
        members.map(|member| (member.id, member.endpoint.id.to_string())).collect()
    }

    fn events_after(&self, number: u64) -> Vec<(u64, &'static str)> {
        let events = self.manager.recent_events(usize::MAX);
        let events = events.iter().rev().map(|event| (event.sequence, event.kind.name()));
        events.filter(|(sequence, _)| *sequence > number).collect()
    }
}
