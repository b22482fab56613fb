"""The embedded competition: laid out as Kaggle does, the same every time, answers in a private part, worth solving."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import pytest

from medalist.competitions.competition import read_competition
from medalist.competitions.demo.late_parcels import make_demo, reference_field, write_demo
from medalist.competitions.errors import InputError


def test_it_is_laid_out_as_kaggle_does(tmp_path: Path) -> None:
    root = write_demo(tmp_path)
    files = sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
    assert files == [
        "private/answers.csv",
        "public/description.md",
        "public/sample_submission.csv",
        "public/test.csv",
        "public/train.csv",
    ]
    competition = read_competition(root)
    assert competition.name == root.name
    assert competition.notes == ()
    assert competition.sample is not None
    assert competition.sample["parcel_id"].tolist() == competition.test["parcel_id"].tolist()
    assert list(competition.sample.columns) == ["parcel_id", "late"]
    assert set(competition.train.columns) - set(competition.test.columns) == {"late"}
    answers = pd.read_csv(root / "private" / "answers.csv")
    assert answers["parcel_id"].tolist() == competition.test["parcel_id"].tolist()


def test_it_is_the_same_every_time_and_quick(tmp_path: Path) -> None:
    start = time.process_time()
    one, two = write_demo(tmp_path / "one"), write_demo(tmp_path / "two")
    assert time.process_time() - start < 4
    again = write_demo(tmp_path / "one")
    for file in (p for p in one.rglob("*") if p.is_file()):
        assert file.read_bytes() == (two / file.relative_to(one)).read_bytes()
    assert again == one


def test_it_has_what_real_tables_have() -> None:
    train, test, _, answers = make_demo()
    assert 0.1 < train["late"].mean() < 0.5
    assert abs(train["late"].mean() - answers["late"].mean()) < 0.05
    assert train["route"].nunique() > 200
    assert train["sender_rating"].isna().mean() > 0.1
    assert len(set(test["route"]) - set(train["route"])) < 5
    assert pd.to_datetime(train["handed_in"]).notna().all()
    assert not set(train["parcel_id"]) & set(test["parcel_id"])


def test_what_its_text_states_about_lateness_holds() -> None:
    train = make_demo()[0]
    late = train["late"]
    assert late[train["sender_rating"].isna()].mean() > late.mean() + 0.05
    assert late[train["note"].fillna("").str.contains("customs")].mean() > late.mean() + 0.1
    assert late[pd.to_datetime(train["handed_in"]).dt.month == 12].mean() > late.mean() + 0.05


def test_the_reference_field_runs_from_chance_to_strong() -> None:
    field = reference_field()
    scores = [score for _, score in field]
    assert len(field) == len(dict(field)) == 40
    assert scores == sorted(scores, reverse=True)
    assert min(scores) == 0.5
    assert 0.7 < max(scores) < 0.8


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_demo(tmp_path / "file")
