"""Cases of times: parts in several columns, local times beside zones, orders of days that other columns tell."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from case import Draw, Expected, case, regression
from cases_of_values import daily, mae, stamped, write

from medalist.competitions.columns.dates import parse_dates
from medalist.competitions.competition import Competition
from medalist.competitions.task.task import Task


def shuffled(drawn: Draw) -> Draw:
    """The draw with the rows of train in random order, numbered in it."""
    train = drawn.train.sample(frac=1, random_state=3, ignore_index=True)
    return Draw(train.assign(id=range(len(train))), drawn.test, drawn.truth, drawn.best)


def in_time(name: str, when: pd.Series, drawn: Draw) -> list[str]:
    """Complaints about a column of train and test that does not hold the times."""
    found = [parse_dates(table[name]) if name in table else None for table in (drawn.train, drawn.test)]
    parts = when[: len(drawn.train)], when[len(drawn.train) :]
    wrong = [f is None or (f.to_numpy() != p.to_numpy()).any() for f, p in zip(found, parts, strict=True)]
    return [f"{name} holds {drawn.train.get(name, pd.Series([None])).iloc[0]!r}"] if any(wrong) else []


@case(
    "georgedouzas/sports-betting issue #129, krishnakartik1/LSTM-footballMatchWinner pull request #6",
    "Matches of seasons and rounds are split at random, though the last rounds are to be predicted.",
)
def seasons_and_rounds(folder: Path) -> Expected:
    drawn, when = daily("seasons-and-rounds", pd.date_range("2015-01-05", periods=200, freq="7D"), 12, shops=6)
    place = (when - when.iloc[0]).dt.days // 7
    seasons = [f"{2015 + p // 25}/{16 + p // 25}" for p in place]
    drawn = shuffled(stamped(drawn, season=seasons, matchday=place % 25 + 1))
    write(folder, drawn, "Predict y for the rounds to come.", "Mean absolute error")
    column = "date_of_season_matchday"
    return regression(folder, drawn, metric="mae", folds=("time",), fold_column=column, **mae(drawn))


@case(
    "awslabs/gluonts pull request #989, review; pandas-dev/pandas issue #9688",
    "A year and Q1 to Q4 stand in two columns, the year with two digits.",
)
def two_digits_and_a_quarter(folder: Path) -> Expected:
    drawn, when = daily("two-digits-and-a-quarter", pd.date_range("1994-01-01", periods=70, freq="QS"), 6, shops=8)
    drawn = shuffled(stamped(drawn, yy=when.dt.year % 100, quarter=[f"Q{q}" for q in when.dt.quarter]))
    write(folder, drawn, "Predict y for the quarters to come.", "Mean absolute error")
    return regression(folder, drawn, metric="mae", folds=("time",), fold_column="date_of_yy_quarter", **mae(drawn))


@case(
    "tidyverse/readr issue #1049, ClickHouse/ClickHouse issue #81417 (a column names the time zone of each row)",
    "Stamps are in UTC and another column holds the zone: the local day and hour are lost.",
)
def zones_beside_utc(folder: Path) -> Expected:
    rng = np.random.default_rng(5)
    local = pd.Series(pd.date_range("2023-01-01", periods=1200, freq="7h"))
    zones = rng.choice(["Europe/Madrid", "Asia/Kolkata", "America/Lima"], 1200)
    utc = [t.tz_localize(z, ambiguous=True, nonexistent="shift_forward") for t, z in zip(local, zones, strict=True)]
    local = pd.Series([t.tz_localize(None) for t in utc])
    best = 20 + 15 * local.dt.hour.between(18, 21) + 10 * local.dt.hour.between(11, 13)
    truth = (best + rng.normal(0, 2, 1200)).round(2).to_numpy()
    frame = pd.DataFrame(
        {"id": range(1200), "placed": [t.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ") for t in utc]}
    )
    frame["timezone"] = zones
    drawn = Draw(
        frame[:900].assign(y=truth[:900]), frame[900:].reset_index(drop=True), truth[900:], best.to_numpy()[900:]
    )
    write(folder, drawn, "Predict y.", "Mean absolute error")

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        read = Draw(competition.train, competition.test, drawn.truth, drawn.best)
        yield from in_time("placed_local", local, read)

    return regression(folder, drawn, metric="mae", folds=("time",), check=check, **mae(drawn))


@case(
    "gbif/pipelines issue #228 (the whole data set could be analysed to determine the form of its dates), "
    "saineshnakra/automated-data-analyst issue #23",
    "Days of 1 to 12 alone: 05/03/2022 is taken for 3 May, though the weekday beside it says otherwise.",
)
def early_days_with_weekdays(folder: Path) -> Expected:
    days = [day for day in pd.date_range("2021-01-01", "2023-12-31") if day.day <= 12]
    drawn, when = daily("early-days-with-weekdays", pd.DatetimeIndex(days), 80, shops=1)
    order = np.random.default_rng(6).permutation(len(when))
    rows = pd.concat([drawn.train, drawn.test.assign(y=drawn.truth)], ignore_index=True)
    rows = rows.assign(day=when.dt.strftime("%d/%m/%Y"), weekend=np.where(when.dt.day_of_week >= 5, "yes", "no"))
    rows = rows.iloc[order].reset_index(drop=True).assign(id=range(len(rows)))
    n, when = len(drawn.train), when.iloc[order].reset_index(drop=True)
    truth = rows["y"][n:].to_numpy()
    drawn = Draw(rows[:n], rows[n:].drop(columns="y").reset_index(drop=True), truth, truth)
    write(folder, drawn, "Predict y.", "Mean absolute error")

    def check(competition: Competition, task: Task, frame: pd.DataFrame) -> Iterable[str]:
        yield from in_time("day", when, Draw(competition.train, competition.test, truth, truth))

    return regression(folder, drawn, metric="mae", check=check)
