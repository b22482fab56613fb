"""Operation: one writing call to the ledger as a value, which can be kept on disk and delivered later.

An operation has an id, and the ledger keeps the ids of what it was delivered: delivered again, after a process was
killed between the ledger's commit and its own note of it, an operation changes nothing. Its values are those that the
ledger would have stored in the first place (see `encoding.plain`), its time is that at which it was made.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from medalist.competitions.errors import LedgerError
from medalist.leaderboard.ledger.base import Delivery, now
from medalist.leaderboard.ledger.encoding import plain
from medalist.leaderboard.ledger.kaggle_submissions import KaggleSubmissionRow
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.process import Process
from medalist.leaderboard.ledger.rows import ExperimentRow, FeatureRow, ScreeningRow


def _standing(values: Mapping[str, Any]) -> Any:
    from medalist.leaderboard.boards.standing import Standing

    return Standing(**values)


def _features(rows: list[Mapping[str, Any]]) -> list[FeatureRow]:
    return [FeatureRow(**row) for row in rows]


#: Name of a writing method of the ledger → what makes those of its arguments that are no plain values.
METHODS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "start_run": {"process": lambda values: Process(**values)},
    "resume_run": {"process": lambda values: Process(**values)},
    "record_experiment": {"row": lambda values: ExperimentRow(**values), "features": _features},
    "record_screening": {"row": lambda values: ScreeningRow(**values), "features": _features},
    "add_features": {"rows": _features},
    "set_noise_floor": {},
    "add_submission": {},
    "add_standing": {"standing": _standing},
    "finish_run": {},
    "record_kaggle_submission": {"row": lambda values: KaggleSubmissionRow(**values)},
}


@dataclass(frozen=True)
class Operation:
    """A call of the ledger's method `method` for a run, with plain `arguments` beside the run's id."""

    method: str
    run_id: str
    arguments: Mapping[str, Any]
    id: str
    recorded: str

    @classmethod
    def of(cls, method: str, run_id: str, **arguments: Any) -> Operation:
        """A new operation, made now; dataclasses, numpy's values and paths become plain ones."""
        return cls(method, run_id, plain(arguments), os.urandom(12).hex(), now())

    @property
    def rows(self) -> int:
        """Number of rows that it writes or changes."""
        if self.method == "add_features":
            return len(self.arguments["rows"])
        return 1 + len(self.arguments.get("features", ()))

    def perform(self, ledger: Ledger) -> None:
        """Call the ledger's method. Raises what it raises; a delivered operation changes nothing."""
        made = METHODS[self.method]
        given = {n: made[n](v) if n in made and v is not None else v for n, v in self.arguments.items()}
        getattr(ledger, self.method)(run_id=self.run_id, **given, delivery=Delivery(self.id, self.recorded))

    def to_line(self) -> str:
        """One line of JSON, with a checksum (CRC-32) before it and a newline after it."""
        text = json.dumps([self.id, self.recorded, self.run_id, self.method, self.arguments], allow_nan=False)
        return f"{zlib.crc32(text.encode()):08x} {text}\n"

    @classmethod
    def from_line(cls, line: str) -> Operation | None:
        """The operation of a line; None where the line is not whole. LedgerError where a newer version wrote it."""
        checksum, _, text = line.rstrip("\n").partition(" ")
        if not line.endswith("\n") or checksum != f"{zlib.crc32(text.encode()):08x}":
            return None
        operation_id, recorded, run_id, method, arguments = json.loads(text)
        if method not in METHODS:
            raise LedgerError(f"A newer medalist has queued {method!r} for the ledger: update medalist.")
        return cls(method, run_id, arguments, operation_id, recorded)
