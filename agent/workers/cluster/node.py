"""What the engine's worker on a node does for the head: it keeps artifacts, and starts and feeds a process that works.

The head calls these functions by name through the engine; they import little, and wait without holding up the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from medalist.agent.workers.cluster.cache import NodeCache, cache_folder, cache_limit
from medalist.agent.workers.cluster.versions import versions
from medalist.agent.workers.machine import available_memory
from medalist.competitions.clock import awake

HUNG_SECONDS = 20.0  # without any word from the process for so long it counts as hung
START_SECONDS = 120.0  # the same until its first word: it imports the libraries


class NodeProcess:
    """A process that works (see `process`), at the other end of a socket.

    setup: its first message, a `messages.Setup` as bytes.
    deliver: called, in another thread, with the bytes of each message, and with None when the process is gone.
    """

    def __init__(self, setup: bytes, deliver: Callable[[bytes | None], None]):
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "medalist.agent.workers.cluster.process", str(theirs.fileno())]
        self.heard = awake() + START_SECONDS - HUNG_SECONDS
        with theirs:
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=_environment(),
            )
        self._connection = Connection(ours.detach())
        self._deliver = deliver
        self._sending = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()
        self.send([setup])

    def _read(self) -> None:
        try:
            while True:
                data = self._connection.recv_bytes()
                self.heard = awake()
                self._deliver(data)
        except (EOFError, OSError):
            self._deliver(None)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def hung(self) -> bool:
        """Whether it should have answered long ago."""
        return awake() - self.heard > HUNG_SECONDS

    def send(self, messages: Sequence[bytes]) -> None:
        """Send messages, in order. Where the process is gone, `deliver` is told."""
        with self._sending, contextlib.suppress(OSError):
            for message in messages:
                self._connection.send_bytes(message)

    def close(self) -> None:
        """End it, and with it its children."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()


def _environment() -> dict[str, str]:
    """The variables of the process, which finds this package where it was imported from."""
    from medalist import competitions

    found = Path(competitions.__file__).parents[2]
    return dict(os.environ, PYTHONPATH=os.pathsep.join([str(found), os.environ.get("PYTHONPATH", "")]))


@dataclass
class Opened:
    """A process for one run of the head, with its messages that the head did not fetch yet."""

    process: NodeProcess
    arrived: list[bytes] = field(default_factory=list)
    gone: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)


ALIVE = b""  # a message that says only that the sender is there
_opened: dict[str, Opened] = {}  # of this worker of the engine, by the head's name for its run on it


async def describe() -> dict[str, object]:
    """What the head asks of a node before all else: versions, the machine's name, its cache and available bytes."""
    folder = cache_folder()
    try:
        cache_limit()
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        problem = ""
    except ValueError:
        problem = f"MEDALIST_NODE_GIB is {os.environ['MEDALIST_NODE_GIB']!r} there, but must be a number of GiB"
    except OSError as error:
        problem = f"{folder} cannot be written ({error.strerror}): name another folder with MEDALIST_NODE_CACHE there"
    return {
        "versions": await asyncio.to_thread(versions),
        "host": platform.node(),
        "cache": str(folder),
        "memory": available_memory(),
        "problem": problem,
    }


async def missing(names: Sequence[str]) -> list[str]:
    """Which of these artifacts are not in the cache."""
    return NodeCache(cache_folder()).missing(names)


async def put(name: str, writer: str, offset: int, data: bytes, last: bool) -> bool:
    """Store bytes of an artifact at an offset; with the last ones, whether it came whole."""
    cache = NodeCache(cache_folder())
    await asyncio.to_thread(cache.append, name, writer, offset, data)
    return await asyncio.to_thread(cache.complete, name, writer) if last else True


async def fetch(url: str, names: Sequence[str]) -> list[str]:
    """Fetch artifacts from object storage. Returns those that cannot be had from there, or did not come whole."""
    from medalist.agent.workers.cluster.storage import download

    return await asyncio.to_thread(download, url, names, NodeCache(cache_folder()), uuid.uuid4().hex[:8])


async def open_process(run: str, setup: bytes, places: Mapping[str, str]) -> None:
    """Start the process for a run, with its artifacts at their places in the cache; an earlier one is ended."""
    await close_process(run)
    cache = NodeCache(cache_folder())
    for where, name in places.items():
        cache.place(where, name)
    await asyncio.to_thread(cache.trim, cache_limit(), tuple(places.values()))
    loop = asyncio.get_running_loop()

    def deliver(data: bytes | None) -> None:
        with contextlib.suppress(RuntimeError):  # the worker's loop has ended
            loop.call_soon_threadsafe(receive_one, data)

    def receive_one(data: bytes | None) -> None:
        if data == ALIVE:
            return
        if data is None:
            opened.gone = True
        else:
            opened.arrived.append(data)
        opened.news.set()

    opened = Opened(await asyncio.to_thread(NodeProcess, setup, deliver))
    _opened[run] = opened


async def send(run: str, messages: Sequence[bytes]) -> None:
    """Send orders to the process. KeyError where there is none."""
    await asyncio.to_thread(_opened[run].process.send, messages)


async def receive(run: str, seconds: float) -> list[bytes]:
    """The messages of the process, waiting so many seconds for the first; the process is told that the head is there.

    Raises RuntimeError where the process is gone or hangs, KeyError where there is none.
    """
    opened = _opened[run]
    await asyncio.to_thread(opened.process.send, [ALIVE])
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(opened.news.wait(), seconds)
    opened.news.clear()
    arrived, opened.arrived = opened.arrived, []
    if opened.gone and not arrived:
        raise RuntimeError("its process has ended")
    if opened.process.hung:
        raise RuntimeError("its process does not answer")
    return arrived


async def close_process(run: str) -> None:
    """End the process of a run, if there is one."""
    opened = _opened.pop(run, None)
    if opened is not None:
        await asyncio.to_thread(opened.process.close)
