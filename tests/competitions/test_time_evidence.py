"""Time in several columns, numbers that order rows in time, and columns that tell test from train."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from little import write

from medalist.competitions.competition import read_competition
from medalist.competitions.folds.evidence import choose_folds
from medalist.competitions.folds.make import make_folds
from medalist.competitions.folds.plan import FoldPlan


def panel(days: pd.DatetimeIndex, stores: int = 8, seed: int = 0) -> pd.DataFrame:
    """A row for each store and day, in random order."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"at": np.repeat(days, stores), "store": np.tile(np.arange(stores), len(days))})
    frame["offer"] = rng.integers(0, 6, len(frame))
    frame["sold"] = 50 + 5 * frame["store"] + rng.normal(0, 1, len(frame)).round(3)
    return frame.sample(frac=1, random_state=seed, ignore_index=True)


def cut(folder: Path, frame: pd.DataFrame, later: pd.Series, parts: dict) -> Path:
    """A competition whose test are the rows `later`, with the columns `parts` in place of the time."""
    frame = frame.assign(**parts).drop(columns="at")
    train, test = frame[~later].reset_index(drop=True), frame[later].reset_index(drop=True)
    train.insert(0, "row", np.arange(len(train)))
    test.insert(0, "row", np.arange(len(train), len(train) + len(test)))
    folder.mkdir(exist_ok=True)
    sample = test[["row"]].assign(sold=0.0)
    return write(folder, train=train, test=test.drop(columns="sold"), sample_submission=sample)


def plan_of(folder: Path) -> tuple[FoldPlan, pd.DataFrame]:
    read = read_competition(folder)
    return choose_folds(read.train, read.test, problem_type="regression", targets=["sold"]), read.train


MONTHS = pd.date_range("2018-01-01", "2022-12-01", freq="MS")
DAYS = pd.date_range("2021-01-01", "2022-12-31", freq="D")


@pytest.mark.parametrize("names", [("year", "month"), ("jahr", "monat"), ("c1", "c2"), ("yr", "name")])
def test_year_and_month_are_one_time(tmp_path: Path, names: tuple) -> None:
    frame = panel(MONTHS)
    at = frame["at"].dt
    month = at.month_name() if names[1] == "name" else at.month
    later = frame["at"] >= "2022-07-01"
    plan, train = plan_of(cut(tmp_path, frame, later, {names[0]: at.year, names[1]: month}))
    assert plan.scheme == "time"
    assert plan.column == f"date_of_{names[0]}_{names[1]}"
    assert plan.horizon == pytest.approx(184, abs=2)
    for before, held in make_folds(plan, train, None).splits:
        assert train[plan.column].iloc[before].max() < train[plan.column].iloc[held].min()
        assert train[plan.column].iloc[held].nunique() == 6  # whole months


@pytest.mark.parametrize("kind", ["day", "yearday", "week", "hour", "clock", "iso date and hour"])
def test_other_parts_are_one_time(tmp_path: Path, kind: str) -> None:
    days = pd.date_range("2022-11-20", "2022-12-01", freq="h") if "hour" in kind or kind == "clock" else DAYS
    frame = panel(days, stores=3)
    at = frame["at"].dt
    cuts = {"hour": "2022-11-30 15:00", "clock": "2022-11-30 15:00", "iso date and hour": "2022-11-30 15:00"}
    later = frame["at"] >= cuts.get(kind, "2022-09-05")
    iso = at.isocalendar()
    parts = {
        "day": {"year": at.year, "month": at.month, "day": at.day},
        "yearday": {"year": at.year, "doy": at.day_of_year},
        "week": {"year": iso["year"].astype(int), "week": iso["week"].astype(int)},
        "hour": {"y": at.year, "m": at.month, "d": at.day, "hour": at.hour},
        "clock": {"date": at.strftime("%d/%m/%Y"), "time": at.strftime("%I:%M %p")},
        "iso date and hour": {"a": at.strftime("%Y-%m-%d"), "b": at.hour},
    }[kind]
    if kind == "hour":
        parts = {"year": at.year, "month": at.month, "day": at.day, "hour": at.hour}
    plan, train = plan_of(cut(tmp_path, frame, later, parts))
    assert plan.scheme == "time"
    assert plan.column == "date_of_" + "_".join(parts)
    if kind != "week":
        kept = frame[~later]["at"]
        assert pd.to_datetime(train[plan.column]).tolist() == kept.tolist()


def test_no_time_is_made_of_columns_where_test_was_drawn_or_one_column_says_so(tmp_path: Path) -> None:
    frame = panel(MONTHS)
    parts = {"year": frame["at"].dt.year, "month": frame["at"].dt.month}
    drawn = pd.Series(np.random.default_rng(1).random(len(frame)) < 0.2)
    assert not any(c.startswith("date_of") for c in read_competition(cut(tmp_path / "a", frame, drawn, parts)).train)
    later = frame["at"] >= "2022-01-01"
    plan, train = plan_of(cut(tmp_path / "b", frame, later, parts))
    assert plan.column == "year"
    assert not any(c.startswith("date_of") for c in train)


def walk(n: int = 900, n_test: int = 200, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A series in time in the order of a number, in random order: an input and the target wander."""
    rng = np.random.default_rng(seed)
    total = n + n_test
    level = np.cumsum(rng.normal(0, 1, total))
    frame = pd.DataFrame(
        {
            "block": 5000 + 3 * np.arange(total),
            "load": level + rng.normal(0, 1, total),
            "noise": rng.normal(size=total),
            "y": level + rng.normal(0, 1, total),
        }
    )
    train = frame[:n].sample(frac=1, random_state=seed, ignore_index=True)
    return train, frame[n:].drop(columns="y").reset_index(drop=True)


def test_a_number_that_orders_rows_in_time_gives_folds_by_time() -> None:
    train, test = walk()
    plan = choose_folds(train, test, problem_type="regression", targets=["y"])
    assert (plan.scheme, plan.column) == ("time", "block")
    plan = choose_folds(train.drop(columns="load"), test.drop(columns="load"), problem_type="regression", targets=["y"])
    assert (plan.scheme, plan.column) == ("time", "block")  # the target alone wanders


@pytest.mark.parametrize("rows", ["drawn", "sorted by target", "sorted by an input", "by class"])
def test_a_row_number_is_no_time(rows: str) -> None:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"a": rng.normal(size=1000), "b": rng.normal(size=1000)})
    frame["y"] = frame["a"] + rng.normal(0, 0.3, 1000)
    train, test = frame[:700], frame[700:]
    if rows == "by class":
        train = train.assign(y=pd.cut(train["y"], 4, labels=[2, 0, 3, 1]).astype(int)).sort_values("a")
        train = pd.concat([train[train["y"] == label] for label in (3, 1, 0, 2)])
    elif rows != "drawn":
        key = "a" if rows == "sorted by an input" else "y"
        train = train.sort_values(key)
        test = test.sort_values(key) if key == "a" else test
    train, test = train.assign(no=np.arange(700)), test.assign(no=np.arange(700, 1000)).drop(columns="y")
    plan = choose_folds(train, test, problem_type="regression", targets=["y"])
    assert plan.scheme == "random"


def test_a_column_that_tells_test_from_train_is_named_where_folds_are_random() -> None:
    rng = np.random.default_rng(5)
    train = pd.DataFrame({"a": rng.normal(0, 1, 500).round(2), "b": rng.normal(size=500), "y": rng.normal(size=500)})
    test = pd.DataFrame({"a": rng.normal(4, 1, 300).round(2), "b": rng.normal(size=300)})
    plan = choose_folds(train, test, problem_type="regression", targets=["y"])
    assert plan.scheme == "random"
    assert "though a tells test from train" in plan.reason
    assert choose_folds(train, test, problem_type="regression", targets=["y"], scheme="time", column="a").column == "a"


def test_missing_days_and_keys_of_two_columns(tmp_path: Path) -> None:
    frame = panel(DAYS[DAYS.day_of_week < 5][::2], stores=4)
    frame["day"] = frame["at"].dt.strftime("%d.%m.%Y")
    frame = frame.drop(columns="at")
    day = pd.to_datetime(frame["day"], format="%d.%m.%Y")
    train, test = frame[day < "2022-11-01"], frame[day >= "2022-11-01"]
    sample = test[["store", "day"]].assign(sold=0.0)
    write(tmp_path, train=train, test=test.drop(columns="sold"), sample_submission=sample)
    read = read_competition(tmp_path)
    plan = choose_folds(read.train, read.test, problem_type="regression", targets=["sold"])
    assert (plan.scheme, plan.column) == ("time", "day_date")
    assert read.sample is not None
    assert list(read.sample) == ["store", "day", "sold"]
    assert read.sample["day"].tolist() == sample["day"].tolist()  # ids are handed in as they came
    assert len(make_folds(plan, read.train, None).splits) == plan.n_splits
