"""Lineage: the document of what a run's submissions are made of, down to the hashes of its input files.

It is `lineage.json` in the run's folder: begun with the run, completed before each submission is written, so that no
submission is on disk without it. `medalist why` reads it, and `medalist reproduce` makes a submission again from it.
Versions and hashes of input files are found in the background.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from medalist.agent.config import RunConfig
from medalist.agent.experiment import Record
from medalist.agent.folds import FoldSet
from medalist.agent.history import by_hash
from medalist.agent.records.inputs import hashed, input_files
from medalist.agent.records.lineage_file import NAME, VERSION, InputFile, read_lineage
from medalist.agent.records.software import machine, software
from medalist.agent.run_data import RunData
from medalist.competitions.atomic import replace_file
from medalist.pipelines.hashing import array_hash

LONGEST = 600.0  # seconds that the end of a run waits for hashes, at most


class Lineage:
    """Writes the document of one run, from its beginning on or from where earlier processes have left it.

    `begin` writes what is known at once; `search` finds the rest in the background, and `close` waits for that.
    A document that cannot be written is no error: `failed` is then the reason.
    """

    def __init__(self, folder: Path, run_id: str):
        self.path = folder / NAME
        self.failed = ""
        self._earlier = read_lineage(folder) or {}
        self._document: dict[str, Any] = {"version": VERSION, "run": run_id, "experiments": {}, "submissions": []}
        self._document |= self._earlier
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def begin(self, config: RunConfig, data: RunData, folds: FoldSet, task_text: str) -> None:
        """Write what is known before the first experiment. task_text: the run's task.yaml."""
        competition = data.competition
        part = {"began": datetime.now(UTC).isoformat(timespec="seconds"), "threads": config.threads}
        self._document |= {
            "competition": competition.name,
            "path": str(competition.root.resolve()),
            "config": config.model_dump(mode="json"),
            "parts": [*self._document.get("parts", ()), part],
            "task": task_text,
            "data": {
                "fingerprint": competition.fingerprint,
                "features": data.store.fingerprint,
                "targets": array_hash(data.y),
                "weights": None if data.weights is None else array_hash(data.weights),
                "tables": dict(data.table_hashes),
                "train_rows": len(competition.train),
                "test_rows": len(competition.test),
            },
            "folds": folds_document(folds),
            "scheme": data.task.folds.scheme,
            "inputs": [file.as_dict() for file in input_files(competition, data.task)],
        }
        self._write()

    def search(self, root: Path) -> None:
        """Find the versions, and the hashes of the input files, in a thread of its own."""
        self._thread = threading.Thread(target=self._find, args=(root,), name="lineage", daemon=True)
        self._thread.start()

    def close(self, seconds: float) -> None:
        """Wait for the thread at most so many seconds; what it has not found by then stays unknown."""
        if self._thread is None:
            return
        self._thread.join(min(max(0.0, seconds), LONGEST))
        self._stopped.set()
        self._thread.join(0.2)

    def _find(self, root: Path) -> None:
        versions, place = software(), machine()
        with self._lock:
            self._document["parts"][-1] |= {"software": versions, "machine": place}
        self._write()
        files = [InputFile.from_dict(f) for f in self._document["inputs"]]
        known = [InputFile.from_dict(f) for f in self._earlier.get("inputs", ()) if f.get("sha256")]
        files = hashed(files, root, known, self._stopped.is_set)
        with self._lock:
            self._document["inputs"] = [file.as_dict() for file in files]
        self._write()

    def add_submission(self, sha256: str, made: Mapping[str, Any], records: Sequence[Record]) -> None:
        """Add a submission: the hash of its bytes, what it is made of, and the experiments in that."""
        numbers = [int(n) for n, _ in made.get("ensemble", ())]
        entry = {"sha256": sha256, "written": datetime.now(UTC).isoformat(timespec="seconds"), **made}
        with self._lock:
            experiments = self._document["experiments"]
            for number in _with_bases(numbers, records):
                experiments.setdefault(str(number), _experiment(records[number], records))
            for number in _with_ancestors(numbers, records):
                self._document.setdefault("history", {}).setdefault(str(number), _idea(records[number]))
            self._document["submissions"] = [*self._document["submissions"], entry]
        self._write()

    def _write(self) -> None:
        with self._lock:
            text = json.dumps(self._document, default=str)
            try:
                replace_file(self.path, text)
                self.failed = ""
            except OSError as error:  # a full disk: the submission itself says so
                self.failed = error.strerror or str(error)


def folds_document(folds: FoldSet) -> dict[str, Any]:
    """How folds were drawn, and the hash of the rows that they validate."""
    drawn = folds.drawn
    if drawn is None:
        return {"count": folds.count}
    return {"seed": drawn.seed, "count": drawn.count, "repeats": drawn.repeats, "sha256": drawn.sha256}


def _with_bases(numbers: Sequence[int], records: Sequence[Record]) -> list[int]:
    """The experiments and all those whose predictions they are fitted on, ascending."""
    found: set[int] = set()
    waiting = [n for n in numbers if n < len(records)]
    if any(records[n].pipeline.bases for n in waiting):
        of_hash = {h: r.number for h, r in by_hash(records).items()}
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting += [of_hash[base] for base in records[number].pipeline.bases if base in of_hash]
    return sorted(found)


def _with_ancestors(numbers: Sequence[int], records: Sequence[Record]) -> list[int]:
    """The experiments, those that they are fitted on, and the experiments whose pipelines all of these were changed
    from, ascending."""
    found: set[int] = set()
    for start in _with_bases(numbers, records):
        number: int | None = start
        while number is not None and number not in found and number < len(records):
            found.add(number)
            number = records[number].proposal.parent
    return sorted(found)


def _experiment(record: Record, records: Sequence[Record]) -> dict[str, Any]:
    """What it takes to evaluate an experiment once more, and the hashes of what that must give."""
    document: dict[str, Any] = {"pipeline": record.pipeline.as_dict(), "hash": record.pipeline.hash}
    if record.pipeline.bases:
        of_hash = by_hash(records)
        document["bases"] = {base: of_hash[base].number for base in record.pipeline.bases if base in of_hash}
    evaluation = record.evaluation
    if evaluation is not None:
        document["rounds"] = evaluation.rounds.tolist()
        document["fits"] = [fit.as_dict() for fit in evaluation.records]
        if evaluation.hashes:
            document["oof"], document["test"] = evaluation.hashes
    return document


def _idea(record: Record) -> dict[str, Any]:
    """Why an experiment was made, and what came of it."""
    return {
        "family": record.pipeline.family,
        "reason": record.proposal.reason,
        "parent": record.proposal.parent,
        "arm": record.arm,
        "verdict": record.verdict,
        "verdict_reason": record.verdict_reason,
        "score": None if record.score is None else record.score.value,
        "standard_error": None if record.score is None else record.score.standard_error,
    }
