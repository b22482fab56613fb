"""The alarm where leaderboards differ from estimates by more than chance explains."""

from __future__ import annotations

import math

import numpy as np
import pytest

from medalist.agent.submitting.alarm import ALPHA, ALPHA_WITHIN, agreement, boundary, quantile, sentences
from medalist.agent.submitting.noise import PUBLIC_SHARE, expected_noise
from medalist.leaderboard.ledger.kaggle_submissions import KaggleSubmissionRow


def row(
    competition: str, off: float, number: int = 0, *, higher: bool = True, private: float | None = None
) -> KaggleSubmissionRow:
    """A submission whose public score is off by so many standard deviations, for the better where positive."""
    sign = 1.0 if higher else -1.0
    return KaggleSubmissionRow(
        id=f"{competition}{number}", competition=competition, sha256=f"{competition}{number}", message="",
        state="complete", greater_is_better=higher, score=0.8, public_noise=0.02, private_noise=0.01,
        public_score=0.8 + sign * 0.02 * off, private_score=None if private is None else 0.8 + sign * 0.01 * private,
    )  # fmt: skip


def test_the_mean_is_over_competitions_and_private_scores_count_for_public_ones() -> None:
    rows = [row("a", -1.0), row("a", -3.0, 1), row("b", 2.0, higher=False), row("c", 9.0, private=3.0)]
    found = agreement(rows)
    assert found is not None
    assert (found.submissions, found.competitions) == (4, 3)
    assert found.mean == pytest.approx(1.0)
    assert found.error == pytest.approx(np.std([-2, 2, 3], ddof=1) / math.sqrt(3))
    assert not found.alarm
    assert list(found.within) == ["c"]


def test_submissions_without_a_score_an_estimate_or_a_known_noise_are_left_out() -> None:
    from dataclasses import replace

    one = row("a", 5.0)
    others = [replace(one, state="pending"), replace(one, score=None), replace(one, public_noise=None)]
    assert agreement(others) is None
    assert sentences(None) == []
    assert agreement([one, replace(one, id="again")]).submissions == 1  # the same file, twice


def test_honest_estimates_alarm_as_seldom_as_stated() -> None:
    rng = np.random.default_rng(0)
    histories = rng.normal(size=(4000, 60)).cumsum(axis=1)
    crossed = (np.abs(histories) >= [boundary(n) for n in range(1, 61)]).any(axis=1)
    assert crossed.mean() <= ALPHA
    assert crossed.mean() > ALPHA / 20  # it is no boundary that nothing reaches
    for dependence in (0.0, 0.9, 1.0):
        shared, own = rng.normal(size=(4000, 1)), rng.normal(size=(4000, 20))
        z = math.sqrt(dependence) * shared + math.sqrt(1 - dependence) * own
        assert (np.abs(z) >= [quantile(k) for k in range(1, 21)]).any(axis=1).mean() <= 1.5 * ALPHA_WITHIN


def test_estimates_that_are_too_good_by_one_deviation_alarm_within_fifteen_competitions() -> None:
    rng = np.random.default_rng(1)
    rows = [row(f"c{i}", float(off)) for i, off in enumerate(rng.normal(-1.0, 1.0, 15))]
    found = agreement(rows)
    assert found.alarm
    assert found.within == {}
    text = sentences(found)
    assert text[0].endswith(f"in 15 competitions; an alarm from {found.boundary:.2f} on).")
    assert text[1].startswith("ALARM: leaderboards are worse than estimated by more than chance explains")


def test_a_gap_that_grows_in_one_competition_alarms() -> None:
    rows = [row("a", -0.5 * k, k) for k in range(9)]
    assert agreement(rows[:5]).within == {}
    assert agreement(rows).within == {"a": pytest.approx(-4.0)}
    assert "on a the leaderboard is worse than estimated by 4.0 times" in sentences(agreement(rows))[-1]


def test_the_noise_is_that_of_estimate_and_test_rows_together() -> None:
    assert expected_noise(0.01, 1000, 1000, 0.5) == pytest.approx((0.01 * math.sqrt(3), 0.01 * math.sqrt(3)))
    public, private = expected_noise(0.01, 1000, 10_000, None)
    assert public == pytest.approx(0.01 * math.sqrt(1 + 0.1 / PUBLIC_SHARE))
    assert private < public
    assert expected_noise(0.0, 10, 10, None) is None
    assert expected_noise(None, 10, 10, None) is None
    rng = np.random.default_rng(2)  # a mean over 300 rows against one over 100 others
    differences = rng.normal(size=(4000, 100)).mean(axis=1) - rng.normal(size=(4000, 300)).mean(axis=1)
    predicted = expected_noise(1 / math.sqrt(300), 300, 200, 0.5)[0]
    assert differences.std() == pytest.approx(predicted, rel=0.03)
