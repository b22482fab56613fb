"""What jobs take and return in `scheduling.py`: durations drawn from recorded ones, predictions of recorded quality."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from medalist.agent.workers.jobs import Job
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.features.search.step import ScreenResult
from medalist.pipelines.fitting.fold import FoldResult
from medalist.pipelines.pipeline import Pipeline

NEAREST = 4  # recorded experiments of the most similar size, among which one is drawn
FEW_SECONDS = 0.1  # of a preparation of features where none was recorded
SPREAD = 0.02  # standard deviation of the logarithm of an experiment's error around that of a recorded one
UNKNOWN = (0.7, 0.5)  # slope and error of a family that the recorded run did not come to
TRANSFORMED_FITS = 2.0  # plain fits that one on a transformed target, or with pseudo-labels, takes as long as
Line = Mapping[str, Any]
Kind = tuple[str, bool]  # a family, and whether it is stacked


@dataclass
class Recorded:
    """The lines that `scheduling.py record` wrote: fits of `rows` rows by kind and experiment, and the rest."""

    rows: int
    fits: dict[Kind, dict[int, list[Line]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    prepares: list[float] = field(default_factory=list)
    screens: list[Line] = field(default_factory=list)
    quality: dict[Kind, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    same_family: float = 0.9
    other_family: float = 0.8

    @classmethod
    def read(cls, path: Path, rows: int) -> Recorded:
        """Read the lines; `rows`: training rows of a fold."""
        recorded, kinds = cls(rows), {}
        for text in path.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            if line["what"] == "job" and line["status"] == "ok":
                recorded._add_job(line)
                kinds[line["key"]] = line["family"], bool(line["stacked"])
            elif line["what"] == "experiment" and "error" in line:
                recorded.quality[kinds[line["number"]]].append((line["slope"], line["error"]))
            elif line["what"] == "likeness":
                recorded.same_family, recorded.other_family = line["same_family"], line["other_family"]
        return recorded

    def _add_job(self, line: Line) -> None:
        if line["kind"] == "fold" and not line["replicate"]:
            self.fits[line["family"], bool(line["stacked"])][line["key"]].append(line)
        elif line["kind"] == "prepare":
            self.prepares.append(line["seconds"])
        elif line["kind"] == "screen":
            self.screens.append(line)

    def fit(self, job: Job) -> tuple[float, int]:
        """Seconds and boosting rounds of a fit: those of a recorded one of the family, of about its size, by how much
        larger it is."""
        pipeline = job.pipeline
        name, stacked = pipeline.family, bool(pipeline.stacked)
        experiments = self.fits.get((name, stacked)) or self.fits.get((name, False))
        if not experiments:  # a family that the recorded run did not come to
            experiments = {key: fits for of_kind in self.fits.values() for key, fits in of_kind.items()}
        near = sorted(experiments.values(), key=lambda fits: abs(np.log(self._ratio(pipeline, fits[0]))))[:NEAREST]
        fits = _draw(pipeline).choice(near)
        line = fits[job.fold % len(fits)]
        rate, rounds = pipeline.parameters.get("learning_rate"), 0
        if line["rounds_run"] and rate:
            path = line["rounds_run"] * line["params"].get("learning_rate", 0.1)
            rounds = int(max(1, min(pipeline.parameters.get("rounds", 1000), path / rate)))
        times = TRANSFORMED_FITS if pipeline.pseudo or pipeline.target else 1.0
        return line["seconds"] * self._ratio(pipeline, line) * times, rounds

    def _ratio(self, pipeline: Pipeline, line: Line) -> float:
        """The size of a fit of the pipeline, in that of a recorded one, as their families estimate it."""
        ours = FAMILIES[pipeline.family].cost(self.rows, _width(pipeline), 1, pipeline.parameters)
        theirs = FAMILIES[line["family"]].cost(self.rows, line["features"] + line["stacked"], 1, line["params"])
        return float(ours / theirs)

    def preparation(self, draw: random.Random) -> float:
        """Seconds of preparing features."""
        return float(draw.choice(self.prepares)) if self.prepares else FEW_SECONDS

    def screening(self, step: int) -> tuple[ScreenResult, float]:
        """The result and the seconds of a screening: of the recorded one of that number, where there is one."""
        if not self.screens:
            return ScreenResult.empty(step, FEW_SECONDS), FEW_SECONDS
        line = self.screens[step % len(self.screens)]
        result = ScreenResult.from_dict(line["screen"] | {"step": step})
        return result, line["seconds"]

    def quality_of(self, pipeline: Pipeline) -> tuple[float, float]:
        """Slope of a pipeline's log-odds on the true ones, and the standard deviation of what is left."""
        own, kind = _draw(pipeline), (pipeline.family, bool(pipeline.stacked))
        slope, error = own.choice(self.quality.get(kind) or self.quality.get((kind[0], False)) or [UNKNOWN])
        return slope, error * own.lognormvariate(0, SPREAD)


@dataclass
class Predictions:
    """Makes the predictions of fits: the true log-odds (n,) of train and test times a slope, and an error of which a
    part is that of all experiments, and a part that of the family's."""

    recorded: Recorded
    log_odds: np.ndarray
    n_train: int

    def result(self, job: Job, seconds: float, rounds: int) -> FoldResult:
        """The result of a fold that took so long, or of a fit on all rows."""
        valid = _rows(job.folds, job.fold) if job.kind == "fold" and job.folds is not None else np.arange(0)
        pipeline = job.pipeline
        slope, error = self.recorded.quality_of(pipeline)
        p = 1 / (1 + np.exp(-slope * self.log_odds - error * self._errors(pipeline)))[:, None]
        names = [*pipeline.features, *pipeline.stacked]
        importance = dict.fromkeys(names, 1 / len(names))
        return FoldResult(p[valid], p[self.n_train :], (rounds,), rounds, seconds, 0.0, importance)

    def _errors(self, pipeline: Pipeline) -> np.ndarray:
        """(n,) errors of the pipeline's log-odds, of standard deviation 1."""
        same, other = self.recorded.same_family, self.recorded.other_family
        n = len(self.log_odds)
        common, family = _noise("all", n), _noise(pipeline.family, n)
        own = np.random.default_rng(_draw(pipeline, 1).getrandbits(32)).standard_normal(n, np.float32)
        shared = max(same - other, 0.0)
        return np.sqrt(other) * common + np.sqrt(shared) * family + np.sqrt(1 - other - shared) * own


def _draw(pipeline: Pipeline, seed: int = 0) -> random.Random:
    return random.Random(f"{seed} {pipeline.hash}")


def _width(pipeline: Pipeline) -> int:
    return len(pipeline.features) + len(pipeline.stacked)


@cache
def _noise(name: str, n: int) -> np.ndarray:
    return np.random.default_rng(random.Random(name).getrandbits(32)).standard_normal(n, np.float32)


@cache
def _rows(path: Path, fold: int) -> np.ndarray:
    """Validation rows of a fold."""
    with np.load(path) as folds:
        return np.asarray(folds[f"valid_{fold}"])
