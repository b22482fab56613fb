"""The out-of-fold predictions of the present submission's ensemble, with the true targets, from the run's folder."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from medalist.agent.report.loader import RunContents
from medalist.competitions.errors import MetricError

if TYPE_CHECKING:
    import numpy as np

    from medalist.competitions.metrics.metric import Metric
    from medalist.pipelines.ensembling.spaces import Space
    from medalist.pipelines.problem import Problem

MOST_ROWS = 50_000  # rows that are read, evenly spread, so that a report takes seconds at most
DAMAGED = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile)


@dataclass(frozen=True)
class OutOfFold:
    """y (r, T) encoded targets; members: experiment → its out-of-fold predictions (r, W), canonical; weights: of the
    members; space: in which they are averaged. rows: how many rows were evaluated, of which r are read. metric:
    None where the metric is a person's own function, which is not loaded."""

    y: np.ndarray
    members: Mapping[int, np.ndarray]
    weights: Mapping[int, float]
    space: Space
    rows: int
    metric: Metric | None
    problem: Problem

    @property
    def predictions(self) -> np.ndarray:
        """(r, W) the ensemble's predictions."""
        return self._blend(list(self.weights))

    def _blend(self, members: Sequence[int]) -> np.ndarray:
        from medalist.pipelines.ensembling.spaces import from_space, to_space

        total = sum(self.weights[n] for n in members)
        z = sum(self.weights[n] / total * to_space(self.space, self.members[n]) for n in members)
        return from_space(self.space, cast("np.ndarray", z))

    def added_by_member(self) -> dict[int, float]:
        """Member → by how much the loss is greater without it, the weights of the others kept in proportion; {} where
        there is one member only, or the loss is not known. Positive where it helps."""
        if len(self.weights) < 2 or self.metric is None:
            return {}
        try:
            full = self._loss(self.predictions)
            return {n: self._loss(self._blend([m for m in self.weights if m != n])) - full for n in self.weights}
        except (MetricError, ValueError):
            return {}

    def _loss(self, p: np.ndarray) -> float:
        from medalist.pipelines.ensembling.loss import smooth_loss

        assert self.metric is not None
        return smooth_loss(self.metric, self.problem, self.y, p)


def out_of_fold(contents: RunContents) -> OutOfFold | None:
    """The predictions of the present ensemble; None where they are gone, damaged or do not belong together."""
    import numpy as np

    folder, weights = contents.folder, contents.ensemble
    if folder is None or not weights:
        return None
    try:
        targets = np.load(folder / "work" / "targets.npy", mmap_mode="r")
        rows = _evaluated(folder / "work" / "folds_search.npz")
        kept = rows if len(rows) <= MOST_ROWS else rows[np.linspace(0, len(rows) - 1, MOST_ROWS).astype(int)]
        positions = np.searchsorted(rows, kept)
        members = {}
        for n in weights:
            stored = np.load(folder / "predictions" / f"{n}.oof.npy", mmap_mode="r")
            if len(stored) != len(rows):
                return None
            members[n] = np.asarray(stored[positions], dtype=float)
        y = np.asarray(targets[kept], dtype=float)
    except DAMAGED:
        return None
    metric, problem = _problem(contents, y)
    space = cast("Space", contents.lineage.get("made_of", {}).get("space") or "mean")
    return OutOfFold(y, members, weights, space, len(rows), metric, problem)


def _evaluated(path: Path) -> np.ndarray:
    """(r,) the training rows that the folds of the search validate, ascending."""
    import numpy as np

    with np.load(path) as folds:
        return np.unique(np.concatenate([folds[name] for name in folds.files if name.startswith("valid_")]))


def _problem(contents: RunContents, y: np.ndarray) -> tuple[Metric | None, Problem]:
    from medalist.competitions.metrics.registry import get_metric
    from medalist.pipelines.problem import Problem

    task = contents.run.task
    levels = tuple(task.get("levels", ()))
    classes = 0 if task["problem_type"] == "regression" else len(task.get("classes", ()))
    metric = None
    if not task.get("code") and not levels:
        try:
            metric = get_metric(task["metric"], y.shape[1])
        except MetricError:
            metric = None
    objective = "" if metric is None else metric.objective
    return metric, Problem(task["problem_type"], y.shape[1], classes, objective, False, levels=levels)


def importance(contents: RunContents) -> dict[str, float]:
    """Feature → its share of the importance in the ensemble, by the weights of its members, the largest first; {} where
    it is not known. The columns that one feature makes count together."""
    import numpy as np

    found: dict[str, float] = {}
    folder = contents.folder
    for number, weight in contents.ensemble.items() if folder is not None else ():
        assert folder is not None
        try:
            with np.load(folder / "predictions" / f"{number}.npz") as kept:
                names, values = kept["names"].tolist(), np.maximum(kept["importance"], 0)
        except DAMAGED:
            continue
        total = float(values.sum())
        if not total > 0:
            continue
        known = set(contents.by_number[number].pipeline.get("features", ())) if number in contents.by_number else set()
        for name, value in zip(names, values.tolist(), strict=True):
            text = name if name in known else name.rpartition("[")[0] or name
            found[text] = found.get(text, 0.0) + weight * value / total
    whole = sum(found.values()) or 1.0
    return dict(sorted(((n, v / whole) for n, v in found.items() if v > 0), key=lambda pair: -pair[1]))
