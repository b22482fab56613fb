"""Starts child processes, for workers and the audit, from a fork server that has imported the libraries already."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import Any

from medalist.agent.workers.lifeline import end_with_parent

PRELOAD = ["medalist.agent.workers.preload"]
TIED = ["medalist.agent.workers.tied"]  # imported first, where the thread that starts the server ends with its process
FROM_OUTSIDE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # ignored in children: the run ends them itself
TRIES = 3  # attempts to start a child, with other fork servers
RETRY_SECONDS = 0.1  # until the next: a process that was killed takes a moment to be gone
_starting = threading.Lock()


def warm_up() -> None:
    """Start the fork server, once; it imports in the background while the caller goes on."""
    main = threading.current_thread() is threading.main_thread()
    multiprocessing.get_context("forkserver").set_forkserver_preload([*(TIED if main else ()), *PRELOAD])
    with _starting, _without_main_module(), _ignored_signals():
        forkserver.ensure_running()


def start_child(target: Callable[..., None], *arguments: Any) -> tuple[Any, Connection]:
    """Start `target(connection, *arguments)` in a child process that ends with this one.

    Returns the process and this side's end of the connection. `target` must be importable; the caller's main module is
    not imported in the child, so that a script needs no `if __name__ == "__main__"`. Where the fork server is killed
    meanwhile, another one starts the child.
    """
    for _ in range(TRIES - 1):
        try:
            return _start_child(target, arguments)
        except (EOFError, OSError):  # it has died: before the request, or before its answer
            time.sleep(RETRY_SECONDS)
            warm_up()
    return _start_child(target, arguments)


def _start_child(target: Callable[..., None], arguments: Sequence[Any]) -> tuple[Any, Connection]:
    """`start_child`, once. EOFError or OSError where the fork server has died."""
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(target, theirs, *arguments), daemon=True)
    with _starting, _without_main_module():
        process.start()
    theirs.close()
    return process, ours


def _run(target: Callable[..., None], connection: Connection, *arguments: Any) -> None:
    for number in FROM_OUTSIDE:
        signal.signal(number, signal.SIG_IGN)
    end_with_parent(os.getppid())
    _end_with_run()
    target(connection, *arguments)


def _end_with_run() -> None:
    """End this child as soon as the process that started it is gone, even in the middle of a fit.

    Its parent for the operating system is the fork server, which lives as long as any child does, unless it is tied to
    that process (see TIED).
    """

    def watch() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def _without_main_module() -> Iterator[None]:
    """Hide the main module from multiprocessing, which would have each child import it again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextlib.contextmanager
def _ignored_signals() -> Iterator[None]:
    """Let a process that is started meanwhile ignore the signals that a terminal or a service manager sends to all
    processes of a run. Only the main thread can set this."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in FROM_OUTSIDE}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
