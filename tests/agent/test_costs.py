"""What fits are guessed to cost: by size, by what was seen, and with room for what is not known."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.agent.workers.costs import FASTEST, Costs
from medalist.agent.workers.threads import Calibration, Layout
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.estimators.trees import MIN_TREES
from medalist.pipelines.pipeline import Pipeline

NAMES = ("lightgbm", "catboost", "linear", "trees")
LIGHTGBM = FAMILIES["lightgbm"]

names = st.sampled_from(NAMES)
columns = st.integers(1, 300)
rows = st.integers(100, 200_000)
seconds = st.floats(0.01, 1000)
fits = st.lists(st.tuples(names, st.integers(0, 1), columns, seconds, st.integers(1, 3000)), max_size=12)


def pipeline(name: str, entry: int = 0, **changed: Any) -> Pipeline:
    return Pipeline.of(("number(size)",), name, {**FAMILIES[name].portfolio[entry], **changed})


def after_fits(costs: Costs, seen: list[tuple[str, int, int, float, int]]) -> Costs:
    for name, entry, width, taken, rounds in seen:
        costs.learn(pipeline(name, entry), width, taken, rounds=rounds)
    return costs


@given(names, columns, rows, rows, fits)
def test_more_rows_never_cost_less(
    name: str, width: int, one: int, other: int, seen: list[tuple[str, int, int, float, int]]
) -> None:
    costs = after_fits(Costs(max(one, other), 1), seen)
    params = FAMILIES[name].portfolio[0]
    many = costs.expected_fit_seconds(FAMILIES[name], width, params)
    costs.rows = min(one, other)
    slack = 1 / MIN_TREES if name == "trees" else 1e-9  # of whole trees one fewer may fit into memory
    assert costs.expected_fit_seconds(FAMILIES[name], width, params) <= many * (1 + slack)


@given(columns, rows, fits, st.integers(10, 5000), st.integers(10, 5000))
def test_more_rounds_never_cost_less(
    width: int, n: int, seen: list[tuple[str, int, int, float, int]], one: int, other: int
) -> None:
    costs = after_fits(Costs(n, 1), seen)
    few, many = (
        costs.expected_fit_seconds(LIGHTGBM, width, {**LIGHTGBM.portfolio[0], "rounds": r})
        for r in sorted((one, other))
    )
    assert few <= many * (1 + 1e-9)


@given(names, columns, rows, fits, seconds)
def test_learning_moves_the_guess_towards_what_was_seen(
    name: str, width: int, n: int, seen: list[tuple[str, int, int, float, int]], taken: float
) -> None:
    seen = [s for s in seen if s[:3] != (name, 0, width)]  # its earlier fits are forgotten for the later ones
    costs, fam, pipe = after_fits(Costs(n, 1), seen), FAMILIES[name], pipeline(name)
    before = costs.expected_fit_seconds(fam, width, pipe.parameters)
    for _ in range(5):
        costs.learn(pipe, width, taken)
    after = costs.expected_fit_seconds(fam, width, pipe.parameters)
    low, high = sorted((before, taken))
    if not any(s[0] == name for s in seen) and not fam.boosted:  # nothing else tells of it
        assert after == pytest.approx(taken)
    elif not any(s[0] in ("lightgbm", "catboost") for s in seen):  # rounds are guessed as they were
        assert low * (1 - 1e-6) <= after <= high * (1 + 1e-6)


@given(st.integers(1, 4), st.floats(0.2, 5), st.floats(4, 60))
def test_pace_and_rounds_are_learned_apart(repeats: int, pace: float, travel: float) -> None:
    """A fit of few rounds tells what a round costs, and one that stopped by itself where boosting stops."""
    costs, rate = Costs(20_000, 1), 0.05
    params = {**LIGHTGBM.portfolio[0], "learning_rate": rate, "rounds": 100_000}
    true = {**params, "rounds": travel / rate, "learning_rate": 1e-9}
    real = pace * LIGHTGBM.cost(20_000, 20, 1, true)
    for _ in range(repeats):
        costs.learn(Pipeline.of(("number(size)",), "lightgbm", params), 20, real, rounds=travel / rate)
    low, high = sorted((real, pace * Costs(20_000, 1).expected_fit_seconds(LIGHTGBM, 20, params)))
    assert low * (1 - 1e-9) <= costs.expected_fit_seconds(LIGHTGBM, 20, params) <= high * (1 + 1e-9)
    capped = costs.expected_fit_seconds(LIGHTGBM, 20, {**params, "rounds": 50})
    exact = pace * LIGHTGBM.cost(20_000, 20, 1, {**params, "rounds": 50, "learning_rate": 1e-9})
    assert capped == pytest.approx(exact, rel=1e-6)


def test_a_fit_that_the_clock_or_its_limit_ended_does_not_tell_where_boosting_stops() -> None:
    params = LIGHTGBM.portfolio[0]  # 1500 rounds at most, guessed to stop after 500
    work = LIGHTGBM.cost(20_000, 20, 1, {**params, "rounds": 100, "learning_rate": 1e-9})
    blind = Costs(20_000, 1).expected_fit_seconds(LIGHTGBM, 20, params)
    stopped, cut, capped, far = (Costs(20_000, 1) for _ in range(4))
    stopped.learn(pipeline("lightgbm"), 20, work, rounds=100)
    cut.learn(pipeline("lightgbm"), 20, work, rounds=100, time_limited=True)
    capped.learn(pipeline("lightgbm", rounds=100), 20, work, rounds=100)
    assert stopped.expected_fit_seconds(LIGHTGBM, 20, params) < 0.7 * blind
    assert cut.expected_fit_seconds(LIGHTGBM, 20, params) == pytest.approx(blind)
    assert capped.expected_fit_seconds(LIGHTGBM, 20, params) == pytest.approx(blind)
    far.learn(pipeline("lightgbm"), 20, 14 * work, rounds=1400, time_limited=True)  # longer than expected
    assert far.expected_fit_seconds(LIGHTGBM, 20, params) > 1.2 * blind


def test_one_strange_fold_does_not_decide() -> None:
    costs = Costs(5000, 1)
    for taken in (1.0, 1.1, 90.0, 0.9, 1.0):
        costs.learn(pipeline("linear"), 20, taken)
    assert costs.expected_fit_seconds(FAMILIES["linear"], 20, pipeline("linear").parameters) == pytest.approx(1.0)


def test_what_is_alike_in_size_counts_more() -> None:
    fam, costs = FAMILIES["trees"], Costs(5000, 1)
    params = fam.portfolio[0]
    small, large = (fam.cost(5000, width, 1, params) for width in (5, 250))
    costs.learn(pipeline("trees"), 5, small / 4)
    costs.learn(pipeline("trees"), 250, 4 * large)
    assert costs.expected_fit_seconds(fam, 6, params) < fam.cost(5000, 6, 1, params)
    assert costs.expected_fit_seconds(fam, 240, params) > fam.cost(5000, 240, 1, params)


def test_a_family_not_seen_is_paced_by_the_others() -> None:
    costs, fam = Costs(5000, 1), FAMILIES["trees"]
    params = FAMILIES["linear"].portfolio[0]
    costs.learn(pipeline("linear"), 20, 3 * FAMILIES["linear"].cost(5000, 20, 1, params))
    expected = fam.cost(5000, 20, 1, fam.portfolio[0])
    assert costs.expected_fit_seconds(fam, 20, fam.portfolio[0]) == pytest.approx(3 * expected)


@given(names, columns, rows, fits, st.floats(0.55, 0.9), st.floats(0.01, 0.09))
def test_an_upper_estimate_lies_above_and_rises(
    name: str, width: int, n: int, seen: list[tuple[str, int, int, float, int]], quantile: float, more: float
) -> None:
    costs, fam = after_fits(Costs(n, 1), seen), FAMILIES[name]
    guesses = [costs.expected_fit_seconds(fam, width, fam.portfolio[0], q) for q in (0.5, quantile, quantile + more)]
    assert guesses[0] < guesses[1] < guesses[2]


def test_what_repeats_itself_is_guessed_more_surely() -> None:
    def room(costs: Costs) -> float:
        params = pipeline("linear").parameters
        return costs.expected_fit_seconds(FAMILIES["linear"], 20, params, 0.9) / costs.expected_fit_seconds(
            FAMILIES["linear"], 20, params
        )

    steady, wild = Costs(5000, 1), Costs(5000, 1)
    for i in range(8):
        costs_of = FAMILIES["linear"].cost(5000, 20 + i, 1, pipeline("linear").parameters)
        steady.learn(pipeline("linear"), 20 + i, costs_of)
        wild.learn(pipeline("linear"), 20 + i, costs_of * (6.0 if i % 2 else 1 / 6))
    assert room(steady) < room(Costs(5000, 1))
    assert room(steady) < room(wild)


@given(names, columns, rows, fits, st.floats(0.01, 500), st.sampled_from((0.5, 0.8, 0.95)))
def test_the_thrifty_fit_into_the_allowance_or_there_are_none(
    name: str,
    width: int,
    n: int,
    seen: list[tuple[str, int, int, float, int]],
    allowance: float,
    quantile: float,
) -> None:
    costs, fam = after_fits(Costs(n, 1), seen), FAMILIES[name]
    params = fam.portfolio[0]
    chosen = costs.params_within(fam, width, params, allowance, quantile)
    if chosen is not None:
        assert costs.expected_fit_seconds(fam, width, chosen, quantile) <= allowance
        assert {k: v for k, v in chosen.items() if k not in ("learning_rate", "rounds")} == {
            k: v for k, v in params.items() if k not in ("learning_rate", "rounds")
        }
        if fam.boosted:
            assert params["learning_rate"] <= chosen["learning_rate"] <= FASTEST
            assert chosen["rounds"] <= params["rounds"]
    else:
        hurried = {**params, "learning_rate": FASTEST} if fam.boosted else params
        assert costs.expected_fit_seconds(fam, width, hurried, quantile) > allowance


def test_where_time_is_no_matter_nothing_is_changed() -> None:
    costs = after_fits(Costs(200_000, 7), [("lightgbm", 0, 300, 1000.0, 3000)])
    for name in NAMES:
        params = dict(FAMILIES[name].portfolio[0])
        assert costs.params_within(FAMILIES[name], 300, params, math.inf) == params


def test_threads_are_taken_out_and_put_in_again() -> None:
    rates = {Layout(2, 1): (100.0, 100.0), Layout(1, 2): (80.0, 80.0)}  # two threads are 1.6 times as fast as one
    costs = Costs(5000, 1, calibration=Calibration(2, rates))
    params = pipeline("lightgbm").parameters
    costs.learn(pipeline("lightgbm"), 20, 10.0, threads=2)
    assert costs.expected_fit_seconds(LIGHTGBM, 20, params, threads=1) == pytest.approx(16.0)
    assert costs.expected_fit_seconds(LIGHTGBM, 20, params, threads=2) == pytest.approx(10.0)
    costs.threads = 2
    assert costs.expected_fit_seconds(LIGHTGBM, 20, params) == pytest.approx(10.0)


def test_fits_of_several_threads_correct_what_was_measured() -> None:
    rates = {Layout(2, 1): (100.0, 100.0), Layout(1, 2): (80.0, 80.0)}
    costs = Costs(5000, 1, calibration=Calibration(2, rates))
    costs.learn(pipeline("linear"), 20, 1.0)
    for _ in range(40):
        costs.learn(pipeline("linear"), 20, 1.0, threads=2)  # no faster, whatever was measured
    assert costs.calibration is not None
    assert costs.calibration.speed(2, "linear") < 1.2
    assert costs.calibration.useful_threads(2, "linear") == 1
    assert costs.calibration.useful_threads(2) == 2


@pytest.mark.parametrize("view", ["classes", "cumulative"])
def test_models_of_classes_take_as_long_as_their_trees(view: str) -> None:
    few, many = (Costs(5000, 1, classes=n).expected_fold_seconds(pipeline("lightgbm").changed(target=view), 20)
                 for n in (2, 12))  # fmt: skip
    plain = Costs(5000, 1, classes=12).expected_fold_seconds(pipeline("lightgbm"), 20)
    assert plain < few < many
