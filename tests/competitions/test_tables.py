"""Reading one table: every form gives the same frame, and what cannot be read is refused in one sentence."""

from __future__ import annotations

import gzip
import math
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from little import source_of

from medalist.competitions.errors import InputError
from medalist.competitions.tables.archive import list_sources
from medalist.competitions.tables.reading import load, read_header, read_table

FRAME = pd.DataFrame(
    {
        "id": [3, 1, 2, 9],
        "price": [1.5, math.nan, -2.25, 1e12],
        "city": ["Köln", "a,b", None, 'say "hi"'],
        "text": ["one\ntwo", "x", "y", None],
        "day": ["2020-01-01", "2020-01-02", "2020-02-03", "2021-01-01"],
        "flag": [True, False, True, True],
    }
)


def written(folder: Path, form: str) -> Path:
    path = folder / form
    text = FRAME.to_csv(index=False)
    if form.endswith(".parquet"):
        FRAME.to_parquet(path)
    elif form.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    elif form.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner/t.csv", text)
    elif form == "utf16.csv":
        path.write_text(text, encoding="utf-16")
    elif form == "bom.csv":
        path.write_text(text, encoding="utf-8-sig")
    elif form == "semicolons.csv":
        path.write_text(FRAME.to_csv(index=False, sep=";", decimal=","), encoding="utf-8")
    elif form == "tabs.tsv":
        path.write_text(FRAME.to_csv(index=False, sep="\t"), encoding="utf-8")
    elif form == "crlf.csv":
        path.write_bytes(FRAME.to_csv(index=False, lineterminator="\r\n").encode())
    else:
        path.write_text(text, encoding="utf-8")
    return path


FORMS = ["t.csv", "t.csv.gz", "t.csv.zip", "t.parquet", "utf16.csv", "bom.csv", "semicolons.csv", "tabs.tsv"]
FORMS.append("crlf.csv")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_frame(tmp_path: Path, form: str) -> None:
    pd.testing.assert_frame_equal(read_table(written(tmp_path, form)), FRAME, check_dtype=form != "t.parquet")


@pytest.mark.parametrize("form", FORMS)
def test_header_names_the_columns_of_the_frame(tmp_path: Path, form: str) -> None:
    (path,) = [written(tmp_path, form)]
    source = list_sources(path)[0][0] if path.suffix == ".zip" else source_of(path)
    assert read_header(source).columns == tuple(FRAME.columns) == tuple(load(source).frame.columns)


def test_the_digest_is_of_the_unpacked_bytes(tmp_path: Path) -> None:
    plain, packed = written(tmp_path, "t.csv"), written(tmp_path, "t.csv.gz")
    zipped = list_sources(written(tmp_path, "t.csv.zip"))[0][0]
    assert load(source_of(plain)).digest == load(source_of(packed)).digest == load(zipped).digest


def test_latin_1_is_read_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("id,city\n1,Zürich\n".encode("latin-1"))
    table = load(source_of(path))
    assert table.frame["city"].tolist() == ["Zürich"]
    assert "not UTF-8" in table.notes[0]


def test_placeholders_become_missing_and_mixtures_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{i},{i / 2 if i % 7 else '?'},{i if i != 50 else 'many'},v{i},{i:03d}_0" for i in range(100)]
    path.write_text("id,size,count,code,key\n" + "\n".join(rows) + "\n")
    table = load(source_of(path))
    assert table.frame["size"].dtype == np.float64
    assert table.frame["size"].isna().sum() == 15
    assert table.frame["count"].tolist()[50] == "many"
    assert len(table.notes) == 2
    assert "'?'" in table.notes[0]
    assert "'many'" in table.notes[1]


def test_a_late_word_does_not_leave_two_types_in_a_column(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"{i},2\n" for i in range(300_000)) + "x,3\n")
    assert set(map(type, read_table(path)["a"])) == {str}


def test_booleans_with_missing_values_stay_booleans(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,flag\n1,True\n2,\n3,False\n")
    assert read_table(path)["flag"].dropna().tolist() == [True, False]


def test_columns_can_be_kept_as_text_or_letter_by_letter(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,label\n007,None\n010,cat\n011,\n")
    frame = load(source_of(path), text=["id"], exact=["label"]).frame
    assert frame["id"].tolist() == ["007", "010", "011"]
    assert frame["label"].tolist()[:2] == ["None", "cat"]
    assert frame["label"].isna().tolist() == [False, False, True]


def test_repeated_names_get_a_number_and_a_note(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,a,\n1,2,3\n")
    table = load(source_of(path))
    assert tuple(table.frame.columns) == read_header(source_of(path)).columns == ("a", "a.1", "Unnamed: 2")
    assert "several columns named a" in table.notes[0]


@pytest.mark.parametrize(
    ("content", "noted"),
    [
        (b"a,b,c\n1,2,3\n4,5", True),
        (b"a;b;c\r\n1;2;3\r\n4", True),
        (b'a,b,c\n1,2,3\n4,"5,6"', True),
        (b"a,b,c\n1,2,3\n4,5\n", False),  # a short line that ends is taken as meant
        (b"a,b,c\n1,2,3\n4,5,6", False),
        (b'a,b,c\n1,2,3\n4,5,"x\ny"', False),
        (b"a,b,\n1,2,\n3,4", False),
        (b"a\n1\n2", False),
        (b"a,b,c", False),
    ],
)
def test_a_file_that_was_cut_short_is_noted(tmp_path: Path, content: bytes, noted: bool) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    assert any("ends in the middle of a line" in n for n in load(source_of(path)).notes) == noted


def test_a_separator_at_the_end_of_every_line_does_not_shift_the_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2,\n3,4,\n")
    assert read_table(path).to_dict("list") == {"a": [1, 3], "b": [2, 4]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"a,b\n1,2\n1,2,3\n", "line 3"),
        (b'a,b\n1,"2\n3,4\n', "cannot be read"),
        (b"a,b\n1,2,3\n1,2,3\n", "header"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no text"),
        (b"a,b\n1,\0\n", "no text"),
        (b"\xff\xfea\0,\0b\0\n\0\x00\xd8", "utf-16"),
    ],
)
def test_unreadable_text_is_refused_in_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_table(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1 nothing")
    with pytest.raises(InputError, match="parquet"):
        read_table(path)
    with pytest.raises(InputError, match="parquet"):
        read_header(source_of(path))


def test_parquet_gives_the_types_of_csv(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    frame = pd.DataFrame(
        {
            "at": pd.to_datetime(["2020-01-01", None, "2020-05-06"]),
            "kind": pd.Categorical(["a", "b", "a"]),
            "parts": [[1], [2, 3], []],
        }
    )
    frame.to_parquet(path)
    table = load(source_of(path))
    assert table.frame["at"].tolist()[::2] == ["2020-01-01", "2020-05-06"]
    assert table.frame["kind"].tolist() == ["a", "b", "a"]
    assert "parts" not in table.frame
    assert "'parts'" in table.notes[0]
