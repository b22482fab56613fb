"""What a run leaves on disk: the submission, predictions, a log and a summary, each replaced atomically."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from medalist.agent.ground import Ground
from medalist.competitions.errors import InputError, LedgerError
from medalist.competitions.submission import check_submission, write_atomically, write_submission
from medalist.pipelines.decisions.decision import Decision
from medalist.pipelines.fitting.evaluation import Evaluation

MAPPED_BYTES = 1 << 18  # of the predictions of one experiment, from which on they are not held in memory
LEAST_ROOM = 200 << 20  # bytes that a run leaves free for its close
LOCAL_HEADER = 30  # bytes of a file's header in a zip before its name; the lengths of name and extra field end it
MOST_FOLD_VALUES = 16 << 20  # predictions of all fold models of one experiment that are kept


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a run's folder while this process works on it; a process that is killed holds it no longer.

    Raises LedgerError where another one does.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    (folder / "work").mkdir(parents=True, exist_ok=True)
    with (folder / "work" / "claim").open("w", encoding="ascii") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LedgerError(f"Another process works on {folder.name}: wait for its end, or end it first.") from None
        except OSError:  # a file system without locks
            pass
        yield


@dataclass(frozen=True)
class _Place:
    """Where an array of an uncompressed .npz file lies."""

    path: Path
    at: int
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype

    @classmethod
    def of(cls, path: Path, name: str) -> _Place:
        with zipfile.ZipFile(path) as archive:
            at = archive.getinfo(f"{name}.npy").header_offset
        with path.open("rb") as stream:
            stream.seek(at)
            header = stream.read(LOCAL_HEADER)
            name_length, extra_length = struct.unpack("<2H", header[-4:])
            stream.seek(name_length + extra_length, os.SEEK_CUR)
            np.lib.format.read_magic(stream)
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
            return cls(path, stream.tell(), shape, fortran, dtype)

    def mapped(self) -> np.ndarray:
        """The array, mapped into memory, read-only."""
        order: Literal["F", "C"] = "F" if self.fortran else "C"
        return np.asarray(np.memmap(self.path, self.dtype, "r", self.at, self.shape, order))


class Kept(Evaluation):
    """An evaluation whose predictions stay on disk. They are mapped where they are used: a night has more experiments
    than a process may have files open."""

    _places: Mapping[str, _Place]

    def __init__(self, path: Path, **others: Any):
        places = {name: _Place.of(path, name) for name in ("oof", "test")}
        for name, value in (others | {"_places": places}).items():
            object.__setattr__(self, name, value)

    @property
    def oof(self) -> np.ndarray:
        return self._places["oof"].mapped()

    @property
    def test(self) -> np.ndarray:
        return self._places["test"].mapped()


@dataclass(frozen=True)
class Outputs:
    """The folder of a run."""

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> Outputs:
        """Make the folder; InputError where that is not possible."""
        try:
            (folder / "predictions").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"Cannot write to {folder}: {reason}; choose another place with --runs-dir.") from None
        return cls(folder)

    def has_room(self) -> bool:
        """Whether the disk has room for more than what closes a run."""
        return shutil.disk_usage(self.folder).free > LEAST_ROOM

    @property
    def submission(self) -> Path:
        return self.folder / "submission.csv"

    def submit(self, ground: Ground, prediction: np.ndarray, decision: Decision) -> str:
        """Check and write the submission that these canonical test predictions (m, W) make; returns its SHA-256.

        Raises SubmissionError, and leaves the old file as it is, where it does not have the sample's form.
        """
        task, sample = ground.task, ground.competition.sample
        frame = task.submission(ground.competition.test, decision.apply(prediction), sample)
        if sample is not None:
            shares = ground.metric.needs == "probability" and ground.problem.classification
            check_submission(
                frame,
                sample,
                task.submission_id,
                probability=shares,
                sum_to_one=shares and task.layout == "per_class" and len(task.class_columns) > 1,
            )
        return write_submission(frame, self.submission)

    def predictions_path(self, number: int | str) -> Path:
        return self.folder / "predictions" / f"{number}.npz"

    def folds_path(self, number: int) -> Path:
        return self.folder / "predictions" / f"{number}.folds.npz"

    def keep_folds(self, number: int, tests: Sequence[np.ndarray]) -> bool:
        """Keep what each fold's model predicts for test, (m, W) each; not where there are none or they are large."""
        if not tests or sum(t.size for t in tests) > MOST_FOLD_VALUES:
            return False
        path = self.folds_path(number)
        temporary = path.with_name(f".{path.name}.part.npz")
        arrays = {f"test_{k}": t.astype(np.float32) for k, t in enumerate(tests)}
        np.savez(temporary, allow_pickle=False, **arrays)
        os.replace(temporary, path)
        return True

    def keep(self, number: int | str, evaluation: Evaluation) -> Path:
        """Keep the predictions of an experiment, before the ledger says that it is finished."""
        path = self.predictions_path(number)
        temporary = path.with_name(f".{path.name}.part.npz")
        names = np.array(list(evaluation.importance), dtype=str)
        np.savez(
            temporary,
            oof=evaluation.oof,
            test=evaluation.test,
            rounds=evaluation.rounds,
            seconds=np.array([evaluation.fit_seconds, evaluation.feature_seconds, evaluation.patience_share]),
            names=names,
            importance=np.array([evaluation.importance[n] for n in names], dtype=float),
        )
        os.replace(temporary, path)
        return path

    def load(self, number: int | str) -> Evaluation:
        """The kept predictions of an experiment; large ones stay on disk and are read where they are used."""
        path = self.predictions_path(number)
        with np.load(path) as kept:
            fit_seconds, feature_seconds, patience_share = kept["seconds"].tolist()
            others = {
                "rounds": kept["rounds"],
                "fit_seconds": fit_seconds,
                "feature_seconds": feature_seconds,
                "importance": dict(zip(kept["names"].tolist(), kept["importance"].tolist(), strict=True)),
                "patience_share": patience_share,
            }
            if path.stat().st_size >= MAPPED_BYTES:
                return Kept(path, **others)
            return Evaluation(oof=kept["oof"], test=kept["test"], **others)

    def write_json(self, name: str, document: Mapping[str, Any]) -> None:
        """Write a JSON file atomically."""
        write_atomically(self.folder / name, json.dumps(document, indent=2, default=str).encode())
