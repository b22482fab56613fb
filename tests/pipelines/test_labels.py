"""Ordered words, values of several labels, and the similarity of two texts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medalist.competitions.columns.cards import Kind, describe_columns
from medalist.competitions.columns.scales import places_of
from medalist.competitions.columns.several_labels import separator_of
from medalist.pipelines.features.base_sets import base_features
from medalist.pipelines.features.store import FeatureStore

GENRES = ("Action", "Comedy", "Drama", "Horror", "Science Fiction", "War")


def block(folder, train: pd.DataFrame, test: pd.DataFrame, text: str):
    return FeatureStore.create(folder, "words", train, test).block(text)


def test_words_have_their_place_in_the_scale_unseen_and_misspelt_ones_too(tmp_path):
    train = pd.DataFrame({"state": ["Poor", "Good", "Fair", "Exellent", "unknown", None, "good"] * 9})
    test = pd.DataFrame({"state": ["Very Good", "Fiar", "Excellent"]})
    values = block(tmp_path, train, test, "ordinal(state)")[:, 0]
    poor, good, fair, misspelt, unknown, missing, small = values[:7]
    very_good, swapped, excellent = values[-3:]
    assert poor < fair < good < very_good < excellent
    assert misspelt == excellent
    assert small == good
    assert swapped == fair
    assert np.isnan([unknown, missing]).all()


def test_ranges_of_numbers_are_counted():
    ranges = ["18-24", "under 18", "65+", "25-64"]
    assert sorted(places_of(["5 to 9", "0 to 4", "10 to 20"], np.ones(3)).items(), key=lambda p: p[1]) == [
        ("0 to 4", 0.0), ("5 to 9", 1.0), ("10 to 20", 2.0),
    ]  # fmt: skip
    assert places_of([*ranges, "red", "blue", "green"], np.ones(7)) == {}


@pytest.mark.parametrize(
    "values", [("red", "blue", "green"), ("low", "high"), ("Oslo", "Good", "Rome", "Bern", "Fair")]
)
def test_other_words_have_no_order(values):
    assert places_of(list(values), np.full(len(values), 10)) == {}


def test_ordered_words_are_numbers_beside_categories_in_every_set():
    words = np.array(["low", "medium", "high", "vry high", "very high"])
    frame = pd.DataFrame({"risk": words[np.random.default_rng(0).integers(0, 5, 400)]})
    (card,) = describe_columns(frame[:300], frame[300:])
    assert card.kind is Kind.ORDINAL
    for wants in ("trees", "linear"):
        assert base_features((card,), wants, 300) == ("ordinal(risk)", "code(risk)")


def cells(mark: str, n: int = 500) -> list[str]:
    rng = np.random.default_rng(1)
    return [mark.join(rng.permutation(GENRES)[: rng.integers(1, 5)]) for _ in range(n)]


@pytest.mark.parametrize("mark", ["|", ", ", ";", " / ", "+"])
def test_the_mark_between_labels_is_found(mark):
    texts, counts = np.unique(cells(mark), return_counts=True)
    assert separator_of(texts, counts) == mark.strip()


def test_parts_with_a_place_and_sentences_are_no_labels():
    rng = np.random.default_rng(2)
    cabins = [f"{rng.choice(list('ABC'))}/{rng.integers(0, 50)}/{rng.choice(list('PS'))}" for _ in range(500)]
    towns = [f"{rng.choice(['Bern', 'Basel', 'Thun'])}, {rng.choice(['Aare', 'Rhine'])}" for _ in range(500)]
    words = "we all like to go out, however not today because of rain and the long way home".split()  # noqa: SIM905
    prose = [" ".join(rng.choice(words, 12)) for _ in range(300)]
    for made in (cabins, towns, prose):
        texts, counts = np.unique(made, return_counts=True)
        assert separator_of(texts, counts) == ""


def test_each_label_of_a_value_is_a_column(tmp_path):
    made = cells("|")
    train, test = pd.DataFrame({"genres": [*made, None]}), pd.DataFrame({"genres": ["War|Drama", "Western"]})
    (card,) = describe_columns(train, test)
    assert card.separator == "|"
    assert {"label_count(genres)", "labels(genres)"} <= set(base_features((card,), "linear", len(train)))
    assert "frequent_labels(genres, 32)" in base_features((card,), "trees", len(train))
    matrix = block(tmp_path / "a", train, test, "labels(genres)")
    counts = np.asarray(matrix.sum(axis=1)).ravel()
    assert matrix.shape[1] == len(GENRES)
    assert counts[: len(made)].tolist() == [len(m.split("|")) for m in made]
    assert counts[-3:].tolist() == [0, 2, 0]
    flags = block(tmp_path / "b", train, test, "frequent_labels(genres, 3)")
    assert flags.shape[1] == 3
    assert np.isnan(flags[len(made)]).all()
    most = max(GENRES, key=lambda g: sum(g in m.split("|") for m in made))
    assert flags[: len(made), 0].tolist() == [float(most in m.split("|")) for m in made]


def test_texts_that_share_words_are_similar(tmp_path):
    train = pd.DataFrame(
        {
            "a": ["how old is the tower", "how old is the tower", "red wine", None, "blue"],
            "b": ["how old is the tower", "the tower is very high", "green grass", "red", "Blue!"],
        }
    )
    shared, shorter, cosine = block(tmp_path, train, train[:1], "similarity(a, b)").T
    assert shared[:3] == pytest.approx([1, 3 / 7, 0])
    assert shorter[:3] == pytest.approx([1, 3 / 5, 0])
    assert cosine[0] == pytest.approx(1)
    assert 0 < cosine[1] < 1
    assert cosine[2] == 0
    assert np.isnan(shared[3])
    assert shared[4] == cosine[4] == pytest.approx(1)
