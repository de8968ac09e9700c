//! What a forked child finds, as far as it can be seen without forking: the hooks run in one process.

use failover::manager::{after_fork_child, after_fork_parent, before_fork};
use failover::{Endpoint, ErrorKind, Manager, Outcome, Request};

fn manager(fork_policy: &str) -> Manager {
    let document = format!(r#"{{"seed": 1, "clock": "manual", "fork_policy": "{fork_policy}"}}"#);
    let manager = Manager::from_json(&document).expect("the document is valid");
    manager.register_endpoint(None, Endpoint::new("a", "s", "127.0.0.1", 1)).expect("a free id");
    manager
}

#[test]
fn a_child_selects_at_once_and_owes_no_lease_of_its_parent() {
    let restarted = manager("restart");
    let forbidden = manager("error");
    let pool = restarted.pool(None, Some("s")).expect("the service exists");
    let of_the_parent = pool.pick(&Request::new()).expect("usable");

    before_fork();
    before_fork();
    after_fork_child();
    assert_eq!(restarted.in_flight(), 1, "the inner of two nested hooks does nothing");
    after_fork_child();
    after_fork_parent();

    assert_eq!(restarted.in_flight(), 0);
    let own = pool.pick(&Request::new()).expect("usable in the child");
    of_the_parent.report(Outcome::Failure);
    assert_eq!(restarted.in_flight(), 1, "a lease of the parent is nobody's here");
    own.report(Outcome::Success);
    assert_eq!(restarted.in_flight(), 0);

    let refused = forbidden.pool(None, Some("s")).map(|_| ()).map_err(|error| error.kind());
    assert_eq!(refused, Err(ErrorKind::Forked));
}
