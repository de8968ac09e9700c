//! Who gets how much: exact shares of round robin and weighted, also beside a dead endpoint.

use std::collections::BTreeMap;

use failover::{AdminAction, Endpoint, Manager, Outcome, Pool, Request};

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
        let total: u32 = weights.iter().sum();
        let alive: Vec<(char, u32)> =
            ('a'..).zip(weights).filter(|(id, _)| id.to_string() != dead).collect();
        let left: u32 = alive.iter().map(|(_, weight)| weight).sum();

        let counts = counts(&picks(&pool, (total * left) as usize));

        for (id, weight) in alive {
            assert_eq!(counts[&id], (total * weight) as usize, "{weights:?} without {dead}: {id}");
        }
    }
}

#[test]
fn round_robin_stays_within_one_pick_of_equal_in_any_window() {
    for dead in [None, Some("b"), Some("e")] {
        let (manager, pool) = pool("round_robin", &[1; 5]);
        if let Some(dead) = dead {
            manager.set_admin(None, dead, AdminAction::Maintain).expect("the endpoint exists");
        }
        let picks: Vec<char> = picks(&pool, 400).chars().collect();
        let usable = 5 - usize::from(dead.is_some());

        let mut worst: f64 = 0.0;
        for length in 1..=200 {
            let equal = length as f64 / usable as f64;
            for window in picks.windows(length) {
                let counts = counts(&window.iter().collect::<String>());
                let least = if counts.len() < usable {
                    0
                } else {
                    counts.values().min().copied().unwrap_or(0)
                };
                let most = counts.values().max().copied().unwrap_or(0);
                worst = worst.max(most as f64 - equal).max(equal - least as f64);
                let within = equal.floor() - 1.0..=equal.ceil() + 1.0;
                assert!(
                    within.contains(&(least as f64)) && within.contains(&(most as f64)),
                    "{window:?}"
                );
            }
        }
        println!("round robin without {dead:?}: {worst:.2} from the exact share at worst");
    }
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
