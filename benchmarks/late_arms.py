"""What a long run could do when its usual proposals bring nothing: further models on the folds of a finished run.

    python benchmarks/holdout_scores.py FOLDER --budget 600s --keep RUNS
    python benchmarks/late_arms.py RUNS/NAME-600s-0 --competitions FOLDER --seconds 120

For each way to use the time (an arm) models are fitted for so many seconds with one thread, on the run's own folds, and
the ensemble is selected from the run's experiments and these. A line of JSON per arm: the gain of members chosen on one
half of the blocks and scored on the other (mean over draws) in standard errors of the ensemble's loss, and the score of
what is selected from all rows on the private answers, by the models of the search, in the same unit.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from leave_out import FinishedRun, graded, read_again

from medalist.agent.experiment import Proposal, Record
from medalist.agent.history import base_models, best_of_families, by_loss, incumbent_features
from medalist.agent.judging.champion import candidates
from medalist.agent.records.stores import open_ledger
from medalist.competitions.clock import awake
from medalist.pipelines.ensembling import selection
from medalist.pipelines.ensembling.loss import smooth_loss
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.fitting.evaluation import Evaluation, combine
from medalist.pipelines.fitting.fold import run_fold
from medalist.pipelines.fitting.stacking import StackedColumns, as_columns
from medalist.pipelines.pipeline import Pipeline

DRAWS = 10  # splits of the blocks into halves
SUBSPACE = 0.6  # share of the features of a random subspace


@dataclass(frozen=True)
class Bench:
    """A finished run with its folds in memory, on which further pipelines are fitted."""

    run: FinishedRun
    rows: Mapping[str, np.ndarray]
    seed: int

    @property
    def history(self) -> list[Record]:
        return list(self.run.records)

    def fit(self, pipeline: Pipeline) -> Evaluation:
        """The pipeline on all folds, stacked upon experiments of the run where it names some."""
        data, folds = self.run.referee.data, self.run.referee.folds
        data.store.prepare(pipeline.features)
        test = np.arange(data.store.n_train, data.store.n_train + len(data.competition.test))
        columns = self._columns(pipeline)
        results = []
        for k in range(folds.count):
            fit, valid = self.rows[f"fit_{k}"], self.rows[f"valid_{k}"]
            stacked = None if columns is None else StackedColumns(columns[0][fit], columns[0][valid], columns[1])
            results.append(
                run_fold(data.store, data.problem, pipeline, data.y, fit, valid, test, fold=k, stacked=stacked)
            )
        return combine(results, folds.positions)

    def _columns(self, pipeline: Pipeline) -> tuple[np.ndarray, np.ndarray] | None:
        """Columns of the training rows (n, c) and of the test rows (m, c) that a stack is fitted on."""
        if not pipeline.stacked:
            return None
        data, folds = self.run.referee.data, self.run.referee.folds
        found = {r.pipeline.hash: r.evaluation for r in self.history if r.evaluation is not None}
        train, test = [], []
        for one in pipeline.stacked:
            oof = np.zeros((len(data.y), found[one].oof.shape[1]))
            oof[folds.rows] = found[one].oof
            train.append(as_columns(data.problem, oof))
            test.append(as_columns(data.problem, found[one].test))
        return np.hstack(train), np.hstack(test)


def draws(bench: Bench, families: list[str], *, subspace: bool) -> Iterator[Pipeline]:
    """Random draws of each family's space in turn, on the features of the family's best, or on a part of them."""
    import optuna

    leading = best_of_families(bench.history, families)
    rng = np.random.default_rng(bench.seed)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for number in count():
        for name, best in leading.items():
            sampler = optuna.samplers.RandomSampler(seed=bench.seed + 1000 * number)
            params = FAMILIES[name].space(optuna.create_study(sampler=sampler).ask())
            features = best.pipeline.features
            if subspace:
                kept = rng.permutation(len(features))[: max(2, int(SUBSPACE * len(features)))]
                features = tuple(features[i] for i in sorted(kept))
            yield best.pipeline.changed(params=params, features=features)


def seeds(bench: Bench) -> Iterator[Pipeline]:
    """The ensemble's own base models in turn, with further seeds."""
    members = [bench.history[n] for n in bench.run.champion.ensemble.weights]
    plain = [r.pipeline for r in members if not r.pipeline.bases and FAMILIES[r.pipeline.family].uses_seed]
    for number in count(1):
        yield from (p.changed(seed=p.seed + 104_729 * number) for p in plain)
        if not plain:
            return


def stacks(bench: Bench, bases: int, *, over: bool) -> Iterator[Pipeline]:
    """A linear model and small trees on the predictions of so many experiments; `over`: of stacks too."""
    models = sorted((r for r in base_models(bench.history) if r.evaluation is not None), key=by_loss)
    upper = [r for r in bench.history if r.pipeline.stacked and r.evaluation is not None and r.score is not None]
    families: dict[str, int] = {}
    chosen: list[Record] = sorted(upper, key=by_loss)[:3] if over else []
    for record in models:
        families[record.pipeline.family] = families.get(record.pipeline.family, 0) + 1
        if families[record.pipeline.family] <= 3:
            chosen.append(record)
    hashes = [r.pipeline.hash for r in chosen[:bases]]
    trees = incumbent_features(bench.history)
    assert trees is not None
    for name, features in (("linear", ()), ("lightgbm", ()), ("lightgbm", trees.pipeline.features)):
        yield Pipeline.of(features, name, FAMILIES[name].stacker or {}, bench.seed, stacked=hashes)


def arms(bench: Bench) -> Mapping[str, Callable[[], Iterator[Pipeline]]]:
    boosted = [n for n in ("lightgbm", "xgboost", "catboost") if n in FAMILIES]
    return {
        "draws": lambda: draws(bench, boosted, subspace=False),
        "draws on a random subspace": lambda: draws(bench, boosted, subspace=True),
        "networks": lambda: draws(bench, ["perceptron"], subspace=False),
        "seeds": lambda: seeds(bench),
        "stacks of 12": lambda: stacks(bench, 12, over=False),
        "stacks over stacks": lambda: stacks(bench, 9, over=True),
    }


def halves_gain(bench: Bench, before: Mapping[int, np.ndarray], after: Mapping[int, np.ndarray]) -> tuple[float, float]:
    """The mean gain of selecting among `after` rather than `before`, chosen on a half of the blocks and scored on the
    other, and its standard deviation over the draws divided by the root of their number."""
    referee = bench.run.referee
    data, folds, rng = referee.data, referee.folds, np.random.default_rng(bench.seed)
    incumbents = set(bench.run.champion.ensemble.weights) | (set(after) - set(before))
    gains = []
    for _ in range(DRAWS):
        side = rng.permutation(np.arange(folds.blocks.max() + 1) % 2)[folds.blocks].astype(bool)
        for one in (side, ~side):
            losses = []
            for pool in (before, after):
                chosen = selection.select(
                    data.metric, data.problem, folds.y[one], {n: p[one] for n, p in pool.items()},
                    None if folds.weights is None else folds.weights[one], incumbents=incumbents & set(pool),
                )  # fmt: skip
                blend = chosen.blend({n: pool[n][~one] for n in chosen.weights})
                losses.append(smooth_loss(data.metric, data.problem, folds.y[~one], blend, None))
            gains.append(losses[0] - losses[1])
    pairs = np.reshape(gains, (-1, 2)).mean(axis=1)
    return float(np.mean(pairs)), float(np.std(pairs) / np.sqrt(len(pairs)))


def measure(kept: Path, competitions: Path, seconds: float, only: list[str]) -> Iterator[dict[str, Any]]:
    with open_ledger(str(kept)) as ledger:
        row = ledger.runs()[0]
    answers = pd.read_csv(competitions / row.competition / "private" / "answers.csv", low_memory=False)
    with tempfile.TemporaryDirectory() as scratch:
        run = read_again(row, kept, Path(scratch))
        bench = Bench(run, dict(np.load(run.referee.folds.path)), row.config["seed"])
        champion, metric = run.champion, run.referee.data.metric
        sign = 1 if metric.greater_is_better else -1
        pool = {n: r for n, r in candidates(run.records, champion.ensemble.weights).items() if r.evaluation is not None}
        oof = {n: r.evaluation.oof for n, r in pool.items() if r.evaluation is not None}
        first = graded(run, champion, answers)
        blocks = champion.score.blocks[np.isfinite(champion.score.blocks)]
        unit, loss_unit = first["standard_error"], float(np.std(blocks, ddof=1) / np.sqrt(len(blocks)))
        yield {"competition": row.competition, "arm": "nothing", "score": first["score"], "unit": unit,
               "members": len(champion.ensemble.weights), "experiments": len(run.records)}  # fmt: skip

        def compared(name: str, models: int, took: float, extra: Mapping[int, Record]) -> dict[str, Any]:
            records = [*run.records, *extra.values()]
            chosen = run.referee.select({**pool, **extra}, {*champion.ensemble.weights, *extra})
            final = graded(FinishedRun(run.referee, records, chosen), chosen, answers)
            mean, error = halves_gain(bench, oof, oof | {n: r.evaluation.oof for n, r in extra.items() if r.evaluation})
            return {
                "competition": row.competition, "arm": name, "models": models, "seconds": round(took, 1),
                "halves": round(mean / loss_unit, 4), "halves_se": round(error / loss_unit, 4),
                "holdout": round(sign * (final["score"] - first["score"]) / unit, 4),
                "taken": sum(n in extra for n in chosen.ensemble.weights),
            }  # fmt: skip

        if not only or "more members" in only:
            for most, size in ((16, 25), (16, 60), (25, 60)):
                kept_sizes = selection.MAX_MEMBERS, selection.POOL
                selection.MAX_MEMBERS, selection.POOL = most, size
                chosen = run.referee.select(pool, champion.ensemble.weights)
                final = graded(run, chosen, answers)
                selection.MAX_MEMBERS, selection.POOL = kept_sizes
                gain = (champion.score.loss - chosen.score.loss) / loss_unit
                yield {"competition": row.competition, "arm": f"{most} members of {size}", "search": round(gain, 4),
                       "holdout": round(sign * (final["score"] - first["score"]) / unit, 4)}  # fmt: skip
        for name, make in arms(bench).items():
            if only and name not in only:
                continue
            began, extra = awake(), {}
            for number, pipeline in enumerate(make(), len(run.records)):
                try:
                    evaluation = bench.fit(pipeline)
                except Exception as error:  # noqa: BLE001 - a library refuses a set: others go on
                    yield {"arm": name, "error": str(error)[:200]}
                    break
                proposal = Proposal(pipeline, name, None, "draw")
                decided, _ = run.referee.decide(evaluation.oof)
                scored = run.referee.score(evaluation.oof, decided)
                extra[number] = Record(number, proposal, "keep", "", scored, evaluation)
                if awake() - began > seconds:
                    break
            yield compared(name, len(extra), awake() - began, extra)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of a run each, by holdout_scores.py --keep")
    parser.add_argument("--competitions", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=120.0, help="for the fits of each arm")
    parser.add_argument("--arms", nargs="*", default=[])
    options = parser.parse_args()
    if not options.competitions.is_dir():
        print(f"Skipped: there is no folder {options.competitions}.")
        return
    for kept in options.runs:
        for row in measure(kept, options.competitions, options.seconds, options.arms):
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
