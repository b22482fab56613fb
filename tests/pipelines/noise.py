"""A table in which nothing depends on anything, and how far a feature of it is from chance: what leak tests need.

The examples that operators carry are features of this table.
"""

from __future__ import annotations

from functools import lru_cache

import lightgbm
import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.registry import is_supervised
from medalist.pipelines.features.schema import Schema

TRAIN, TEST, FIT = 800, 100, 550
PROBLEMS = ("binary", "multiclass", "regression")
SIGMAS = 4  # standard errors that a score of other rows may be away from chance
# Nested means of the other inner folds are a little lower where a fold's own mean is higher. A model that tells the
# folds apart gains about two standard errors from that on the rows of the fit, and nothing on others.
SIGMAS_FITTED = 6
SCHEMA = Schema(
    {
        **dict.fromkeys(("x", "z", "whole"), "number"),
        **dict.fromkeys(("city", "town", "shop", "guest", "cabin"), "category"),
        **dict.fromkeys(("day", "until"), "date"),
        "note": "text",
    },
    {"orders": {"shop": "category", "buyer": "category", "amount": "number", "kind": "category", "sold": "date"}},
)


class Noise:
    """Rows in which nothing depends on anything; `guest` is a nearly unique key, `shop` has few rows a value."""

    def __init__(self, n_train=TRAIN, n_test=TEST, seed=0):
        rng = np.random.default_rng(seed)
        n = n_train + n_test
        days = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 200 * 86_400, n), "s")
        words = ["red", "green", "old", "new", "big", "small", "fast", "slow", "warm", "cold", "round", "flat"]
        self.n_train, self.n_rows = n_train, n
        self.rows = pd.DataFrame(
            {
                "x": np.where(rng.random(n) < 0.05, np.nan, rng.normal(size=n).round(3)),
                "z": rng.normal(size=n),
                "whole": rng.integers(0, 500, n),
                "city": pd.array(rng.choice([*"abcdefg", None], n), dtype="str"),
                "town": rng.choice([*"abcdefg"], n),
                "shop": rng.integers(0, n // 5, n).astype(str),
                "guest": rng.integers(0, 2 * n, n).astype(str),
                "cabin": [f"{'ABCD'[i % 4]}/{i}/{'PS'[i % 2]}" for i in rng.integers(0, 200, n)],
                "day": days.floor("h").astype(str),
                "until": (days + pd.to_timedelta(rng.integers(0, 99, n), "D")).astype(str),
                "note": [" ".join(rng.choice(words, 4)) for _ in range(n)],
            }
        )
        m = 2 * n
        self.orders = pd.DataFrame(
            {
                "shop": rng.integers(0, n // 5, m).astype(str),
                "buyer": rng.integers(0, 2 * n, m).astype(str),
                "amount": rng.normal(size=m),
                "kind": rng.choice([*"uvwxyz"], m),
            }
        )
        sold = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 200, m), "D")
        self.orders["sold"] = sold.astype(str)

    def column(self, name):
        return self.rows[name]

    def table(self, name):
        return {"orders": self.orders}[name]


@lru_cache(maxsize=1)
def frame_of_noise():
    return Frame(Noise())


def noise_targets(problem, n, seed):
    rng = np.random.default_rng([7, seed])
    classes = {"binary": 2, "multiclass": 3, "regression": 0}[problem]
    return (rng.integers(0, classes, n) if classes else rng.normal(size=n)).astype(float)[:, None], classes


def computed(frame, text, target):
    value = frame.fitted_on(target).value(parse(text))
    return value.reshape(len(value), -1) if isinstance(value, np.ndarray) else value


def predicted(problem, inputs, y, queries):
    objective = {"binary": "binary", "multiclass": "multiclass", "regression": "l2"}[problem]
    options = {"objective": objective, "num_leaves": 4, "min_data_in_leaf": 25, "learning_rate": 0.2, "verbosity": -1}
    options |= {"num_threads": 1, "deterministic": True, "seed": 0, "max_bin": 63}
    if problem == "multiclass":
        options["num_class"] = 3
    model = lightgbm.train(options, lightgbm.Dataset(inputs, y[:, 0], params={"verbosity": -1}), 12)
    return model.predict(queries).reshape(queries.shape[0], -1)


def concordance(problem, y, predictions):
    """AUC, its mean over the classes, or for values the AUC of being above the median; and its error at chance."""
    y = y[:, 0]
    above = y > np.median(y) if problem == "regression" else y == 1
    parts = [y == c for c in range(3)] if problem == "multiclass" else [above]
    score = np.mean([roc_auc_score(part, p) for part, p in zip(parts, predictions.T, strict=True)])
    positive = parts[0].sum()
    return score, (len(y) + 1) / (12 * positive * (len(y) - positive))


def deviations(text, problem, seeds):
    """How many standard errors scores are above chance: of other rows, and of rows that the feature was fitted on."""
    frame = frame_of_noise()
    scores, variances = [], []
    for seed in range(seeds):
        y, classes = noise_targets(problem, TRAIN, seed)
        rows = np.random.default_rng([3, seed]).permutation(TRAIN)
        fit, valid = np.sort(rows[:FIT]), np.sort(rows[FIT:])
        inputs = computed(frame, text, Target(fit, y[fit], classes, seed))
        pairs = [(fit, valid)]
        if is_supervised(parse(text)):
            pairs.append((rows[: FIT // 2], rows[FIT // 2 : FIT]))
        results = [concordance(problem, y[b], predicted(problem, inputs[a], y[a], inputs[b])) for a, b in pairs]
        scores.append([score for score, _ in results])
        variances.append([variance for _, variance in results])
    return (np.mean(scores, axis=0) - 0.5) / np.sqrt(np.mean(variances, axis=0) / seeds)


def moved(text, seed, problem):
    """How far changing one row's target moves the feature at that row, and at the others at most."""
    frame = Frame(Noise(60, 20, seed))
    rng = np.random.default_rng(seed)
    fit = np.sort(rng.permutation(60)[:45])
    y, classes = noise_targets(problem, 45, seed)
    y[:3, 0] = range(3) if problem == "multiclass" else (0, 1, 1)  # every class occurs
    before = computed(frame, text, Target(fit, y, classes, seed))
    of_row, of_others = 0.0, 0.0
    for i in rng.integers(3, 45, 3):
        changed = y.copy()
        changed[i] = (y[i] + 1) % classes if classes else y[i] + 5
        change = np.nan_to_num(np.abs(computed(frame, text, Target(fit, changed, classes, seed)) - before))
        of_row, of_others = max(of_row, change[fit[i]].max()), max(of_others, np.delete(change, fit[i], axis=0).max())
    return of_row, of_others
