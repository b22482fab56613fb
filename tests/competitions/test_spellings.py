"""Values that test spells otherwise than train: yes and no, codes with a point, letter case, accents in two forms."""

import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.competitions.columns.spellings import same_spellings
from medalist.competitions.competition import read_competition


def spelled(train: list, test: list) -> tuple[list, list, tuple[str, ...]]:
    frames = [pd.DataFrame({"value": pd.Series(column, dtype=object)}) for column in (train, test)]
    one, two, notes = same_spellings(*frames)
    return one["value"].tolist(), two["value"].tolist(), notes


@pytest.mark.parametrize(
    ("train", "test", "right"),
    [
        (["Yes", "No"], ["1", "0", "1"], ["Yes", "No", "Yes"]),
        (["yes", "no"], ["TRUE", "FALSE"], ["yes", "no"]),
        (["1", "0"], ["N", "Y"], ["0", "1"]),
        (["Y", "N"], ["Yes", "No"], ["Y", "N"]),
        (["Ja"], ["1", "0"], ["Ja", "Nein"]),
        (["True", "False"], ["0", "1"], ["False", "True"]),
        (["3", "14", "2A"], ["3.0", "2A", "14.0", "7.0"], ["3", "2A", "14", "7"]),
        (["rome", "oslo"], ["Rome", " Oslo "], ["rome", "oslo"]),
        (["Orléans", "Ulm"], ["Orle\u0301ans"], ["Orléans"]),
    ],
)
def test_test_gets_the_spelling_of_train(train: list, test: list, right: list) -> None:
    one, two, notes = spelled(train, test)
    assert (one, two) == (train, right)
    assert ["'value'" in note for note in notes] == [True]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (["Yes", "No"], ["Yes", "0"]),  # both spellings in test: another meaning, perhaps
        (["2", "2.0"], ["2.0", "3.0"]),  # versions
        (["3", "14"], ["3", "3.0"]),
        (["a", "A"], [" a", " A"]),  # train tells letter case apart
        (["Rome", "Oslo"], ["Rome", "oslo"]),
        (["Yes", "No", "Maybe"], ["1", "0"]),
        (["left", "right"], ["1", "0"]),
        (["e\u0301t"], ["e\u0301t"]),  # one form alone stays as it is written
    ],
)
def test_what_may_differ_stays(train: list, test: list) -> None:
    assert spelled(train, test) == (train, test, ())


@settings(deadline=None)
@given(st.lists(st.text("aéöñçÅü ", min_size=1, max_size=6), min_size=1, max_size=8, unique=True))
def test_accents_in_either_form_are_the_same_values(words: list[str]) -> None:
    one, two, _ = spelled(words, [unicodedata.normalize("NFD", word) for word in words])
    assert one == two == words


def test_missing_values_stay_missing_and_numbers_meet_words(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    open_ = rng.random(90) < 0.5
    frame = pd.DataFrame({"id": range(90), "open": np.where(open_, "yes", "no"), "y": rng.normal(size=90)})
    test = frame[60:].drop(columns="y").assign(open=np.where(open_[60:], 1.0, 0.0))
    test.loc[65, "open"] = np.nan
    frame[:60].to_csv(tmp_path / "train.csv", index=False)
    test.to_csv(tmp_path / "test.csv", index=False)
    test[["id"]].assign(y=0.0).to_csv(tmp_path / "sample_submission.csv", index=False)
    read = read_competition(tmp_path)
    right = ["yes" if flag else "no" for flag in open_[60:]]
    assert read.test["open"].isna().tolist() == [row == 5 for row in range(30)]
    assert [v for row, v in enumerate(read.test["open"]) if row != 5] == right[:5] + right[6:]
    assert any("as in train" in note for note in read.notes)


def test_names_of_columns_in_two_forms_are_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"id": range(90), "größe": rng.normal(size=90), "y": rng.normal(size=90)})
    test = frame[60:].drop(columns="y")
    frame[:60].to_csv(tmp_path / "train.csv", index=False)
    test.rename(columns=lambda c: unicodedata.normalize("NFD", c)).to_csv(tmp_path / "test.csv", index=False)
    test[["id"]].assign(y=0.0).to_csv(tmp_path / "sample_submission.csv", index=False)
    assert list(read_competition(tmp_path).test.columns) == ["id", "größe"]
