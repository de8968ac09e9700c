"""Runs every Python block of the guide, of the package's page and of the project's, in their order."""

from __future__ import annotations

import asyncio
import http.server
import re
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import failover

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server that answers."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def blocks(page: str) -> list[str]:
    found = re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(), re.M | re.S)
    assert found, f"{page} has no block"
    return found


class Answer:
    status = 200

    async def read(self) -> bytes:
        return b"hello"

    async def __aenter__(self) -> Answer:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


async def ask_async(endpoint: failover.Endpoint) -> bytes:
    return b"hello"


@pytest.mark.parametrize("page", ["docs/guides/python.md", "python/README.md", "README.md"])
def test_every_block_runs(page: str, port: int, capsys: pytest.CaptureFixture[str]) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    # What a block leaves out: a client, and the function that makes a request.
    names: dict[str, Any] = {
        "urllib": SimpleNamespace(request=SimpleNamespace(urlopen=opener.open)),
        "client": SimpleNamespace(get=lambda url: Answer()),
        "session": SimpleNamespace(get=lambda url: Answer()),
        "get": lambda url: opener.open(url).read(),
        "ask": lambda url: opener.open(url).read(),
        "ask_async": ask_async,
        "failover": failover,
    }
    for number, block in enumerate(blocks(page), 1):
        # Both servers of the page are the one that is there.
        block = re.sub(r"\b808[12]\b", str(port), block)
        code = compile(block, f"{page}, block {number}", "exec", flags=FLAGS)
        made = eval(code, names)
        if asyncio.iscoroutine(made):
            asyncio.run(made)
    assert (names["served"].result if page == "README.md" else names["answer"]) == b"hello"
    if isinstance(names.get("manager"), failover.FailoverManager):
        names["manager"].close()


#: `await` outside of a function, as the page has it.
FLAGS = __import__("ast").PyCF_ALLOW_TOP_LEVEL_AWAIT
