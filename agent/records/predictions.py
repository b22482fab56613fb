"""Out-of-fold and test predictions of experiments, kept in files of the run's folder."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from medalist.agent.score import Score
from medalist.competitions.atomic import disk_is_full, replacing
from medalist.competitions.errors import InputError
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.fitting.fit_record import FitRecord
from medalist.pipelines.hashing import array_hash

MAPPED_BYTES = 1 << 18  # bytes of an experiment's predictions from which on they are memory-mapped, not loaded
LEAST_ROOM = 200 << 20  # free bytes on the disk below which no experiment begins: the close needs room
MOST_FOLD_VALUES = 16 << 20  # most values of an experiment's test predictions by fold that are stored


class StoredEvaluation(Evaluation):
    """An evaluation whose predictions stay on disk and are memory-mapped on each access: a night has more experiments
    than fit into memory, or than a process may have files open."""

    _paths: tuple[Path, Path]

    def __init__(self, oof: Path, test: Path, **others: Any):
        for name, value in (others | {"_paths": (oof, test)}).items():
            object.__setattr__(self, name, value)

    @property
    def oof(self) -> np.ndarray:
        return np.asarray(np.load(self._paths[0], mmap_mode="r"))

    @property
    def test(self) -> np.ndarray:
        return np.asarray(np.load(self._paths[1], mmap_mode="r"))


@dataclass(frozen=True)
class Predictions:
    """The folder `predictions` of a run. Experiment n has <n>.oof.npy (r, W), <n>.test.npy (m, W) and, written last,
    <n>.npz with the rest of its evaluation and the score; <n>.folds.npz has the test predictions of each fold's model.
    Where predictions were removed, <n>.npz stays. limit: bytes of predictions to keep; None for all."""

    folder: Path
    limit: int | None = None
    _sizes: dict[int, int] = field(default_factory=dict, repr=False, compare=False)  # bytes by experiment

    @classmethod
    def create(cls, run_folder: Path, limit: int | None = None) -> Predictions:
        """Make the folder, or take the one that is there; InputError where that is not possible."""
        folder = run_folder / "predictions"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(run_folder, error.strerror or str(error)) from None
        made = cls(folder, limit)
        for number in {int(path.name.partition(".")[0]) for path in folder.glob("*.oof.npy")}:
            made._measure(number)
        return made

    @property
    def bytes_kept(self) -> int:
        """Bytes of all stored predictions."""
        return sum(self._sizes.values())

    def _measure(self, number: int) -> None:
        files = (*self.arrays(number), self.fold_tests_path(number))
        self._sizes[number] = sum(path.stat().st_size for path in files if path.exists())

    def remove(self, number: int) -> bool:
        """Remove an experiment's predictions; the rest of its evaluation and its score stay. False, and nothing is
        removed, where an earlier version has stored no score."""
        if self.score_of_removed(number, removed=False) is None:
            return False
        for path in (*self.arrays(number), self.fold_tests_path(number)):
            path.unlink(missing_ok=True)
        self._sizes.pop(number, None)
        return True

    def score_of_removed(self, number: int, *, removed: bool = True) -> Score | None:
        """The score of an experiment whose predictions were removed; None for others, unless `removed` is False, and
        where the file cannot be read or has no score."""
        if removed and any(path.exists() for path in self.arrays(number)):
            return None
        try:
            with np.load(self.path(number)) as kept:
                value, error, loss = kept["score"].tolist()
                return Score(value, error, loss, kept["blocks"], kept["score_folds"])
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
            return None

    def has_room(self) -> bool:
        """Whether the disk has room for another experiment beside the close of the run (LEAST_ROOM)."""
        return shutil.disk_usage(self.folder).free > LEAST_ROOM

    def path(self, number: int) -> Path:
        """The file that is written last: it exists once all predictions of the experiment are stored."""
        return self.folder / f"{number}.npz"

    def arrays(self, number: int) -> tuple[Path, Path]:
        """The files of an experiment's out-of-fold and test predictions."""
        return self.folder / f"{number}.oof.npy", self.folder / f"{number}.test.npy"

    def fold_tests_path(self, number: int) -> Path:
        """The file of the test predictions by fold: test_<k> (m, W) by the model of fold k."""
        return self.folder / f"{number}.folds.npz"

    def keep_fold_tests(self, number: int, tests: Sequence[np.ndarray]) -> bool:
        """Store the test predictions (m, W) of each fold's model. Returns whether they were stored: not where there are
        none, or more values than MOST_FOLD_VALUES, or the disk is full; then no file is left of another experiment with
        that number, whose recording a kill has prevented."""
        if not tests or sum(t.size for t in tests) > MOST_FOLD_VALUES:
            self.fold_tests_path(number).unlink(missing_ok=True)
            return False
        arrays = {f"test_{k}": t.astype(np.float32) for k, t in enumerate(tests)}
        try:
            with replacing(self.fold_tests_path(number), durable=False) as stream:
                np.savez(stream, allow_pickle=False, **arrays)
        except OSError as error:
            if not disk_is_full(error):
                raise
            self.fold_tests_path(number).unlink(missing_ok=True)
            return False
        return True

    def keep(self, number: int, evaluation: Evaluation, score: Score | None = None) -> Path:
        """Store an evaluation, before the ledger records it as finished; returns `path(number)`. score: what stays with
        the rest where its predictions are removed; without it they cannot be."""
        for path, values in zip(self.arrays(number), (evaluation.oof, evaluation.test), strict=True):
            with replacing(path, durable=False) as stream:  # after a power cut that lost them the run goes on
                np.save(stream, values)
        names = np.array(list(evaluation.importance), dtype=str)
        rest: dict[str, Any] = {
            "rounds": evaluation.rounds,
            "seconds": np.array([evaluation.fit_seconds, evaluation.feature_seconds, evaluation.patience_share]),
            "names": names,
            "importance": np.array([evaluation.importance[n] for n in names], dtype=float),
            "records": np.array(json.dumps([record.as_dict() for record in evaluation.records])),
            "hashes": np.array([array_hash(evaluation.oof), array_hash(evaluation.test)]),
        }
        if score is not None:
            numbers = np.array([score.value, score.standard_error, score.loss])
            rest |= {"score": numbers, "blocks": score.blocks, "score_folds": score.folds}
        with replacing(self.path(number), durable=False) as stream:
            np.savez(stream, **rest)
        self._measure(number)
        return self.path(number)

    def load(self, number: int) -> Evaluation:
        """A stored evaluation; large predictions are memory-mapped. Raises OSError, EOFError, KeyError, ValueError or
        BadZipFile where a file is missing or damaged."""
        with np.load(self.path(number)) as kept:
            fit_seconds, feature_seconds, patience_share = kept["seconds"].tolist()
            others = {
                "rounds": kept["rounds"],
                "fit_seconds": fit_seconds,
                "feature_seconds": feature_seconds,
                "importance": dict(zip(kept["names"].tolist(), kept["importance"].tolist(), strict=True)),
                "patience_share": patience_share,
            }
            if "records" in kept:  # else of a run that an earlier version began
                records = json.loads(str(kept["records"]))
                others["records"] = tuple(FitRecord.from_dict(record) for record in records)
                others["hashes"] = tuple(kept["hashes"].tolist())
            oof, test = self.arrays(number)
            if not oof.exists() and "oof" in kept:  # of a run that an earlier version began
                for path, name in ((test, "test"), (oof, "oof")):  # the one that is looked for last
                    with replacing(path, durable=False) as stream:
                        np.save(stream, kept[name])
        if oof.stat().st_size + test.stat().st_size >= MAPPED_BYTES:
            np.load(oof, mmap_mode="r"), np.load(test, mmap_mode="r")  # whether they can be read
            return StoredEvaluation(oof, test, **others)
        return Evaluation(oof=np.load(oof), test=np.load(test), **others)


def cannot_write(folder: Path, reason: str) -> InputError:
    """The error for a run's folder that cannot be written."""
    return InputError(f"Cannot write to {folder}: {reason}; choose another place with --runs-dir.")
