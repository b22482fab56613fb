"""The head's connection to one node: it ships artifacts, sends orders and receives what has ended."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from medalist.agent.workers.cluster import node as remote
from medalist.agent.workers.cluster.artifacts import Catalogue
from medalist.agent.workers.cluster.cache import CHUNK
from medalist.agent.workers.cluster.engine import CLOSE_SECONDS, Engine
from medalist.agent.workers.cluster.messages import Order, Setup, pack, unpack
from medalist.agent.workers.jobs import Job

SILENT_SECONDS = 10.0  # a node that has not answered for so long is lost
HOLD_SECONDS = 2.0  # how long a node waits for something to tell before it answers
SHIP_SECONDS = 30.0  # longest time for one chunk of an artifact
FETCH_SECONDS = 600.0  # longest time for fetching from object storage

Tell = Callable[[str, Any], None]  # (kind, what): "ready", None; "done", Done; "failed", (ticket, why); "lost", why


class Link(Protocol):
    """A connection to a process that works; all that it tells goes to the pool."""

    def post(self, order: Order) -> None:
        """Send an order, in the background."""

    def close(self) -> Future[Any]:
        """End the process, in the background; the future is done when it has ended, or does not answer."""


@dataclass
class Shipper:
    """Brings artifacts to machines, each once: by the engine, or through object storage where `url` names it.

    shipped: bytes that were brought to each machine's cache. uploaded: what is in the object storage.
    """

    engine: Engine
    catalogue: Catalogue = field(default_factory=Catalogue)
    url: str | None = None
    shipped: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    uploaded: set[str] = field(default_factory=set)
    _there: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def ship(self, address: str, cache: str, names: Iterable[str], *, check: bool = False) -> None:
        """Bring what is missing of these artifacts to a node. cache: identifies the cache of its machine. check: ask
        the node for what it has, rather than trust what was shipped. Raises OSError or TimeoutError where that
        fails."""
        wanted = [name for name in names if check or name not in self._there[cache]]
        if not wanted:
            return
        async with self._locks[cache]:
            absent = await self.engine.call(address, SHIP_SECONDS, remote.missing, wanted)
            if absent and self.url is not None:
                for name in absent:
                    await self._upload(name)
                failed = await self.engine.call(address, FETCH_SECONDS, remote.fetch, self.url, absent)
                self.shipped[cache] += sum(self._size(name) for name in set(absent) - set(failed))
                absent = failed
            for name in absent:
                await self._put(address, name)
                self.shipped[cache] += self._size(name)
            self._there[cache].update(wanted)

    def _size(self, name: str) -> int:
        return self.catalogue.paths[name].stat().st_size

    async def _upload(self, name: str) -> None:
        """Store an artifact in the object storage, once. Where that fails, the engine brings it."""
        from medalist.agent.workers.cluster.storage import upload

        if name not in self.uploaded:
            try:
                await asyncio.to_thread(upload, self.url or "", name, self.catalogue.paths[name])
            except Exception:  # noqa: BLE001 - each file system has errors of its own; the node then lacks it
                return
            self.uploaded.add(name)

    async def _put(self, address: str, name: str) -> None:
        path, size, writer = self.catalogue.paths[name], self._size(name), f"{id(self):x}"
        chunks = max(1, math.ceil(size / CHUNK))
        with path.open("rb") as file:
            for i in range(chunks):
                data, last = file.read(CHUNK), i == chunks - 1
                whole = await self.engine.call(address, SHIP_SECONDS, remote.put, name, writer, i * CHUNK, data, last)
                if not whole:
                    raise OSError(f"{path.name} did not come whole, or changed meanwhile")


class NodeLink:
    """A connection to a node of the cluster: a `Link`. Its coroutines run on the engine's thread."""

    def __init__(self, engine: Engine, shipper: Shipper, address: str, run: str, cache: str, tell: Tell):
        self._engine, self._shipper, self._address, self._tell = engine, shipper, address, tell
        self._run, self._cache = f"{run} {address}", cache
        self._orders: asyncio.Queue[Order] = asyncio.Queue()
        self._over = False

    def open(self, setup: Setup) -> None:
        """Ship the training input, start the process and go on until it is lost, in the background."""
        self._engine.submit(self._serve(setup))

    async def _serve(self, setup: Setup) -> None:
        try:
            given, places = await asyncio.to_thread(self._shipper.catalogue.training_input, setup.training_input)
            await self._shipper.ship(self._address, self._cache, dict.fromkeys(places.values()), check=True)
            message = pack(replace(setup, training_input=given))
            await self._call(SHIP_SECONDS, remote.open_process, message, places)
            self._tell("ready", None)
            tasks = [asyncio.ensure_future(one) for one in (self._send(), self._receive())]
            try:
                ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                ended.pop().result()
            finally:
                for task in tasks:
                    task.cancel()
        except Exception as error:  # noqa: BLE001 - whatever ends a connection, the node's jobs go elsewhere
            if not self._over:
                self._tell("lost", reason(error))
                self.close()

    async def _call(self, seconds: float, function: Callable[..., Any], *arguments: Any) -> Any:
        return await self._engine.call(self._address, seconds, function, self._run, *arguments)

    async def _send(self) -> None:
        """Send orders in the order in which they were posted, with the artifacts of jobs ahead of them."""
        while not self._over:
            orders = [await self._orders.get()]
            while not self._orders.empty():
                orders.append(self._orders.get_nowait())
            messages = []
            for order in orders:
                if order.job is not None:
                    job = await self._with_artifacts(order.job)
                    if job is None:
                        continue
                    order = replace(order, job=job)
                messages.append(pack(order))
            await self._call(SILENT_SECONDS, remote.send, messages)

    async def _with_artifacts(self, job: Job) -> Job | None:
        """A job as the node reads it, once what it reads is there; None where a file of it is gone here."""
        try:
            named, names = await asyncio.to_thread(self._shipper.catalogue.job, job)
        except OSError as error:
            self._tell("failed", (job.key, f"{type(error).__name__}: {error}"))
            return None
        await self._shipper.ship(self._address, self._cache, names)
        return named

    async def _receive(self) -> None:
        """Pass on what has ended on the node; each answer also says that the node is alive."""
        while not self._over:
            for message in await self._call(HOLD_SECONDS + SILENT_SECONDS, remote.receive, HOLD_SECONDS):
                self._tell("done", unpack(message))

    def post(self, order: Order) -> None:
        self._engine.soon(self._orders.put_nowait, order)

    def close(self) -> Future[Any]:
        async def end() -> None:
            self._over = True
            with contextlib.suppress(Exception):  # it is gone, and ends by itself
                await self._call(CLOSE_SECONDS, remote.close_process)

        return self._engine.submit(end())


class LocalLink:
    """A process on the head itself, for while no node is there: a `Link` without anything in between."""

    def __init__(self, setup: Setup, tell: Tell):
        def deliver(data: bytes | None) -> None:
            if data is None:
                tell("lost", "its process has ended")
            elif data != remote.ALIVE:
                tell("done", unpack(data))

        self._process = remote.NodeProcess(pack(setup), deliver)
        tell("ready", None)

    def post(self, order: Order) -> None:
        self._process.send([pack(order)])

    def close(self) -> Future[Any]:
        self._process.close()
        done: Future[Any] = Future()
        done.set_result(None)
        return done


def reason(error: BaseException) -> str:
    """What an exception says, in one line."""
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return "no answer"
    if isinstance(error, OSError) and "closed" in f"{type(error).__name__} {error}".lower():
        return "its connection was closed"
    return " ".join(str(error).split())[:200] or type(error).__name__
