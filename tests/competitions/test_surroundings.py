"""What stands around a table in its file is skipped with a note; headers of numbers are told from rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from little import source_of

from medalist.competitions.competition import read_competition
from medalist.competitions.errors import InputError
from medalist.competitions.submission import write_submission
from medalist.competitions.tables.reading import load, read_header, read_headerless, read_table
from medalist.competitions.tables.source import as_siblings

ROWS = "1;2,5;north\n2;3,25;south\n3;1,5;north\n4;10;west\n"
EXPECTED = {"no": [1, 2, 3, 4], "rain": [2.5, 3.25, 1.5, 10], "side": ["north", "south", "north", "west"]}


def table_of(tmp_path: Path, text: str, name: str = "t.csv") -> dict[str, list]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    assert list(read_header(source_of(path)).columns) == list(read_table(path).columns)
    return read_table(path).to_dict("list")


@pytest.mark.parametrize(
    ("above", "below", "noted"),
    [
        ("", "", 0),
        ("sep=;\n", "", 0),
        ('"sep=;"\n', "", 0),
        ("SEP=;\r\n", "", 0),
        ("\n\n", "", 0),
        ("Rain in 2024\n", "", 1),
        ("Rain, in 2024\n\n", "", 1),
        ("Rain in 2024;;\n;;\n", "", 1),
        ("# station 7\n# exported by hand; see notes; twice\n", "", 1),
        ("Station:;7\n", "", 1),
        ("", ";[mm];\n", 1),
        ("", ";mm;\n", 1),
        ("", "-;(mm);-\n", 1),
        ("", "int;float;text\n", 1),
        ("sep=;\nRain\n", ";mm;\n", 2),
    ],
)
@pytest.mark.parametrize("footer", ["", "Total;17,25;\n", "\nSource: the weather office\n", "Sum\n* measured\n"])
def test_lines_around_a_table(tmp_path: Path, above: str, below: str, noted: int, footer: str) -> None:
    text = f"{above}no;rain;side\n{below}{ROWS}{footer}"
    assert table_of(tmp_path, text) == EXPECTED
    notes = load(source_of(tmp_path / "t.csv")).notes
    assert len(notes) == noted + bool(footer)
    assert all(note.startswith("t.csv") for note in notes)


@pytest.mark.parametrize(
    "text",
    [
        "a,b,c\n,NA,x\n1,2,x\n2,3,y\n3,4,z\n4,5,z\n",  # gaps are no units
        "city,size,kind\nRome,?,x\nOslo,2,x\nLima,3,y\nBonn,4,z\nKiel,5,z\n",
        "city,kind\nRome,big\nOslo,small\nLima,big\nBonn,big\n",
        "name,note\nSource: x,1\nTotal,2\nSum,3\nMean,4\n",
        "code,value\nA1,1\nA2,2\nA3,3\nTotalis,4\n",
        "word\nTotal\nSource\nx\ny\nTotal\n",
        "#id,b\n1,2\n3,4\n5,6\n",
    ],
)
def test_ordinary_rows_are_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    expected = pd.read_csv(path)
    assert len(read_table(path)) == len(expected)
    assert list(read_table(path).columns) == list(expected.columns)
    assert not [note for note in load(source_of(path)).notes if "skipped" in note]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no rain side\n1 2.5 north\n2 3.5 south\n3 4 west\n", [2.5, 3.5, 4]),
        ("no   rain side\n 1   2.5 north\n20   3.5 south\n 3  14.0 west\n", [2.5, 3.5, 14]),
        ("no:rain:side\n1:2.5:a\n2:3.5:b\n3:4:c\n", [2.5, 3.5, 4]),
        ("no^rain^side\n1^2,5^a\n2^3,5^b\n3^4,0^c\n", [2.5, 3.5, 4]),
        ("'no','rain','side'\n1,2.5,'a, b'\n2,3.5,'c'\n3,4,'d'\n", [2.5, 3.5, 4]),
        ('no,rain,side\n1,2.5,"a \\"b\\", c"\n2,3.5,"d"\n3,4,"e"\n', [2.5, 3.5, 4]),
        ("no;rain;side\n1;2,5;a;\n2;3,5;b;\n3;4;c;\n", [2.5, 3.5, 4]),
        ("no;rain;side;\n1;2,5;a;\n2;3,5;b;\n3;4;c;\n", [2.5, 3.5, 4]),
        ("no,rain,side,,\n1,2.5,a,,\n2,3.5,b,,\n3,4,c,,\n", [2.5, 3.5, 4]),
        ("no;rain;side\r1;2,5;a\r2;3,5;b\r3;4;c\r", [2.5, 3.5, 4]),
    ],
)
def test_separators_and_quotes(tmp_path: Path, text: str, expected: list[float]) -> None:
    read = table_of(tmp_path, text)
    assert list(read) == ["no", "rain", "side"]
    assert read["rain"] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a;b\n1;2,5\n2;-3,5\n", [2.5, -3.5]),
        ("a;b\n1;2,125\n2;-3,250\n", [2.125, -3.25]),
        ("a\tb\n1\t2,5\n2\t-3,5\n", [2.5, -3.5]),
        ("a\tb\n1\t0,125\n2\t1,500\n", [0.125, 1.5]),
        ("a|b\n1|-2,5\n2|7\n", [-2.5, 7]),
        ('a,b\n1,"2,5"\n2,"-3,75"\n', [2.5, -3.75]),
        ('"a","b"\n"1","2,5"\n"2","-3,75"\n', [2.5, -3.75]),
        ("a;b\n1;2.5\n2;3.5\n", [2.5, 3.5]),
        ("a,b\n1,2.5\n2,3.125\n", [2.5, 3.125]),
    ],
)
def test_decimal_signs(tmp_path: Path, text: str, expected: list[float]) -> None:
    assert table_of(tmp_path, text)["b"] == expected


def test_a_few_points_between_thousands_do_not_hide_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a;b;c\n" + "".join(f"{i};{i},5;{'1.110' if i == 7 else i}\n" for i in range(40)))
    table = load(source_of(path))
    assert table.form.decimal == ","
    assert table.frame["b"].tolist() == [i + 0.5 for i in range(40)]


def test_a_line_with_too_many_fields_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Prices\n\nid,price,text\n1,2,a\n2,3,b\n3,4,c\n4,5,d, e\n5,6,f\n")
    with pytest.raises(InputError, match="line 7"):
        read_table(path)


def numbered(n: int, names: list[str]) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(n, len(names))).round(3), columns=names)
    frame["grade"] = rng.choice(["a", "b"], n)
    sample = pd.DataFrame({"nr": range(n - 60), "grade": "a"})
    return {"train": frame[:60], "test": frame[60:].drop(columns="grade"), "sample_submission": sample}


@pytest.mark.parametrize(
    "names",
    [
        ["0", "1", "2", "3", "4"],
        ["1", "2", "3", "4"],
        ["971", "701", "33"],
        ["400.5", "401.0", "401.5", "402.0"],
        ["7", "9"],
    ],
)
def test_numbers_are_names_where_they_count_or_stand_in_both_tables(tmp_path: Path, names: list[str]) -> None:
    for name, frame in numbered(100, names).items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    competition = read_competition(tmp_path)
    assert set(names) <= set(competition.train.columns)
    assert len(competition.train) == 60
    assert len(competition.test) == 40


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("1,2\n3,4\n5,6\n", "numbers"),
        ("5.1,3.5,1.4\n4.9,3.0,1.4\n4.7,3.2,1.3\n", "numbers"),
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n4.7,3.2,other\n", "values"),
    ],
)
def test_a_first_row_is_no_header(tmp_path: Path, text: str, kind: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=f"begins with {kind} .*add a header line"):
        read_header(source_of(path))
    path.write_text(("a,b\n" if kind == "numbers" and text[0] == "1" else "a,b,c\n") + text)  # the remedy
    assert len(read_table(path)) == 3
    assert read_header(source_of(path)).columns[0] == "a"


def test_first_rows_that_differ_are_no_headers(tmp_path: Path) -> None:
    sources = []
    for name, text in (("one", "7,9\n1,2\n3,4\n"), ("two", "8,9\n5,6\n7,1\n")):
        (tmp_path / f"{name}.csv").write_text(text)
        sources.append(source_of(tmp_path / f"{name}.csv"))
    for source in as_siblings(sources):
        with pytest.raises(InputError, match="header"):
            read_header(source)


def test_the_submission_has_the_sample_form(tmp_path: Path) -> None:
    """Separator, line ends, and UTF-8 for a label that has no letters in the sample's encoding."""
    train = "nr;rain;kind\r\n" + "".join(f"{i};{i},5;{'Ω' if i % 2 else 'x'}\r\n" for i in range(40))
    test = "nr;rain\r\n" + "".join(f"{i};{i},25\r\n" for i in range(40, 60))
    sample = "Nr. é;kind\r\n" + "".join(f"{i};x\r\n" for i in range(40, 60))
    (tmp_path / "train.csv").write_text(train.replace("nr", "Nr. é"), encoding="utf-8", newline="")
    (tmp_path / "test.csv").write_text(test.replace("nr", "Nr. é"), encoding="utf-8", newline="")
    (tmp_path / "sample_submission.csv").write_text(sample, encoding="cp1252", newline="")
    competition = read_competition(tmp_path)
    form = competition.sample_form
    assert form is not None
    assert (form.separator, form.line_end, form.encoding, form.mark) == (";", "\r\n", "utf-8", b"")
    assert any("'Ω'" in note and "UTF-8" in note for note in competition.notes)


@pytest.mark.parametrize(
    ("zero", "train_sign", "expected"), [("0", ",", ","), ("0", ".", "."), ("0,0", ",", ","), ("0.0", ",", ".")]
)
def test_the_submission_has_the_decimal_sign_of_the_sample_or_else_of_train(
    tmp_path: Path, zero: str, train_sign: str, expected: str
) -> None:
    rows = "".join(f"{i};{i}{train_sign}5;{2 * i}{train_sign}25\n" for i in range(40))
    (tmp_path / "train.csv").write_text("nr;rain;level\n" + rows)
    (tmp_path / "test.csv").write_text("nr;rain\n" + "".join(f"{i};{i}{train_sign}5\n" for i in range(40, 60)))
    (tmp_path / "sample_submission.csv").write_text("nr;level\n" + "".join(f"{i};{zero}\n" for i in range(40, 60)))
    competition = read_competition(tmp_path)
    assert competition.sample_form is not None
    assert competition.sample_form.decimal == expected
    assert any("no decimal sign" in note for note in competition.notes) == (zero == "0" and train_sign == ",")


@pytest.mark.parametrize("decimal", [".", ","])
def test_the_submission_has_no_header_where_the_sample_has_none(tmp_path: Path, decimal: str) -> None:
    form = {"index": False, "sep": ";", "decimal": decimal}
    frame = pd.DataFrame({"nr": range(1000, 1060), "rain": np.arange(60) / 4, "level": np.arange(60) / 2})
    frame[:40].to_csv(tmp_path / "train.csv", **form)
    frame[40:].drop(columns="level").to_csv(tmp_path / "test.csv", **form)
    answer = frame[40:][["nr", "level"]]
    answer.assign(level=0.0).to_csv(tmp_path / "sample_submission.csv", header=False, **form)
    competition = read_competition(tmp_path)
    assert competition.sample_form is not None
    write_submission(answer, tmp_path / "answer.csv", competition.sample_form)
    assert (tmp_path / "answer.csv").read_text() == answer.to_csv(header=False, **form)
    read = read_headerless(tmp_path / "answer.csv", ["nr", "level"])
    assert read is not None
    assert read.to_dict("list") == answer.to_dict("list")
    assert read_headerless(tmp_path / "answer.csv", ["nr"]) is None


@pytest.mark.parametrize("separator", [" ", ",", "\t", ";"])
@pytest.mark.parametrize("named", [True, False])
def test_names_of_rows_without_a_name_in_the_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, separator: str, named: bool
) -> None:
    """As R's write.table writes them."""
    rows = [(f'"car {i}"' if named else f'"{i + 1}"', 40 + i, i % 3 + 0.5, f'"t{i % 2}"') for i in range(30)]
    lines = [separator.join(('"nr"', '"size"', '"town"')), *(separator.join(map(str, row)) for row in rows)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    table = load(source_of(path))
    assert table.frame.iloc[:, 1:].columns.tolist() == ["nr", "size", "town"]
    assert read_header(source_of(path)).columns == tuple(table.frame.columns)
    assert table.frame["nr"].tolist() == list(range(40, 70))
    assert table.frame["town"].tolist() == [f"t{i % 2}" for i in range(30)]
    assert table.frame.iloc[0, 0] == ("car 0" if named else 1)
    assert any("names of rows" in note for note in table.notes)
    if separator != " ":
        monkeypatch.setenv("MEDALIST_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("medalist.competitions.tables.reading.LARGE_BYTES", 10)
        assert read_table(path)["nr"].tolist() == list(range(40, 70))


def test_a_header_that_is_one_short_for_another_reason_is_refused(tmp_path: Path) -> None:
    for lines in (["nr,text", *(f"{i},so much, and more" for i in range(9))], ["a,b", *("7,1,2" for _ in range(9))]):
        path = tmp_path / "t.csv"
        path.write_text("\n".join(lines) + "\n")
        with pytest.raises(InputError, match="more fields in rows"):
            read_table(path)


def test_units_in_brackets_without_a_letter(tmp_path: Path) -> None:
    lines = ["id,size,share,town", ",[km],[-],", *(f"{i},{i / 4},{i % 3},Ulm" for i in range(20))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    assert read_table(tmp_path / "t.csv")["id"].tolist() == list(range(20))
