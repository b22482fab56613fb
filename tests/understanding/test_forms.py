"""A competition is read as the same task and the same values in whichever of the supported ways it is written."""

from __future__ import annotations

import csv
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from forms import HOLDS, TEXT_KINDS, Form, Plain, plain, write
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from medalist.competitions.columns.dates import parse_dates
from medalist.competitions.competition import Competition, read_competition
from medalist.competitions.submission import write_submission
from medalist.competitions.task.infer import infer_task

DATES = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%m/%d/%Y", "%Y/%m/%d")


def read_as_plain(folder: Path, competition: Plain, form: Form) -> None:
    """Assert that the competition in a form is understood like its plain form, and has the values that were drawn."""
    as_it_is = understood(read_competition(write(folder / "plain", competition, Form()), name="same"))
    other = read_competition(write(folder / "other", competition, form), name="same")
    assert understood(other) == as_it_is
    same_values(other.train, competition.train)
    same_values(other.test, competition.test)
    assert other.sample is not None
    ids = competition.sample["id"].sample(frac=1, random_state=3) if form.shuffled_sample else competition.sample["id"]
    assert other.sample["id"].tolist() == ids.tolist()


def understood(competition: Competition) -> dict[str, object]:
    """What is inferred of a competition."""
    task = infer_task(competition)
    told = ("id", "targets", "problem_type", "metric", "metric_source", "classes", "layout", "submission_columns")
    features = set(task.features(competition.train, competition.test))
    folds = (task.folds.scheme, task.folds.column, task.folds.n_splits, task.folds.horizon)
    return {name: getattr(task, name) for name in told} | {"features": features, "folds": folds}


def same_values(read: pd.DataFrame, drawn: pd.DataFrame) -> None:
    """Assert that two tables have the same columns and values, rows by their ids."""
    assert sorted(read.columns) == sorted(drawn.columns)
    read = read.sort_values("id", key=lambda ids: ids.astype(int))
    for name in drawn.columns:
        if pd.api.types.is_datetime64_any_dtype(drawn[name]):
            days = parse_dates(read[name])
            assert days is not None, f"{name} holds no dates: {read[name].iloc[0]!r}"
            assert pd.to_datetime(days).tolist() == drawn[name].tolist(), name
        elif pd.api.types.is_numeric_dtype(drawn[name]):
            np.testing.assert_allclose(
                read[name].to_numpy(dtype=float), drawn[name].to_numpy(dtype=float), err_msg=name
            )
        else:
            assert read[name].astype(str).tolist() == drawn[name].tolist(), name


ONE_BY_ONE = {  # one way at a time, with what belongs to it
    "carriage returns": Form(line_end="\r\n"),
    "no last line end": Form(last_line_ends=False),
    "all quoted": Form(quote_all=True),
    "semicolons": Form(separator=";"),
    "tabs": Form(separator="\t"),
    "bars": Form(separator="|"),
    "decimal commas": Form(separator=";", decimal=","),
    "decimal commas in quotes": Form(decimal=",", quote_all=True),
    "points between thousands": Form(separator=";", decimal=",", thousands="."),
    "blanks between thousands": Form(separator=";", decimal=",", thousands=" "),
    "blanks that do not break": Form(separator=";", decimal=",", thousands="\u00a0"),
    "commas between thousands": Form(separator=";", thousands=","),
    "commas between thousands in quotes": Form(thousands=",", quote_all=True),
    "apostrophes between thousands": Form(thousands="'"),
    "sep line": Form(separator=";", sep_line=True),
    "sep line and decimal commas": Form(separator=";", decimal=",", sep_line=True, encoding="utf-8-sig"),
    "byte order mark": Form(encoding="utf-8-sig"),
    "utf-16": Form(encoding="utf-16"),
    "utf-16 with tabs": Form(encoding="utf-16", separator="\t", kind="txt"),
    "day first": Form(dates="%d/%m/%Y"),
    "day first with points": Form(dates="%d.%m.%Y"),
    "month first": Form(dates="%m/%d/%Y"),
    "blanks in a header": Form(header="blanks"),
    "capitals in a header": Form(header="capitals"),
    "train in parts": Form(split="parts"),
    "labels apart": Form(split="labels apart"),
    "sample in another order": Form(shuffled_sample=True),
    "txt": Form(kind="txt", separator="\t"),
    "tsv": Form(kind="tsv", separator="\t"),
    "json": Form(kind="json"),
    "jsonl": Form(kind="jsonl"),
    "parquet": Form(kind="parquet"),
    "parquet with rich types": Form(kind="parquet", types="rich"),
    "feather": Form(kind="feather"),
    "feather with rich types": Form(kind="feather", types="rich"),
    "parquet in parts": Form(kind="parquet", split="parts"),
    "jsonl with labels apart": Form(kind="jsonl", split="labels apart"),
    "a German export": Form(
        encoding="cp1252", separator=";", decimal=",", thousands=".", dates="%d.%m.%Y", line_end="\r\n"
    ),
    "a Russian export": Form(encoding="cp1251", separator=";", decimal=",", dates="%d.%m.%Y", line_end="\r\n"),
}


@pytest.mark.parametrize("labels", [False, True], ids=["numbers", "labels"])
@pytest.mark.parametrize("way", ONE_BY_ONE)
def test_one_way_of_writing_changes_nothing(tmp_path, way, labels):
    form = ONE_BY_ONE[way]
    assert form.possible
    read_as_plain(tmp_path, plain(7, HOLDS[form.encoding][-1], labels=labels, later=labels), form)


def test_days_after_train_are_what_folds_go_by_in_the_plain_form(tmp_path):
    """Else the other tests would compare nothing that depends on how days are read."""
    for later, scheme in ((True, "time"), (False, "random")):
        drawn = plain(7, later=later)
        assert understood(read_competition(write(tmp_path / scheme, drawn, Form())))["folds"][0] == scheme


AS_TEXT = {way: form for way, form in ONE_BY_ONE.items() if form.kind in TEXT_KINDS and form.split == "whole"}


@pytest.mark.parametrize("way", AS_TEXT)
def test_a_submission_is_written_as_the_sample_is(tmp_path, way):
    form, drawn = AS_TEXT[way], plain(8)
    competition = read_competition(write(tmp_path, drawn, form))
    assert competition.sample is not None
    values = competition.sample["id"].to_numpy(dtype=float) * 12.25
    written = tmp_path / "submission.csv"
    write_submission(competition.sample.assign(price=values), written, form=competition.sample_form)
    shown = (tmp_path / f"sample_submission.{form.kind}").read_bytes().decode(form.encoding)
    own = written.read_bytes().decode(form.encoding)
    heads = 2 if form.sep_line else 1
    assert own.split(form.line_end)[:heads] == shown.split(form.line_end)[:heads]
    assert own.count("\n") - shown.count("\n") in (0, 1)
    assert own.count("\r") - shown.count("\r") in (0, 1)
    rows = list(csv.reader(own.split(form.line_end)[heads:], delimiter=form.separator))
    rows = [row for row in rows if row]
    assert [row[0] for row in rows] == competition.sample["id"].astype(str).tolist()
    np.testing.assert_allclose([float(row[1].replace(form.decimal, ".")) for row in rows], values)


TEXT_FORMS = st.builds(
    Form,
    kind=st.sampled_from(TEXT_KINDS),
    encoding=st.sampled_from(list(HOLDS)),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    thousands=st.sampled_from(["", ".", ",", " ", "\u00a0", "'"]),
    dates=st.sampled_from(DATES),
    line_end=st.sampled_from(["\n", "\r\n"]),
    last_line_ends=st.booleans(),
    quote_all=st.booleans(),
    sep_line=st.booleans(),
    header=st.sampled_from(["plain", "blanks", "capitals"]),
    split=st.sampled_from(["whole", "parts", "labels apart"]),
    shuffled_sample=st.booleans(),
)
OTHER_FORMS = st.builds(
    Form,
    kind=st.sampled_from(["json", "jsonl", "parquet", "feather"]),
    types=st.sampled_from(["plain", "rich"]),
    dates=st.sampled_from(DATES),
    header=st.sampled_from(["plain", "blanks", "capitals"]),
    split=st.sampled_from(["whole", "parts", "labels apart"]),
    shuffled_sample=st.booleans(),
)
REPEATABLE = settings(
    derandomize=True,
    deadline=None,
    max_examples=10,
    phases=[Phase.explicit, Phase.generate],  # a form that fails is readable as it is
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@REPEATABLE
@given(
    st.one_of(TEXT_FORMS.filter(lambda form: form.possible), OTHER_FORMS.filter(lambda form: form.possible)),
    st.integers(0, 10**6),
    st.booleans(),
    st.booleans(),
    st.data(),
)
def test_any_ways_of_writing_together_change_nothing(form, seed, labels, later, data):
    words = data.draw(st.sampled_from(HOLDS[form.encoding]))
    folder = Path(tempfile.mkdtemp())
    try:
        read_as_plain(folder, plain(seed, words, labels=labels, later=later), form)
    finally:
        shutil.rmtree(folder)
