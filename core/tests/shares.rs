//! Who gets how much: exact shares of round robin and weighted, also beside a dead endpoint.

use std::collections::BTreeMap;
use std::time::Duration;

use failover::balance::Filter;
use failover::{AdminAction, Endpoint, EndpointId, Manager, Outcome, Pool, Request};

fn pool(algorithm: &str, weights: &[u32]) -> (Manager, Pool) {
    let document = format!(
        r#"{{"seed": 1, "clock": "manual",
            "failover": {{"load_balancer": {{"algorithm": "{algorithm}"}}}}}}"#
    );
    let manager = Manager::from_json(&document).expect("the document is valid");
    for (id, weight) in ('a'..).zip(weights) {
        let endpoint = Endpoint::new(&id.to_string(), "s", "127.0.0.1", 1).with_weight(*weight);
        manager.register_endpoint(None, endpoint).expect("a fresh id");
    }
    let pool = manager.pool(None, Some("s")).expect("the service exists");
    (manager, pool)
}

fn picks(pool: &Pool, count: usize) -> String {
    (0..count)
        .map(|_| {
            let lease = pool.pick(&Request::new()).expect("somebody is usable");
            let id = lease.endpoint().id.to_string();
            lease.report(Outcome::Success);
            id
        })
        .collect()
}

fn counts(picks: &str) -> BTreeMap<char, usize> {
    picks.chars().fold(BTreeMap::new(), |mut counts, id| {
        *counts.entry(id).or_default() += 1;
        counts
    })
}

#[test]
fn weighted_serves_the_sequences_of_nginx() {
    for (weights, sequence) in
        [([5, 1, 1], "aabacaa"), ([4, 2, 1], "abacaba"), ([3, 2, 1], "abacba")]
    {
        let (_manager, pool) = pool("weighted", &weights);

        assert_eq!(picks(&pool, sequence.len() * 3), sequence.repeat(3));
    }
}

#[test]
fn a_dead_endpoints_weight_is_spread_exactly_over_a_period() {
    for (weights, dead) in [([5, 1, 1], "b"), ([4, 2, 1], "a"), ([3, 2, 1], "c")] {
        let (manager, pool) = pool("weighted", &weights);
        manager.set_admin(None, dead, AdminAction::Maintain).expect("the endpoint exists");
        let alive: Vec<(char, u32)> =
            ('a'..).zip(weights).filter(|(id, _)| id.to_string() != dead).collect();
        let left: u32 = alive.iter().map(|(_, weight)| weight).sum();

        let counts = counts(&picks(&pool, left as usize));

        for (id, weight) in alive {
            assert_eq!(counts[&id], weight as usize, "{weights:?} without {dead}: {id}");
        }
    }
}

#[test]
fn round_robin_stays_within_one_pick_of_equal_in_any_window_while_all_are_usable() {
    for endpoints in 2..=8 {
        let (_manager, pool) = pool("round_robin", &vec![1; endpoints]);

        let worst = farthest_from_equal(&picks(&pool, endpoints * 20), endpoints);

        assert!(worst <= 1.0, "{worst:.2} picks from equal with {endpoints}");
    }
}

#[test]
fn round_robin_stays_within_one_pick_of_equal_beside_any_dead_endpoints() {
    const ENDPOINTS: usize = 7;
    for dead in 1_u32..(1 << ENDPOINTS) - 1 {
        let (manager, pool) = pool("round_robin", &[1; ENDPOINTS]);
        for (id, _) in ('a'..).zip(0..ENDPOINTS).filter(|(_, at)| dead >> at & 1 == 1) {
            let id = id.to_string();
            manager.set_admin(None, &id, AdminAction::Maintain).expect("the endpoint exists");
        }
        let usable = ENDPOINTS - dead.count_ones() as usize;

        let worst = farthest_from_equal(&picks(&pool, ENDPOINTS * usable * 2), usable);

        assert!(worst <= 1.0, "{worst:.2} picks from equal without {dead:#09b}");
    }
}

#[test]
fn a_request_that_only_one_endpoint_fits_takes_no_turn_of_the_others() {
    const ENDPOINTS: usize = 4;
    let (manager, pool) = pool("round_robin", &[1; ENDPOINTS - 1]);
    let mut tagged = Endpoint::new("e", "s", "127.0.0.1", 1);
    tagged.tags.push("big".into());
    manager.register_endpoint(None, tagged).expect("a fresh id");
    let mut filter = Filter::default();
    filter.tags.push("big".into());
    let choosy = Request::new().filter(filter);

    let mut seen = String::new();
    for _ in 0..160 {
        pool.pick(&choosy).expect("e is usable").report(Outcome::Success);
        seen += &picks(&pool, 1);
    }

    let counts = counts(&seen);
    assert!(counts.len() == ENDPOINTS && counts.values().all(|count| *count == 40), "{counts:?}");
}

/// How far any endpoint's picks are from an equal share, at worst, in any window.
fn farthest_from_equal(picks: &str, usable: usize) -> f64 {
    let share = 1.0 / usable as f64;
    let of = |id: char| {
        // A window's surplus is the difference of two prefixes' surpluses.
        let (mut surplus, mut least, mut most, mut worst) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
        for pick in picks.chars() {
            surplus += f64::from(u8::from(pick == id)) - share;
            worst = worst.max(surplus - least).max(most - surplus);
            (least, most) = (least.min(surplus), most.max(surplus));
        }
        worst
    };
    counts(picks).into_keys().map(of).fold(0.0, f64::max)
}

#[test]
fn least_connections_uses_every_idle_endpoint_alike() {
    for endpoints in [2, 8, 9, 26] {
        let (_manager, pool) = pool("least_connections", &vec![1; endpoints]);

        let counts = counts(&picks(&pool, endpoints * 400));

        assert_eq!(counts.len(), endpoints, "everybody is used");
        // 400 each; five standard deviations are 100.
        assert!(counts.values().all(|count| (300..=500).contains(count)), "{counts:?}");
    }
}

#[test]
fn least_connections_uses_the_idle_ones_alike_beside_dead_ones() {
    const ENDPOINTS: usize = 12;
    let (manager, pool) = pool("least_connections", &[1; ENDPOINTS]);
    for id in ["b", "c", "f", "g", "j", "l"] {
        manager.set_admin(None, id, AdminAction::Maintain).expect("the endpoint exists");
    }

    let counts = counts(&picks(&pool, 12_000));

    // 2,000 each; five standard deviations are 205.
    assert_eq!(counts.len(), 6);
    assert!(counts.values().all(|count| (1_795..=2_205).contains(count)), "{counts:?}");
}

#[test]
fn glances_never_keep_a_due_endpoint_from_those_who_may_probe_it() {
    for endpoints in 2..=7 {
        let (manager, pool) = pool("round_robin", &vec![1; endpoints]);
        for _ in 0..5 {
            pool.pick(&Request::new().endpoint(number(&pool, "a")))
                .expect("usable")
                .report(Outcome::Failure);
        }
        manager.advance(Duration::from_secs(40)).expect("a manual clock");

        let mut seen = String::new();
        for _ in 0..endpoints {
            assert_ne!(&*pool.glance(&Request::new()).expect("usable").id, "a");
            seen += &picks(&pool, 1);
        }

        assert!(seen.contains('a'), "{seen} of {endpoints}");
    }
}

fn number(pool: &Pool, id: &str) -> EndpointId {
    let snapshot = pool.core().snapshot();
    let member = snapshot.members().iter().find(|member| *member.endpoint.id == *id);
    member.expect("it is in the set").id
}
