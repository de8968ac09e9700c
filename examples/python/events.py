"""What happens to an endpoint, told as it happens: its breaker opens, and lets a probe in later.

The clock is a manual one, so that thirty seconds pass at once.
"""

import failover

clock = failover.ManualClock()
breaker = failover.CircuitBreakerConfig(failure_threshold=2, success_threshold=1)
policy = failover.FailoverConfig(circuit_breaker=breaker)

with failover.FailoverManager(policy, clock=clock, seed=1) as manager:
    manager.register_endpoint(id="a", name="users", address="127.0.0.1", port=8081)
    users = manager.pool("users")
    # No kinds are all kinds; who doesn't read loses the oldest of a hundred.
    events = manager.events(capacity=100)

    for _ in range(2):
        users.lease().report(failover.Outcome.FAILURE)
    # A minute is longer than the breaker's thirty seconds with their jitter.
    clock.advance("1m")
    users.lease().report(failover.Outcome.SUCCESS)

for event in events:
    print(f"{event.type} of {event.endpoint}: {event.reason}")
