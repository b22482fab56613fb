"""The census of a cluster: which nodes there are, what they have, and whether their versions are the head's."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from medalist.agent.workers.cluster import node as remote
from medalist.agent.workers.cluster.engine import Engine, EngineWorker
from medalist.agent.workers.cluster.link import reason
from medalist.agent.workers.cluster.versions import difference, versions
from medalist.competitions.clock import awake
from medalist.competitions.errors import ClusterError

DESCRIBE_SECONDS = 10.0  # longest wait for a node to say what it has
STORAGE_SECONDS = 15.0  # longest wait for the object storage at the start
WATCH_SECONDS = 2.0  # between two looks at the nodes while a run goes on
RETURN_SECONDS = 15.0  # a node that was lost is asked again after so long


@dataclass(frozen=True)
class Member:
    """A node that can be used. name: as people know it. memory: bytes that it may use. cache: identifies the
    artifacts of its machine. available: bytes of memory that are free on its machine."""

    address: str
    name: str
    cores: int
    memory: float
    cache: str
    available: float


class Refused(Exception):  # noqa: N818 - a state of a node
    """A node cannot be used, for the reason that the sentence says."""


class Census:
    """Looks for nodes, at the start and while a run goes on. artifacts: object storage that nodes get data through."""

    def __init__(self, engine: Engine, artifacts: str | None = None):
        self._engine = engine
        self._ours = versions()
        self._known: set[str] = set()
        self._ask_again: dict[str, float] = {}
        if artifacts is not None:
            from medalist.agent.workers.cluster.storage import check

            try:
                engine.submit(asyncio.to_thread(check, artifacts)).result(STORAGE_SECONDS)
            except TimeoutError:
                raise ClusterError(f"--artifacts {artifacts} does not answer within {STORAGE_SECONDS:.0f} s.") from None

    def first(self) -> list[Member]:
        """The nodes at the start. ClusterError where there are none, one cannot be used, or none answers."""
        return list(self._engine.submit(self._first()).result(4 * DESCRIBE_SECONDS))

    async def _first(self) -> list[Member]:
        address = self._engine.address
        until = awake() + 3.0
        try:
            while not (found := await self._engine.workers()) and awake() < until:
                await asyncio.sleep(0.1)
        except (TimeoutError, OSError) as error:
            raise ClusterError(
                f"The scheduler at {address} does not say what workers it has: {reason(error)}."
            ) from None
        if not found:
            raise ClusterError(f"The scheduler at {address} has no workers: start some with dask worker {address}.")
        asked = await asyncio.gather(*(self._ask(one, found) for one in found.values()), return_exceptions=True)
        refused = next((one for one in asked if isinstance(one, Refused)), None)
        if refused is not None:
            raise ClusterError(str(refused))
        members = _divided([one for one in asked if isinstance(one, Member)])
        if not members:
            why = next(reason(one) for one in asked if isinstance(one, BaseException))
            raise ClusterError(f"None of the {len(found)} workers at {address} answers: {why}.")
        self._known = {member.address for member in members}
        return sorted(members, key=lambda member: member.name)

    async def _ask(self, worker: EngineWorker, all_workers: dict[str, EngineWorker]) -> Member:
        """What a worker says of itself. Refused where it cannot be used; OSError or TimeoutError where it does not
        answer."""
        names = Counter(one.name for one in all_workers.values())
        name = worker.name if names[worker.name] == 1 else worker.address
        try:
            said: dict[str, Any] = await self._engine.call(worker.address, DESCRIBE_SECONDS, remote.describe)
        except (ImportError, AttributeError) as error:
            raise Refused(
                f"Node {name} cannot use medalist ({reason(error)}): install the same version there as here, with the "
                f"extra cluster, and start its worker again."
            ) from None
        unequal = difference(name, said["versions"], self._ours)
        if unequal is not None or said["problem"]:
            raise Refused(unequal or f"Node {name} cannot be used: {said['problem']}.")
        available = float(said["memory"])
        cache = f"{said['host']}:{said['cache']}"
        return Member(worker.address, name, worker.cores, min(worker.memory, available), cache, available)

    def lost(self, address: str) -> None:
        """Count a node as gone, and ask it again later."""
        self._known.discard(address)
        self._ask_again[address] = awake() + RETURN_SECONDS

    async def watch(self, tell: Callable[[str, Any], None]) -> None:
        """Look for nodes that come, until cancelled; tells ("member", Member) of each, and ("note", why) of those that
        cannot be used."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await self._engine.connect()
                found = await self._engine.workers()
            except Exception:  # noqa: BLE001 - whatever it is, it is tried again; the nodes' links say what is lost
                continue
            now = awake()
            for worker in found.values():
                if worker.address in self._known or now < self._ask_again.get(worker.address, 0.0):
                    continue
                try:
                    member = await self._ask(worker, found)
                except Refused as error:
                    self._known.add(worker.address)  # and said once
                    tell("note", f"{error} The run goes on without it.")
                except Exception:  # noqa: BLE001 - it does not answer, and is asked again
                    self._ask_again[worker.address] = now + RETURN_SECONDS
                else:
                    self._known.add(worker.address)
                    tell("member", member)


def _divided(members: list[Member]) -> list[Member]:
    """Members that share a machine, with the memory that is available there divided by their cores."""
    on_machine = Counter[str]()
    for one in members:
        on_machine[one.cache] += one.cores
    return [replace(one, memory=min(one.memory, one.available * one.cores / on_machine[one.cache])) for one in members]


def headline(address: str, members: list[Member]) -> str:
    """The nodes and their cores in a sentence."""
    total = sum(member.cores for member in members)
    listed = ", ".join(f"{member.name} ({member.cores})" for member in members[:8])
    more = f" and {len(members) - 8} more" if len(members) > 8 else ""
    nodes = "1 node" if len(members) == 1 else f"{len(members)} nodes"
    return f"The cluster at {address} has {nodes} with {cores(total)}: {listed}{more}."


def cores(count: int) -> str:
    """A number of cores in words."""
    return "1 core" if count == 1 else f"{count} cores"
