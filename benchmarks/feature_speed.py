"""Speed and memory of the feature language and of its search, each figure beside the bar that it should reach.

    python benchmarks/feature_speed.py --rows 100000 --columns 50

Everything is measured on generated tables. Times are ratios to a plain computation of the same in the same process: the
two take turns, and the median of the ratios counts; that both give the same numbers is checked first. Tables are in
memory on both sides, and a frame is new each time, so that it has nothing kept. Screening is pinned to one core. Each
figure appends a line to the results file.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import feature_memory
import feature_speed_data as generated
import lightgbm
import numpy as np
import pandas as pd
from feature_speed_data import Held, Mixed, grouped, mixed, statistic, statistic_of
from measuring import Figure, one_core, paired

from medalist.competitions.columns.cards import describe_columns
from medalist.pipelines.estimators import lightgbm as lightgbm_family
from medalist.pipelines.estimators.base import FitRequest
from medalist.pipelines.estimators.lightgbm import FAST
from medalist.pipelines.features.base_sets import base_features
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.expression import Feature, feature
from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.features.schema import schema_of
from medalist.pipelines.features.search.step import ScreenRequest, columns_of, screen
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.evaluation import combine
from medalist.pipelines.fitting.fold import run_fold
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem

STATISTICS = ("mean", "std", "max", "median", "count", "distinct")
BINARY = Problem("binary", 1, 2, "logloss", False)
KEYS: tuple[tuple[str, ...], ...] = (("city",), ("shop",), ("city", "kind"))


def screening(options: argparse.Namespace, place: Path) -> Iterator[Figure]:
    """Candidates a minute of one step, from the residual of a small LightGBM: the whole step counts."""
    table = mixed(options.rows, options.columns, options.seed)
    cards = describe_columns(table.train, table.test)
    base = base_features(cards, "trees", options.rows)
    store = FeatureStore.create(place, "screening", table.train, table.test)
    fold_of = np.random.default_rng(options.seed).integers(0, 3, options.rows)
    parts = [(np.flatnonzero(fold_of != k), np.flatnonzero(fold_of == k)) for k in range(3)]
    pipeline, test = Pipeline.of(base, "lightgbm", FAST), np.arange(options.rows, store.n_rows)
    fitted = combine([run_fold(store, BINARY, pipeline, table.y, *p, test) for p in parts], [v for _, v in parts])
    material = place / "material.npz"
    np.savez(material, rows=np.arange(options.rows), residual=table.y - fitted.oof, target=table.y)
    request = ScreenRequest(
        0,
        material,
        base,
        schema_of(table.train, cards),
        classes=0,
        importance=columns_of(fitted.importance),
        seed=options.seed,
        limit=200_000,
    )
    with one_core():
        began = time.monotonic()
        result = screen(FeatureStore(place, "screening", options.rows), request, began, began + options.seconds)
        took = time.monotonic() - began
    detail = {"screened": result.screened, "seconds": round(took, 1), "picks": len(result.picks)}
    yield Figure("candidates screened a minute", 60 * result.screened / took, 2000, higher=True, detail=detail)


def groups(options: argparse.Namespace, place: Path) -> Iterator[Figure]:  # noqa: ARG001
    """Group statistics against pandas: one by one, and many by one key."""
    source = grouped(options.rows, options.seed)
    for keys in KEYS:
        for name in STATISTICS:
            title, made = f"{name} by {', '.join(keys)}", _statistic(name, "a", keys)
            plain = partial(statistic, source.data, name, "a", keys)
            yield paired(title, 2, partial(_fresh, source, made), plain, options.repetitions)
    of_numbers = [name for name in STATISTICS if name != "count"]
    wanted = [("count", "a"), *((name, number) for number in generated.NUMBERS for name in of_numbers)]

    def many() -> list[Any]:
        frame = Frame(source)
        return [frame.value(_statistic(name, number, ("city",))) for name, number in wanted]

    def shared() -> list[Any]:
        made = source.data.groupby("city")
        return [statistic_of(made, name, number, "city") for name, number in wanted]

    def one_by_one() -> list[Any]:
        return [statistic(source.data, name, number, ("city",)) for name, number in wanted]

    few = max(1, options.repetitions // 2)
    yield paired(f"{len(wanted)} statistics by city", 1, many, one_by_one, few)
    yield paired(f"{len(wanted)} statistics by city, beside one groupby for all", None, many, shared, few)


def _fresh(source: Held, made: Feature) -> Any:
    return Frame(source).value(made)


def _statistic(name: str, number: str, keys: Sequence[str]) -> Feature:
    if name == "count":
        return feature("count", feature("cross", *keys) if len(keys) > 1 else keys[0])
    return feature(name, number, by=tuple(keys))


def targets(options: argparse.Namespace, place: Path) -> Iterator[Figure]:  # noqa: ARG001
    """Nested target means against a loop over the inner folds: one by one, and ten of four keys."""
    source = grouped(options.rows, options.seed)
    rng = np.random.default_rng(options.seed)
    fit = np.sort(rng.permutation(source.n_train)[: source.n_train * 4 // 5])
    target = Target(fit, rng.integers(0, 2, (len(fit), 1)).astype(float), 0, options.seed)

    def means(all_keys: Sequence[Sequence[str]]) -> list[Any]:
        frame = Frame(source).fitted_on(target)
        return [frame.value(feature("target_mean", feature("cross", *k) if len(k) > 1 else k[0])) for k in all_keys]

    def plain(all_keys: Sequence[Sequence[str]]) -> list[Any]:
        return [generated.target_mean(source.data, keys, target) for keys in all_keys]

    for keys in KEYS:
        name = f"target mean of {' × '.join(keys)}"
        yield paired(name, 2, partial(means, [keys]), partial(plain, [keys]), options.repetitions)
    single = ("city", "shop", "brand", "kind")
    ten = [*((k,) for k in single), *((a, b) for i, a in enumerate(single) for b in single[i + 1 :])]
    yield paired("ten target means of four keys", 1, partial(means, ten), partial(plain, ten), options.repetitions)


def memory(options: argparse.Namespace, place: Path) -> Iterator[Figure]:
    """Peak of one fold of LightGBM on floats, as a share of twice its float32 matrix plus the raw table."""
    if not Path("/proc/self/clear_refs").exists():
        print("Skipped: memory is measured on Linux.")
        return
    matrix, raw = feature_memory.prepare(place, *generated.floats(options.rows, options.columns, options.seed))
    runs = [feature_memory.measure(place) for _ in range(3)]
    allowed = 2 * matrix + raw
    mb = {"matrix_mb": matrix / 1e6, "raw_mb": raw / 1e6, "allowed_mb": allowed / 1e6}
    for what, words in (("private", "private pages"), ("resident", "private and mapped pages")):
        peak = statistics.median(run[what] for run in runs)
        detail = {k: round(v, 1) for k, v in {"peak_mb": peak / 1e6, **mb}.items()}
        yield Figure(f"peak memory of a fold, {words}", peak / allowed, 1, detail=detail | {"runs": len(runs)})


def cache(options: argparse.Namespace, place: Path) -> Iterator[Figure]:
    """The second time of 40 features as a share of the first: their blocks alone, and with gathering rows."""
    few = max(1, options.repetitions // 2)
    seed = options.seed
    small, table = (mixed(rows, options.columns, seed) for rows in (2000, options.rows))
    for gathered, words in ((False, "prepare and blocks"), (True, "prepare and matrices")):
        _cold_and_warm(small, place / f"imports {words}", gathered, seed)
        seconds = [_cold_and_warm(table, place / f"{words} {turn}", gathered, seed) for turn in range(few)]
        cold, warm = (statistics.median(s) for s in zip(*seconds, strict=True))
        detail = {"cold_ms": round(1e3 * cold, 1), "warm_ms": round(1e3 * warm, 1), "pairs": few}
        value = statistics.median(b / a for a, b in seconds)
        yield Figure(f"a warm cache's share: {words}", value, None if gathered else 0.05, detail=detail)


def _cold_and_warm(table: Mixed, folder: Path, gathered: bool, seed: int) -> tuple[float, float]:
    rows = len(table.train)
    FeatureStore.create(folder, "cache", table.train, table.test)
    order, features = np.random.default_rng(seed).permutation(rows), generated.forty(table)
    fit, valid = np.sort(order[rows // 5 :]), np.sort(order[: rows // 5])
    test = np.arange(rows, rows + len(table.test))
    seconds = []
    for _ in range(2):
        store = FeatureStore(folder, "cache", rows)
        began = time.perf_counter()
        store.prepare(features)
        if gathered:
            store.matrices(features, fit, table.y[fit], [valid, test], classes=0, seed=seed)
        else:
            target = Target(fit, table.y[fit], 0, seed)
            for text in features:
                store.block(text, target)
        seconds.append(time.perf_counter() - began)
    return seconds[0], seconds[1]


def binned(options: argparse.Namespace, _: Path) -> Iterator[Figure]:
    """Handing LightGBM a matrix that it has in bins already, as a share of binning it."""
    rng = np.random.default_rng(options.seed)
    columns = rng.normal(size=(options.rows, options.columns)).astype(np.float32)
    names = tuple(f"c{i}" for i in range(options.columns))
    y = columns[:, 0] + rng.normal(size=options.rows)
    matrix, none = Matrix(columns, names, (), token="train"), Matrix(columns[:0], names, ())
    problem = Problem("regression", 1, 0, "l2", False)
    shares, seconds = [], (0.0, 0.0)
    for turn in range(max(3, options.repetitions // 2)):
        kept: dict[str, Any] = {}
        took = []
        for rate in (0.1, 0.05):  # only a parameter changes
            params = {"learning_rate": rate, "rounds": 1}
            request = FitRequest(problem, params, matrix, y, none, None, none, options.seed, 1, cache=kept)
            began = time.perf_counter()
            lightgbm_family.fit_predict(request)
            took.append(time.perf_counter() - began)
        if turn:  # the first one imports
            shares.append(took[1] / took[0])
            seconds = took[0], took[1]
    detail = {"first_ms": round(1e3 * seconds[0], 1), "again_ms": round(1e3 * seconds[1], 1), "pairs": len(shares)}
    yield Figure("a fit of one round on data that are binned already", statistics.median(shares), None, detail=detail)


GROUPS: dict[str, Callable[[argparse.Namespace, Path], Iterator[Figure]]] = {
    "screening": screening,
    "groups": groups,
    "targets": targets,
    "memory": memory,
    "cache": cache,
    "binned": binned,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="of train; test has a quarter as many")
    parser.add_argument("--columns", type=int, default=50, help=f"at least {generated.LEAST_COLUMNS}")
    parser.add_argument("--seconds", type=float, default=60.0, help="that a screening has")
    parser.add_argument("--repetitions", type=int, default=9, help="pairs of a comparison; half as many of long ones")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=list(GROUPS), default=list(GROUPS))
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results" / "feature_speed.jsonl")
    options = parser.parse_args()
    if not generated.LEAST_COLUMNS <= options.columns <= 26**3:
        parser.error(f"--columns is {options.columns}: give {generated.LEAST_COLUMNS} to {26**3}.")
    about = {name: getattr(options, name) for name in ("rows", "columns", "seed")}
    about["python"] = platform.python_version()
    about |= {module.__name__: module.__version__ for module in (np, pd, lightgbm)}
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    print(f"{'figure':<56} {'value':>9} {'bar':>7}  met")
    for group in options.only:
        with tempfile.TemporaryDirectory() as place:
            for made in GROUPS[group](options, Path(place)):
                row = {"figure": made.figure, "value": round(made.value, 4), "bar": made.bar, "met": made.met}
                with options.results.open("a") as file:
                    file.write(json.dumps(row | about | made.detail) + "\n")
                print(made, flush=True)


if __name__ == "__main__":
    main()
