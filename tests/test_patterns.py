"""The planted patterns of the benchmark: what is generated is what is said, and the same at every call."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from category_patterns import CATEGORIES
from other_patterns import OTHER
from patterns import ID, ISSUE, ROWS, TARGET, TRAIN_ROWS, bands, make, previous

ALL = {**ISSUE, **OTHER, **CATEGORIES}


@pytest.mark.parametrize("name", ALL)
def test_a_pattern_is_a_competition_whose_oracle_says_more_than_chance(name):
    pattern = make(name, ALL[name], 0)
    assert len(pattern.train) == TRAIN_ROWS
    assert len(pattern.train) + len(pattern.test) == len(pattern.hint) == ROWS
    assert [c for c in pattern.train if c != TARGET] == list(pattern.test)
    assert pattern.answers[ID].equals(pattern.test[ID])
    y = pattern.answers[TARGET]
    if pattern.metric == "rmse":
        assert np.corrcoef(y, pattern.oracle)[0, 1] ** 2 > 0.7
    else:
        assert roc_auc_score(y, pattern.oracle) > 0.8
        assert abs(pattern.oracle.mean() - y.mean()) < 0.03  # a probability, not only a ranking


def test_the_seed_decides():
    first, again, other = (make("ratio", ISSUE["ratio"], seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first.train, again.train)
    assert not first.answers.equals(other.answers)


def test_frequencies_count_train_and_test_together():
    pattern = make("frequency", ISSUE["frequency"], 0)
    both = pd.concat([pattern.train, pattern.test], ignore_index=True)
    counts = [both.groupby(c)[ID].transform("size") for c in both if c not in (ID, TARGET)]
    assert any(c.equals(pd.Series(pattern.hint, name=c.name)) for c in counts)


def test_the_previous_row_is_the_latest_earlier_one_of_the_key():
    rng = np.random.default_rng(0)
    key, time, x = rng.integers(0, 5, 60), rng.permutation(60), rng.normal(size=60)
    found = previous(key, time, x, 2)
    for i in range(60):
        earlier = sorted((j for j in range(60) if key[j] == key[i] and time[j] < time[i]), key=lambda j: -time[j])
        assert np.isnan(found[i]) if len(earlier) < 2 else found[i] == x[earlier[1]]


def test_bands_alternate_and_leave_out_what_is_missing():
    assert bands(np.array([4.0, 1, 2, 3, np.nan]), 2).tolist() == [-1, 1, 1, -1, 0]
