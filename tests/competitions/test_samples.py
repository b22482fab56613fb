"""Samples of fewer or other rows than test, without a header, in another order or of another kind of file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from little import write

from medalist.competitions.competition import Competition, read_competition
from medalist.competitions.errors import InputError
from medalist.competitions.task.infer import infer_task

N, N_TEST = 80, 60


def tables() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {"plot": np.arange(N + N_TEST) * 3 + 7, "rain": rng.normal(size=N + N_TEST).round(3), "corn": 0.0}
    )
    frame["corn"] = (frame["rain"] * 2 + 30).round(2)
    test = frame[N:].reset_index(drop=True)
    return {"train": frame[:N], "test": test.drop(columns="corn"), "sample": test[["plot"]].assign(corn=0.0)}


def submitted(competition: Competition) -> pd.DataFrame:
    """A submission whose predictions are the places of the rows in test."""
    task = infer_task(competition)
    return task.submission(competition.test, np.arange(len(competition.test))[:, None], competition.sample)


SUBSET = np.arange(0, N_TEST, 3)


@pytest.mark.parametrize(
    ("rows", "text", "count"),
    [
        (range(5), "", N_TEST),
        (range(5), "Predict the corn of every row of the test set.", N_TEST),
        (range(40), "Predict the corn of every row of the test set.", N_TEST),
        (SUBSET, "", 20),
        (SUBSET, "Give one prediction for each id in test.csv.", N_TEST),
        (SUBSET, "Predict only the plots listed in the sample submission.", 20),
        (range(5), "Predict only the plots listed in the sample submission.", 5),
        (SUBSET, "The file has 60 rows and a header.", N_TEST),
        (range(5), "The file has a header and 5 rows.", 5),
    ],
)
def test_a_sample_of_fewer_rows_is_weighed_against_the_text(
    tmp_path: Path, rows: object, text: str, count: int
) -> None:
    plain = tables()
    write(tmp_path, train=plain["train"], test=plain["test"], form=plain["sample"].iloc[list(rows)])  # type: ignore[call-overload]
    (tmp_path / "about.md").write_text(f"{text} Submissions are evaluated by the root mean squared error.")
    competition = read_competition(tmp_path)
    frame = submitted(competition)
    assert len(frame) == count
    if count == N_TEST:
        assert frame["plot"].tolist() == plain["test"]["plot"].tolist()
        assert frame["corn"].tolist() == list(range(N_TEST))
    assert any("form.csv" in note and "of the 60 rows" in note for note in competition.notes)


def test_the_remedy_for_an_example_that_was_none(tmp_path: Path) -> None:
    plain = tables()
    write(tmp_path, train=plain["train"], test=plain["test"][:5], form=plain["sample"][:5])
    assert len(submitted(read_competition(tmp_path))) == 5


def test_an_example_with_ids_of_its_own(tmp_path: Path) -> None:
    plain = tables()
    form = pd.DataFrame({"plot": [1, 2, 3], "corn": 0.5})
    competition = read_competition(write(tmp_path, train=plain["train"], test=plain["test"], form=form))
    assert submitted(competition)["plot"].tolist() == plain["test"]["plot"].tolist()
    assert any("example of the form" in note for note in competition.notes)


def test_ids_of_train_in_the_sample_are_refused_and_the_remedy_works(tmp_path: Path) -> None:
    plain = tables()
    more = pd.concat([plain["train"][["plot"]].assign(corn=0.0)[-30:], plain["sample"]])
    write(tmp_path, train=plain["train"], test=plain["test"], form=more)
    with pytest.raises(
        InputError, match=r"30 ids of form.csv are not in test.csv but in train.csv.*take these rows out"
    ):
        read_competition(tmp_path)
    write(tmp_path, form=more[~more["plot"].isin(plain["train"]["plot"])])
    assert len(submitted(read_competition(tmp_path))) == N_TEST


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 9), start=st.sampled_from([0, 1, 500, 81]), with_id=st.booleans())
def test_rows_of_a_test_without_ids_are_numbered_by_the_sample(
    tmp_path_factory: pytest.TempPathFactory, seed: int, start: int, with_id: bool
) -> None:
    plain = tables()
    train = plain["train"].assign(plot=range(1, N + 1))
    test = plain["test"].drop(columns="plot").sample(frac=1, random_state=seed)
    form = pd.DataFrame({"plot": range(start, start + N_TEST), "corn": 0})
    folder = tmp_path_factory.mktemp("numbered")
    write(folder, train=train if with_id else train.drop(columns="plot"), test=test, form=form)
    frame = submitted(read_competition(folder))
    assert frame["plot"].tolist() == list(range(start, start + N_TEST))
    assert frame["corn"].tolist() == list(range(N_TEST))


@pytest.mark.parametrize("ids", ["numbers", "text"])
@pytest.mark.parametrize("shuffled", [False, True])
def test_a_sample_without_a_header(tmp_path: Path, ids: str, shuffled: bool) -> None:
    plain = tables()
    if ids == "text":
        plain = {n: f.assign(plot="k" + f["plot"].astype(str)) for n, f in plain.items()}
    form = plain["sample"].sample(frac=1, random_state=1) if shuffled else plain["sample"]
    write(tmp_path, train=plain["train"], test=plain["test"])
    form.to_csv(tmp_path / "form.csv", index=False, header=False)
    competition = read_competition(tmp_path)
    frame = submitted(competition)
    assert frame["plot"].tolist() == form["plot"].tolist()
    assert list(frame.columns) == ["plot", "corn"]
    assert any("no header line" in note for note in competition.notes)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_another_order_and_another_id(tmp_path: Path, suffix: str) -> None:
    plain = tables()
    form = plain["sample"].rename(columns={"plot": "Field"}).sample(frac=1, random_state=0)
    write(tmp_path, train=plain["train"], test=plain["test"])
    path = tmp_path / f"form.{suffix}"
    form.to_csv(path, index=False) if suffix == "csv" else form.to_parquet(path, index=False)
    competition = read_competition(tmp_path)
    frame = submitted(competition)
    assert frame["Field"].tolist() == form["Field"].tolist()
    places = dict(zip(plain["test"]["plot"], range(N_TEST), strict=True))
    assert frame["corn"].tolist() == [places[k] for k in form["Field"]]


def test_ids_that_no_column_of_test_has_are_matched_by_order(tmp_path: Path) -> None:
    plain = tables()
    form = pd.DataFrame({"key": [f"k{i * 7 % 61}" for i in range(N_TEST)], "corn": 0.5})
    train, test = (plain[n].drop(columns="plot") for n in ("train", "test"))
    competition = read_competition(write(tmp_path, train=train, test=test, form=form))
    assert submitted(competition)["corn"].tolist() == list(range(N_TEST))
    assert any("order of the rows" in note for note in competition.notes)


@pytest.mark.parametrize("of_text", [True, False])
def test_whole_numbers_in_the_sample_have_the_decimal_sign_of_train(tmp_path: Path, of_text: bool) -> None:
    """Train with 1.234 and 12,5 as text has commas, one with 12.5 beside them has points."""
    plain = tables()
    train = plain["train"].assign(corn=[f"{1000 + place:,}".replace(",", ".") for place in range(N)])
    files = {"train": train, "test": plain["test"], "sample": plain["sample"].assign(corn=0)}
    for name, frame in files.items():
        if name != "sample":
            frame = frame.assign(area=[f"{1 + place % 3}.{place % 9}50,5" for place in range(len(frame))])
        frame.to_csv(tmp_path / f"{name}.csv", sep=";", index=False, decimal="," if of_text else ".")
    competition = read_competition(tmp_path)
    assert competition.sample_form is not None
    assert competition.sample_form.decimal == ("," if of_text else ".")
