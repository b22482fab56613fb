"""The engine, Dask: the only module that imports it. The head's connection to a scheduler, on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from medalist.competitions.errors import ClusterError

PROBE_SECONDS = 4.0  # longest wait for whether anything listens at an address
CONNECT_SECONDS = 8.0  # longest wait for a scheduler to answer
WORKERS_SECONDS = 3.0  # longest wait for the first worker, and for the list of them
CLOSE_SECONDS = 1.0  # longest wait when the connection is closed
INSTALL = "pip install 'medalist[cluster]'"


@dataclass(frozen=True)
class EngineWorker:
    """A worker of the engine. memory: bytes that it may use, infinite where nothing is said."""

    address: str
    name: str
    cores: int
    memory: float


class Engine:
    """A connection to a Dask scheduler, whose coroutines run on a thread of their own."""

    def __init__(self, address: str):
        """Connect. ClusterError where the engine is not installed, or no scheduler answers at the address in time."""
        try:
            import distributed
        except ImportError:
            raise ClusterError(f"--cluster needs the package distributed on this machine: {INSTALL}.") from None
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what becomes of nodes is said by the pool
        self.address = address if "://" in address else f"tcp://{address}"
        if why := unreachable(self.address):
            raise no_scheduler(address, why)
        self._client_class = distributed.Client
        self._client: Any = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cluster", daemon=True)
        self._thread.start()
        try:
            self.submit(self.connect()).result(CONNECT_SECONDS + 2)
        except Exception as error:  # noqa: BLE001 - a wrong address raises many kinds
            self.close()
            spoke = isinstance(error, TimeoutError | asyncio.TimeoutError | OSError)
            why = "what listens there does not answer as one" if spoke else " ".join(str(error).split())[:200]
            raise no_scheduler(address, why) from None

    async def connect(self) -> None:
        """Connect, anew where the connection is lost. Raises OSError, ValueError or TimeoutError where it fails."""
        if self._client is not None and self._client.status in ("running", "connecting"):
            return
        client = self._client_class(self.address, asynchronous=True, timeout=CONNECT_SECONDS, set_as_default=False)
        await asyncio.wait_for(client, CONNECT_SECONDS + 1)
        self._client = client

    def submit(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Start a coroutine on the engine's thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def soon(self, call: Callable[..., None], *arguments: Any) -> None:
        """Call a function on the engine's thread; nothing where that has ended."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, *arguments)

    async def workers(self) -> dict[str, EngineWorker]:
        """The workers that the scheduler knows, by address. Raises OSError or TimeoutError where it does not answer."""
        known = await asyncio.wait_for(self._client.scheduler.identity(n_workers=-1), WORKERS_SECONDS)
        return {
            address: EngineWorker(
                address, str(one["name"]), int(one["nthreads"]), float(one["memory_limit"] or float("inf"))
            )
            for address, one in known["workers"].items()
        }

    async def call(self, address: str, seconds: float, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function on a worker; what it returns. Raises what it raises, OSError where the worker is gone, and
        TimeoutError after so many seconds."""
        answers = await asyncio.wait_for(self._client.run(function, *arguments, workers=[address]), seconds)
        if address not in answers:
            raise OSError("the scheduler knows it no more")
        return answers[address]

    def close(self) -> None:
        """Close the connection, within CLOSE_SECONDS."""

        async def end() -> None:
            if self._client is not None:
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(self._client._close(fast=True), CLOSE_SECONDS / 2)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0)

        with contextlib.suppress(Exception):
            self.submit(end()).result(CLOSE_SECONDS)
        self.soon(self._loop.stop)
        self._thread.join(CLOSE_SECONDS / 2)


def no_scheduler(address: str, why: str) -> ClusterError:
    """The error of an address at which no scheduler can be reached."""
    return ClusterError(
        f"No Dask scheduler is at {address}: {why}. Start one with dask scheduler, and give --cluster the address that "
        f"it prints, such as tcp://host:8786."
    )


def unreachable(address: str) -> str | None:
    """Why nothing can be reached at an address, in a few words and within PROBE_SECONDS; None where something listens
    there, or its protocol is another than TCP or TLS."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return f"it cannot be read ({error})"
    if parts.scheme not in ("tcp", "tls"):
        return None
    if not host or not port:
        return "it has no port" if host else "it has no host"
    try:
        socket.create_connection((host, port), PROBE_SECONDS).close()
    except socket.gaierror:
        return f"the host {host} is not known"
    except ConnectionRefusedError:
        return "nothing listens there"
    except OSError as error:
        return "nothing answers there" if isinstance(error, TimeoutError) else str(error.strerror or error)
    return None
