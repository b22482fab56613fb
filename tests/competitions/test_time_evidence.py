"""Time in several columns, numbers that order rows in time, and columns that tell test from train."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from little import write

from medalist.competitions.audit.audit import audit
from medalist.competitions.columns.cards import describe_columns
from medalist.competitions.competition import read_competition
from medalist.competitions.folds.by_time import forecast_horizon
from medalist.competitions.folds.evidence import choose_folds
from medalist.competitions.folds.make import make_folds
from medalist.competitions.folds.plan import FoldPlan
from medalist.competitions.task.infer import infer_task


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


def test_a_clock_is_no_key_though_its_values_repeat_and_a_key_is_no_clock() -> None:
    train, test = walk(600, 150)
    several = [pd.concat([t.assign(z=z) for z in range(4)], ignore_index=True) for t in (train, test)]
    plan = choose_folds(*several, problem_type="regression", targets=["y"])
    assert (plan.scheme, plan.column) == ("time", "block")
    rng = np.random.default_rng(0)
    level = dict(zip(range(5000, 9000, 3), rng.normal(0, 3, 2000), strict=False))  # new customers, each of its own kind
    several = [t.assign(load=t["block"].map(level)) for t in several]
    several[0]["y"] = several[0]["load"] + rng.normal(size=len(several[0]))
    plan = choose_folds(*several, problem_type="regression", targets=["y"])
    assert (plan.scheme, plan.column) == ("group", "block")


@pytest.mark.parametrize(
    "kind", ["season", "season in numbers", "quarter", "half", "short", "letters", "no year", "clock in digits"]
)
def test_parts_of_other_kinds_are_one_time(tmp_path: Path, kind: str) -> None:
    starts = {"quarter": "QS", "half": "6MS", "no year": "3D", "clock in digits": "90min"}.get(kind, "7D")
    frame = panel(pd.date_range("2001-01-01", periods=80, freq=starts))
    at, turn = frame["at"].dt, (frame["at"] - frame["at"].min()).dt.days // 7
    later = frame["at"].rank(method="dense") > 77
    parts = {
        "season": {"season": "20" + (turn // 30 + 10).astype(str) + "/" + (turn // 30 + 11).astype(str)},
        "season in numbers": {"season": turn // 30 + 2010},
        "quarter": {"year": at.year, "part": "Q" + at.quarter.astype(str)},
        "half": {"year": at.year, "half": "H" + (at.quarter // 3 + 1).astype(str)},
        "short": {"yy": at.year % 100, "mm": at.month, "dd": at.day},
        "no year": {"Month": at.month, "Day": at.day},
        "clock in digits": {"date": at.strftime("%Y%m%d").astype(int), "time": at.hour * 100 + at.minute},
        "letters": {"Y": at.year, "M": at.month, "D": at.day},
    }[kind]
    parts |= {"round": "Round " + (turn % 30 + 1).astype(str)} if kind.startswith("season") else {}
    plan, train = plan_of(cut(tmp_path, frame, later, parts))
    assert (plan.scheme, plan.column) == ("time", "date_of_" + "_".join(parts))
    assert train[plan.column].rank(method="dense").tolist() == frame[~later]["at"].rank(method="dense").tolist()


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


@pytest.mark.parametrize("unit", [1, 1000])
def test_seconds_since_1970_are_dates_in_the_reason_and_the_horizon(unit: int) -> None:
    frame = panel(pd.date_range("2023-01-01", periods=200))
    frame["at"] = frame["at"].to_numpy("datetime64[s]").astype(np.int64) * unit + 3600 * unit
    limit = frame["at"].quantile(0.9)
    train, test = frame[frame["at"] <= limit], frame[frame["at"] > limit].drop(columns="sold")
    plan = choose_folds(train, test, problem_type="regression", targets=["sold"])
    assert (plan.scheme, plan.column) == ("time", "at")
    assert "train ends 2023-06-2" in plan.reason
    assert " days" in plan.reason
    days = (test["at"].max() - train["at"].max()) / 86_400 / unit
    assert plan.horizon == pytest.approx(days)
    assert forecast_horizon(plan, train, test) == pytest.approx(days)
    last = make_folds(plan, train, None).splits[-1]
    assert train["at"].iloc[last[1]].min() == train["at"].max() - (days - 1) * 86_400 * unit
    short = test[test["at"] == test["at"].min()]  # a single moment, which shows no unit of its own
    assert choose_folds(train, short, problem_type="regression", targets=["sold"]).horizon == pytest.approx(1.0)


def test_the_days_of_a_spreadsheet_are_a_time_though_they_repeat() -> None:
    frame = panel(pd.date_range("2024-01-01", periods=100))
    frame["due"] = (frame.pop("at") - pd.Timestamp("1899-12-30")).dt.days
    frame["sold"] += np.sin(frame["due"] / 9) * 20
    later = frame["due"] > frame["due"].max() - 20
    plan = choose_folds(frame[~later], frame[later].drop(columns="sold"), problem_type="regression", targets=["sold"])
    assert (plan.scheme, plan.column, plan.horizon) == ("time", "due", 20)
    unlike = frame.assign(
        sold=np.random.default_rng(0).normal(size=len(frame))
    )  # batches that do not follow each other
    plan = choose_folds(unlike[~later], unlike[later].drop(columns="sold"), problem_type="regression", targets=["sold"])
    assert (plan.scheme, plan.column) == ("group", "due")


def test_a_column_that_is_empty_in_test_makes_no_groups() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"x": rng.normal(size=300), "early": rng.integers(0, 9, 300), "y": rng.normal(size=300)})
    test = frame[200:].drop(columns="y").assign(early=np.nan)
    plan = choose_folds(frame[:200], test, problem_type="regression", targets=["y"])
    assert plan.scheme == "random"


def test_the_audit_knows_the_parts_of_the_time(tmp_path: Path) -> None:
    frame = panel(pd.date_range("2019-01-01", "2023-12-01", freq="MS"))
    later = frame["at"] >= "2023-06-01"
    read = read_competition(
        cut(tmp_path / "c", frame, later, {"y": frame["at"].dt.year, "m": frame["at"].dt.month_name()})
    )
    task = infer_task(read)
    assert task.folds.column == "date_of_y_m"
    findings = audit(read, task, describe_columns(read.train, read.test, skip=task.drop))
    assert [f.message for f in findings if f.severity == "warning"] == []
    assert {f.columns for f in findings if "by which test was separated" in f.message} >= {("y",)}
