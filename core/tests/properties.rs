//! The promises that hold whatever a program does: random histories of calls, picks, time, admin
//! actions, endpoints and policies, each step checked against them.
//!
//! One thread on a manual clock, so that a history can be repeated; what threads do to one another
//! is the business of the tests of each lock-free part.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use failover::endpoint::{Admin, Circuit, Member};
use failover::execute::{Grant, PoolCore};
use failover::{
    Action, AdminAction, Call, Endpoint, EndpointId, Input, Lease, Manager, Outcome, Pool, Request,
};
use proptest::prelude::*;

/// What a program may do next. Numbers choose among what is there, modulo how many there are.
#[derive(Clone, Debug)]
enum Step {
    Start { is_idempotent: bool, timeout_ms: u64 },
    Report { call: usize, outcome: Outcome },
    Tick { call: usize },
    Cancel { call: usize },
    Forget { call: usize },
    Pick,
    Return { lease: usize, outcome: Outcome },
    Drop { lease: usize },
    Advance { ms: u64 },
    Admin { endpoint: usize, action: AdminAction },
    Register { endpoint: usize },
    Deregister { endpoint: usize },
    Configure { policy: usize },
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_promise_holds_in_any_history(
        seed in 0..1_000_u64,
        policy in 0..POLICIES.len(),
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let first = history(seed, policy, &steps);
        let again = history(seed, policy, &steps);

        prop_assert_eq!(first, again, "the same seed, clock and inputs give the same actions");
    }
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = || prop::sample::select(Outcome::ALL.to_vec());
    let bad = || prop::sample::select(vec![Outcome::Unsent, Outcome::Failure]);
    let which = 0..64_usize;
    let action = prop::sample::select(vec![
        AdminAction::Active,
        AdminAction::Active,
        AdminAction::Drain,
        AdminAction::Maintain,
        AdminAction::ForceOpen,
        AdminAction::Reset,
    ]);
    prop_oneof![
        8 => (any::<bool>(), 1..40_000_u64)
            .prop_map(|(is_idempotent, timeout_ms)| Step::Start { is_idempotent, timeout_ms }),
        8 => (which.clone(), outcome()).prop_map(|(call, outcome)| Step::Report { call, outcome }),
        8 => (which.clone(), bad()).prop_map(|(call, outcome)| Step::Report { call, outcome }),
        8 => which.clone().prop_map(|call| Step::Tick { call }),
        1 => which.clone().prop_map(|call| Step::Cancel { call }),
        1 => which.clone().prop_map(|call| Step::Forget { call }),
        3 => Just(Step::Pick),
        3 => (which.clone(), outcome()).prop_map(|(lease, outcome)| Step::Return { lease, outcome }),
        1 => which.clone().prop_map(|lease| Step::Drop { lease }),
        6 => prop_oneof![0..200_u64, 0..15_000_u64].prop_map(|ms| Step::Advance { ms }),
        2 => (which.clone(), action).prop_map(|(endpoint, action)| Step::Admin { endpoint, action }),
        1 => which.clone().prop_map(|endpoint| Step::Register { endpoint }),
        1 => which.clone().prop_map(|endpoint| Step::Deregister { endpoint }),
        1 => which.prop_map(|policy| Step::Configure { policy }),
    ]
}

/// Runs one history to its end and returns every action of it.
fn history(seed: u64, policy: usize, steps: &[Step]) -> Vec<String> {
    let document =
        format!(r#"{{ "seed": {seed}, "clock": "manual", "failover": {} }}"#, self::policy(policy));
    let manager = Manager::from_json(&document).expect("the document is valid");
    for number in 0..ENDPOINTS {
        manager.register_endpoint(None, endpoint(number)).expect("the id is free");
    }
    let pool = manager.pool(None, Some("service")).expect("the service is there");
    let mut world = World::new(&manager, &pool, policy);

    for step in steps {
        world.take(step);
        world.check();
    }
    world.end()
}

/// The program's side: what it has open, and what it has seen.
struct World<'a> {
    manager: &'a Manager,
    pool: &'a Pool,
    max_retries: u32,
    calls: Vec<Open>,
    leases: Vec<Lease<'a>>,
    /// Every endpoint that ever was, since removed ones owe their counts too.
    seen: BTreeMap<EndpointId, Member>,
    /// Attempts that fed the retry budget.
    earned: u64,
    trace: Vec<String>,
}

/// A call under way.
struct Open {
    call: Call<Arc<PoolCore>>,
    most_attempts: u32,
    running: Option<Grant>,
    attempts: u32,
    tried: Vec<EndpointId>,
}

impl<'a> World<'a> {
    fn new(manager: &'a Manager, pool: &'a Pool, policy: usize) -> Self {
        let (calls, leases, seen) = (Vec::new(), Vec::new(), BTreeMap::new());
        let (trace, earned) = (Vec::new(), 0);
        let mut world = Self { manager, pool, max_retries: 0, calls, leases, seen, earned, trace };
        world.max_retries = retries_of(policy);
        world
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Start { is_idempotent, timeout_ms } => self.start(is_idempotent, timeout_ms),
            Step::Report { call, outcome } => self.report(call, outcome),
            Step::Tick { call } => self.feed(call, |_| Input::Tick),
            Step::Cancel { call } => self.feed(call, |_| Input::Cancel),
            Step::Forget { call } => drop(chosen(&mut self.calls, call)),
            Step::Pick => self.pick(),
            Step::Return { lease, outcome } => {
                if let Some(lease) = chosen(&mut self.leases, lease) {
                    self.earned += u64::from(outcome.earns());
                    lease.report(outcome);
                }
            }
            Step::Drop { lease } => drop(chosen(&mut self.leases, lease)),
            Step::Advance { ms } => {
                self.manager.advance(Duration::from_millis(ms)).expect("the clock is manual");
            }
            _ => self.administer(step),
        }
    }

    /// What may be refused, because the endpoint is there already or isn't.
    fn administer(&mut self, step: &Step) {
        let id = |number: usize| format!("e{}", number % (ENDPOINTS + 2));
        let is_done = match *step {
            Step::Admin { endpoint, action } => {
                self.manager.set_admin(None, &id(endpoint), action).is_ok()
            }
            Step::Register { endpoint: number } => {
                let endpoint = endpoint(number % (ENDPOINTS + 2));
                self.manager.register_endpoint(None, endpoint).is_ok()
            }
            Step::Deregister { endpoint } => {
                self.manager.deregister_endpoint(None, &id(endpoint)).is_ok()
            }
            Step::Configure { policy } => {
                self.manager.configure(&self::policy(policy)).expect("the policy is valid");
                self.max_retries = retries_of(policy);
                true
            }
            _ => unreachable!("taken elsewhere"),
        };
        self.trace.push(format!("{step:?}: {is_done}"));
    }

    fn start(&mut self, is_idempotent: bool, timeout_ms: u64) {
        let request = Request::new().idempotent(is_idempotent);
        let request = request.timeout(Duration::from_millis(timeout_ms));
        self.calls.push(Open {
            call: Call::new(Arc::clone(self.pool.core()), request),
            most_attempts: 1 + self.max_retries,
            running: None,
            attempts: 0,
            tried: Vec::new(),
        });
        self.feed(self.calls.len() - 1, |_| Input::Start);
    }

    fn report(&mut self, call: usize, outcome: Outcome) {
        let is_running = |open: &Open| open.running.is_some();
        let Some(call) = (0..self.calls.len())
            .cycle()
            .skip(call % 64)
            .take(self.calls.len())
            .find(|at| is_running(&self.calls[*at]))
        else {
            return;
        };
        self.earned += u64::from(outcome.earns());
        self.feed(call, |open| Input::Result {
            attempt: open.attempts,
            outcome,
            latency: 1_000,
            hint: if outcome == Outcome::Throttled { 500_000_000 } else { 0 },
        });
    }

    fn feed(&mut self, call: usize, input: impl Fn(&Open) -> Input) {
        if self.calls.is_empty() {
            return;
        }
        let at = call % self.calls.len();
        let mut open = self.calls.swap_remove(at);
        let clear = self.clear_endpoints();
        let now = self.manager.clock().now();
        let mut action = open.call.step(input(&open), now).expect("the input is in order");
        self.trace.push(format!("{action:?}"));
        if let Action::Abandon { .. } = action {
            open.running = None;
            action = open.call.step(Input::Next, now).expect("the input is in order");
            self.trace.push(format!("{action:?}"));
        }
        match action {
            Action::Attempt { grant, number, deadline } => {
                assert!(
                    deadline <= open.call.deadline() || deadline <= now,
                    "an attempt ends with its call"
                );
                assert_eq!(number, open.attempts + 1, "attempts are numbered in turn");
                self.begin(&mut open, grant, &clear);
            }
            Action::Wait { until } => {
                assert!(until < open.call.deadline(), "no wait crosses the deadline");
                open.running = None;
            }
            Action::Pending { .. } => {}
            Action::Done | Action::Fail { .. } => return,
            other => unreachable!("{other:?} isn't asked for"),
        }
        self.calls.push(open);
    }

    fn begin(&mut self, open: &mut Open, grant: Grant, clear: &[EndpointId]) {
        self.check_grant(&grant);
        open.attempts += 1;
        assert!(open.attempts <= open.most_attempts, "at most 1 + max_retries attempts");
        if open.tried.contains(&grant.endpoint) {
            let untried: Vec<_> = clear.iter().filter(|id| !open.tried.contains(id)).collect();
            assert!(untried.is_empty(), "{untried:?} is usable and wasn't tried by this call");
            // A new round, which leaves out the last one alone.
            open.tried.drain(..open.tried.len() - 1);
        }
        open.tried.push(grant.endpoint);
        open.running = Some(grant);
    }

    fn pick(&mut self) {
        match self.pool.pick(&Request::new()) {
            Ok(lease) => {
                self.check_grant(lease.grant());
                self.trace.push(format!("{:?}", lease.grant()));
                self.leases.push(lease);
            }
            Err(error) => self.trace.push(error.to_string()),
        }
    }

    /// Nobody is picked who must not be.
    fn check_grant(&mut self, grant: &Grant) {
        let snapshot = self.pool.snapshot();
        let member = snapshot.find(grant.endpoint, grant.position).expect("a picked one is there");
        let status = member.state.status();
        assert_eq!(status.admin(), Admin::Active, "draining and maintenance are never picked");
        assert_ne!(status.circuit(), Circuit::ForcedOpen, "held-open breakers are never passed");
        assert_ne!(member.endpoint.weight, Some(0), "weight 0 gets no new traffic");
        self.seen.insert(member.id, member.clone());
    }

    /// What holds between any two steps.
    fn check(&self) {
        let grants: Vec<&Grant> = self.grants().collect();
        let in_flight: u64 = self.seen.values().map(|member| member.state.in_flight()).sum();
        assert_eq!(in_flight, grants.len() as u64, "in-flight counts what is open");

        let now_ms = self.manager.clock().now() / 1_000_000;
        for member in self.seen.values() {
            let generation = member.state.status().generation();
            let is_held = |grant: &&&Grant| {
                let pass = grant.pass;
                let ends_ms = pass.word & ((1 << 40) - 1);
                pass.slot != 0 && pass.generation == generation && ends_ms > now_ms
            };
            let own = grants.iter().filter(|grant| grant.endpoint == member.id);
            assert!(own.filter(is_held).count() <= MOST_PROBES, "permits bound the probes");
        }

        let retries = self.pool.stats()["retries"].as_u64().expect("a count");
        let earned = CAPACITY * 1_000 + self.earned * 200 + now_ms * 10;
        assert!(retries * 1_000 <= earned, "charged retries stay within the budget");
    }

    fn grants(&self) -> impl Iterator<Item = &Grant> {
        let running = self.calls.iter().filter_map(|open| open.running.as_ref());
        running.chain(self.leases.iter().map(Lease::grant))
    }

    /// Endpoints that nothing at all speaks against.
    fn clear_endpoints(&self) -> Vec<EndpointId> {
        let snapshot = self.pool.snapshot();
        let members = snapshot.members().iter();
        let clear = members
            .filter(|member| member.state.status().is_clear() && member.endpoint.weight != Some(0));
        clear.map(|member| member.id).collect()
    }

    /// Closes everything; nothing may be left in flight.
    fn end(mut self) -> Vec<String> {
        self.calls.clear();
        self.leases.clear();
        for member in self.seen.values() {
            assert_eq!(member.state.in_flight(), 0, "{} owes nothing", member.endpoint.id);
        }
        assert_eq!(self.manager.in_flight(), 0);
        self.trace
    }
}

fn chosen<T>(items: &mut Vec<T>, number: usize) -> Option<T> {
    if items.is_empty() {
        return None;
    }
    let at = number % items.len();
    Some(items.swap_remove(at))
}

fn endpoint(number: usize) -> Endpoint {
    let port = 8_000 + u16::try_from(number).expect("a small number");
    let weight = [2, 1, 1, 3, 0, 1, 2][number % 7];
    Endpoint::new(&format!("e{number}"), "service", "127.0.0.1", port)
        .with_weight(weight)
        .with_priority(u32::from(number == 3))
}

fn policy(number: usize) -> String {
    let (own, max_retries) = POLICIES[number % POLICIES.len()];
    format!(
        r#"{{ {own}, "max_retries": {max_retries}, "retry_budget": {{ "capacity": {CAPACITY} }},
            "circuit_breaker": {{ "failure_threshold": 2, "recovery_timeout": "1s",
                "half_open_max_calls": {MOST_PROBES}, "minimum_calls": 5 }} }}"#
    )
}

fn retries_of(policy: usize) -> u32 {
    POLICIES[policy % POLICIES.len()].1
}

/// Endpoints at the start; two more may come.
const ENDPOINTS: usize = 5;
const MOST_PROBES: usize = 2;
/// Small, so that histories run into it.
const CAPACITY: u64 = 3;

/// Policies with the retries that they allow.
const POLICIES: &[(&str, u32)] = &[
    (r#""strategy": "round_robin""#, 3),
    (r#""strategy": "weighted", "backoff": "fixed""#, 5),
    (r#""strategy": "random", "retry_delay": "0s""#, 8),
    (r#""strategy": "least_connections""#, 0),
    (r#""strategy": "health_based", "on_all_open": "fail_open""#, 3),
    (r#""strategy": "geographic", "attempt_timeout": "50ms""#, 2),
    (r#""load_balancer": { "algorithm": "ip_hash" }, "retry_delay": "20ms""#, 12),
];
