"""The failover you can watch.

Starts three local HTTP servers and calls them two hundred times a second; meanwhile it kills one and lets
another fail and hang. No call may fail. What a program itself has to do for that is `get`: one attempt.

usage: demo.py PATH-OF-failover-backend
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import failover

CALLS_PER_SECOND = 200

# Everything is a little faster than one would set it for servers that are far away: an outage that
# would take minutes to live through takes seconds to watch.
POLICY = failover.FailoverConfig(
    strategy="round_robin",
    timeout="5s",
    attempt_timeout="300ms",
    max_retries=3,
    retry_delay="20ms",
    circuit_breaker=failover.CircuitBreakerConfig(
        recovery_timeout="1s", max_recovery_timeout="2s", jitter=0, half_open_max_calls=1
    ),
    health=failover.HealthConfig(interval="200ms", timeout="300ms", fall=2, rise=2),
)


class Unavailable(Exception):
    """The server answered that it can't."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


async def get(port: int, path: str) -> int:
    """One HTTP request by hand, so that the demo needs no client."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n")
    finally:
        writer.close()
    status = int(head.split()[1])
    if status >= 400:
        raise Unavailable(status)
    return status


class Server:
    """One server, which misbehaves on command."""

    def __init__(self, program: str, name: str) -> None:
        self.name, self._program, self.port, self._control = name, program, 0, 0
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        # A group of its own: Ctrl-C reaches the demo alone, which then ends its servers in order.
        self._process = await asyncio.create_subprocess_exec(
            self._program,
            *("--name", self.name, "--port", str(self.port), "--exit-with-stdin"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        line = await asyncio.wait_for(self._process.stdout.readline(), 10)
        said = json.loads(line)
        self.port, self._control = said["port"], said["control"]

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def mode(self, mode: str) -> None:
        await get(self._control, f"/mode/{mode}")


@dataclass
class Demo:
    """The servers, what happened to them, and what the calls noticed."""

    manager: failover.FailoverManager
    servers: dict[str, Server]
    begun: float = field(default_factory=time.monotonic)
    calls: int = 0
    failed: int = 0
    attempts: int = 0
    fault: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    # When something last happened to a server, by server and kind, and when it last answered well.
    seen: dict[tuple[str, str], float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    told: set[tuple[str, str]] = field(default_factory=set)
    times: dict[str, float | None] = field(default_factory=dict)

    async def call(self, pool: failover.Pool) -> None:
        async def attempt(endpoint: failover.Endpoint) -> int:
            self.attempts += 1
            status = await get(endpoint.port, "/work")
            self.answered.setdefault(endpoint.id, time.monotonic())
            return status

        try:
            await pool.execute_async(attempt)
        except Exception as error:
            self.failed += 1
            self.fault = self.fault or repr(error)
        self.calls += 1

    async def keep_calling(self, pool: failover.Pool) -> None:
        open_calls: set[asyncio.Task[None]] = set()
        due = time.monotonic()
        try:
            while True:
                task = asyncio.create_task(self.call(pool))
                open_calls.add(task)
                task.add_done_callback(open_calls.discard)
                due += 1 / CALLS_PER_SECOND
                await asyncio.sleep(max(0.0, due - time.monotonic()))
        finally:
            await asyncio.gather(*open_calls)

    async def watch(self, events: failover.Events) -> None:
        async for event in events:
            kind, server = event.type.value, event.endpoint or "-"
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self.seen.setdefault((server, kind), time.monotonic())
            if (server, kind) not in self.told:
                self.told.add((server, kind))
                self.say(f"{server}  {kind:17} {event.reason}")

    def say(self, text: str) -> None:
        print(f"  {time.monotonic() - self.begun:7.3f} s  {text}", flush=True)

    def forget(self, *servers: str) -> None:
        """From now on, what happens to these servers is news."""
        self.seen = {key: at for key, at in self.seen.items() if key[0] not in servers}
        for server in servers:
            self.answered.pop(server, None)

    def all_in_use(self) -> bool:
        endpoints = self.manager.get_stats()["memory"]["endpoints"].values()
        return all(one["health"] == "healthy" and one["picks"] for one in endpoints)

    async def phase(
        self, title: str, least: float, most: float, happened: Callable[[], bool]
    ) -> None:
        """Goes on for a while to be watched, and until something has happened."""
        print(title, flush=True)
        self.told.clear()
        begun = time.monotonic()
        while not happened():
            if time.monotonic() - begun > most:
                raise TimeoutError(f"within {most:.0f} s nothing came of {title!r}")
            await asyncio.sleep(0.02)
        await asyncio.sleep(max(0.0, begun + least - time.monotonic()))

    def note(self, what: str, since: float, *keys: tuple[str, str]) -> bool:
        """Notes how long it took until the first of these; false while none has happened."""
        found = [self.seen[key] for key in keys if key in self.seen]
        if found:
            self.times.setdefault(what, max(0.0, min(found) - since))
        return bool(found)

    async def story(self) -> None:
        b, c = self.servers["b"], self.servers["c"]
        await self.phase("1/5  All three servers are well.", 2.5, 8, self.all_in_use)

        self.forget("b")
        await b.kill()
        at = time.monotonic()
        out = (("b", "circuit_open"), ("b", "endpoint_down"))
        await self.phase(
            "2/5  b is killed: its port refuses.", 3, 8,
            lambda: self.note("b killed: taken out of use after", at, *out),
        )
        self.forget("c")
        await c.mode("status=503")
        since = time.monotonic()
        await self.phase(
            "3/5  c answers 503 to everything. Only a is left.", 3, 8,
            lambda: self.note("c answering 503: taken out of use after", since, ("c", "circuit_open")),
        )
        self.forget("c")
        await c.mode("hang?scope=work")
        hung = time.monotonic()
        await self.phase(
            "4/5  c hangs, and its /health says 200.", 4, 8,
            lambda: self.note("c hanging: a call given up there after", hung, ("c", "timeout")),
        )
        self.forget("b", "c")
        await b.start()
        b_back = time.monotonic()
        await c.mode("ok")
        c_back = time.monotonic()

        def recovered() -> bool:
            for server, what, back in (
                ("b", "b started again: used again after", b_back),
                ("c", "c cured: used again after", c_back),
            ):
                if server in self.answered:
                    self.times.setdefault(what, max(0.0, self.answered[server] - back))
            return {"b", "c"} <= self.answered.keys() and self.all_in_use()

        await self.phase("5/5  b is started again, c is cured.", 4, 10, recovered)

    def summary(self) -> bool:
        print()
        for what, after in self.times.items():
            print(f"  ok {what:44}{after * 1000:7.0f} ms")
        is_good = self.failed == 0 and self.calls > 0 and len(self.times) == 5
        failed = f"{self.failed} failed" + (f"; the first: {self.fault}" if self.fault else "")
        print(f"  {'ok' if is_good else '--'} {self.calls} calls, {failed}")
        retries, failovers = self.counts.get("retry", 0), self.counts.get("failover", 0)
        print(f"     {self.attempts} attempts, {retries} retries, {failovers} failovers")
        ejected = self.in_ms("b killed: taken out of use after")
        recovered = self.in_ms("b started again: used again after")
        print(
            f"\ndemo: calls={self.calls} failed={self.failed} failovers={failovers}"
            f" ejected_after={ejected}ms recovered_after={recovered}ms"
        )
        return is_good

    def in_ms(self, what: str) -> int:
        after = self.times.get(what)
        return -1 if after is None else int(after * 1000)


async def main(program: str) -> int:
    task = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    servers = {name: Server(program, name) for name in "abc"}
    try:
        async with failover.FailoverManager(POLICY) as manager:
            events = manager.events()
            for server in servers.values():
                await server.start()
                manager.register_endpoint(
                    id=server.name,
                    name="shop",
                    address="127.0.0.1",
                    port=server.port,
                    health_check={"path": "/health"},
                )
            demo = Demo(manager, servers)
            watching = asyncio.create_task(demo.watch(events))
            calling = asyncio.create_task(demo.keep_calling(manager.pool("shop")))
            try:
                await demo.story()
            finally:
                calling.cancel()
                await asyncio.gather(calling, return_exceptions=True)
        # The manager is closed: the last events are read, and the iteration ends.
        await watching
        return 0 if demo.summary() else 1
    except (TimeoutError, asyncio.CancelledError) as error:
        print(f"demo: {error or 'interrupted'}", file=sys.stderr)
        return 1
    finally:
        for server in servers.values():
            await server.kill()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(asyncio.run(main(sys.argv[1])))
