"""Train, test and labels in several files are read as the same tables as in one, however they were split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from little import roles, write

from medalist.competitions.additional_rows import additional_rows
from medalist.competitions.competition import Competition, read_competition
from medalist.competitions.errors import InputError
from medalist.competitions.task.infer import infer_task


def lakes(n: int = 90, n_test: int = 40, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Samples of water: train, test, and a sample submission."""
    rng = np.random.default_rng(seed)
    total = n + n_test
    frame = pd.DataFrame(
        {
            "probe": np.arange(500, 500 + total),
            "depth": rng.normal(9, 2, total).round(2),
            "lake": rng.choice(["Como", "Garda", "Iseo"], total),
            "algae": rng.integers(10, 99, total),
        }
    )
    test = frame[n:].reset_index(drop=True)
    return {
        "train": frame[:n],
        "test": test.drop(columns="algae"),
        "sample": test[["probe"]].assign(algae=0),
    }


def same(competition: Competition, plain: dict[str, pd.DataFrame]) -> None:
    """The competition has the rows, columns and task of the plain one, in whatever order its columns are."""
    for name in ("train", "test", "sample"):
        frame = getattr(competition, name)
        assert sorted(frame.columns) == sorted(plain[name].columns)
        pd.testing.assert_frame_equal(
            frame[list(plain[name].columns)], plain[name].reset_index(drop=True), check_dtype=False
        )
    task = infer_task(competition)
    assert (task.id, task.targets, task.problem_type) == (("probe",), ("algae",), "regression")
    answer = task.submission(competition.test, np.arange(len(plain["test"]))[:, None], competition.sample)
    assert answer["probe"].tolist() == plain["sample"]["probe"].tolist()


TOWNS = ["oslo", "rome", "lima", "bern", "kiev", "riga", "minsk", "paris", "wien", "york", "x", "y"]
NAMES: dict[str, Callable[[int], str]] = {
    "part": lambda i: f"train_part{i + 1}",
    "shard": lambda i: f"part-{i:05d}-of-train",
    "letter": lambda i: f"train_{'abcdefghijkl'[i]}",
    "folder": lambda i: f"train__{TOWNS[i]}",
    "year folders": lambda i: f"train__{2001 + i}__data",
    "number": lambda i: f"data{i + 1}",
}  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.sampled_from(sorted(NAMES)), count=st.integers(2, 12), test_parts=st.integers(1, 3),
    shuffle=st.booleans(), seed=st.integers(0, 5),
)  # fmt: skip
def test_parts_are_put_together_in_natural_order(
    tmp_path_factory: pytest.TempPathFactory, names: str, count: int, test_parts: int, shuffle: bool, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    plain = lakes(seed=seed)
    files = {}
    places = np.array_split(np.arange(90), count)
    order = sorted(range(count), key=NAMES[names]) if names == "folder" else range(count)
    for place, rows in zip(order, places, strict=True):
        part = plain["train"].iloc[rows]
        files[NAMES[names](place)] = part[part.columns[::-1]] if shuffle and place else part
    for i, rows in enumerate(np.array_split(np.arange(40), test_parts)):
        files["test" if test_parts == 1 else f"test_part{i + 1}"] = plain["test"].iloc[rows]
    competition = read_competition(write(folder, **files, sample_submission=plain["sample"]))
    same(competition, plain)
    assert [f.role for f in competition.files].count("train") == count
    assert any("put together" in note and "rows" in note for note in competition.notes)


def test_shards_in_parquet(tmp_path: Path) -> None:
    plain = lakes()
    (tmp_path / "train").mkdir()
    for i in range(3):
        plain["train"].iloc[30 * i : 30 * i + 30].to_parquet(tmp_path / "train" / f"part-0000{i}.parquet")
    write(tmp_path, test=plain["test"], sample=plain["sample"])
    same(read_competition(tmp_path), plain)


def test_a_column_that_is_text_in_one_part_is_text_in_all(tmp_path: Path) -> None:
    plain = lakes()
    plain["train"] = plain["train"].assign(code=[*map(str, range(60)), *(f"x{i}" for i in range(30))])
    plain["test"] = plain["test"].assign(code="7")
    parts = {f"train_{i}": plain["train"].iloc[30 * i : 30 * i + 30] for i in range(3)}
    competition = read_competition(write(tmp_path, **parts, test=plain["test"], sample=plain["sample"]))
    assert competition.train["code"].tolist() == plain["train"]["code"].tolist()


def test_numbers_of_rows_may_begin_again_in_each_part(tmp_path: Path) -> None:
    plain = lakes()
    plain["train"] = plain["train"].assign(probe=[*range(1, 46)] * 2)
    write(tmp_path, train_1=plain["train"][:45], train_2=plain["train"][45:], test=plain["test"], s=plain["sample"])
    assert len(read_competition(tmp_path).train) == 90


@pytest.mark.parametrize(
    ("name", "rows"),
    [("original", "others"), ("train_extra", "others"), ("sample_train", "few"), ("train_v2", "changed"),
     ("train_small", "few"), ("train_2", "changed"), ("train_2", "few")],
)  # fmt: skip
def test_other_versions_of_train_are_no_parts(tmp_path: Path, name: str, rows: str) -> None:
    plain = lakes()
    train = plain["train"]
    others = lakes(seed=9)["train"].assign(probe=range(9000, 9090))
    other = {"others": others, "few": train[:20], "changed": train.assign(depth=train["depth"] + 1)}[rows]
    write(tmp_path, train=train, test=plain["test"], sample=plain["sample"], **{name: other})
    competition = read_competition(tmp_path, train=None if rows == "others" else "train.csv")
    same(competition, plain)
    assert roles(competition)[f"{name}.csv"] == ("extra" if rows == "few" else "additional")
    task = infer_task(competition)
    more = additional_rows(competition, task, ["probe", "depth", "lake"])
    assert (0 if more is None else len(more.frame)) == (90 if rows == "others" else 0)  # versions of train tell answers


def test_parts_can_be_named(tmp_path: Path) -> None:
    plain = lakes()
    write(tmp_path, train=plain["train"][:50], train_extra=plain["train"][50:], test=plain["test"], s=plain["sample"])
    assert len(read_competition(tmp_path).train) == 50
    same(read_competition(tmp_path, train="train.csv,train_extra.csv"), plain)
    with pytest.raises(InputError, match="'algae' is in one of them alone"):
        read_competition(tmp_path, train="train.csv,test.csv")


def test_one_part_can_be_named_alone(tmp_path: Path) -> None:
    plain = lakes()
    write(tmp_path, train_1=plain["train"][:45], train_2=plain["train"][45:], test=plain["test"], s=plain["sample"])
    competition = read_competition(tmp_path, train="train_2.csv")
    assert competition.train["probe"].tolist() == list(range(545, 590))


@pytest.mark.parametrize(
    ("parts", "test", "column", "values"),
    [
        ({"train_2019": 45, "train_2020": 45}, ["test_2021"], "year", [2019, 2020, 2021]),
        ({"train_north": 45, "train_south": 45}, ["test_north", "test_south"], "file", ["north", "south", "north"]),
        ({"train_shop_3": 45, "train_shop_8": 45}, ["test_shop_3", "test_shop_8"], "shop", [3, 8, 3]),
        ({"train_2019": 45, "train_2020": 45}, ["test"], None, []),
        ({"train_part1": 45, "train_part2": 45}, ["test_part1", "test_part2"], None, []),
    ],
)
def test_what_the_names_of_files_tell_is_a_column_where_test_tells_it_too(
    tmp_path: Path, parts: dict[str, int], test: list[str], column: str | None, values: list[object]
) -> None:
    plain = lakes()
    files = {name: plain["train"].iloc[45 * i : 45 * i + 45] for i, name in enumerate(parts)}
    for name, rows in zip(test, np.array_split(np.arange(40), len(test)), strict=True):
        files[name] = plain["test"].iloc[rows]
    competition = read_competition(write(tmp_path, **files, sample_submission=plain["sample"]))
    if column is None:
        return same(competition, plain)
    told = competition.train[column]
    assert [told.iloc[0], told.iloc[-1], competition.test[column].iloc[0]] == values
    assert competition.train["probe"].tolist() == plain["train"]["probe"].tolist()
    return None


def test_what_a_column_tells_is_not_told_again(tmp_path: Path) -> None:
    plain = lakes()
    train = plain["train"].assign(day=["2019-05-01"] * 45 + ["2020-05-01"] * 45)
    write(tmp_path, train_2019=train[:45], train_2020=train[45:], sample_submission=plain["sample"])
    competition = read_competition(write(tmp_path, test_2021=plain["test"].assign(day="2021-05-01")))
    assert "year" not in competition.train


def apart(plain: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    values, labels = plain["train"].drop(columns="algae"), plain["train"][["probe", "algae"]]
    return {"train_features": values, "train_labels": labels, "test_features": plain["test"]}


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("label_id", ["probe", "sample_number"])
@pytest.mark.parametrize("names", [("train_features", "train_labels", "test_features"), ("a", "b", "c")])
def test_labels_in_a_file_of_their_own(
    tmp_path: Path, shuffled: bool, label_id: str, names: tuple[str, str, str]
) -> None:
    plain = lakes()
    values, labels, test = apart(plain).values()
    labels = labels[::-1] if shuffled else labels
    files = dict(zip(names, (values, labels.rename(columns={"probe": label_id}), test), strict=True))
    same(read_competition(write(tmp_path, **files, form=plain["sample"])), plain)


def test_labels_without_a_sample(tmp_path: Path) -> None:
    plain = lakes()
    competition = read_competition(write(tmp_path, **apart(plain)), need_sample=False)
    same_train = competition.train[list(plain["train"].columns)]
    pd.testing.assert_frame_equal(same_train, plain["train"], check_dtype=False)
    task = infer_task(competition)
    assert (task.id, task.targets) == (("probe",), ("algae",))


def test_labels_by_the_order_of_the_rows(tmp_path: Path) -> None:
    plain = lakes()
    x, y, test = (f.drop(columns="probe", errors="ignore") for f in apart(plain).values())
    competition = read_competition(write(tmp_path, X_train=x, y_train=y, X_test=test), need_sample=False)
    pd.testing.assert_frame_equal(competition.train, plain["train"].drop(columns="probe"), check_dtype=False)
    assert any("order of the rows" in note for note in competition.notes)


@pytest.mark.parametrize("more", ["features", "labels"])
def test_rows_without_a_partner_are_left_out_with_a_note(tmp_path: Path, more: str) -> None:
    plain = lakes()
    files = apart(plain)
    shorter = "train_labels" if more == "features" else "train_features"
    files[shorter] = files[shorter].iloc[5:]
    competition = read_competition(write(tmp_path, **files, sample_submission=plain["sample"]))
    same(competition, {**plain, "train": plain["train"].iloc[5:]})
    assert any(note.startswith("5 rows of") and "left out" in note for note in competition.notes)


def test_a_file_for_each_target(tmp_path: Path) -> None:
    plain = lakes()
    files = apart(plain)
    clear = pd.DataFrame({"probe": plain["train"]["probe"], "clear": np.arange(90) % 7})[::-1]
    sample = plain["sample"].assign(clear=0)
    competition = read_competition(write(tmp_path, **files, train_clear=clear, sample_submission=sample))
    assert infer_task(competition).targets == ("algae", "clear")
    assert competition.train["clear"].tolist() == (np.arange(90) % 7).tolist()


def test_features_of_test_in_two_files(tmp_path: Path) -> None:
    plain = lakes()
    files = apart(plain)
    test = files.pop("test_features")
    write(tmp_path, **files, test_features_1=test[:25], test_features_2=test[25:], sample_submission=plain["sample"])
    same(read_competition(tmp_path), plain)


@pytest.mark.parametrize(
    "spelling", [str.upper, str.title, lambda c: f" {c} ", lambda c: f'"{c}"', lambda c: "\ufeff" + c]
)
@pytest.mark.parametrize("where", ["train", "test", "sample"])
def test_headers_that_differ_in_spelling_alone(tmp_path: Path, spelling: Callable[[str], str], where: str) -> None:
    plain = lakes()
    plain = {n: f.rename(columns={"depth": "water depth"}) for n, f in plain.items()}
    files = dict(plain)
    files[where] = plain[where].rename(columns={c: spelling(c.replace(" ", "_")) for c in plain[where].columns})
    competition = read_competition(write(tmp_path, one=files["train"], two=files["test"], three=files["sample"]))
    assert list(roles(competition).items())[:3] == [("one.csv", "train"), ("two.csv", "test"), ("three.csv", "sample")]
    task = infer_task(competition)
    assert len(task.features(competition.train, competition.test)) == 2
    assert competition.train.shape == (90, 4)
    assert competition.test.shape == (40, 3)
    assert competition.sample is not None
    assert task.submission(competition.test, np.zeros((40, 1)), competition.sample).shape == (40, 2)


def test_names_that_differ_within_one_table_are_different_columns(tmp_path: Path) -> None:
    plain = lakes()
    files = {n: f.assign(Depth=1.5) if n != "sample" else f for n, f in plain.items()}
    competition = read_competition(write(tmp_path, **files))
    assert {"depth", "Depth"} <= set(competition.train.columns)


def test_a_table_whose_columns_are_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = ["971", "701", "15", "88"]
    train = pd.DataFrame(rng.normal(size=(50, 4)).round(3), columns=names).assign(kind=np.arange(50) % 2)
    test = pd.DataFrame(rng.normal(size=(20, 4)).round(3), columns=names)
    write(tmp_path, train=train, test=test, sample_submission=pd.DataFrame({"Id": range(1, 21), "kind": 0}))
    competition = read_competition(tmp_path)
    assert competition.test.shape == (20, 5)
    assert infer_task(competition).features(competition.train, competition.test) == names
