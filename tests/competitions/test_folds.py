"""Folds mirror how test was separated from train; rules that hold for every plan are tested as such."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.competitions.errors import TaskError
from medalist.competitions.folds.by_time import reach
from medalist.competitions.folds.evidence import choose_folds
from medalist.competitions.folds.make import make_folds
from medalist.competitions.folds.plan import FoldPlan, Folds

RNG = np.random.default_rng(7)


def _partitions(folds: Folds, n: int) -> bool:
    held = np.concatenate([valid for _, valid in folds.splits])
    whole = all(len(np.union1d(a, b)) == n and not len(np.intersect1d(a, b)) for a, b in folds.splits)
    return whole and sorted(held.tolist()) == list(range(n))


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 10), st.lists(st.integers(0, 6), min_size=10, max_size=200), st.integers(0, 2**31))
def test_strata_are_balanced_within_one_row(n_splits, labels, seed):
    y = np.array(labels, dtype=float)[:, None]
    folds = make_folds(FoldPlan("stratified", n_splits, seed=seed), pd.DataFrame({"x": labels}), y)
    assert _partitions(folds, len(labels))
    sizes = [len(valid) for _, valid in folds.splits]
    assert max(sizes) - min(sizes) <= 1
    for label in set(labels):
        held = [int((y[valid, 0] == label).sum()) for _, valid in folds.splits]
        assert max(held) - min(held) <= 1


def test_classes_rarer_than_the_folds_need_no_warning():
    y = np.array([0.0] * 50 + [1.0] * 3 + [2.0])[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _partitions(make_folds(FoldPlan("stratified", 5), pd.DataFrame({"x": y[:, 0]}), y), 54)


def test_several_binary_targets_are_stratified_jointly():
    y = np.tile(np.eye(4), (25, 1))
    folds = make_folds(FoldPlan("stratified", 5), pd.DataFrame({"x": range(100)}), y)
    assert all((y[valid].sum(axis=0) == 5).all() for _, valid in folds.splits)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 6), st.lists(st.integers(0, 40), min_size=30, max_size=200), st.integers(0, 2**31))
def test_groups_never_straddle(n_splits, groups, seed):
    if len(set(groups)) < n_splits:
        groups = groups + list(range(n_splits))
    train = pd.DataFrame({"g": groups})
    folds = make_folds(FoldPlan("group", n_splits, "g", seed), train, None)
    assert _partitions(folds, len(groups))
    for fitted, held in folds.splits:
        assert not set(train["g"].iloc[fitted]) & set(train["g"].iloc[held])
    sizes = [len(held) for _, held in folds.splits]
    assert max(sizes) - min(sizes) <= train["g"].value_counts().max()


def test_groups_may_be_the_leading_part_of_text_and_missing_keys_stand_alone():
    train = pd.DataFrame({"g": ["a_1", "a_2", "b_1", "b_2", "c_1", None, None]})
    for _, held in make_folds(FoldPlan("group", 3, "g", separator="_"), train, None).splits:
        letters = set(train["g"].iloc[held].dropna().str[0])
        assert sum(train["g"].str.startswith(tuple(letters), na=False)) == train["g"].iloc[held].notna().sum()


@settings(max_examples=60, deadline=None)
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


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), st.integers(4, 12), st.one_of(st.none(), st.integers(1, 99)))
def test_blocks_partition_rows_and_are_contiguous(n_splits, per_block, seed):
    length = n_splits * per_block
    t = np.concatenate([np.arange(length) + 10_000 * run for run in range(4)])
    train = pd.DataFrame({"t": np.repeat(t, 2)})
    plan = FoldPlan("blocks", n_splits, "t", 0, horizon=float(per_block))
    folds = make_folds(plan, train, None, seed)
    assert folds.complete
    assert _partitions(folds, len(train))
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


# Evidence


def _days(start: str, periods: int, freq: str = "D") -> list[str]:
    return pd.date_range(start, periods=periods, freq=freq).strftime("%Y-%m-%d %H:%M:%S").tolist()


def test_test_after_train_gives_expanding_windows_as_long_as_test():
    train = pd.DataFrame({"id": range(1461 * 3), "date": np.repeat(_days("2017-01-01", 1461), 3)})
    test = pd.DataFrame({"id": range(9000, 9000 + 365 * 3), "date": np.repeat(_days("2021-01-01", 365), 3)})
    plan = choose_folds(train, test, problem_type="regression")
    assert (plan.scheme, plan.column, plan.n_splits, plan.horizon) == ("time", "date", 2, 365.0)
    years = [set(train["date"].iloc[held].str[:4]) for _, held in make_folds(plan, train, None).splits]
    assert years == [{"2019"}, {"2020"}]


def test_a_short_horizon_gives_more_windows_and_a_gap_is_kept():
    train = pd.DataFrame({"day": _days("2020-01-01", 700)})
    test = pd.DataFrame({"day": _days("2021-12-15", 14)})
    plan = choose_folds(train, test, problem_type="regression")
    assert (plan.scheme, plan.n_splits) == ("time", 5)
    assert plan.gap == pytest.approx(14.0)
    for fitted, held in make_folds(plan, train, None).splits:
        assert held[0] - fitted[-1] >= 15


def test_history_shorter_than_test_still_gives_two_windows():
    train, test = pd.DataFrame({"d": _days("2020-01-01", 100)}), pd.DataFrame({"d": _days("2020-04-10", 90)})
    plan = choose_folds(train, test, problem_type="regression")
    assert (plan.scheme, plan.n_splits) == ("time", 2)
    assert len(make_folds(plan, train, None).splits) == 2


def test_a_year_as_a_number_is_time():
    train = pd.DataFrame({"season": np.repeat(range(2010, 2019), 20), "x": RNG.normal(size=180)})
    test = pd.DataFrame({"season": np.repeat([2019], 20), "x": RNG.normal(size=20)})
    plan = choose_folds(train, test, problem_type="binary")
    assert (plan.scheme, plan.column, plan.horizon) == ("time", "season", 1.0)


def test_of_several_columns_of_time_the_finest_is_taken():
    days = pd.Series(_days("2017-01-01", 1826))
    table = pd.DataFrame({"year": days.str[:4].astype(int), "date": days})
    plan = choose_folds(table[:1461], table[1461:], problem_type="regression")
    assert (plan.scheme, plan.column, plan.horizon) == ("time", "date", 365.0)


def test_the_last_time_of_train_may_be_the_first_of_test():
    train, test = (
        pd.DataFrame({"day": np.repeat(_days(*days), 10)}) for days in (("2023-01-01", 365), ("2023-12-31", 14))
    )
    plan = choose_folds(train, test, problem_type="regression")
    assert (plan.scheme, plan.column, plan.horizon) == ("time", "day", 13.0)


def test_dates_of_a_short_test_are_read_as_those_of_train():
    days = pd.Series(pd.date_range("2022-01-01", "2024-01-12").strftime("%d/%m/%Y"))
    train, test = pd.DataFrame({"day": days[:-12]}), pd.DataFrame({"day": days[-12:]})
    plan = choose_folds(train, test, problem_type="regression")
    assert (plan.scheme, plan.n_splits, plan.horizon) == ("time", 5, 12.0)


def test_tables_with_different_forms_of_dates_are_read_each_by_its_form():
    train = pd.DataFrame({"day": pd.date_range("2020-01-01", periods=900).strftime("%Y-%m-%d")})
    test = pd.DataFrame({"day": pd.date_range("2022-06-19", periods=30).strftime("%d.%m.%Y")})
    plan = choose_folds(train, test, problem_type="regression")
    assert (plan.scheme, plan.horizon) == ("time", 30.0)


def test_the_reach_is_that_of_test_where_folds_are_shorter():
    days = [(_days("2019-01-01", 731), _days("2021-01-01", 365)), (_days("2017-01-01", 1461), _days("2021-01-01", 365))]
    for train_days, test_days in days:
        train, test = pd.DataFrame({"d": train_days}), pd.DataFrame({"d": test_days})
        plan = choose_folds(train, test, problem_type="regression")
        assert reach(plan, train, test) == 365.0
    slip = pd.DataFrame({"d": [*test_days, "2099-12-31 00:00:00"]})
    assert reach(plan, train, slip) == plan.horizon  # further than train goes back: there is nothing to look at
    assert reach(FoldPlan("time", 5, "d"), train, train) == pytest.approx(1460 / 7)  # what folds without a horizon take
    assert reach(FoldPlan("random", 5), train, test) is None
    assert reach(FoldPlan("time", 2, "d", horizon=30.0, gap=2.0), train, train) == 32.0


def test_the_later_part_of_each_month_gives_blocks_over_all_months():
    hours = pd.Series(pd.date_range("2011-01-01", "2012-12-31 23:00", freq="h"))
    day = hours.dt.day
    train = pd.DataFrame({"when": hours[day <= 14].astype(str).to_numpy()})
    test = pd.DataFrame({"when": hours[(day > 14) & (day <= 19)].astype(str).to_numpy()})
    plan = choose_folds(train, test, problem_type="regression")
    assert (plan.scheme, plan.column, plan.n_splits) == ("blocks", "when", 3)
    assert 4 < plan.horizon < 5
    assert "24 stretches" in plan.reason
    folds = make_folds(plan, train, None)
    assert folds.complete
    for _, held in folds.splits:
        months = pd.to_datetime(train["when"].iloc[held])
        assert months.dt.strftime("%Y-%m").nunique() == 24
        assert months.dt.day.nunique() <= 6


def test_a_running_id_after_train_is_no_time():
    train = pd.DataFrame({"id": range(500), "x": RNG.normal(size=500)})
    test = pd.DataFrame({"id": range(500, 700), "x": RNG.normal(size=200)})
    assert choose_folds(train, test, problem_type="regression").scheme == "random"
    assert choose_folds(train, test, problem_type="binary").scheme == "stratified"


def test_dates_dealt_at_random_are_no_time():
    dates = np.array(_days("2020-01-01", 800))
    RNG.shuffle(dates)
    train, test = pd.DataFrame({"d": dates[:600]}), pd.DataFrame({"d": dates[600:]})
    assert choose_folds(train, test, problem_type="multiclass").scheme == "stratified"


def _grouped(disjoint: bool, structured: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    keys = np.repeat(np.arange(300), 4)
    in_test = (keys % 5 == 0) if disjoint else RNG.random(len(keys)) < 0.2
    name = [f"{k:04d}_{i % 4}" for i, k in enumerate(keys)] if structured else [f"user{k}" for k in keys]
    table = pd.DataFrame({"who": name, "x": RNG.normal(size=len(keys)), "colour": RNG.choice(["r", "g"], len(keys))})
    return table[~in_test].reset_index(drop=True), table[in_test].reset_index(drop=True)


@pytest.mark.parametrize("structured", [False, True])
def test_keys_that_do_not_overlap_give_groups_and_keys_that_do_give_none(structured):
    train, test = _grouped(disjoint=True, structured=structured)
    plan = choose_folds(train, test, problem_type="binary")
    assert (plan.scheme, plan.column, plan.separator) == ("group", "who", "_" if structured else None)
    train, test = _grouped(disjoint=False, structured=structured)
    assert choose_folds(train, test, problem_type="binary").scheme == "stratified"


def test_whole_days_that_train_and_test_do_not_share_are_held_out_whole():
    day = np.repeat(np.array(_days("2020-01-01", 300)), 6)
    in_test = np.isin(day, RNG.choice(np.unique(day), 60, replace=False))
    train, test = pd.DataFrame({"day": day[~in_test]}), pd.DataFrame({"day": day[in_test]})
    plan = choose_folds(train, test, problem_type="regression")
    assert (plan.scheme, plan.column) == ("group", "day")
    for fitted, held in make_folds(plan, train, None).splits:
        assert not set(train["day"].iloc[fitted]) & set(train["day"].iloc[held])


def test_what_a_person_asks_for_is_obeyed():
    train, test = _grouped(disjoint=False, structured=False)
    train["when"] = range(len(train))
    plan = choose_folds(train, test, problem_type="binary", scheme="group", column="who", n_splits=10)
    assert (plan.scheme, plan.column, plan.n_splits) == ("group", "who", 10)
    plan = choose_folds(train, test, problem_type="binary", scheme="time", column="when")
    assert len(make_folds(plan, train, None).splits) == plan.n_splits
    plan = choose_folds(train, test, problem_type="binary", scheme="blocks", column="when", n_splits=4)
    assert _partitions(make_folds(plan, train, None), len(train))
    assert choose_folds(train, test, problem_type="binary", scheme="random").scheme == "random"
    with pytest.raises(TaskError, match="is no fold scheme"):
        choose_folds(train, test, problem_type="binary", scheme="kfold")
    with pytest.raises(TaskError, match="no column 'nope'"):
        choose_folds(train, test, problem_type="binary", scheme="group", column="nope")
    with pytest.raises(TaskError, match="no column holds dates"):
        choose_folds(train[["who"]], test[["who"]], problem_type="binary", scheme="time")
    with pytest.raises(TaskError, match="1 folds cannot be made"):
        choose_folds(train, test, problem_type="binary", n_splits=1)
