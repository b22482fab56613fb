"""Several rows of inputs for each id become one row of aggregates, however they lie in the files."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little import roles, write

from medalist.competitions.columns.aggregates import MOST_COLUMNS, aggregate_rows
from medalist.competitions.competition import Competition, read_competition
from medalist.competitions.errors import InputError
from medalist.competitions.folds.plan import FoldPlan
from medalist.competitions.holdout import cut_holdout
from medalist.competitions.task.infer import infer_task


def visits(n: int = 60, n_test: int = 30, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Visits of patients: several rows for each, with a date, and one label for each."""
    rng = np.random.default_rng(seed)
    total = n + n_test
    patients = np.array([f"P{k:03d}" for k in rng.permutation(total)])
    counts = rng.integers(2, 6, total)
    owner = np.repeat(np.arange(total), counts)
    rows = pd.DataFrame(
        {
            "patient": patients[owner],
            "day": (pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 400, len(owner)), unit="D")).strftime(
                "%Y-%m-%d"
            ),
            "pressure": rng.normal(120, 9, len(owner)).round(1),
            "ward": rng.choice(["a", "b"], len(owner)),
        }
    )
    labels = pd.DataFrame({"patient": patients, "ill": rng.permutation(np.arange(total) % 2)})
    return {
        "train": rows[owner < n].reset_index(drop=True),
        "test": rows[owner >= n].reset_index(drop=True),
        "labels": labels[:n],
        "sample": labels[n:].assign(ill=0.5).reset_index(drop=True),
    }


def split(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Inputs of train and of test, and labels, in three files."""
    return {"train_visits": tables["train"], "test_visits": tables["test"], "train_labels": tables["labels"]}


def with_labels(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The label on each row of train."""
    return {"train": tables["train"].merge(tables["labels"], on="patient"), "test": tables["test"]}


def all_in_one(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """All visits in one table, and the labels of some patients."""
    return {"visits": pd.concat([tables["train"], tables["test"]]), "labels": tables["labels"]}


def with_test_ids(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """All visits in one table, and tables with the patients of train and test."""
    whole = {"train": tables["labels"], "test": tables["sample"][["patient"]]}
    return {**whole, "visits": pd.concat([tables["test"], tables["train"]])}


def in_parts(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Visits of train in three files."""
    parts = np.array_split(np.arange(len(tables["train"])), 3)
    visits = {f"train_visits_{i}": tables["train"].iloc[rows] for i, rows in enumerate(parts)}
    return {**visits, "test_visits": tables["test"], "train_labels": tables["labels"]}


LAYOUTS = [split, with_labels, all_in_one, with_test_ids, in_parts]


def check(competition: Competition, tables: dict[str, pd.DataFrame]) -> None:
    task = infer_task(competition)
    assert (task.id, task.targets, task.problem_type) == (("patient",), ("ill",), "binary")
    assert competition.test["patient"].tolist() == tables["sample"]["patient"].tolist()
    train = competition.train.set_index("patient")
    assert len(train) == len(tables["labels"])
    assert train["ill"].to_dict() == tables["labels"].set_index("patient")["ill"].to_dict()
    for frame, rows in ((competition.train, tables["train"]), (competition.test, tables["test"])):
        grouped = rows.sort_values("day", kind="stable").groupby("patient")
        values = frame.set_index("patient")
        expected = {"pressure_mean": grouped["pressure"].mean(), "rows": grouped.size()}
        expected |= {"pressure_last": grouped["pressure"].last(), "day_last": grouped["day"].last()}
        for name, column in expected.items():
            pd.testing.assert_series_equal(
                values[name], column.loc[values.index], check_names=False, check_dtype=False, check_index_type=False
            )
    assert any("several rows for each patient" in note for note in competition.notes)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", [0, 1])
def test_all_layouts_give_the_same_table(tmp_path: Path, layout: object, seed: int) -> None:
    tables = visits(seed=seed)
    competition = read_competition(write(tmp_path, **layout(tables), sample_submission=tables["sample"]))  # type: ignore[operator]
    check(competition, tables)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_rows_are_one_further_table_without_the_target(tmp_path: Path, layout: object) -> None:
    tables = visits()
    competition = read_competition(write(tmp_path, **layout(tables), sample_submission=tables["sample"]))  # type: ignore[operator]
    extras = [f for f in competition.files if f.role == "extra"]
    assert len(extras) == 1
    rows = competition.extra(extras[0].path)
    assert sorted(rows.columns) == ["day", "patient", "pressure", "ward"]
    assert len(rows) == len(tables["train"]) + len(tables["test"])
    assert set(rows["patient"]) == {*competition.train["patient"], *competition.test["patient"]}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_holdout_is_read_as_the_same_task(tmp_path: Path, layout: object) -> None:
    tables = visits()
    competition = read_competition(write(tmp_path / "whole", **layout(tables), sample_submission=tables["sample"]))  # type: ignore[operator]
    task = infer_task(competition)
    out = cut_holdout(competition, task, tmp_path / "cut", 0.3)
    cut = read_competition(out)
    again = infer_task(cut)
    assert (again.id, again.targets, again.metric) == (task.id, task.targets, task.metric)
    assert list(cut.train.columns) == list(competition.train.columns)
    whole = competition.train.set_index("patient")
    for frame in (cut.train, cut.test):
        part = frame.set_index("patient")
        pd.testing.assert_frame_equal(part, whole.loc[part.index, part.columns], check_dtype=False)
    (extra,) = (f.path for f in cut.files if f.role == "extra")
    assert set(cut.extra(extra)["patient"]) >= {*cut.train["patient"], *cut.test["patient"]}
    assert "ill" not in cut.extra(extra)


@pytest.mark.parametrize("layout", [split, with_labels, all_in_one])
def test_numbers_and_dates_of_the_rows_are_read_alike_in_train_and_test(tmp_path: Path, layout: object) -> None:
    tables = visits()
    late = pd.to_datetime(tables["train"]["day"])
    for role in ("train", "test"):
        rows = tables[role]
        day = pd.to_datetime(rows["day"])
        if role == "test":  # no day after the 12th shows the order, and no comma the sign between thousands
            day = day.where(day.dt.day <= 12, day.dt.to_period("M").dt.to_timestamp() + pd.Timedelta(days=4))
        rows["day"] = day.dt.strftime("%Y-%m-%d")
        rows["pressure"] = (rows["pressure"] * 100).round(1 if role == "train" else 0)
    assert (late.dt.day > 12).any()
    shown = {name: table.copy() for name, table in tables.items()}
    for role, places in (("train", 1), ("test", 0)):
        shown[role]["day"] = pd.to_datetime(shown[role]["day"]).dt.strftime("%d/%m/%Y")
        texts = shown[role]["pressure"].map(f"{{:,.{places}f}}".format)
        shown[role]["pressure"] = texts.str.translate(str.maketrans(",.", ".,"))
    read = read_competition(write(tmp_path, **layout(shown), sample_submission=tables["sample"]))
    check(read, tables)
    assert any("day/month/year" in note for note in read.notes)
    assert any("decimal comma" in note for note in read.notes)


def test_ids_without_rows_have_no_aggregates(tmp_path: Path) -> None:
    tables = visits()
    gone = [tables["labels"]["patient"].iloc[0], tables["sample"]["patient"].iloc[3]]
    less = {n: t[~t["patient"].isin(gone)] if n in ("train", "test") else t for n, t in tables.items()}
    competition = read_competition(write(tmp_path, **split(less), sample_submission=tables["sample"]))
    assert competition.train.loc[0, "pressure_mean":].isna().all()  # type: ignore[misc]
    assert competition.test.loc[3, "pressure_mean":].isna().all()  # type: ignore[misc]
    assert len(competition.train) == len(tables["labels"])
    assert any("no such rows" in note for note in competition.notes)


def test_the_same_ids_in_train_and_test_are_kept_apart(tmp_path: Path) -> None:
    tables = visits(40, 40)
    names = dict(zip(tables["sample"]["patient"], tables["labels"]["patient"], strict=True))
    tables["test"]["patient"] = tables["test"]["patient"].map(names)
    tables["sample"]["patient"] = tables["sample"]["patient"].map(names)
    competition = read_competition(write(tmp_path, **split(tables), sample_submission=tables["sample"]))
    check(competition, tables)
    assert not [f for f in competition.files if f.role == "extra"]


def test_ids_keep_their_zeros(tmp_path: Path) -> None:
    tables = {n: t.assign(patient="0" + t["patient"].str[1:]) for n, t in visits().items()}
    competition = read_competition(write(tmp_path, **split(tables), sample_submission=tables["sample"]))
    check(competition, tables)


def test_a_target_that_differs_within_an_id_is_refused_and_the_remedies_work(tmp_path: Path) -> None:
    tables = visits()
    train = with_labels(tables)["train"]
    train["ill"] = np.arange(len(train)) % 2
    write(tmp_path / "a", train=train, test=tables["test"], sample=tables["sample"])
    with pytest.raises(InputError, match=r"several rows for each patient.*ill differs.*--sample") as caught:
        read_competition(tmp_path / "a")
    assert str(caught.value).count(". ") == 0
    check(read_competition(write(tmp_path / "b", **with_labels(tables), sample=tables["sample"])), tables)
    keyed = tables["test"].drop_duplicates(["patient", "day"])
    write(tmp_path / "c", train=train, test=keyed, sample=keyed[["patient", "day"]].assign(ill=0))
    assert infer_task(read_competition(tmp_path / "c")).id == ("patient", "day")


def test_inputs_in_pairs_of_files_beside_train_and_test_are_one_further_table(tmp_path: Path) -> None:
    tables = visits()
    rng = np.random.default_rng(0)
    train = tables["labels"].assign(age=rng.integers(20, 90, 60))
    test = tables["sample"][["patient"]].assign(age=rng.integers(20, 90, 30))
    write(tmp_path, train=train, test=test, sample_submission=tables["sample"])
    competition = read_competition(write(tmp_path, train_visits=tables["train"], test_visits=tables["test"]))
    assert roles(competition)["train_visits.csv"] == "ignored"
    assert len(competition.extra("visits")) == len(tables["train"]) + len(tables["test"])
    assert list(competition.train.columns) == ["patient", "ill", "age"]


@settings(deadline=None)
@given(
    codes=st.lists(st.integers(0, 4), min_size=2, max_size=40),
    gaps=st.integers(0, 3),
    seed=st.integers(0, 99),
)
def test_aggregates_are_those_of_pandas(codes: list[int], gaps: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = len(codes)
    value = rng.normal(size=n).round(2)
    value[rng.random(n) < gaps / 4] = np.nan
    table = pd.DataFrame({"key": codes, "step": 0, "value": value, "kind": rng.choice(["u", "v", "w"], n)})
    table["step"] = table.groupby("key").cumcount()
    table = table.sample(frac=1, random_state=seed).reset_index(drop=True)
    made, _ = aggregate_rows(table, ["key"])
    assert made["key"].tolist() == table["key"].drop_duplicates().tolist()
    grouped = table.sort_values("step", kind="stable").groupby("key")
    expected = {
        "value_mean": grouped["value"].mean(), "value_std": grouped["value"].std(), "value_min": grouped["value"].min(),
        "value_max": grouped["value"].max(), "value_last": grouped["value"].last(), "kind_last": grouped["kind"].last(),
        "kind_distinct": grouped["kind"].nunique(), "rows": grouped.size(),
    }  # fmt: skip
    indexed = made.set_index("key")
    for name, column in expected.items():
        if name in indexed and name != "value_last":
            pd.testing.assert_series_equal(
                indexed[name], column.loc[indexed.index], check_names=False, check_dtype=False, check_index_type=False
            )


def test_aggregates_of_a_wide_table_are_bounded() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 300)), columns=[f"x{i}" for i in range(300)]).assign(
        key=np.arange(60) % 9
    )
    made, _ = aggregate_rows(table, ["key"])
    assert 300 <= made.shape[1] <= MOST_COLUMNS + 2


def test_many_rows_are_aggregated_in_seconds() -> None:
    rng = np.random.default_rng(0)
    n = 300_000
    table = pd.DataFrame({"key": rng.integers(0, 30_000, n), "x": rng.normal(size=n), "k": rng.choice(["a", "b"], n)})
    begin = time.perf_counter()
    made, _ = aggregate_rows(table, ["key"])
    assert time.perf_counter() - begin < 20  # 0.3 s on an idle core
    assert len(made) == table["key"].nunique()


def test_the_fold_plan_of_a_holdout_of_visits_may_be_given(tmp_path: Path) -> None:
    tables = visits()
    competition = read_competition(write(tmp_path / "whole", **split(tables), sample_submission=tables["sample"]))
    task = infer_task(competition, folds=FoldPlan("time", 3, "day_last"))
    cut = read_competition(cut_holdout(competition, task, tmp_path / "cut", 0.3))
    assert cut.test["day_last"].min() > cut.train["day_last"].max()


@pytest.mark.parametrize("layout", [split, all_in_one])
@pytest.mark.parametrize("counted", [False, True])
def test_ids_may_have_another_name_in_the_labels_and_the_sample(tmp_path: Path, layout: object, counted: bool) -> None:
    tables = visits()
    if counted:
        numbers = {p: i for i, p in enumerate([*tables["labels"]["patient"], *tables["sample"]["patient"]])}
        tables = {n: t.assign(patient=t["patient"].map(numbers)) for n, t in tables.items()}
    for name in ("labels", "sample"):
        tables[name] = tables[name].rename(columns={"patient": "case"})
    competition = read_competition(write(tmp_path, **layout(tables), sample_submission=tables["sample"]))  # type: ignore[operator]
    task = infer_task(competition)
    assert task.submission_id == ("case",)
    answer = task.submission(competition.test, np.zeros((30, 1)), competition.sample)
    assert answer["case"].tolist() == tables["sample"]["case"].tolist()
    mean = tables["train"].groupby("patient")["pressure"].mean()
    found = competition.train.set_index(task.id[0])["pressure_mean"]
    assert np.allclose(found, mean.loc[found.index])
    (extra,) = (f.path for f in competition.files if f.role == "extra")
    assert task.id[0] in competition.extra(extra)


def test_a_table_of_further_properties_stays_one(tmp_path: Path) -> None:
    tables = visits()
    everyone = pd.concat([tables["labels"], tables["sample"]])[["patient"]].assign(age=range(90))
    competition = read_competition(
        write(tmp_path, **split(tables), patients=everyone, sample_submission=tables["sample"])
    )
    check(competition, tables)
    assert roles(competition)["patients.csv"] == "extra"


@pytest.mark.parametrize("zeros", [False, True])
def test_a_file_for_each_id(tmp_path: Path, zeros: bool) -> None:
    tables = visits(20, 10)
    if zeros:
        tables = {n: t.assign(patient="0" + t["patient"].str[1:]) for n, t in tables.items()}
    for name in ("train", "test"):
        for patient, rows in tables[name].groupby("patient"):
            write(tmp_path / name, **{str(patient): rows.drop(columns="patient")})
    competition = read_competition(write(tmp_path, labels=tables["labels"], sample_submission=tables["sample"]))
    task = infer_task(competition)
    assert (task.id, task.targets) == (("patient",), ("ill",))
    mean = pd.concat([tables["train"], tables["test"]]).groupby("patient")["pressure"].mean()
    for frame in (competition.train, competition.test):
        found = frame.set_index("patient")["pressure_mean"]
        assert np.allclose(found, mean.loc[found.index])
