"""Seasons of a key: effects of the calendar that are its own, and where the search proposes them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from test_operators_groups import Table, value

from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search.candidates import Candidates

SHOPS, DAYS = 30, 70


def _sales(own: float) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Rows of shops that differ by far more than their weeks, of which `own` is the spread of what is each shop's own;
    their target, and its expectation less the shop's."""
    rng = np.random.default_rng(5)
    day, shop = np.repeat(np.arange(DAYS), SHOPS), np.tile(np.arange(SHOPS), DAYS)
    level, weeks = rng.normal(0, 10, SHOPS), rng.normal(0, 1, 7) + rng.normal(0, own, (SHOPS, 7))
    weeks -= weeks.mean(axis=1, keepdims=True)
    rows = pd.DataFrame({"shop": shop, "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D")})
    expected = weeks[shop, day % 7]
    return rows, level[shop] + expected + rng.normal(0, 1, len(rows)), expected


def _error(text: str, own: float) -> float:
    rows, y, expected = _sales(own)
    fit = np.arange(int(0.8 * len(rows)))
    found = value(text, rows, Target(fit, y[fit, None], 0, 0)).ravel()
    return float(np.sqrt(np.mean((found - expected)[len(fit) :] ** 2)))


def test_seasons_borrow_from_those_of_other_keys():
    cross, season = "target_mean(shop × weekday(day)) - target_mean(shop)", "target_season(shop, weekday(day))"
    assert _error(season, own=0.0) < 0.6 * _error(cross, own=0.0)  # no weeks of their own: they are not made up
    assert _error(season, own=0.4) < 0.95 * _error(cross, own=0.4)
    assert _error(season, own=5.0) < 1.02 * _error(cross, own=5.0)  # nothing is lost where none is in common


def test_a_pair_that_was_not_seen_gets_the_season_of_all():
    a, b = np.repeat(["p", "q"], 40), np.tile(["u", "v"], 40)
    rows = pd.DataFrame({"a": a, "b": b})
    y = 10.0 * (a == "q") + 3.0 * (b == "v") + np.random.default_rng(0).normal(0, 0.1, 80)
    fit = np.flatnonzero((a == "p") | (b == "u"))
    found = value("target_season(a, b)", rows, Target(fit, y[fit, None], 0, 0)).ravel()
    unseen = np.setdiff1d(np.arange(80), fit)
    assert np.abs(found[unseen] - found[b == "u"].mean() - 3).max() < 0.5  # not the 10 of `a`


def test_a_row_does_not_see_its_own_target():
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({"a": rng.integers(0, 200, 1000), "b": rng.integers(0, 5, 1000)})
    y, fit = rng.normal(size=1000), np.arange(800)
    found = value("target_season(a, b)", rows, Target(fit, y[fit, None], 0, 0)).ravel()[fit]
    assert found.std() == 0 or np.corrcoef(found, y[fit])[0, 1] < 0.1


def test_seasons_of_keys_are_proposed_where_test_is_later():
    rows, _, _ = _sales(1.0)
    rows = rows.assign(shop=rows["shop"].map("shop {}".format), town=np.where(rows["shop"] % 3, "a", "b"))
    schema = Schema({"shop": "category", "day": "date", "town": "category"})

    def tried(ahead: tuple[str, float] | None) -> list[str]:
        return [str(f) for f in Candidates(schema, Frame(Table(rows)), ahead=ahead).all()]

    later = tried(("day", 14.0))
    assert {
        "target_season(shop, weekday(day))", "target_season(town, month(day))",
        "target_season(shop × town, weekday(day))",
    } <= set(later[:20])  # fmt: skip
    assert not any("hour" in text for text in later if text.startswith("target_season"))  # dates without times
    assert not any(text.startswith("target_season") for text in tried(None))
