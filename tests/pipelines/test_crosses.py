"""Crosses of categories in linear models, and whole numbers that are names."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

sys.path.insert(0, str(Path(__file__).parent))

from estimator_requests import PROBLEMS

from medalist.competitions.columns.cards import describe_columns
from medalist.pipelines.estimators.base import FitRequest
from medalist.pipelines.estimators.linear import crosses, models
from medalist.pipelines.estimators.linear.crossing import choose, one_hot
from medalist.pipelines.features.base_sets import base_features, with_codes
from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.features.nominal import nominal_numbers


def codes_with_a_pair(n: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """Codes (n, 4), and a sign (n,) that the first two decide together and neither alone."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 20, (n, 4))
    sign = rng.choice([-1.0, 1.0], (20, 20))
    sign -= sign.mean(axis=0) + sign.mean(axis=1)[:, None] - sign.mean()
    return codes, sign[codes[:, 0], codes[:, 1]]


def test_the_pair_that_decides_is_chosen_and_no_other():
    codes, sign = codes_with_a_pair()
    noise = np.random.default_rng(1).normal(0, 1, len(sign))
    assert choose(codes, (sign + noise)[:, None], 5, 3, 0)[0] == (0, 1)
    assert choose(codes, noise[:, None], 5, 2, 0) == []


def test_a_triple_is_chosen_where_no_pair_says_anything():
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 4, (6000, 5))
    parity = 1.0 - 2 * ((codes[:, 1] % 2 + codes[:, 2] % 2 + codes[:, 4] % 2) % 2)
    assert choose(codes, parity[:, None], 3, 3, 0)[0] == (1, 2, 4)


def test_cells_that_training_rows_lack_have_no_column():
    train, other = np.array([[0, 0], [0, 0], [0, 1]]), np.array([[0, 0], [0, 1], [5, 5], [-1, 0]])
    block = one_hot([train, other, other[:0]], (0, 1))
    assert block is not None
    train_rows, other_rows, none = (r.toarray() for r in block.rows)
    assert train_rows.tolist() == [[1], [1], [0]]
    assert other_rows.tolist() == [[1], [0], [0], [0]]
    assert none.shape == (0, 1)
    assert one_hot([other, train, train], (0, 1)) is None


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_a_linear_model_sees_a_pair_only_with_crosses(kind):
    codes, sign = codes_with_a_pair()
    rng = np.random.default_rng(3)
    y = sign + rng.normal(0, 0.5, len(sign)) if kind == "regression" else (sign > 0).astype(float)
    whole = Matrix(codes.astype(np.float32), ("a", "b", "c", "d"), (0, 1, 2, 3))
    parts = [Matrix(whole.dense[s], whole.names, whole.categorical) for s in (slice(4500), slice(4500, None))]
    held = sign[4500:] > 0
    aucs = []
    for family, params in ((models, {"alpha": 1.0}), (crosses, dict(crosses.PORTFOLIO[0]))):
        request = FitRequest(PROBLEMS[kind], params, parts[0], y[:4500], parts[1], y[4500:], parts[1], 0, 1)
        aucs.append(roc_auc_score(held, family.fit_predict(request).test))
    assert aucs[0] < 0.7
    assert aucs[1] > 0.95


def numbers_table(n: int = 4000) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(4)
    person, amount = rng.integers(0, 200, n), rng.integers(0, 200, n)
    idle = rng.choice(10**6, 150, replace=False)[rng.integers(0, 150, n)]
    frame = pd.DataFrame({"person": person, "amount": amount, "idle": idle, "few": rng.integers(0, 5, n)})
    frame["price"] = rng.integers(1, 400, n) * 50
    return frame, rng.normal(0, 1, 200)[person] + amount / 60 + rng.normal(0, 1, n)


def test_numbers_are_names_where_neighbours_differ_as_much_as_others():
    frame, y = numbers_table()
    cards = describe_columns(frame, frame)
    assert nominal_numbers(cards, frame, y[:, None]) == ("person", "idle")
    classes = pd.qcut(y, 3, labels=False).astype(float)
    assert nominal_numbers(cards, frame, classes[:, None], 3) == ("person", "idle")


def test_names_are_categories_beside_numbers_for_linear_models_and_in_their_place_for_trees():
    frame, _ = numbers_table(600)
    cards = describe_columns(frame, frame)
    linear, trees = (base_features(cards, s, 600, ("person",)) for s in ("linear", "trees"))
    assert {"number(person)", "code(person)"} <= set(linear)
    assert "code(person)" not in trees
    assert with_codes(("number(person)", "number(amount)", "count(person)"), ("person",)) == (
        "code(person)",
        "number(amount)",
        "count(person)",
    )
