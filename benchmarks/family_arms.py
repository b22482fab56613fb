"""Parameter sets of one estimator family, paired on the same folds of several competitions.

python benchmarks/family_arms.py FOLDER trees '{}' '{"missing": "median"}' --competitions titanic spaceship-titanic

The first set is what the others are compared with; each is added to the first entry of the family's portfolio (or to
the entry that --entry names). A line of JSON per competition and set: the metric, the loss, the gain over the first set
with its paired standard error (see `agent.score.compare`), and the seconds of the fits. Folds and fits take the seed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from medalist.agent.run.reading import cards_of, read
from medalist.agent.run_data import RunData
from medalist.agent.score import compare, score
from medalist.competitions.clock import awake
from medalist.pipelines.estimators.registry import family
from medalist.pipelines.features.base_sets import base_features
from medalist.pipelines.fitting.evaluation import combine
from medalist.pipelines.fitting.fold import run_fold
from medalist.pipelines.pipeline import Pipeline


def arms(path: Path, name: str, entry: int, changes: list[Mapping[str, Any]], seed: int, folds: int) -> None:
    """Prints a line for each parameter set on one competition."""
    chosen = family(name)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        competition, task = read(str(path), {}, {}, None, seed)
        data = RunData.create(competition, task, cards_of(competition, task), folder, folder / "features")
        drawn = data.folds("arms", seed)
        drawn = drawn.subset(range(min(folds or drawn.count, drawn.count)))
        rows = np.load(drawn.path)
        features = base_features(data.cards, chosen.feature_set, len(data.y))
        test = data.store.n_train + np.arange(min(1, len(competition.test)))
        first = None
        for change in changes:
            parameters = {**chosen.portfolio[entry], **change}
            pipeline = Pipeline.of(features, name, parameters, seed)
            began = awake()
            try:
                results = [
                    run_fold(
                        data.store, data.problem, pipeline, data.y, rows[f"fit_{k}"], rows[f"valid_{k}"], test, fold=k
                    )
                    for k in range(drawn.count)
                ]
            except Exception as error:  # noqa: BLE001 - a library refuses a set: the others are still compared
                print(
                    json.dumps({"competition": competition.name, "change": dict(change), "error": str(error)[:200]}),
                    flush=True,
                )
                continue
            seconds = awake() - began
            oof = combine(results, drawn.positions).oof
            scored = score(data.metric, data.problem, drawn.y, oof, None, drawn.blocks, drawn.weights, drawn.clusters)
            first = first or scored
            gain = compare(scored, first)
            line = {
                "competition": path.parent.name if path.name == "public" else path.name,
                "family": name,
                "entry": entry,
            }
            line |= {"change": dict(change), "metric": data.metric.name, "seed": seed, "loss": round(scored.loss, 6)}
            line |= {"gain": round(gain.gain, 6), "se": round(gain.standard_error, 6), "seconds": round(seconds, 1)}
            print(json.dumps(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder of competitions")
    parser.add_argument("family")
    parser.add_argument(
        "changes", nargs="+", type=json.loads, help="JSON objects of parameters, the first to compare with"
    )
    parser.add_argument("--competitions", nargs="*", help="names of folders; all without")
    parser.add_argument("--entry", type=int, default=0, help="of the family's portfolio")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folds", type=int, default=0, help="the first folds alone; 0 for all")
    options = parser.parse_args()
    if not options.folder.is_dir():
        parser.exit(2, f"{options.folder} is no folder: give one that holds competitions.\n")
    for path in sorted(options.folder.iterdir()):
        if path.is_dir() and (not options.competitions or path.name in options.competitions):
            public = path / "public"
            arms(
                public if public.is_dir() else path,
                options.family,
                options.entry,
                options.changes,
                options.seed,
                options.folds,
            )


if __name__ == "__main__":
    main()
