"""A holdout is cut the way the organiser cut, loses no row, and keeps its answers in a private part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little import little_competition

from medalist.competitions.competition import Competition, read_competition
from medalist.competitions.errors import InputError
from medalist.competitions.folds.plan import FoldPlan
from medalist.competitions.holdout import choose_rows, cut_holdout
from medalist.competitions.task.infer import infer_task


@dataclass(frozen=True)
class Cut:
    id: tuple[str, ...]
    targets: tuple[str, ...]
    folds: FoldPlan
    weights: str | None = None


def plan(scheme: str, column: str | None = None) -> FoldPlan:
    return FoldPlan(scheme, 5, column)  # type: ignore[arg-type]


def make(folder: Path, n: int = 400) -> Competition:
    rng = np.random.default_rng(0)
    day = pd.date_range("2020-01-01", periods=n, freq="D")
    frame = pd.DataFrame(
        {
            "Id": np.arange(n),
            "day": day.strftime("%Y-%m-%d"),
            "shop": rng.integers(0, 40, n),
            "size": rng.normal(size=n).round(3),
            "only_train": 1.5,
            "kind": rng.choice(["a", "b", "c"], n, p=[0.6, 0.38, 0.02]),
        }
    )
    test = np.asarray(day.day >= 20)
    folder.mkdir()
    frame[~test].to_csv(folder / "train.csv", index=False)
    frame[test].drop(columns=["kind", "only_train"]).to_csv(folder / "test.csv", index=False)
    frame[test][["Id"]].assign(kind="a").to_csv(folder / "sample.csv", index=False)
    pd.DataFrame({"shop": range(40), "town": "x"}).to_csv(folder / "shops.csv", index=False)
    (folder / "about.md").write_text("Submissions are evaluated on accuracy.")
    return read_competition(folder)


@pytest.mark.parametrize(
    ("scheme", "column"),
    [("random", None), ("stratified", None), ("group", "shop"), ("time", "day"), ("blocks", "day")],
)
def test_the_parts_make_up_the_whole(tmp_path: Path, scheme: str, column: str | None) -> None:
    competition = make(tmp_path / "whole")
    out = cut_holdout(competition, Cut(("Id",), ("kind",), plan(scheme, column)), tmp_path / "out", 0.25, 3)
    assert not list((out / "public").glob("*answers*"))
    cut = read_competition(out)
    answers = pd.read_csv(out / "private" / "answers.csv")
    assert {f.path: f.role for f in cut.files}["public/shops.csv"] == "extra"
    assert cut.description == competition.description
    assert cut.sample is not None
    assert list(cut.test.columns) == list(competition.test.columns)
    assert list(cut.train.columns) == list(competition.train.columns)
    assert cut.sample["Id"].tolist() == cut.test["Id"].tolist() == answers["Id"].tolist()
    assert cut.sample["kind"].nunique() == 1
    together = pd.concat([cut.train, cut.test.merge(answers, on="Id")]).sort_values("Id")
    expected = competition.train.set_index("Id")
    pd.testing.assert_series_equal(together.set_index("Id")["kind"], expected["kind"])
    assert 0.15 < len(cut.test) / len(competition.train) < 0.35
    assert set(cut.train["kind"]) == {"a", "b", "c"}


def test_groups_stay_whole_and_time_goes_forward(tmp_path: Path) -> None:
    competition = make(tmp_path / "whole")
    train, test = competition.train, competition.test
    held = choose_rows(train, test, Cut(("Id",), ("kind",), plan("group", "shop")), 0.25, 0)
    assert not set(train["shop"][held]) & set(train["shop"][~held])
    held = choose_rows(train, test, Cut(("Id",), ("kind",), plan("time", "day")), 0.25, 0)
    assert train["day"][held].min() > train["day"][~held].max()
    held = choose_rows(train, test, Cut(("Id",), ("kind",), plan("blocks", "day")), 0.25, 0)
    day = pd.to_datetime(train["day"])
    for _, month in train.groupby([day.dt.year, day.dt.month]):
        rows = month.index
        assert held[rows].any()
        assert day[rows][held[rows]].min() > day[rows][~held[rows]].max()


@settings(deadline=None)
@given(
    labels=st.lists(st.sampled_from("abc"), min_size=4, max_size=80),
    fraction=st.floats(0.05, 0.9),
    seed=st.integers(0, 3),
    scheme=st.sampled_from(["random", "stratified"]),
)
def test_drawn_rows_keep_their_shares(labels: list[str], fraction: float, seed: int, scheme: str) -> None:
    train = pd.DataFrame({"id": range(len(labels)), "kind": labels})
    task = Cut(("id",), ("kind",), plan(scheme))
    held = choose_rows(train, train, task, fraction, seed)
    assert (held == choose_rows(train, train, task, fraction, seed)).all()
    assert abs(held.sum() - fraction * len(labels)) <= 1 + 3 * (scheme == "stratified")
    if scheme == "stratified":
        for label in set(labels):
            rows = (train["kind"] == label).to_numpy()
            assert abs(held[rows].sum() - fraction * rows.sum()) <= 2
            assert not held[rows].all()


def test_another_seed_draws_other_rows(tmp_path: Path) -> None:
    competition = make(tmp_path / "whole")
    task = Cut(("Id",), ("kind",), plan("random"))
    one, two = (choose_rows(competition.train, competition.test, task, 0.3, seed) for seed in (1, 2))
    assert (one != two).any()


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1.0, 1e-9])
def test_a_fraction_that_leaves_a_part_empty(tmp_path: Path, fraction: float) -> None:
    competition = make(tmp_path / "whole")
    with pytest.raises(InputError, match="fraction"):
        cut_holdout(competition, Cut(("Id",), ("kind",), plan("time", "day")), tmp_path / "out", fraction)
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    competition = make(tmp_path / "whole")
    with pytest.raises(InputError, match="not an empty folder"):
        cut_holdout(competition, Cut(("Id",), ("kind",), plan("random")), tmp_path / "whole")
    with pytest.raises(InputError, match="lies within the competition"):
        cut_holdout(competition, Cut(("Id",), ("kind",), plan("random")), tmp_path / "whole" / "cut")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        cut_holdout(competition, Cut(("Id",), ("kind",), plan("random")), tmp_path / "file" / "x")


@pytest.mark.parametrize(("shown", "expected"), [([0, 1], {0, 1}), ([0], {0}), ([0.25, 0.5, 0.75], {0.25})])
def test_the_sample_of_a_holdout_shows_labels_as_the_first_did(
    tmp_path: Path, shown: list[float], expected: set[float]
) -> None:
    rng = np.random.default_rng(0)
    train = pd.DataFrame({"id": range(200), "x": rng.normal(size=200), "y": rng.integers(0, 2, 200)})
    test = pd.DataFrame({"id": range(200, 260), "x": rng.normal(size=60)})
    sample = pd.DataFrame({"id": test["id"], "y": np.resize(shown, 60)})
    competition = little_competition(train, test, sample)
    out = cut_holdout(competition, infer_task(competition), tmp_path / "out")
    cut = pd.read_csv(out / "public" / "sample_submission.csv")
    assert set(cut["y"]) == expected
    assert infer_task(read_competition(out / "public")).metric == infer_task(competition).metric


@pytest.mark.parametrize("column", [None, "nothing", "kind"])
def test_a_scheme_without_a_usable_column(tmp_path: Path, column: str | None) -> None:
    competition = make(tmp_path / "whole")
    with pytest.raises(InputError, match="--folds"):
        cut_holdout(competition, Cut(("Id",), ("kind",), plan("time", column)), tmp_path / "out")
