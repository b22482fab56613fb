"""A table written in any supported way is read as the same columns and values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from little import roles, source_of
from written_files import grid, workbook, written

from medalist.competitions.competition import read_competition
from medalist.competitions.errors import InputError
from medalist.competitions.tables.reading import load, read_header, read_table
from medalist.competitions.tables.text_form import TextForm, table_bytes

ORDINARY = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = ["Köln", "São Paulo", "a;b", "x,y", 'say "hi"', "it's", "tab\there", "plain", "two words", "Zürich | See"]


def frames(words: list[str] = WORDS) -> st.SearchStrategy[pd.DataFrame]:
    """Tables of an id, a number with decimals and gaps, a whole number, and a word, of 4 to 12 rows."""
    numbers = st.one_of(st.none(), st.integers(-(10**6), 10**6).map(lambda i: i / 1000))
    rows = st.lists(st.tuples(numbers, st.integers(-(10**6), 10**6), st.sampled_from(words)), min_size=4, max_size=12)

    def frame(values: list[tuple[float | None, int, str]]) -> pd.DataFrame:
        size, count, word = zip(*values, strict=True)
        made = {
            "row": range(7, 7 + len(values)),
            "size": (0.25, *size[1:]),
            "count": count,
            "word": ("Köln", *word[1:]),
        }
        return pd.DataFrame(made).astype({"size": float})

    return rows.map(frame)


def assert_same(read: pd.DataFrame, frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(read, frame, check_dtype=False, check_index_type=False, check_column_type=False)


FORMS = st.builds(
    TextForm,
    encoding=st.sampled_from(["utf-8", "cp1252", "utf-16-le", "utf-16-be"]),
    separator=st.sampled_from([",", ";", "\t", "|", "^", "~"]),
    decimal=st.sampled_from([".", ","]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quote=st.sampled_from(['"', "'"]),
    escape=st.sampled_from([None, "\\"]),
    style=st.sampled_from(["minimal", "text", "all"]),
    above=st.sampled_from(["", "Report of May\n", "Sizes\n\n", "# made by hand\n"]),
    below=st.sampled_from(["", "units"]),
    final_newline=st.booleans(),
)


@ORDINARY
@given(frame=frames(), form=FORMS)
def test_text_of_any_form(tmp_path_factory: pytest.TempPathFactory, frame: pd.DataFrame, form: TextForm) -> None:
    separator, quote = form.separator, form.quote
    plain = quote == '"' and form.escape is None
    if not plain:  # other quotes show where they stand around every word
        form = TextForm(
            **{**form.__dict__, "style": "text", "encoding": "utf-8", "escape": form.escape if quote == '"' else None}
        )
    above = form.above.replace("\n", form.line_end)
    cells = ["", "[m]", "[n]", ""] if form.below else []
    below = separator.join(cells) + form.line_end if cells else ""
    form = TextForm(**{**form.__dict__, "above": above, "below": below})
    path = tmp_path_factory.mktemp("form") / "t.csv"
    path.write_bytes(table_bytes(frame, form))
    table = load(source_of(path))
    assert_same(table.frame, frame)
    assert read_header(source_of(path)).columns == tuple(frame.columns)
    assert table.form.decimal == form.decimal or not frame["size"].notna().any()
    assert table.form.separator == separator


@ORDINARY
@given(frame=frames(), form=FORMS)
def test_a_submission_in_the_sample_form_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, frame: pd.DataFrame, form: TextForm
) -> None:
    """The form is found in a sample and taken for a submission, which reads as the same table and has the same form."""
    if form.quote != '"' or form.escape:
        form = TextForm(**{**form.__dict__, "style": "text", "quote": '"', "escape": None})
    form = TextForm(
        **{**form.__dict__, "above": f"sep={form.separator}{form.line_end}" if form.above else "", "below": ""}
    )
    folder = tmp_path_factory.mktemp("sample")
    sample, answer = folder / "sample.csv", folder / "answer.csv"
    sample.write_bytes(table_bytes(frame, form))
    found = load(source_of(sample)).form
    answer.write_bytes(table_bytes(frame, found))
    assert_same(read_table(answer), frame)
    assert answer.read_bytes() == sample.read_bytes()


FILES = [
    "t.csv", "t.tsv", "t.tab", "t.txt", "t.dat", "t.data", "t.csv.gz", "t.csv.bz2", "t.csv.xz", "t.jsonl", "t.ndjson",
    "records.json", "columns.json", "index.json", "split.json", "table.json", "t.feather", "t.arrow", "t.ipc", "t.orc",
    "t.parquet", "t.xlsx",
]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frame=frames())
def test_files_of_any_kind(tmp_path_factory: pytest.TempPathFactory, name: str, frame: pd.DataFrame) -> None:
    if name.endswith(".xlsx"):
        pytest.importorskip("python_calamine")
    source = source_of(written(frame, tmp_path_factory.mktemp("kind") / name))
    assert_same(read_table(source.file), frame)


def test_zstandard(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    path = tmp_path / "t.csv.zst"
    with pa.CompressedOutputStream(str(path), "zstd") as stream:
        stream.write(frame.to_csv(index=False).encode())
    assert_same(read_table(path), frame)


def tables() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"nr": range(100), "dose": rng.normal(size=100).round(3), "arm": rng.choice(["a", "b"], 100)})
    frame["gain"] = (3 * frame["dose"]).round(2)
    test = frame[70:].reset_index(drop=True)
    return {"train": frame[:70], "test": test.drop(columns="gain"), "sample_submission": test[["nr"]].assign(gain=0.0)}


@pytest.mark.parametrize(
    "kind", ["{}.txt", "{}.dat", "{}.jsonl", "records-{}.json", "{}.feather", "{}.orc", "{}.xlsx", "{}.csv.xz"]
)
def test_a_competition_of_files_of_any_kind(tmp_path: Path, kind: str) -> None:
    if kind.endswith(".xlsx"):
        pytest.importorskip("python_calamine")
    for name, frame in tables().items():
        written(frame.reset_index(drop=True), tmp_path / kind.format(name))
    (tmp_path / "about.txt").write_text("Predict the gain.\n\nEvaluation: RMSE, of gain, by nr.\n")
    competition = read_competition(tmp_path)
    assert_same(competition.train, tables()["train"])
    assert_same(competition.test, tables()["test"])
    assert "RMSE" in competition.description
    assert roles(competition)["about.txt"] == "description"


def test_a_workbook_of_three_sheets_is_a_competition(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    sheets = {name: grid(frame) for name, frame in tables().items()}
    sheets["train"] = [["Trial of 2021"], [], *sheets["train"]]
    book = workbook(tmp_path / "trial.xlsx", sheets)
    for place in (book, tmp_path):
        competition = read_competition(place)
        assert_same(competition.train, tables()["train"])
        assert_same(competition.test, tables()["test"])
        assert any("Trial of 2021" in note for note in competition.notes)


def test_a_workbook_without_its_reader_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook(tmp_path / "t.xlsx", {"one": [["a", "b"], [1, 2]]})
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    with pytest.raises(InputError, match=r"pip install 'medalist\[excel\]'"):
        read_table(path)


@pytest.mark.parametrize("name", ["data.7z", "data.rar"])
def test_archives_that_are_not_opened_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(InputError, match="unpack it"):
        read_competition(tmp_path)
    with pytest.raises(InputError, match="unpack it"):
        read_competition(tmp_path / name)
    for file, frame in tables().items():
        frame.to_csv(tmp_path / f"{file}.csv", index=False)  # the remedy
    assert len(read_competition(tmp_path).train) == 70


@pytest.mark.parametrize(
    "text",
    [
        "Predict the price, in euros.\nScores: RMSE.\nHand in a csv.\n",
        "# Task\n\nid, price\n\nEvaluation: MAE\n",
        "one word a line\nof text\n",
        "price: what the house costs, in euros\nsize: its size, in square metres\ncity: where it stands, now\n",
    ],
)
def test_a_text_is_no_table(tmp_path: Path, text: str) -> None:
    (tmp_path / "data.txt").write_text(text)
    for file, frame in tables().items():
        frame.to_csv(tmp_path / f"{file}.csv", index=False)
    assert roles(read_competition(tmp_path))["data.txt"] in ("description", "ignored")


def test_documents_of_json_that_are_no_tables_are_left_alone(tmp_path: Path) -> None:
    for file, frame in tables().items():
        frame.to_csv(tmp_path / f"{file}.csv", index=False)
    (tmp_path / "about.json").write_text('{"title": "A trial", "keywords": ["a", "b"], "rows": 100}')
    competition = read_competition(tmp_path)
    assert not competition.notes
    assert roles(competition)["about.json"] == "ignored"


def test_values_within_records_are_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(
        '{"data": [{"id": 1, "at": {"x": 1.5, "y": null}, "tags": ["a"]}, {"id": 2, "at": {"x": 2, "y": 3}}]}'
    )
    table = load(source_of(path))
    assert table.frame["at.x"].tolist() == [1.5, 2]
    assert table.frame["at.y"].tolist()[1] == 3
    assert "tags" not in table.frame
    assert "'tags' holds lists" in table.notes[0]


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    if name.endswith(".xlsx"):
        pytest.importorskip("python_calamine")
    frame = pd.DataFrame({"row": range(30), "size": [i / 3 for i in range(30)], "word": ["é"] * 30})
    path = written(frame, tmp_path / name)
    whole = path.read_bytes()
    for data in (b"", whole[: len(whole) // 2], whole[len(whole) // 2 :], bytes(200), whole[:-1]):
        path.write_bytes(data)
        try:
            columns, read = read_header(source_of(path)).columns, read_table(path)
        except InputError as error:
            sentence = str(error)
        else:
            sentence = "" if tuple(read.columns) == columns else "the header differs from the table\n"
        assert "\n" not in sentence


@pytest.mark.parametrize(
    "form", [TextForm(above="Sizes\n\n", below=";[m];[n];\n", separator=";", decimal=",", line_end="\r\n")]
)
def test_a_large_file_of_another_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: TextForm) -> None:
    monkeypatch.setenv("MEDALIST_CACHE", str(tmp_path / "cache"))
    frame = pd.DataFrame(
        {"row": range(200), "size": [i / 4 for i in range(200)], "count": 7, "word": ["Köln", "é;e"] * 100}
    )
    path = tmp_path / "t.csv"
    path.write_bytes(table_bytes(frame, TextForm(**{**form.__dict__, "encoding": "cp1252"})))
    small = load(source_of(path))
    monkeypatch.setattr("medalist.competitions.tables.reading.LARGE_BYTES", 100)
    large = load(source_of(path))
    assert_same(large.frame, frame)
    assert large.digest == small.digest
    assert sorted(large.notes) == sorted(small.notes)
    assert large.form == small.form
