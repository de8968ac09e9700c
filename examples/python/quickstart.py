"""Two servers, of which one is down: no call fails."""

import sys
import urllib.request

import failover

NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main(dead: int, alive: int) -> None:
    with failover.FailoverManager(seed=1) as manager:
        manager.register_endpoint(id="a", name="greeter", address="127.0.0.1", port=dead)
        manager.register_endpoint(id="b", name="greeter", address="127.0.0.1", port=alive)
        greeter = manager.pool("greeter")

        @greeter.wrap
        def status(endpoint: failover.Endpoint, path: str) -> str:
            timeout = failover.current_attempt().timeout
            with NO_PROXY.open(endpoint.url(path), timeout=timeout) as answer:
                return f"{answer.status} from {endpoint.id}"

        for number in range(1, 5):
            print(f"call {number}: {status('/work')}")
        stats = greeter.stats()
        print(f"calls: {stats['total_requests']}, failed: {stats['failed_requests']}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
