"""Features of time: windows in spans of time, public holidays, and which earlier values the search tries first."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_operators_groups import Table, same, value

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Column
from medalist.pipelines.features.operators.holidays import country_code
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search.candidates import Candidates
from medalist.pipelines.features.search.spacing import spacing_of


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 1, 3.5]))
def test_windows_in_time_are_those_of_pandas(seed: int, span: float) -> None:
    rng = np.random.default_rng(seed)
    hours = np.sort(rng.integers(0, 200, 40))
    rows = pd.DataFrame({
        "x": np.where(rng.random(40) < 0.2, np.nan, rng.normal(1e6, 1, 40)), "shop": rng.choice(["a", "b"], 40),
        "day": pd.Timestamp("2024-02-01") + pd.to_timedelta(hours, unit="h"),
    })  # fmt: skip
    expected: dict[str, list[float]] = {"mean": [], "sum": [], "count": []}
    for row in rows.itertuples():
        since = row.day - pd.Timedelta(days=span)
        before = rows[(rows["shop"] == row.shop) & (rows["day"] >= since) & (rows["day"] < row.day)]
        expected["mean"].append(before["x"].mean())
        expected["sum"].append(before["x"].sum())
        expected["count"].append(len(before))
    shuffled = rng.permutation(40)
    for name, values in expected.items():
        number = "" if name == "count" else "x, "
        actual = value(f"window_{name}({number}day, {span}) by shop", rows.iloc[shuffled].reset_index(drop=True))
        assert actual == pytest.approx(np.array(values, dtype=float)[shuffled], nan_ok=True, abs=1e-6)


def test_holidays_are_those_of_the_rows_country() -> None:
    rows = pd.DataFrame({
        "day": ["2023-12-25", "2023-12-25", "2023-12-27", "2023-07-04 15:00", "2023-07-04", None, "2023-12-24"],
        "where": ["Italy", "Japan", "it", "USA", "Atlantis", "Italy", "ITA"],
    })  # fmt: skip
    same(value("holiday(day, where)", rows), [1, 0, 0, 1, np.nan, np.nan, 0])
    same(value("until_holiday(day, where)", rows)[[0, 2, 6]], [0, 5, 1])
    same(value("since_holiday(day, where)", rows)[[0, 2]], [0, 1])
    which = value("which_holiday(day, where)", rows)
    assert which[0] != which[3]
    assert 0 not in which[[0, 3]]
    assert (which[[1, 2, 6]] == 0).all()
    with pytest.raises(PipelineError, match="a column of countries"):
        value("holiday(day, prefix(where, 1))", rows)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("United Kingdom", "GB"),
        ("uk", "GB"),
        ("KOR", "KR"),
        ("South Korea", "KR"),
        ("nl", "NL"),
        ("Narnia", None),
        (7, None),
    ],
)
def test_countries_are_known_by_name_and_code(text: object, code: str | None) -> None:
    assert country_code(text) == code


def _first(rows: pd.DataFrame, ahead: tuple[str, float] | None, most: int = 4000) -> list[str]:
    kinds = {"x": "number", "z": "number", "day": "date", "shop": "category", "land": "category", "t": "number"}
    schema = Schema({c: kinds[c] for c in rows})
    return [
        str(f) for f, _ in zip(Candidates(schema, Frame(Table(rows)), ahead=ahead).all(), range(most), strict=False)
    ]


def test_where_test_is_later_the_last_values_are_tried_first() -> None:
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=200).strftime("%Y-%m-%d")
    rows = pd.DataFrame({
        "x": rng.normal(size=400), "z": rng.normal(size=400), "day": np.repeat(days, 2), "shop": ["a", "b"] * 200,
    })  # fmt: skip
    tried = _first(rows, ("day", 30.0))
    wanted = ("lag(x, day, 1) by shop", "lag(z, day, 3) by shop", "x - rolling_mean(x, day, 7) by shop")
    assert max(map(tried.index, wanted)) < 40
    assert not any(text.startswith(("window_", "holiday")) for text in tried)  # regular rows, and no country
    assert tried.index(wanted[0]) < _first(rows, None).index(wanted[0])


def test_irregular_rows_get_spans_of_time_and_countries_get_holidays() -> None:
    rng = np.random.default_rng(1)
    gaps = np.where(rng.random(400) < 0.3, 2.0, 0.02)
    rows = pd.DataFrame({
        "x": rng.normal(size=400), "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum(gaps), unit="D"),
        "land": rng.choice(["Italy", "Norway", "Kenya"], 400),
    })  # fmt: skip
    tried = set(_first(rows, ("day", 30.0)))
    assert {"window_mean(x, day, 7)", "window_count(day, 7)", "holiday(day, land)"} <= tried
    assert "target_mean(which_holiday(day, land))" in tried


def test_periods_follow_from_the_steps() -> None:
    hourly = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=2000, freq="h")})
    spacing = spacing_of(Frame(Table(hourly)), Column("day"), ())
    assert (spacing.periods, spacing.irregular) == ((24, 168, 672), False)
    numbered = pd.DataFrame({"t": np.arange(100.0)})
    assert spacing_of(Frame(Table(numbered)), Column("t"), ()).periods == (4, 8, 24)
    assert dt.timedelta(hours=spacing.periods[0]) == dt.timedelta(days=1)
    alone = pd.DataFrame({"t": [3.0, 3.0]})
    assert spacing_of(Frame(Table(alone)), Column("t"), ()).periods == ()
