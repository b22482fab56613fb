"""The division of a night's time, whatever the competitions: shares and deadlines are obeyed, and gain draws time."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from medalist.agent.nights.belief import Belief, Gain, Prior
from medalist.agent.nights.division import PROMISED, SMALLEST, Candidate, Slice, next_slice

LONG = 8 * 3600.0


def night(
    candidates: list[Candidate], window: float, seed: int, length: float | None = None
) -> list[tuple[float, Slice]]:
    """(seconds left before it, slice) of a night in which every slice takes the time that it was given."""
    left, draw, slices = window, random.Random(seed), []
    shares = sum(c.share for c in candidates)
    while (found := next_slice(candidates, left, window, shares, draw, length)) is not None:
        slices.append((left, found))
        left -= found.seconds
        for i, c in enumerate(candidates):
            got = found.seconds if c.name == found.name else 0.0
            belief = c.belief.after(got / 60)
            ends = c.ends - found.seconds
            candidates[i] = replace(c, worked=c.worked + got, tonight=c.tonight + got, ends=ends, belief=belief)
        assert len(slices) < 5000
    return slices


def a_candidate(index: int, share: float, worked: float, rate: float, start_up: float, ends: float) -> Candidate:
    made = worked / 20  # an experiment takes 20 s
    gains = [Gain(made * k / 5, rate) for k in range(1, 6)] if worked else []
    belief = Belief.of(gains, made, worked / 60)
    return Candidate(f"c{index}", share, worked, ends=ends, belief=belief, start_up=start_up)


candidates_of = st.lists(
    st.tuples(
        st.floats(0.1, 10),
        st.one_of(st.just(0.0), st.floats(10, 1e5)),
        st.floats(0, 1),
        st.floats(0.5, 60),
        st.one_of(st.just(float("inf")), st.floats(-10, 50_000)),
    ),
    max_size=7,
)


@settings(deadline=None)
@given(candidates_of, st.floats(5, 50_000), st.integers(0, 9), st.one_of(st.none(), st.floats(1, 5000)))
def test_no_slice_is_negative_or_passes_the_window_or_a_deadline(
    given_: list[tuple[float, ...]], window: float, seed: int, length: float | None
) -> None:
    made = [a_candidate(i, *values) for i, values in enumerate(given_)]
    ends = {c.name: c.ends for c in made}
    for left, found in night(list(made), window, seed, length):
        assert found.seconds >= SMALLEST - 1e-6
        assert found.seconds <= left + 1e-6
        assert window - left + found.seconds <= ends[found.name] + 1e-6


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.2, 5), st.floats(0, 1), st.floats(0.5, 20)), min_size=1, max_size=6),
    st.floats(600, 40_000),
    st.integers(0, 9),
)
def test_every_competition_gets_what_its_share_promises(
    given_: list[tuple[float, ...]], window: float, seed: int
) -> None:
    made = [a_candidate(i, share, 600, rate, up, float("inf")) for i, (share, rate, up) in enumerate(given_)]
    slices = night(list(made), window, seed)
    shares = sum(c.share for c in made)
    granule = sum(max(120.0, 10 * c.start_up) for c in made)
    for c in made:
        got = sum(s.seconds for _, s in slices if s.name == c.name)
        assert got >= PROMISED * window * c.share / shares - granule
    assert sum(s.seconds for _, s in slices) >= window - max(120.0, window / 4)


def test_a_share_of_three_gets_more_than_one_of_equal_gain() -> None:
    seconds = {"c0": 0.0, "c1": 0.0}
    for seed in range(5):
        made = [a_candidate(i, share, 1800, 0.2, 5, float("inf")) for i, share in enumerate((3.0, 1.0))]
        for _, s in night(made, LONG, seed):
            seconds[s.name] += s.seconds
    assert seconds["c0"] > 1.5 * seconds["c1"]


def test_what_gains_gets_the_time() -> None:
    gaining = Candidate("gaining", worked=3600, belief=Belief.of([Gain(n, 0.2) for n in range(5, 61, 5)], 60, 60))
    flat = Candidate("flat", worked=3600, belief=Belief.of([Gain(2, 0.2)], 60, 60))
    seconds = {"gaining": 0.0, "flat": 0.0}
    for _, s in night([gaining, flat], LONG, 0):
        seconds[s.name] += s.seconds
    assert seconds["gaining"] > 1.8 * seconds["flat"]
    assert seconds["flat"] >= PROMISED / 2 * LONG - 1200


def test_a_deadline_within_the_night_comes_first() -> None:
    made = [Candidate("late", worked=600), Candidate("soon", worked=600, ends=3000.0)]
    slices = night(made, LONG, 0)
    soon = sum(s.seconds for _, s in slices if s.name == "soon")
    assert soon >= 1500
    assert all(LONG - left + s.seconds <= 3000 + 1e-6 for left, s in slices if s.name == "soon")


def test_what_was_never_worked_on_begins() -> None:
    made = [Candidate("old", worked=3600), Candidate("new"), Candidate("newer", share=2)]
    assert [s.name for _, s in night(made, LONG, 0)][:2] == ["newer", "new"]


def test_slices_grow_with_the_work_and_are_worth_their_start_up() -> None:
    slices = [s.seconds for _, s in night([Candidate("a", worked=100, start_up=40)], LONG, 0)]
    assert slices[0] >= 200
    assert max(slices) > 2 * slices[0]
    assert len(slices) < 30
    slow = Candidate("a", worked=600, belief=Belief.of([Gain(2, 0.5)], 3, 10))  # three experiments in ten minutes
    assert night([slow], LONG, 0)[0][1].seconds >= 600


def test_a_window_too_short_for_slices_worth_their_start_up_is_divided_equally() -> None:
    for window in (60.0, 90.0, 240.0, 400.0):
        slices = [s for _, s in night([Candidate(f"c{i}", start_up=20) for i in range(4)], window, 0)]
        assert sorted(s.name for s in slices) == ["c0", "c1", "c2", "c3"]
        assert max(s.seconds for s in slices) <= window / 4 + 1e-6


# what a run may still gain


def test_a_run_that_gains_is_not_flat_and_one_that_does_not_is_at_last() -> None:
    steady = Belief.of([Gain(n, 0.2) for n in range(5, 120, 10)], 120, 60)
    assert steady.chance() > 0.3
    chances = [Belief.of([Gain(2, 0.3), Gain(4, 0.2)], n, n / 4).chance() for n in (10, 60, 240, 960)]
    assert chances == sorted(chances, reverse=True)
    assert not Belief.of([Gain(2, 0.3), Gain(4, 0.2)], 10, 5).flat
    assert Belief.of([Gain(2, 0.3), Gain(4, 0.2)], 960, 240).flat


@example([], 2, 5e-324, 1.0, 1.0)
@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 500), st.floats(-1, 5)), max_size=60),
    st.integers(0, 10_000),
    st.floats(0, 3000),
    st.floats(0.001, 3),
    st.floats(0.1, 600),
)
def test_chances_are_chances(
    gains: list[tuple[float, float]], experiments: int, minutes: float, noise: float, further: float
) -> None:
    belief = Belief.of([Gain(*g) for g in gains], experiments, minutes, noise=noise)
    assert 0 <= belief.chance(further) <= 1
    assert belief.chance(further) <= belief.chance(2 * further) + 1e-9
    assert belief.expected(further) > 0


def test_the_chance_is_that_of_the_model() -> None:
    """Against draws: jumps by a Poisson process of a drawn rate, with exponential sizes."""
    belief = Belief.of([Gain(5, 0.1), Gain(20, 0.05)], 45, 15, noise=0.1)
    draw, hits, count = random.Random(1), 0, 20_000
    folds = belief.expected(60) / (belief.shape / belief.rate * belief.size)
    for _ in range(count):
        rate, at, total = draw.gammavariate(belief.shape, 1 / belief.rate), 0.0, 0.0
        while (at := at + draw.expovariate(rate)) < folds:
            total += draw.expovariate(1 / belief.size)
        hits += total > belief.noise
    assert hits / count == pytest.approx(belief.chance(60), abs=0.015)


def test_experiments_count_and_not_hours() -> None:
    """Of two runs that gained the same in the same time, the one with fewer experiments may gain more."""
    gains = [Gain(2, 0.5), Gain(4, 0.5)]
    few, many = Belief.of(gains, 5, 30), Belief.of(gains, 200, 30)
    assert few.expected(30) > 3 * many.expected(30)


def test_priors_come_from_earlier_competitions() -> None:
    poor, rich = Prior.of([([], 600.0)] * 5), Prior.of([([Gain(m, 0.5) for m in range(1, 60)], 60.0)] * 5)
    assert poor.jumps < Prior().jumps < rich.jumps
    assert Belief.of((), 0, 0, rich).expected(60) > Belief.of((), 0, 0, poor).expected(60)
