"""Unusual layouts: other names, several columns or files of labels, ids as text, roles that a person settles."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from little import make_tables, roles, write

from medalist.competitions.competition import read_competition
from medalist.competitions.errors import InputError, MedalistError
from medalist.competitions.task.infer import infer_task


def test_an_id_under_another_name_and_an_empty_target_in_test(tmp_path: Path) -> None:
    """As in "Give Me Some Credit": an unnamed id column, the target there but empty, other names in the sample."""
    tables = make_tables()
    train = tables["train"].assign(Id=range(1, 61)).rename(columns={"Id": ""})
    test = tables["test"].assign(Id=range(1, 41), price=np.nan).rename(columns={"Id": ""})
    sample = pd.DataFrame({"Id": range(1, 41), "Probability": 0.5})
    write(tmp_path, **{"cs-training": train, "cs-test": test, "sampleEntry": sample})
    competition = read_competition(tmp_path)
    assert list(roles(competition).values()) == ["train", "test", "sample"]
    assert list(competition.test.columns) == ["Id", "size", "city"]
    assert competition.train["Id"].tolist() == list(range(1, 61))
    assert len(competition.notes) == 2


def test_one_column_per_class(tmp_path: Path) -> None:
    tables = make_tables()
    train, test = tables["train"], tables["test"].drop(columns="city").assign(price=1)
    sample = tables["sample"][["Id"]].assign(Rome=0.4, Oslo=0.3, Lima=0.3)
    prefixed = sample.rename(columns={c: f"city_{c}" for c in ("Rome", "Oslo", "Lima")})
    for number, table in enumerate((sample, prefixed)):
        folder = write(tmp_path / str(number), one=train, two=test, three=table)
        assert list(roles(read_competition(folder)).values()) == ["train", "test", "sample"]


def test_many_targets(tmp_path: Path) -> None:
    tables = make_tables()
    train = tables["train"].assign(**{f"t{i}": range(60) for i in range(30)})
    sample = tables["sample"][["Id"]].assign(**{f"t{i}": 0.5 for i in range(30)})
    write(tmp_path, a=sample, b=train, c=tables["test"].assign(price=3))
    assert roles(read_competition(tmp_path)) == {"b.csv": "train", "c.csv": "test", "a.csv": "sample"}


def test_labels_in_a_file_of_their_own(tmp_path: Path) -> None:
    tables = make_tables()
    values, labels = tables["train"].drop(columns="price"), tables["train"][["Id", "price"]]
    write(tmp_path, train_values=values, train_labels=labels[::-1], test_values=tables["test"], form=tables["sample"])
    competition = read_competition(tmp_path)
    pd.testing.assert_frame_equal(competition.train, tables["train"], check_dtype=False)
    assert roles(competition)["train_labels.csv"] == roles(competition)["train_values.csv"] == "train"


@pytest.mark.parametrize(
    "given_roles", [r for n in (1, 2, 3) for r in itertools.combinations(("train", "test", "sample"), n)]
)
def test_roles_can_be_given(tmp_path: Path, given_roles: tuple[str, ...]) -> None:
    tables = make_tables()
    write(tmp_path, train=tables["train"], test=tables["test"], sample=tables["sample"])
    competition = read_competition(tmp_path, **{role: f"{role}.csv" for role in given_roles})  # type: ignore[arg-type]
    assert list(roles(competition).values()) == ["train", "test", "sample"]


def test_ambiguity_is_an_error_that_a_flag_settles(tmp_path: Path) -> None:
    tables = make_tables()
    again = tables["train"].assign(size=0.0)
    write(tmp_path, train_a=tables["train"], train_b=again, test=tables["test"], sample=tables["sample"])
    with pytest.raises(InputError, match="--train"):
        read_competition(tmp_path)
    competition = read_competition(tmp_path, train="train_b.csv")
    assert (competition.train["size"] == 0).all()
    assert len(read_competition(tmp_path, train="train_a.csv,train_b.csv").train) == 120


def test_without_a_sample(tmp_path: Path) -> None:
    tables = make_tables()
    write(tmp_path, train=tables["train"], test=tables["test"])
    with pytest.raises(InputError, match=r"--sample.*--id and --target"):
        read_competition(tmp_path)
    competition = read_competition(tmp_path, need_sample=False)
    assert competition.sample is None
    assert list(roles(competition).values()) == ["train", "test"]


def test_ids_with_leading_zeros_are_kept_letter_by_letter(tmp_path: Path) -> None:
    tables = make_tables()
    for frame in tables.values():
        frame["Id"] = [f"{i:05d}" for i in frame["Id"]]
    competition = read_competition(write(tmp_path, train=tables["train"], test=tables["test"], s=tables["sample"]))
    assert competition.sample is not None
    assert competition.sample["Id"].tolist() == competition.test["Id"].tolist() == tables["test"]["Id"].tolist()
    assert competition.train["Id"].iloc[0] == "00001"


def test_columns_of_two_types_become_text_in_both(tmp_path: Path) -> None:
    tables = make_tables()
    train = tables["train"].assign(code=range(60))
    test = tables["test"].assign(code=[f"{i}" if i else "B12" for i in range(40)])
    competition = read_competition(write(tmp_path, train=train, test=test, sample=tables["sample"]))
    assert competition.train["code"].iloc[3] == "3"
    assert competition.test["code"].iloc[:2].tolist() == ["B12", "1"]
    assert any("'code'" in note for note in competition.notes)


def test_a_class_called_none_is_a_label(tmp_path: Path) -> None:
    tables = make_tables()
    train = tables["train"].assign(price=["None", "cat", "NA"] * 20)
    sample = tables["sample"].assign(price="cat")
    competition = read_competition(write(tmp_path, train=train, test=tables["test"], sample=sample))
    assert sorted(competition.train["price"].unique()) == ["NA", "None", "cat"]


def test_ids_put_together_from_columns_are_matched_by_order(tmp_path: Path) -> None:
    tables = make_tables()
    test = tables["test"].rename(columns={"Id": "store"})
    sample = pd.DataFrame({"Key": [f"{s}_{c}" for s, c in zip(test["store"], test["city"], strict=True)], "price": 0})
    write(tmp_path, train=tables["train"].rename(columns={"Id": "store"}), test=test, sample=sample)
    competition = read_competition(tmp_path)
    assert competition.test["Key"].tolist() == sample["Key"].tolist()
    assert any("order" in note for note in competition.notes)


def test_ids_of_two_columns_are_the_same_whether_written_as_whole_or_decimal_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    keys = pd.DataFrame({"shop": np.repeat(range(10), 6), "week": list(range(6)) * 10})
    table = keys.assign(size=rng.normal(size=60), sold=rng.integers(0, 9, 60))
    form = table[40:][["shop", "week"]].astype(float).assign(sold=0)[::-1]
    write(tmp_path, train=table[:40], test=table[40:].drop(columns="sold"), sample=form)
    competition = read_competition(tmp_path)
    task = infer_task(competition)
    assert task.id == ("shop", "week")
    frame = task.submission(competition.test, np.arange(20.0)[:, None], competition.sample)
    assert frame["sold"].tolist() == list(range(20))[::-1]


@pytest.mark.parametrize("names", [("train", "test", "sample"), ("a", "b", "c"), ("one", "two", "prediction")])
@pytest.mark.parametrize("asked", ["price", "answer"])
def test_a_single_input(tmp_path: Path, names: tuple[str, str, str], asked: str) -> None:
    """Test is as narrow as the sample."""
    tables = make_tables()
    train, test = tables["train"][["Id", "size", "price"]], tables["test"][["Id", "size"]]
    sample = tables["sample"].rename(columns={"price": asked})
    write(tmp_path, **dict(zip(names, (train, test, sample), strict=True)))
    competition = read_competition(tmp_path)
    assert list(roles(competition).values()) == ["train", "test", "sample"]
    assert infer_task(competition, metric="rmse").targets == ("price",)


def test_a_train_table_without_inputs_is_no_test_table(tmp_path: Path) -> None:
    tables = make_tables()
    write(
        tmp_path, train=tables["train"][["Id", "price"]], test=tables["test"][["Id", "size"]], sample=tables["sample"]
    )
    with pytest.raises(InputError, match="--train"):
        read_competition(tmp_path, need_sample=False)


def test_a_baseline_beside_the_sample(tmp_path: Path) -> None:
    tables = make_tables()
    other = tables["sample"].assign(price=31)[::-1]
    write(
        tmp_path, train=tables["train"], test=tables["test"], sample_submission=tables["sample"], mean_submission=other
    )
    competition = read_competition(tmp_path)
    assert roles(competition)["sample_submission.csv"] == "sample"
    assert set(competition.sample["price"]) == {0}
    assert any("mean_submission.csv (--sample names another)" in note for note in competition.notes)
    named = read_competition(tmp_path, sample="mean_submission.csv")
    assert set(named.sample["price"]) == {31}
    (tmp_path / "sample_submission.csv").rename(tmp_path / "zero_submission.csv")
    with pytest.raises(InputError, match="could both be sample: say which it is with --sample"):
        read_competition(tmp_path)


@pytest.mark.parametrize("names", [("F{}", ()), ("F{}", ("lot",)), ("day_{}", ()), ("2023-03-0{}", ("lot",))])
def test_columns_that_train_lacks_are_named_and_a_table_with_them_helps(
    tmp_path: Path, names: tuple[str, tuple[str, ...]]
) -> None:
    """A row of test for each series, and a column of the sample for each of the next days."""
    pattern, more = names
    rng = np.random.default_rng(6)
    days = pd.date_range("2023-01-01", periods=30).strftime("%Y-%m-%d")
    rows = [(f"s{i}", day, rng.normal(), 5 + i % 4) for i in range(12) for day in days]
    train = pd.DataFrame(rows, columns=["series", "day", "sold", "lot"])
    test = train.drop_duplicates("series")[["series", "lot"]]
    wanted = [pattern.format(i) for i in range(1, 8)]
    sample = test[["series"]].assign(**dict.fromkeys(wanted, 0))
    train = train if more else train.drop(columns="lot")
    write(tmp_path, train=train, test=test, sample_submission=sample)
    with pytest.raises(
        MedalistError, match=f"{wanted[0]}, {wanted[1]}.*(columns of these names|that has them).*--train"
    ):
        infer_task(read_competition(tmp_path), metric="rmse")
    starts = pd.concat([test] * 9)
    starts = starts.assign(**{name: rng.normal(size=len(starts)) for name in wanted})
    write(tmp_path, starts=starts)
    task = infer_task(read_competition(tmp_path, train="starts.csv"), metric="mean_rmse")
    assert (task.targets, task.layout) == (tuple(wanted), "per_target")
