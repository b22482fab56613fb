"""The folds of a plan; rules that hold for every plan are tested as such."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little import partitions

from medalist.competitions.errors import TaskError
from medalist.competitions.folds.make import make_folds
from medalist.competitions.folds.plan import FoldPlan

RNG = np.random.default_rng(7)


@settings(deadline=None)
@given(st.integers(2, 10), st.lists(st.integers(0, 6), min_size=10, max_size=200), st.integers(0, 2**31))
def test_strata_are_balanced_within_one_row(n_splits, labels, seed):
    y = np.array(labels, dtype=float)[:, None]
    folds = make_folds(FoldPlan("stratified", n_splits, seed=seed), pd.DataFrame({"x": labels}), y)
    assert partitions(folds, len(labels))
    sizes = [len(valid) for _, valid in folds.splits]
    assert max(sizes) - min(sizes) <= 1
    for label in set(labels):
        held = [int((y[valid, 0] == label).sum()) for _, valid in folds.splits]
        assert max(held) - min(held) <= 1


def test_classes_rarer_than_the_folds_need_no_warning():
    y = np.array([0.0] * 50 + [1.0] * 3 + [2.0])[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert partitions(make_folds(FoldPlan("stratified", 5), pd.DataFrame({"x": y[:, 0]}), y), 54)


def test_several_binary_targets_are_stratified_jointly():
    y = np.tile(np.eye(4), (25, 1))
    folds = make_folds(FoldPlan("stratified", 5), pd.DataFrame({"x": range(100)}), y)
    assert all((y[valid].sum(axis=0) == 5).all() for _, valid in folds.splits)


@settings(deadline=None)
@given(st.integers(2, 6), st.lists(st.integers(0, 40), min_size=30, max_size=200), st.integers(0, 2**31))
def test_groups_never_straddle(n_splits, groups, seed):
    if len(set(groups)) < n_splits:
        groups = groups + list(range(n_splits))
    train = pd.DataFrame({"g": groups})
    folds = make_folds(FoldPlan("group", n_splits, "g", seed), train, None)
    assert partitions(folds, len(groups))
    for fitted, held in folds.splits:
        assert not set(train["g"].iloc[fitted]) & set(train["g"].iloc[held])
    sizes = [len(held) for _, held in folds.splits]
    assert max(sizes) - min(sizes) <= train["g"].value_counts().max()


def test_groups_may_be_the_leading_part_of_text_and_missing_keys_stand_alone():
    train = pd.DataFrame({"g": ["a_1", "a_2", "b_1", "b_2", "c_1", None, None]})
    for _, held in make_folds(FoldPlan("group", 3, "g", separator="_"), train, None).splits:
        letters = set(train["g"].iloc[held].dropna().str[0])
        assert sum(train["g"].str.startswith(tuple(letters), na=False)) == train["g"].iloc[held].notna().sum()


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 60), min_size=20, max_size=150),
    st.integers(1, 4),
    st.floats(1, 10),
    st.floats(0, 3),
    st.one_of(st.none(), st.integers(1, 99)),
)
def test_time_never_looks_ahead(days, n_splits, horizon, gap, seed):
    train = pd.DataFrame({"t": [0, 60, *days]})
    plan = FoldPlan("time", n_splits, "t", 0, horizon=horizon, gap=gap)
    folds = make_folds(plan, train, None, seed)
    t = train["t"].to_numpy(dtype=float)
    assert folds.refit
    assert not folds.complete
    last = -np.inf
    for fitted, held in folds.splits:
        assert t[fitted].max() + gap <= t[held].min() + 1e-9
        assert t[held].max() - t[held].min() <= horizon
        assert t[held].min() > last
        last = t[held].max()
    if seed is None and gap + horizon < 59:
        assert folds.splits[-1][1].tolist() == np.flatnonzero(t > 60 - horizon).tolist()


def test_rows_without_a_time_are_in_no_fold_of_a_forecast():
    train = pd.DataFrame({"t": [*range(60), *[np.nan] * 9]})
    for fitted, held in make_folds(FoldPlan("time", 3, "t", horizon=10.0), train, None).splits:
        assert max(fitted.max(), held.max()) < 60


@settings(deadline=None)
@given(st.integers(2, 5), st.integers(4, 12), st.one_of(st.none(), st.integers(1, 99)))
def test_blocks_partition_rows_and_are_contiguous(n_splits, per_block, seed):
    length = n_splits * per_block
    t = np.concatenate([np.arange(length) + 10_000 * run for run in range(4)])
    train = pd.DataFrame({"t": np.repeat(t, 2)})
    plan = FoldPlan("blocks", n_splits, "t", 0, horizon=float(per_block))
    folds = make_folds(plan, train, None, seed)
    assert folds.complete
    assert partitions(folds, len(train))
    for _, held in folds.splits:
        points = np.unique(train["t"].iloc[held])
        stretches = 1 + int((np.diff(points) > 1).sum())
        assert stretches <= 4 * (1 if seed is None else 2)


SCHEMES = {
    "random": FoldPlan("random", 4),
    "stratified": FoldPlan("stratified", 4),
    "group": FoldPlan("group", 4, "g"),
    "time": FoldPlan("time", 2, "t", horizon=60.0),
    "blocks": FoldPlan("blocks", 4, "t", horizon=25.0),
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_same_seed_repeats_and_another_seed_gives_fresh_folds(scheme):
    train = pd.DataFrame({"t": np.arange(400), "g": np.arange(400) // 5})
    y = (np.arange(400) % 3).astype(float)[:, None]
    plan = SCHEMES[scheme]

    def held(seed: int | None) -> list[list[int]]:
        return [valid.tolist() for _, valid in make_folds(plan, train, y, seed).splits]

    assert held(None) == held(None) == held(0)
    assert held(1) == held(1)
    assert held(1) != held(0)
    assert held(2) != held(1)
    assert len(held(3)) == plan.n_splits


@settings(max_examples=20)
@given(st.lists(st.integers(30, 60), min_size=12, max_size=30, unique=True), st.integers(2, 5))
def test_groups_of_different_sizes_come_to_other_folds_too(sizes, n_splits):
    train = pd.DataFrame({"g": np.repeat(np.arange(len(sizes)), sizes)})
    plan = FoldPlan("group", n_splits, "g")
    seen = set()
    for seed in range(12):
        splits = make_folds(plan, train, None, seed).splits
        seen.add(frozenset(frozenset(train.g[valid]) for _, valid in splits))
        counts = [len(valid) for _, valid in splits]
        assert max(counts) - min(counts) <= max(sizes)
    assert len(seen) > 1


BAD = {
    "more folds than rows": (FoldPlan("random", 9), "9 folds cannot be made from 6"),
    "one fold": (FoldPlan("random", 1), "needs at least 2 folds"),
    "no column": (FoldPlan("group", 2), "names no column"),
    "unknown column": (FoldPlan("group", 2, "z"), "names 'z', which train lacks"),
    "too few groups": (FoldPlan("group", 5, "g"), "need at least as many groups, but there are 2"),
    "no time": (FoldPlan("time", 2, "word"), "neither dates nor numbers"),
    "horizon too long": (FoldPlan("time", 2, "t", horizon=99.0), "No rows are left to train on"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_plan_that_does_not_fit_says_what_to_do(name):
    plan, message = BAD[name]
    train = pd.DataFrame({"g": [0, 0, 0, 1, 1, 1], "t": range(6), "word": list("abcdef")})
    with pytest.raises(TaskError, match=message):
        make_folds(plan, train, None)


@pytest.mark.parametrize("rare", [0.02, 0.1])
def test_folds_by_group_are_alike_in_the_target(rare):
    rng = np.random.default_rng(0)
    codes = rng.choice(400, 8000, p=rng.dirichlet(np.full(400, 1.0)))
    y = (rng.random(8000) < rng.beta(rare, 1 - rare, 400)[codes]).astype(float)[:, None]
    train, plan = pd.DataFrame({"g": codes}), FoldPlan("group", 5, "g")
    shares = {}
    for name, targets in (("plain", None), ("spread", y)):
        for seed in (0, 7):
            held = [rows for _, rows in make_folds(plan, train, targets, seed=seed).splits]
            assert np.ptp([len(rows) for rows in held]) < 0.03 * len(y) / 5
            shares[name, seed] = np.std([y[rows].mean() for rows in held])
    assert all(shares["spread", seed] < 0.5 * shares["plain", seed] for seed in (0, 7))


def test_folds_by_group_are_alike_in_a_target_of_numbers():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 60, 3000)
    y = (2 * rng.normal(size=60)[codes] + rng.normal(size=3000))[:, None]
    train, plan = pd.DataFrame({"g": codes}), FoldPlan("group", 5, "g")
    spread, plain = (
        np.std([y[rows].mean() for _, rows in make_folds(plan, train, targets).splits]) for targets in (y, None)
    )
    assert spread < 0.6 * plain
