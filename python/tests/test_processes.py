"""Forks, processes that end, threads that come and go."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from typing import Any

import pytest

import failover

from conftest import add, eventually

#: The full length of what is told by number, a part of which runs with every change.
SOAK = os.environ.get("FAILOVER_SOAK") == "1"


def in_child(work: Any) -> int:
    """Runs `work` in a forked child; returns its exit status."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            signal.alarm(30)
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def test_a_forked_child_selects_checks_and_is_asked(manager: failover.FailoverManager) -> None:
    parents = os.getpid()
    manager.set_check(lambda at: (True, "parent" if os.getpid() == parents else "child"))
    manager.register_endpoint(
        id="d",
        name="checked",
        address="127.0.0.1",
        port=1,
        health_check={"type": "custom", "interval": "1h"},
    )
    assert manager.health_check("d") is failover.HealthStatus.HEALTHY
    pool = manager.pool("users")
    lease = pool.lease()

    def reason() -> Any:
        return manager.get_stats()["memory"]["endpoints"]["d"]["last_check"]["reason"]

    def work() -> None:
        assert {pool.execute(lambda at: at.id).result for _ in range(6)} == {"a", "b", "c"}
        assert manager.in_flight == 0, "the parent's lease is the parent's"
        assert manager.health_check("d") is failover.HealthStatus.HEALTHY
        assert reason() == "child"
        manager.close()

    for _ in range(3):
        assert in_child(work) == 0
    assert reason() == "parent"
    assert (manager.in_flight, lease.report("success")) == (1, True)
    assert manager.health_check("d") is failover.HealthStatus.HEALTHY, "the parent goes on"


def test_a_fork_amid_busy_threads_leaves_a_child_that_works(
    manager: failover.FailoverManager,
) -> None:
    pool, is_over = manager.pool("users"), threading.Event()

    def busy() -> None:
        while not is_over.is_set():
            pool.execute(lambda at: at.id)
            manager.get_events(10)

    threads = [threading.Thread(target=busy) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(200 if SOAK else 20):
            assert in_child(lambda: pool.execute(lambda at: at.id) and manager.get_stats()) == 0
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def test_a_child_of_a_process_with_a_loop_finds_a_loop_of_its_own() -> None:
    async def check(at: failover.Endpoint) -> bool:
        await asyncio.sleep(0)
        return True

    async def main() -> None:
        async with failover.FailoverManager(check=check) as manager:
            health_check = {"type": "custom", "interval": "1h", "timeout": "10s"}
            add(manager, "a", health_check=health_check)
            assert await manager.health_check_async("a") is failover.HealthStatus.HEALTHY

            def work() -> None:
                assert manager.health_check("a") is failover.HealthStatus.HEALTHY

            assert in_child(work) == 0

    asyncio.run(main())


def test_events_of_a_child_dont_wake_the_parents_loop(manager: failover.FailoverManager) -> None:
    events = manager.events("failover")

    def fail_over() -> None:
        with pytest.raises(ConnectionRefusedError):
            manager.pool("users").execute(lambda at: socket.create_connection(("127.0.0.1", 1)))

    async def read() -> str:
        return (await asyncio.wait_for(events.__anext__(), 10)).type.value

    fail_over()
    assert asyncio.run(read()) == "failover"
    events.poll()

    def work() -> None:
        fail_over()
        events._queue.ring()
        assert asyncio.run(read()) == "failover", "it has a bell of its own"

    assert in_child(work) == 0
    events._queue.quiet()
    readable, _, _ = select.select([events._queue.descriptor()], [], [], 0)
    assert readable == [], "else the loop would wake for ever"
    fail_over()
    assert asyncio.run(read()) == "failover"


def test_a_childs_events_are_told_in_the_child(manager: failover.FailoverManager) -> None:
    told: list[tuple[int, str]] = []
    stop = manager.on_event(lambda event: told.append((os.getpid(), event.type.value)), "config_applied")
    manager.configure({"retry_delay": 0, "max_retries": 1})
    eventually(lambda: told)

    def work() -> None:
        told.clear()
        manager.configure({"retry_delay": 0, "max_retries": 2})
        eventually(lambda: told)
        assert told == [(os.getpid(), "config_applied")]

    assert in_child(work) == 0
    assert len(told) == 1
    stop()


def test_a_policy_can_forbid_use_in_a_child() -> None:
    with failover.FailoverManager(fork_policy="error") as manager:
        add(manager, "a")

        def work() -> None:
            with pytest.raises(failover.ForkedError):
                manager.pool("users")

        assert in_child(work) == 0
        assert manager.pool("users").select().id == "a"


def calls(config: failover.ManagerConfig) -> list[str]:
    """What a worker of `multiprocessing` does: everything from a configuration."""
    with failover.FailoverManager(config, check=lambda at: True) as manager:
        add(manager, "a", "b", health_check={"type": "custom", "interval": "1h"})
        assert manager.health_check_all() == {"a": "healthy", "b": "healthy"}
        return sorted(manager.execute_with_failover(lambda at: at.id).result for _ in range(2))


@pytest.mark.parametrize("way", ["fork", "forkserver", "spawn"])
def test_multiprocessing_works(way: str, manager: failover.FailoverManager) -> None:
    manager.pool("users").execute(lambda at: at.id)
    config = failover.ManagerConfig(retry_attempts=2)
    context = multiprocessing.get_context(way)

    with context.Pool(2) as workers:
        found = workers.map_async(calls, [config] * 6).get(60)

    assert found == [["a", "b"]] * 6


SHORT = textwrap.dedent(
    """
    import asyncio, sys, threading
    import failover

    async def get(endpoint):
        await asyncio.sleep(0)
        return endpoint.id

    way = sys.argv[1]
    manager = failover.FailoverManager(check=lambda at: True)
    manager.register_endpoint(id="a", name="s", address="127.0.0.1", port=1,
                              health_check={"type": "custom", "interval": "10ms"})
    pool = manager.pool("s")
    assert pool.execute(lambda at: at.id).result == "a"
    if way == "async":
        asyncio.run(pool.execute_async(get))
    elif way == "closed":
        manager.close()
    elif way == "waiting":
        # A daemon thread that waits inside of the engine while the interpreter ends.
        events = manager.events("recovery")
        threading.Thread(target=lambda: next(events), daemon=True).start()
        threading.Thread(target=lambda: manager.wait_drained("a", 60), daemon=True).start()
        lease = pool.lease()
    elif way == "event":
        manager.on_event(print)
    elif way == "raises":
        sys.exit(7)
    """
)


def test_short_processes_end_by_themselves() -> None:
    ways = ["plain", "async", "closed", "waiting", "event", "raises"]
    count = 1000 if SOAK else 36
    running: list[tuple[str, subprocess.Popen[str]]] = []

    def reap(process: tuple[str, subprocess.Popen[str]]) -> None:
        way, child = process
        out, err = child.communicate(timeout=30)
        assert child.returncode == (7 if way == "raises" else 0), (way, child.returncode, err)
        assert err == "", (way, err)

    for number in range(count):
        way = ways[number % len(ways)]
        command = [sys.executable, "-X", "faulthandler", "-c", SHORT, way]
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
        )
        running.append((way, child))
        if len(running) == 4:
            reap(running.pop(0))
    for process in running:
        reap(process)


def test_threads_come_and_go() -> None:
    with failover.FailoverManager() as manager:
        add(manager, "a", "b", "c")
        pool, served = manager.pool("users"), []

        def work() -> None:
            own = failover.FailoverManager()
            add(own, "x")
            assert own.pool("users").execute(lambda at: at.id).result == "x"
            own.close()
            served.append(pool.execute(lambda at: at.id).result)

        for _ in range(1000 // 20):
            threads = [threading.Thread(target=work) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        assert len(served) == 1000
        assert manager.in_flight == 0


APPLICATION = textwrap.dedent(
    """
    import os, socket
    import failover

    DEAD, ALIVE = (int(port) for port in os.environ["PORTS"].split(","))
    manager = failover.FailoverManager()
    for id, port in (("dead", DEAD), ("alive", ALIVE)):
        check = {"type": "tcp", "interval": "1h"} if id == "alive" else None
        manager.register_endpoint(id=id, name="s", address="127.0.0.1", port=port, health_check=check)
    pool = manager.pool("s")
    PARENT = os.getpid()

    def connect(endpoint):
        socket.create_connection((endpoint.address, endpoint.port), timeout=5).close()
        return endpoint.id

    def application(environ, start_response):
        # The first requests meet the dead one, and are failed over.
        result = pool.execute(connect, endpoint="dead")
        health = manager.health_check("alive").value
        assert os.getpid() != PARENT
        start_response("200 OK", [("Content-Type", "text/plain"), ("Connection", "close")])
        return [f"{os.getpid()} {result.result} {result.attempts} {health}".encode()]
    """
)


def test_gunicorn_with_preload_serves_in_every_child(tmp_path: Any) -> None:
    import urllib.request

    (tmp_path / "app.py").write_text(APPLICATION)
    with socket.create_server(("127.0.0.1", 0)) as alive, socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        ports = f"{dead.getsockname()[1]},{alive.getsockname()[1]}"
        server = socket.create_server(("127.0.0.1", 0))
        os.set_inheritable(server.fileno(), True)
        command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "4", "app:application"]
        command += ["--bind", f"fd://{server.fileno()}", "--log-level", "warning", "--timeout", "20"]
        environment = {**os.environ, "PORTS": ports, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, pass_fds=[server.fileno()], stderr=subprocess.PIPE
        )
        try:
            address = f"http://127.0.0.1:{server.getsockname()[1]}/"
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            served: dict[str, str] = {}

            def all_served() -> bool:
                with opener.open(address, timeout=20) as answer:
                    pid, rest = answer.read().decode().split(" ", 1)
                served.setdefault(pid, rest)
                return len(served) == 4

            eventually(all_served, within=60)
            assert set(served.values()) == {"alive 2 healthy"}
        finally:
            process.terminate()
            _, err = process.communicate(timeout=30)
            server.close()
    assert process.returncode == 0, err
    assert b"Traceback" not in err
