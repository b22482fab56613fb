"""Class views of whole-number targets against regression, paired on the same folds, and what they add to an ensemble.

    python benchmarks/target_views.py FOLDER --competitions playground-series-s3e5 abalone --seed 0

For each family, the first entry of its portfolio is fitted on the target as it is and on its class views (see
`pipelines.targets.class_view`); a line of JSON tells the loss, the gain over the plain target with its paired standard
error (see `agent.score.compare`), and the seconds of the fits. The last lines are of ensembles as a run selects and
decides them: of the plain models alone, and with those of each view, with the score out of fold, and that of
private/answers.csv where there are any. Fits have one thread; folds and fits take the seed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medalist.agent.run.reading import cards_of, read
from medalist.agent.run_data import RunData
from medalist.agent.score import Score, compare, score
from medalist.competitions.clock import awake
from medalist.pipelines.decisions.cross_fitting import decide
from medalist.pipelines.ensembling.selection import select
from medalist.pipelines.estimators.registry import family
from medalist.pipelines.features.base_sets import base_features
from medalist.pipelines.fitting.evaluation import Evaluation, combine
from medalist.pipelines.fitting.fold import run_fold
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.targets.class_view import VIEWS

FAMILIES = ("lightgbm", "catboost", "xgboost", "trees", "linear")
PLAIN = ""


@dataclass
class Scene:
    """A competition that is read, its folds, and the models of it by (family, view)."""

    data: RunData
    folds: Any
    seed: int
    made: dict[tuple[str, str], Evaluation] = field(default_factory=dict)

    def fit(self, name: str, view: str) -> float:
        """Evaluates a family on a view of the target; returns the seconds."""
        chosen, rows, data = family(name), np.load(self.folds.path), self.data
        features = base_features(data.cards, chosen.feature_set, len(data.y))
        pipeline = Pipeline.of(features, name, chosen.portfolio[0], self.seed, target=view)
        test = data.store.n_train + np.arange(len(data.competition.test))
        began = awake()
        results = [
            run_fold(data.store, data.problem, pipeline, data.y, rows[f"fit_{k}"], rows[f"valid_{k}"], test, fold=k)
            for k in range(self.folds.count)
        ]
        self.made[name, view] = combine(results, self.folds.positions)
        return awake() - began

    def scored(self, p: np.ndarray, decided: np.ndarray | None = None) -> Score:
        """The score of out-of-fold predictions."""
        data, drawn = self.data, self.folds
        return score(data.metric, data.problem, drawn.y, p, decided, drawn.blocks, drawn.weights, drawn.clusters)

    def ensemble(self, views: tuple[str, ...], answers: np.ndarray | None) -> dict[str, Any]:
        """The ensemble of the models on these views: its scores, and the weight of each model."""
        names = [key for key in self.made if key[1] in views]
        oof = {i: self.made[key].oof for i, key in enumerate(names)}
        data, drawn = self.data, self.folds
        blend = select(data.metric, data.problem, drawn.y, oof, drawn.weights, self.seed, drawn.groups)
        decided, decision = decide(
            data.metric, data.problem, drawn.y, blend.blend(oof), drawn.fold_of_row, targets=data.y,
            weights=drawn.weights, blocks=drawn.groups,
        )  # fmt: skip
        line: dict[str, Any] = {"ensemble": [v or "plain" for v in views], "decision": decision.kind}
        line["score"] = round(self.scored(blend.blend(oof), decided).value, 5)
        line["loss"] = round(self.scored(blend.blend(oof)).loss, 6)
        if answers is not None:
            test = decision.apply(blend.blend({i: self.made[key].test for i, key in enumerate(names)}))
            line["private"] = round(data.metric.score(answers, test), 5)
        return line | {"weights": {" ".join(names[i]).strip(): round(w, 2) for i, w in blend.weights.items()}}


def arms(path: Path, names: list[str], metric: str | None, seed: int) -> Iterator[Mapping[str, Any]]:
    """A line for each model and ensemble of one competition."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        competition, task = read(str(path / "public"), {"metric": metric} if metric else {}, {}, None, seed)
        data = RunData.create(competition, task, cards_of(competition, task), folder, folder / "features")
        scene = Scene(data, data.folds("arms", seed), seed)
        head = {"competition": path.name, "metric": data.metric.name, "type": task.problem_type, "seed": seed}
        for name in names:
            plain = None
            for view in (PLAIN, *VIEWS):
                seconds = scene.fit(name, view)
                scored = scene.scored(scene.made[name, view].oof)
                plain = plain or scored
                gain = compare(scored, plain)
                line = {"family": name, "view": view, "loss": round(scored.loss, 6), "seconds": round(seconds, 1)}
                yield head | line | {"gain": round(gain.gain, 6), "se": round(gain.standard_error, 6)}
        answers = _answers(path, competition.test, task)
        for views in ((PLAIN,), *((PLAIN, view) for view in VIEWS), (PLAIN, *VIEWS)):
            yield head | scene.ensemble(views, answers)


def _answers(path: Path, test: pd.DataFrame, task: Any) -> np.ndarray | None:
    """(m, 1) the targets of the test rows as the metric takes them, where the folder has them."""
    file = path / "private" / "answers.csv"
    if not file.is_file():
        return None
    answers = pd.read_csv(file).set_index(task.id[0]).loc[test[task.id[0]]].reset_index()
    return task.encode(answers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder of competitions, each with public/")
    parser.add_argument("--competitions", nargs="*", help="names of folders; all without")
    parser.add_argument("--families", nargs="*", default=list(FAMILIES))
    parser.add_argument("--metric", help="in place of that of the competition")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not options.folder.is_dir():
        parser.exit(2, f"{options.folder} is no folder: give one that holds competitions.\n")
    for path in sorted(options.folder.iterdir()):
        if (path / "public").is_dir() and (not options.competitions or path.name in options.competitions):
            for line in arms(path, options.families, options.metric, options.seed):
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
