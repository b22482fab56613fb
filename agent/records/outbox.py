"""Outbox: the operations of a run that wait for the ledger, in a file of the run's folder.

An operation is in the file before the ledger is given it, and the file is emptied once the ledger has all: a process
that is killed at any instant leaves each operation in the file, in the ledger or in both, and the ledger knows those
that it has by their ids (`leaderboard/ledger/operations.py`). The file is synced to the disk only while the ledger is
away, since the ledger syncs what it takes.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from medalist.agent.records.claim import locked
from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.operations import Operation

NAME = "outbox.jsonl"
DAMAGED = "outbox.damaged.jsonl"  # a copy of an outbox that had damaged lines before its last


@dataclass(frozen=True)
class Contents:
    """What the file of an outbox holds.

    address: of the ledger that it is for (see `address_of`); "" where the file does not say. operations: in their
    order. size: bytes up to the end of the last whole line; what follows is a line that a kill or a power cut tore.
    damaged: number of other lines that are not whole.
    """

    address: str | None = ""
    operations: tuple[Operation, ...] = ()
    size: int = 0
    damaged: int = 0

    @classmethod
    def of(cls, data: bytes) -> Contents:
        """The contents of a file with these bytes. LedgerError where a newer version wrote it."""
        lines = data.splitlines(keepends=True)
        header = _header(lines[0].decode("utf-8", "replace")) if lines else None
        operations, position, end, damaged, suspects = [], 0, 0, 0, 0
        for line in lines:
            position += len(line)
            operation = Operation.from_line(line.decode("utf-8", "replace"))
            if operation is not None:
                operations.append(operation)
                damaged, suspects, end = damaged + suspects, 0, position
            elif header is None or position > len(lines[0]):
                suspects += 1
        torn = bool(suspects) and not data.endswith(b"\n")
        return cls("" if header is None else header["ledger"], tuple(operations), end, damaged + suspects - torn)

    @property
    def rows(self) -> int:
        """Number of rows that wait."""
        return sum(operation.rows for operation in self.operations)


def _header(line: str) -> dict[str, str | None] | None:
    """The first line of an outbox; None where a line is another."""
    if not line.startswith("{") or not line.endswith("\n"):
        return None
    try:
        header = json.loads(line)
    except ValueError:
        return None
    return header if "ledger" in header else None


def address_of(ledger: Ledger, folder: Path) -> str | None:
    """The ledger's path or URL, without a password; None where it lies beside the folder of the run's competition, with
    which it may be moved."""
    shown = str(ledger)
    if "://" in shown:
        return shown
    path = Path(shown).resolve()
    return None if path == folder.resolve().parent.parent / "ledger.sqlite" else str(path)


class OutboxInUse(LedgerError):  # noqa: N818 - a state that passes
    """Another process has the outbox."""


class Outbox:
    """The outbox of the run in `folder`, which one process has at a time; `address` is that of its ledger."""

    def __init__(self, folder: Path, address: str | None):
        self.path = folder / NAME
        self.address = address
        self.waiting: deque[Operation] = deque()  # for the ledger
        self.failure: OSError | None = None  # why the last ones that wait are not on disk
        self._stored = 0  # number of those that wait, from the first, that are on disk
        self._taken_in = False  # what an earlier process left
        self._whole = 0  # bytes of the file that an earlier process left, without a torn line
        self._handle: int | None = None
        self._held = contextlib.ExitStack()

    @property
    def rows(self) -> int:
        """Number of rows that wait for the ledger."""
        return sum(operation.rows for operation in self.waiting)

    def open(self, patience: float = 0.0) -> int:
        """Take in what an earlier process left; returns the number of damaged lines, of which a copy is kept.

        Raises OutboxInUse where another process has the outbox for `patience` seconds, LedgerError where it is for
        another ledger, OSError where it cannot be read.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                self._held.enter_context(locked(self.path.parent / "work" / "outbox.lock", f"{self.path} is in use."))
                break
            except LedgerError as error:
                if time.monotonic() >= deadline:
                    raise OutboxInUse(str(error)) from None
            time.sleep(0.05)
        try:
            contents = Contents.of(self.path.read_bytes()) if self.path.exists() else Contents()
            if contents.operations and contents.address not in ("", self.address):
                raise LedgerError(for_another(self.path, contents))
            if contents.damaged:
                from medalist.competitions.atomic import replace_file

                replace_file(self.path.with_name(DAMAGED), self.path.read_bytes())
        except BaseException:
            self.close()
            raise
        self.waiting.extend(contents.operations)
        self._stored = len(self.waiting)
        self._whole = contents.size
        self._taken_in = True
        return contents.damaged

    def append(self, operation: Operation) -> None:
        """Take an operation. Where the disk cannot hold it, it waits in memory, and on disk as soon as there is room;
        then `failure` says why."""
        self.waiting.append(operation)
        self._store()

    def delivered(self) -> None:
        """The ledger has the first of the operations that wait; where none is left, the file is emptied."""
        self.waiting.popleft()
        self._stored = max(0, self._stored - 1)
        if not self.waiting:
            self.failure, self._whole = None, 0
            with contextlib.suppress(OSError):  # what stays there is delivered again, and changes nothing
                if self._handle is not None:
                    os.ftruncate(self._handle, 0)

    def sync(self) -> None:
        """Make what waits durable: after this it survives a power cut, where the disk can hold it."""
        self._store()
        if self._handle is not None:
            try:
                os.fsync(self._handle)
            except OSError as error:
                self.failure = error
            from medalist.competitions.atomic import sync_folder  # commands that show something do without

            sync_folder(self.path.parent)

    def close(self) -> None:
        """Let go of the file; it is removed where nothing waits."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        if self._taken_in and not self.waiting:
            with contextlib.suppress(OSError):
                self.path.unlink()
        self._taken_in = False
        self._held.close()

    def _store(self) -> None:
        """Write the operations that are not on disk yet."""
        if self._stored == len(self.waiting):
            return
        try:
            if self._handle is None:
                self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
                os.ftruncate(self._handle, self._whole)  # a torn line would join the next one
            size = os.fstat(self._handle).st_size
            lines = [operation.to_line() for operation in list(self.waiting)[self._stored :]]
            if not size:
                lines.insert(0, json.dumps({"ledger": self.address}) + "\n")
            data = "".join(lines).encode()
            try:
                if os.write(self._handle, data) < len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                os.ftruncate(self._handle, size)  # no half of a line before the next
                raise
        except OSError as error:
            self.failure = error
            return
        self._stored = len(self.waiting)
        self.failure = None


def for_another(path: Path, contents: Contents) -> str:
    """The sentence on an outbox that is for another ledger."""
    meant = contents.address or "ledger.sqlite in the folder of its runs"
    return (
        f"{contents.rows} rows in {path} wait for another ledger, {meant}: name that one with MEDALIST_LEDGER, or take "
        f"the first line, which names it, out of the file."
    )
