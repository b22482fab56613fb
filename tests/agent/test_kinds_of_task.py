"""Every kind of task, from a little competition on disk to a valid submission."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from command_line import assert_valid, columns, here, write

TRAIN, TEST = 240, 80
KINDS = np.array(["red", "green", "blue"])


@dataclass(frozen=True)
class Case:
    """Targets from inputs, what the sample submits, the description, and what has to come out."""

    targets: Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]
    sample: dict[str, object]
    description: str
    problem_type: str
    metric: str
    check: Callable[[pd.DataFrame], bool]
    scheme: str = ""
    dated: bool = False


def _labels(x: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    return np.clip(np.rint(2 + x["size"] + rng.normal(0, 0.4, len(x))), 0, 4).astype(int)


CASES = {
    "several targets": Case(
        lambda x, rng: pd.DataFrame(
            {t: (x["size"] * k + rng.normal(size=len(x)) > 0).astype(int) for k, t in enumerate(["a", "b", "c"], 1)}
        ),
        {"a": 0.5, "b": 0.5, "c": 0.5},
        "Submissions are evaluated on the mean column-wise area under the ROC curve.",
        "binary",
        "mean_auc",
        lambda f: bool(f[["a", "b", "c"]].stack().between(0, 1).all()) and f["a"].nunique() > 10,
    ),
    "targets that are measured on some rows": Case(
        lambda x, rng: pd.DataFrame(
            {t: 5 * k + x["size"] * k + rng.normal(size=len(x)) / 2 for k, t in enumerate(["a", "b", "c"], 1)}
        ).where((rng.random((len(x), 3)) < 0.5) | (np.arange(len(x)) % 3 == 0)[:, None]),
        {"a": 0.0, "b": 0.0, "c": 0.0},
        "Submissions are evaluated on the mean column-wise mean absolute error.",
        "regression",
        "mean_mae",
        lambda f: bool((f["a"] < f["b"]).all() and (f["b"] < f["c"]).mean() > 0.9) and f["c"].nunique() > 10,
    ),
    "an interval": Case(
        lambda x, rng: pd.DataFrame({"price": 50 + 9 * x["size"] + rng.normal(size=len(x)) * (1 + x["weight"])}),
        {"upper": 60.0, "lower": 40.0},
        "Submissions are scored by the mean Winkler interval score at a coverage of 80 %.",
        "regression",
        "winkler",
        lambda f: bool((f["lower"] <= f["upper"]).all()) and (f["lower"] < f["upper"]).mean() > 0.9,
    ),
    "quantiles later than train": Case(
        lambda x, rng: pd.DataFrame({"sales": 20 + 5 * x["size"] + np.arange(len(x)) / 10 + rng.normal(size=len(x))}),
        {"q0.1": 0.0, "q0.5": 0.0, "q0.9": 0.0},
        "Submissions are evaluated on the average pinball loss over the quantiles 0.1, 0.5 and 0.9.",
        "regression",
        "quantile_score",
        lambda f: bool((np.diff(f[["q0.1", "q0.5", "q0.9"]].to_numpy(), axis=1) >= 0).all()),
        scheme="time",
        dated=True,
    ),
    "a probability for each class": Case(
        lambda x, rng: pd.DataFrame({"kind": KINDS[np.clip(_labels(x, rng) - 1, 0, 2)]}),
        {"green": 0.3, "blue": 0.3, "red": 0.4},
        "Submissions are evaluated using the multi-class logarithmic loss.",
        "multiclass",
        "mlogloss",
        lambda f: bool(np.allclose(f[["green", "blue", "red"]].sum(axis=1), 1, atol=1e-6)),
    ),
    "classes with an order": Case(
        lambda x, rng: pd.DataFrame({"grade": _labels(x, rng)}),
        {"grade": 2},
        "Submissions are scored by the quadratic weighted kappa.",
        "ordinal",
        "qwk",
        lambda f: set(f["grade"]) <= set(range(5)) and f["grade"].dtype.kind == "i" and f["grade"].nunique() > 2,
    ),
    "later than train": Case(
        lambda x, rng: pd.DataFrame({"sales": 20 + 5 * x["size"] + np.arange(len(x)) / 10 + rng.normal(size=len(x))}),
        {"sales": 0.0},
        "Submissions are evaluated on the mean absolute error.",
        "regression",
        "mae",
        lambda f: bool(f["sales"].between(0, 100).all()),
        scheme="time",
        dated=True,
    ),
    "relative errors": Case(
        lambda x, rng: pd.DataFrame({"price": np.exp(5 + 0.5 * x["size"] + rng.normal(0, 0.2, len(x))).round(2)}),
        {"price": 0},
        "The evaluation metric is the root mean squared logarithmic error (RMSLE).",
        "regression",
        "rmsle",
        lambda f: bool((f["price"] > 0).all()) and f["price"].nunique() > 10,
    ),
    "labels in words": Case(
        lambda x, rng: pd.DataFrame({"sold": np.where(x["size"] + rng.normal(0, 0.5, len(x)) > 0, "yes", "no")}),
        {"sold": "no"},
        "Submissions are evaluated on accuracy.",
        "binary",
        "accuracy",
        lambda f: set(f["sold"]) == {"yes", "no"},
    ),
    "the three best": Case(
        lambda x, rng: pd.DataFrame({"grade": np.array(["n", "o", "p", "q", "r"])[_labels(x, rng)]}),
        {"grade": "n o p"},
        "Submissions are evaluated by Mean Average Precision @ 3 (MAP@3).",
        "multiclass",
        "map@3",
        lambda f: all(len(set(row.split())) == 3 for row in f["grade"]),
    ),
}


def competition(case: Case, folder: Path) -> Path:
    inputs = columns(TRAIN + TEST)
    targets = case.targets(inputs, np.random.default_rng(1))
    if case.dated:
        inputs.insert(1, "day", pd.date_range("2021-01-01", periods=len(inputs)).strftime("%Y-%m-%d"))
    else:
        order = np.random.default_rng(2).permutation(len(inputs))
        inputs, targets = inputs.iloc[order].reset_index(drop=True), targets.iloc[order].reset_index(drop=True)
    train = pd.concat([inputs, targets], axis=1)[:TRAIN]
    test = inputs[TRAIN:]
    return write(folder, train, test, test[["row"]].assign(**case.sample), case.description)


SLOW = {
    "an interval",
    "labels in words",
    "relative errors",
    "the three best",
}  # beside quicker ones of nearly the same kind


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in CASES])
def test_a_valid_submission(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    folder = competition(case, tmp_path / "little")
    summary = here("run", folder, "--max-experiments", "3", "--threads", "1", "--runs-dir", tmp_path / "runs")
    assert summary["status"] == "finished"
    assert summary["experiments"] == 3
    assert not {"crash", "timeout", "memory"} & set(summary["verdicts"])
    submission = Path(summary["submission"])
    frame = assert_valid(submission, folder / "sample_submission.csv")
    assert case.check(frame)
    task = yaml.safe_load((submission.parent / "task.yaml").read_text(encoding="utf-8"))
    assert (task["problem_type"], task["metric"]) == (case.problem_type, case.metric)
    if case.scheme:
        assert task["folds"]["scheme"] == case.scheme
    better = summary["score"] > summary["constant_score"]
    assert better == (case.metric in ("mean_auc", "qwk", "accuracy", "map@3"))  # and what it makes is worth more
